variable "job_name" {
  description = "The job's name; two jobs of the same namespace need different ones."
  type        = string
  default     = "@NAME@"

  validation {
    condition     = regex_replace(var.job_name, "^[a-z0-9][a-z0-9-]*$", "") == ""
    error_message = "Use small letters, digits and dashes, starting with a letter or digit."
  }
}

variable "datacenters" {
  description = "Where the job may run."
  type        = list(string)
  default     = ["*"]
}

variable "count" {
  description = "How many instances run."
  type        = number
  default     = 1

  validation {
    condition     = var.count >= 0
    error_message = "The count cannot be negative."
  }
}

variable "message" {
  description = "What each instance says."
  type        = string
  default     = "hello from @NAME@"
}

variable "resources" {
  description = "CPU in MHz and memory in MiB for each instance."
  type = object({
    cpu    = number
    memory = number
  })
  default = {
    cpu    = 50
    memory = 32
  }
}

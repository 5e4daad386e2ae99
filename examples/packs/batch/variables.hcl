variable "job_name" {
  description = "The job's name; two jobs of one namespace need different ones."
  type        = string
  default     = "batch"

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

variable "image" {
  description = "The image of the work, with a version."
  type        = string
  default     = "busybox:1.37.0"

  validation {
    condition     = can(regex(":[^:/]+$", var.image)) && !endswith(var.image, ":latest")
    error_message = "Name a version, as in name:1.2.3; not latest."
  }
}

variable "command" {
  description = "The program and its arguments."
  type        = list(string)
  default     = ["sh", "-c", "echo done"]

  validation {
    condition     = length(var.command) > 0
    error_message = "Name a program."
  }
}

variable "dispatched" {
  description = "Whether it runs only when it is dispatched, with a payload and these meta keys."
  type        = bool
  default     = false
}

variable "meta_keys" {
  description = "Meta keys that a dispatch has to give."
  type        = list(string)
  default     = []
}

variable "attempts" {
  description = "How often it is tried again when it fails."
  type        = number
  default     = 2

  validation {
    condition     = var.attempts >= 0 && var.attempts <= 20
    error_message = "Between 0 and 20."
  }
}

variable "env" {
  description = "Environment variables of the work."
  type        = map(string)
  default     = {}

  validation {
    condition     = alltrue([for name, value in var.env : can(regex("^[A-Za-z_][A-Za-z0-9_]*$", name))])
    error_message = "A variable's name has letters, digits and underscores."
  }
}

variable "resources" {
  description = "CPU in MHz and memory in MiB of each instance."
  type        = object({ cpu = number, memory = number })
  default = {
    cpu    = 200
    memory = 128
  }

  validation {
    condition     = var.resources.cpu > 0 && var.resources.memory >= 10
    error_message = "CPU has to be positive, and memory at least 10 MiB."
  }
}

variable "name" {
  description = "Who is greeted."
  type        = string
}

variable "count" {
  description = "How many greeters run."
  type        = number
  default     = 1
}

variable "every" {
  description = "Seconds between two greetings."
  type        = number
  default     = 2
}

variable "resources" {
  description = "CPU in MHz and memory in MiB for each greeter."
  type = object({
    cpu    = number
    memory = number
  })
  default = {
    cpu    = 20
    memory = 16
  }
}

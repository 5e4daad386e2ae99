variable "job_name" {
  description = "The job's name; two jobs of one namespace need different ones."
  type        = string
  default     = "logs"

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
  description = "The image of Vector, with a version."
  type        = string
  default     = "timberio/vector:0.43.1-alpine"

  validation {
    condition     = can(regex(":[^:/]+$", var.image)) && !endswith(var.image, ":latest")
    error_message = "Name a version, as in name:1.2.3; not latest."
  }
}

variable "sink" {
  description = "Where lines go: console, http or loki."
  type        = string
  default     = "console"

  validation {
    condition     = contains(["console", "http", "loki"], var.sink)
    error_message = "The sink is console, http or loki."
  }
}

variable "address" {
  description = "The address of the sink; not needed for console."
  type        = string
  default     = ""

  validation {
    condition     = var.address == "" || can(regex("^https?://", var.address))
    error_message = "An address begins with http:// or https://."
  }
}

variable "paths" {
  description = "The files on the node that are read."
  type        = list(string)
  default     = ["/var/log/syslog", "/var/log/messages", "/var/lib/drover/alloc/*/alloc/logs/*.std*.*"]

  validation {
    condition     = length(var.paths) > 0
    error_message = "Name at least one file."
  }
}

variable "folders" {
  description = "The folders on the node that hold them; they are mounted read only."
  type        = list(string)
  default     = ["/var/log", "/var/lib/drover/alloc"]
}

variable "labels" {
  description = "Labels of each line."
  type        = map(string)
  default     = {}
}

variable "resources" {
  description = "CPU in MHz and memory in MiB of each instance."
  type        = object({ cpu = number, memory = number })
  default = {
    cpu    = 100
    memory = 128
  }

  validation {
    condition     = var.resources.cpu > 0 && var.resources.memory >= 10
    error_message = "CPU has to be positive, and memory at least 10 MiB."
  }
}

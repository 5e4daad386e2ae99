variable "job_name" {
  description = "The job's name; two jobs of one namespace need different ones."
  type        = string
  default     = "backup"

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
  description = "The image of the backup, with a version."
  type        = string
  default     = "busybox:1.37.0"

  validation {
    condition     = can(regex(":[^:/]+$", var.image)) && !endswith(var.image, ":latest")
    error_message = "Name a version, as in name:1.2.3; not latest."
  }
}

variable "cron" {
  description = "When it runs, as five fields of cron."
  type        = string
  default     = "0 3 * * *"

  validation {
    condition     = can(regex("^(@[a-z]+|[^ ]+( +[^ ]+){4,5})$", var.cron))
    error_message = "Write five fields, as in 0 3 * * *."
  }
}

variable "time_zone" {
  description = "The time zone of these times."
  type        = string
  default     = "UTC"
}

variable "source" {
  description = "The folder on the node that is copied."
  type        = string

  validation {
    condition     = can(regex("^/[A-Za-z0-9._/-]+$", var.source))
    error_message = "An absolute path of letters, digits, dots, dashes and slashes."
  }
}

variable "target" {
  description = "The folder on the node that keeps the copies."
  type        = string

  validation {
    condition     = can(regex("^/[A-Za-z0-9._/-]+$", var.target))
    error_message = "An absolute path of letters, digits, dots, dashes and slashes."
  }
}

variable "keep" {
  description = "How many copies are kept."
  type        = number
  default     = 7

  validation {
    condition     = var.keep >= 1 && var.keep == floor(var.keep)
    error_message = "At least one."
  }
}

variable "node" {
  description = "The name of the node that has the folders; any when empty."
  type        = string
  default     = ""
}

variable "resources" {
  description = "CPU in MHz and memory in MiB of each instance."
  type        = object({ cpu = number, memory = number })
  default = {
    cpu    = 200
    memory = 64
  }

  validation {
    condition     = var.resources.cpu > 0 && var.resources.memory >= 10
    error_message = "CPU has to be positive, and memory at least 10 MiB."
  }
}

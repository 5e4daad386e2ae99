variable "job_name" {
  description = "The job's name; two jobs of one namespace need different ones."
  type        = string
  default     = "haproxy"

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
    condition     = var.count >= 0 && var.count == floor(var.count)
    error_message = "The count is a whole number, and not negative."
  }
}

variable "image" {
  description = "The image of HAProxy, with a version."
  type        = string
  default     = "haproxy:3.1.2"

  validation {
    condition     = can(regex(":[^:/]+$", var.image)) && !endswith(var.image, ":latest")
    error_message = "Name a version, as in name:1.2.3; not latest."
  }
}

variable "port" {
  description = "The port of the balancer on the node; 0 lets the engine choose one."
  type        = number
  default     = 8080

  validation {
    condition     = var.port >= 0 && var.port < 65536
    error_message = "A port is between 0 and 65535."
  }
}

variable "service" {
  description = "The service whose instances answer."
  type        = string

  validation {
    condition     = can(regex("^[A-Za-z0-9-]+$", var.service))
    error_message = "A service has letters, digits and dashes."
  }
}

variable "mode" {
  description = "http or tcp."
  type        = string
  default     = "http"

  validation {
    condition     = contains(["http", "tcp"], var.mode)
    error_message = "The mode is http or tcp."
  }
}

variable "balance" {
  description = "How an instance is chosen."
  type        = string
  default     = "roundrobin"

  validation {
    condition     = contains(["roundrobin", "leastconn", "source", "random"], var.balance)
    error_message = "It is roundrobin, leastconn, source or random."
  }
}

variable "slots" {
  description = "The most instances that can answer."
  type        = number
  default     = 20

  validation {
    condition     = var.slots >= 1 && var.slots <= 1000
    error_message = "Between 1 and 1000."
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

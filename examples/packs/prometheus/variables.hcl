variable "job_name" {
  description = "The job's name; two jobs of one namespace need different ones."
  type        = string
  default     = "prometheus"

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
  description = "The image of Prometheus, with a version."
  type        = string
  default     = "prom/prometheus:v3.1.0"

  validation {
    condition     = can(regex(":[^:/]+$", var.image)) && !endswith(var.image, ":latest")
    error_message = "Name a version, as in name:1.2.3; not latest."
  }
}

variable "port" {
  description = "The port of the web page on the node; 0 lets the engine choose one."
  type        = number
  default     = 9090

  validation {
    condition     = var.port >= 0 && var.port < 65536
    error_message = "A port is between 0 and 65535."
  }
}

variable "scrape_interval" {
  description = "How often metrics are collected."
  type        = string
  default     = "15s"

  validation {
    condition     = can(regex("^[0-9]+(ms|s|m|h)$", var.scrape_interval))
    error_message = "Write a number and ms, s, m or h."
  }
}

variable "retention" {
  description = "How long they are kept."
  type        = string
  default     = "15d"

  validation {
    condition     = can(regex("^[0-9]+(h|d|w|y)$", var.retention))
    error_message = "Write a number and h, d, w or y."
  }
}

variable "targets" {
  description = "What is collected: a name, addresses, and the path of the metrics."
  type        = list(object({ name = string, addresses = list(string), path = optional(string, "/metrics") }))
  default     = []
}

variable "services" {
  description = "Services of the engine whose instances are collected at /metrics."
  type        = list(string)
  default     = []

  validation {
    condition     = alltrue([for name in var.services : can(regex("^[A-Za-z0-9-]+$", name))])
    error_message = "A service has letters, digits and dashes."
  }
}

variable "volume" {
  description = "The host volume that holds the metrics; without one they are gone with the job."
  type        = string
  default     = ""
}

variable "resources" {
  description = "CPU in MHz and memory in MiB of each instance."
  type        = object({ cpu = number, memory = number })
  default = {
    cpu    = 500
    memory = 512
  }

  validation {
    condition     = var.resources.cpu > 0 && var.resources.memory >= 10
    error_message = "CPU has to be positive, and memory at least 10 MiB."
  }
}

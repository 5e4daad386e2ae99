variable "job_name" {
  description = "The job's name; two jobs of one namespace need different ones."
  type        = string
  default     = "nginx"

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
  description = "The image of nginx, with a version."
  type        = string
  default     = "nginx:1.27.3"

  validation {
    condition     = can(regex(":[^:/]+$", var.image)) && !endswith(var.image, ":latest")
    error_message = "Name a version, as in name:1.2.3; not latest."
  }
}

variable "port" {
  description = "The port of the web server on the node; 0 lets the engine choose one."
  type        = number
  default     = 8080

  validation {
    condition     = var.port >= 0 && var.port < 65536
    error_message = "A port is between 0 and 65535."
  }
}

variable "routes" {
  description = "Paths, and the services that answer them."
  type        = map(string)
  default     = {}

  validation {
    condition     = alltrue([for path, service in var.routes : can(regex("^/[A-Za-z0-9._~/-]*$", path)) && can(regex("^[A-Za-z0-9-]+$", service))])
    error_message = "A path begins with /, and a service has letters, digits and dashes."
  }
}

variable "page" {
  description = "The page at / where no route is."
  type        = string
  default     = "<h1>It works.</h1>"
}

variable "resources" {
  description = "CPU in MHz and memory in MiB of each instance."
  type        = object({ cpu = number, memory = number })
  default = {
    cpu    = 100
    memory = 64
  }

  validation {
    condition     = var.resources.cpu > 0 && var.resources.memory >= 10
    error_message = "CPU has to be positive, and memory at least 10 MiB."
  }
}

variable "job_name" {
  description = "The job's name; two jobs of one namespace need different ones."
  type        = string
  default     = "web"

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
  default     = 3

  validation {
    condition     = var.count >= 0 && var.count == floor(var.count)
    error_message = "The count is a whole number, and not negative."
  }
}

variable "image" {
  description = "The image of the service, with a version."
  type        = string
  default     = "nginx:1.27.3"

  validation {
    condition     = can(regex(":[^:/]+$", var.image)) && !endswith(var.image, ":latest")
    error_message = "Name a version, as in name:1.2.3; not latest."
  }
}

variable "port" {
  description = "The port of the service on the node; 0 lets the engine choose one."
  type        = number
  default     = 0

  validation {
    condition     = var.port >= 0 && var.port < 65536
    error_message = "A port is between 0 and 65535."
  }
}

variable "container_port" {
  description = "The port on which the service listens."
  type        = number
  default     = 80

  validation {
    condition     = var.container_port > 0 && var.container_port < 65536
    error_message = "A port is between 1 and 65535."
  }
}

variable "health_path" {
  description = "The page that answers with 200 when an instance is well."
  type        = string
  default     = "/"
}

variable "canaries" {
  description = "How many instances of a new version run beside the old ones before it goes on."
  type        = number
  default     = 1

  validation {
    condition     = var.canaries >= 0
    error_message = "Not less than none."
  }
}

variable "auto_promote" {
  description = "Whether it goes on by itself once the canaries are well."
  type        = bool
  default     = false
}

variable "env" {
  description = "Environment variables of the service."
  type        = map(string)
  default     = {}

  validation {
    condition     = alltrue([for name, value in var.env : can(regex("^[A-Za-z_][A-Za-z0-9_]*$", name))])
    error_message = "A variable's name has letters, digits and underscores."
  }
}

variable "secrets" {
  description = "Secret environment variables; they are kept in the engine's variables."
  type        = map(string)
  default     = {}
  sensitive   = true
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

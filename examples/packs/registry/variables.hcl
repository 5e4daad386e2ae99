variable "job_name" {
  description = "The job's name; two jobs of one namespace need different ones."
  type        = string
  default     = "pack-registry"

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

variable "command" {
  description = "The drover program on the node."
  type        = string
  default     = "/usr/local/bin/drover"

  validation {
    condition     = can(regex("^/", var.command))
    error_message = "The program needs an absolute path."
  }
}

variable "port" {
  description = "The port of the registry on the node; 0 lets the engine choose one."
  type        = number
  default     = 5080

  validation {
    condition     = var.port >= 0 && var.port < 65536
    error_message = "A port is between 0 and 65535."
  }
}

variable "storage" {
  description = "The folder on the node that holds the registry; a copy of it is a backup."
  type        = string
  default     = "/var/lib/drover-registry"

  validation {
    condition     = can(regex("^/.", var.storage))
    error_message = "The folder needs an absolute path."
  }
}

variable "public_url" {
  description = "How clients reach the registry, when that is not where it listens."
  type        = string
  default     = ""
}

variable "private" {
  description = "Whether reading needs a token too."
  type        = bool
  default     = false
}

variable "node" {
  description = "The name of the node that keeps the folder; any when empty."
  type        = string
  default     = ""
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

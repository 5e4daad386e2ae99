variable "job_name" {
  description = "The job's name; two jobs of one namespace need different ones."
  type        = string
  default     = "postgres"

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
  description = "The image of PostgreSQL, with a version."
  type        = string
  default     = "postgres:17.2"

  validation {
    condition     = can(regex(":[^:/]+$", var.image)) && !endswith(var.image, ":latest")
    error_message = "Name a version, as in name:1.2.3; not latest."
  }
}

variable "port" {
  description = "The port of the server on the node; 0 lets the engine choose one."
  type        = number
  default     = 0

  validation {
    condition     = var.port >= 0 && var.port < 65536
    error_message = "A port is between 0 and 65535."
  }
}

variable "database" {
  description = "The database that is made at the first start."
  type        = string
  default     = "app"
}

variable "user" {
  description = "The user that owns it."
  type        = string
  default     = "app"
}

variable "password" {
  description = "The user's password, used at the first start."
  type        = string
  sensitive   = true

  validation {
    condition     = length(regexall("^.{12,}$", var.password)) == 1
    error_message = "The password needs at least twelve characters, in one line."
  }
}

variable "volume" {
  description = "The host volume that holds the data; without one, the data is gone with the job."
  type        = string
  default     = ""
}

variable "settings" {
  description = "Settings of the server, as max_connections."
  type        = map(string)
  default     = {}
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

variable "job_name" {
  description = "The job's name; two jobs of one namespace need different ones."
  type        = string
  default     = "redis"

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
  description = "The image of Redis, with a version."
  type        = string
  default     = "redis:7.4.2"

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

variable "max_memory_mb" {
  description = "What Redis keeps at most, in MiB; what is older goes."
  type        = number
  default     = 128

  validation {
    condition     = var.max_memory_mb >= 1
    error_message = "At least 1 MiB."
  }
}

variable "eviction" {
  description = "What goes when the memory is full."
  type        = string
  default     = "allkeys-lru"

  validation {
    condition     = contains(["noeviction", "allkeys-lru", "allkeys-lfu", "allkeys-random", "volatile-lru", "volatile-lfu", "volatile-random", "volatile-ttl"], var.eviction)
    error_message = "This is none of the ways that Redis knows."
  }
}

variable "append_only" {
  description = "Whether every write is kept on disk."
  type        = bool
  default     = false
}

variable "resources" {
  description = "CPU in MHz and memory in MiB of each instance."
  type        = object({ cpu = number, memory = number })
  default = {
    cpu    = 200
    memory = 256
  }

  validation {
    condition     = var.resources.cpu > 0 && var.resources.memory >= 10
    error_message = "CPU has to be positive, and memory at least 10 MiB."
  }
}

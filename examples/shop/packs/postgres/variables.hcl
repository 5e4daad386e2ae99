variable "port" {
  description = "Port on this machine."
  type        = number
  default     = 15432
}

variable "database" {
  description = "The database that is made."
  type        = string
}

variable "user" {
  description = "Its owner."
  type        = string
}

variable "password" {
  description = "The owner's password."
  type        = string
  sensitive   = true

  validation {
    condition     = strlen(var.password) >= 8
    error_message = "The password needs at least 8 characters."
  }
}

variable "data_dir" {
  description = "Where the data is kept; it survives the job."
  type        = string
  default     = "/var/tmp/drover-shop/postgres"
}

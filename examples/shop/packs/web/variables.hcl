variable "count" {
  description = "How many instances run."
  type        = number
  default     = 2
}

variable "first_port" {
  description = "Port of the first instance; the others follow."
  type        = number
  default     = 18081
}

variable "greeting" {
  description = "What the page says."
  type        = string
}

variable "database" {
  description = "The database's URL, without a password."
  type        = string
}

variable "db_password" {
  description = "Its password."
  type        = string
  sensitive   = true
}

variable "port" {
  description = "Port on this machine."
  type        = number
  default     = 18080
}

variable "servers" {
  description = "Addresses of the web servers, host:port."
  type        = list(string)
}

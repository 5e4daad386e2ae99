# A shop in three parts: a database, web servers, and a load balancer in front of them.
stack "shop" {}

variable "greeting" {
  description = "What the shop's page says; changing it updates the web servers one by one."
  type        = string
  default     = "welcome to the shop"
}

variable "web_count" {
  description = "How many web servers run."
  type        = number
  default     = 2

  validation {
    condition     = var.web_count >= 2 && var.web_count <= 8
    error_message = "Between 2 and 8 web servers, so that one can be replaced while another one answers."
  }
}

variable "port" {
  description = "Port of the shop on this machine."
  type        = number
  default     = 18080
}

locals {
  # Read from the environment of whoever applies; never shown, and never in a saved plan.
  db_password = secret("env:SHOP_DB_PASSWORD")
}

pack "db" {
  source = "./packs/postgres"

  vars = {
    database = "shop"
    user     = "shop"
    password = local.db_password
  }
}

pack "web" {
  source = "./packs/web"

  vars = {
    count       = var.web_count
    greeting    = var.greeting
    database    = pack.db.outputs.url
    db_password = local.db_password
  }

  timeout = "3m"
}

pack "balancer" {
  source = "./packs/balancer"

  vars = {
    port    = var.port
    servers = pack.web.outputs.servers
  }

  # What the balancer is told about the web servers makes the order already; this says it out loud.
  depends_on = [pack.web]
}

output "url" {
  description = "Where the shop is."
  value       = pack.balancer.outputs.url
}

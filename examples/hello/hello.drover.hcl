# The smallest stack: one pack, one job file, and what they give out.
stack "hello" {}

variable "name" {
  description = "Who is greeted."
  type        = string
  default     = "world"
}

variable "greeters" {
  description = "How many greeters run."
  type        = number
  default     = 2

  validation {
    condition     = var.greeters >= 1 && var.greeters <= 10
    error_message = "Between 1 and 10 greeters, please."
  }
}

pack "hello" {
  source = "./packs/hello"

  vars = {
    name  = var.name
    count = var.greeters
  }
}

# Runs once, after the greeters are healthy.
job "report" {
  file       = "jobs/report.nomad.hcl"
  vars       = { greeting = pack.hello.outputs.greeting }
  depends_on = [pack.hello]
  wait       = "complete"
  timeout    = "1m"
}

output "greeting" {
  description = "What the greeters say."
  value       = pack.hello.outputs.greeting
}

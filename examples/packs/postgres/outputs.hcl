output "service" {
  description = "The name under which the service is found."
  value       = var.job_name
}

output "database" {
  description = "The database and its user."
  value       = { name = var.database, user = var.user }
}

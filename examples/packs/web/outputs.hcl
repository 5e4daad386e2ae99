output "service" {
  description = "The name under which the service is found."
  value       = var.job_name
}

output "service" {
  description = "The name under which the service is found."
  value       = var.job_name
}

output "url_port" {
  description = "The port of the web page; 0 where the engine chooses."
  value       = var.port
}

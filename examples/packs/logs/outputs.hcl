output "service" {
  description = "The service of the shipper's own interface."
  value       = var.job_name
}

output "job" {
  description = "The job's id."
  value       = var.job_name
}

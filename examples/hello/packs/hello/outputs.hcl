output "greeting" {
  value = "hello, ${var.name}!"
}

output "job" {
  value = "hello"
}

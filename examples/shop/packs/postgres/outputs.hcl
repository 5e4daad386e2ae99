# Without the password: whoever needs it is given it as a variable.
output "url" {
  value = "postgresql://${var.user}@127.0.0.1:${var.port}/${var.database}"
}

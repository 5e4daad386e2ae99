output "servers" {
  value = [for index in range(var.count) : "127.0.0.1:${var.first_port + index}"]
}

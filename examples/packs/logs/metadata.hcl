pack {
  name        = "logs"
  description = "A log shipper on every node: reads the logs of tasks and of the system, and sends them on."
  version     = "1.0.0"
}

app {
  url = "https://vector.dev"
}

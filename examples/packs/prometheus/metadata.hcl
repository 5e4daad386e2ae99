pack {
  name        = "prometheus"
  description = "Prometheus that collects metrics of the engine, of services and of addresses."
  version     = "1.0.0"
}

app {
  url = "https://prometheus.io"
}

job "prometheus" {
  datacenters = ["*"]
  type        = "service"

  group "prometheus" {
    count = 1

    network {
      port "http" {
        to = 9090
        static = 9090
      }
    }

    service {
      name     = "prometheus"
      provider = "nomad"
      port     = "http"

      check {
        type     = "http"
        path     = "/-/healthy"
        interval = "10s"
        timeout  = "2s"
      }
    }

    restart {
      attempts = 3
      interval = "5m"
      delay    = "10s"
      mode     = "delay"
    }

    task "prometheus" {
      driver = "docker"

      config {
        image   = "prom/prometheus:v3.1.0"
        ports   = ["http"]
        volumes = ["local/prometheus.yml:/etc/prometheus/prometheus.yml"]
        args = [
          "--config.file=/etc/prometheus/prometheus.yml",
          "--storage.tsdb.path=/prometheus",
          "--storage.tsdb.retention.time=15d",
        ]
      }

      template {
        destination   = "local/prometheus.yml"
        change_mode   = "signal"
        change_signal = "SIGHUP"
        data          = "global:\n  scrape_interval: 15s\nscrape_configs:\n  - job_name: prometheus\n    static_configs:\n      - targets: [\"127.0.0.1:9090\"]\n"
      }

      resources {
        cpu    = 500
        memory = 512
      }
    }
  }
}

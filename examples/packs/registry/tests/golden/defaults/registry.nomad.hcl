job "pack-registry" {
  datacenters = ["*"]
  type        = "service"

  group "registry" {
    count = 1

    network {
      port "http" {
        static = 5080
      }
    }

    service {
      name     = "pack-registry"
      provider = "nomad"
      port     = "http"

      check {
        type     = "http"
        path     = "/"
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

    task "registry" {
      driver       = "raw_exec"
      kill_timeout = "20s"

      config {
        command = "/usr/local/bin/drover"
        args = [
          "registry",
          "serve",
          "-storage=/var/lib/drover-registry",
          "-listen=0.0.0.0:${NOMAD_PORT_http}",
        ]
      }

      resources {
        cpu    = 100
        memory = 128
      }
    }
  }
}

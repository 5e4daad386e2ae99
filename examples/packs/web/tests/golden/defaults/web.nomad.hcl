job "web" {
  datacenters = ["*"]
  type        = "service"

  group "web" {
    count = 3

    network {
      port "http" {
        to = 80
      }
    }

    service {
      name        = "web"
      provider    = "nomad"
      port        = "http"
      tags        = ["live"]
      canary_tags = ["canary"]

      check {
        type     = "http"
        path     = "/"
        interval = "5s"
        timeout  = "2s"
      }
    }

    update {
      max_parallel     = 1
      canary           = 1
      auto_promote     = false
      auto_revert      = true
      min_healthy_time = "10s"
      healthy_deadline = "5m"
    }

    spread {
      attribute = "${node.unique.id}"
    }

    restart {
      attempts = 3
      interval = "5m"
      delay    = "10s"
      mode     = "delay"
    }

    shutdown_delay = "5s"

    task "web" {
      driver = "docker"

      config {
        image = "nginx:1.27.3"
        ports = ["http"]
      }

      env {
      }

      resources {
        cpu    = 200
        memory = 128
      }
    }
  }
}

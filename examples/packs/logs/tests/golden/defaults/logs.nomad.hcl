job "logs" {
  datacenters = ["*"]
  type        = "system"

  group "logs" {
    network {
      port "api" {
        to = 8686
      }
    }

    service {
      name     = "logs"
      provider = "nomad"
      port     = "api"

      check {
        type     = "http"
        path     = "/health"
        interval = "30s"
        timeout  = "2s"
      }
    }

    ephemeral_disk {
      size   = 300
      sticky = true
    }

    update {
      max_parallel     = 1
      min_healthy_time = "5s"
      healthy_deadline = "2m"
    }

    task "vector" {
      driver = "docker"

      config {
        image = "timberio/vector:0.43.1-alpine"
        ports = ["api"]
        args  = ["--config", "/local/vector.yaml"]
        volumes = [
          "/var/log:/var/log:ro",
          "/var/lib/drover/alloc:/var/lib/drover/alloc:ro",
        ]
      }

      template {
        destination     = "local/vector.yaml"
        left_delimiter  = "<<<<"
        right_delimiter = ">>>>"
        data            = "data_dir: /alloc/data\napi:\n  enabled: true\n  address: 0.0.0.0:8686\nsources:\n  files:\n    type: file\n    include: [\"/var/log/syslog\",\"/var/log/messages\",\"/var/lib/drover/alloc/*/alloc/logs/*.std*.*\"]\nsinks:\n  out:\n    inputs: [files]\n    type: console\n    encoding:\n      codec: json\n"
      }

      resources {
        cpu    = 100
        memory = 128
      }
    }
  }
}

job "batch" {
  datacenters = ["*"]
  type        = "batch"

  group "work" {
    restart {
      attempts = 2
      interval = "1h"
      delay    = "15s"
      mode     = "fail"
    }

    reschedule {
      attempts  = 2
      interval  = "1h"
      unlimited = false
    }

    task "work" {
      driver = "docker"

      config {
        image   = "busybox:1.37.0"
        command = "sh"
        args    = ["-c", "echo done"]
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

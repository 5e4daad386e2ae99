# A web server from the machine's own Python, found by its service and checked every two seconds.
job "example" {
  group "web" {
    count = 1

    # Requests that are on their way still find the old instance while its service goes.
    shutdown_delay = "1s"

    network {
      port "http" {}
    }

    service {
      name     = "example"
      port     = "http"
      provider = "nomad"

      check {
        type     = "http"
        path     = "/"
        interval = "2s"
        timeout  = "1s"
      }
    }

    task "server" {
      driver = "raw_exec"

      config {
        command = "/usr/bin/python3"
        args    = ["-m", "http.server", "${NOMAD_PORT_http}"]
      }

      resources {
        cpu    = 50
        memory = 64
      }
    }
  }
}

job "postgres" {
  datacenters = ["*"]
  type        = "service"

  group "postgres" {
    count = 1

    network {
      port "db" {
        to = 5432
      }
    }

    service {
      name     = "postgres"
      provider = "nomad"
      port     = "db"

      check {
        type     = "tcp"
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

    task "postgres" {
      driver       = "docker"
      kill_timeout = "30s"

      config {
        image = "postgres:17.2"
        ports = ["db"]
        args  = []
      }

      env {
        POSTGRES_DB   = "app"
        POSTGRES_USER = "app"
        PGDATA        = "/var/lib/postgresql/data/pgdata"
      }

      template {
        destination = "secrets/password.env"
        env         = true
        data        = "{{ with nomadVar \"nomad/jobs/postgres\" }}POSTGRES_PASSWORD={{ .password }}{{ end }}\n"
      }

      resources {
        cpu    = 500
        memory = 512
      }
    }
  }
}

job "postgres" {
  datacenters = ["dc1"]
  type        = "service"

  group "database" {
    network {
      port "postgres" {
        static = 5432
      }
    }

    task "postgres" {
      driver = "docker"

      config {
        image = "postgres:15"
        ports = ["postgres"]
      }

      env {
        POSTGRES_PASSWORD = "password"
        POSTGRES_DB       = "mydb"
      }

      resources {
        cpu    = 500
        memory = 512
      }
    }
  }
}

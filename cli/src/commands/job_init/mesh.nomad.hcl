# Two groups that talk through the service mesh: needs Consul, the docker driver and CNI plugins on the nodes.
job "guestbook" {
  group "store" {
    # Each instance has a network of its own, into which only its proxy leads.
    network {
      mode = "bridge"
    }

    service {
      name = "guestbook-store"
      port = "6379"

      # A proxy beside the task accepts what is allowed to come, and hands it on to the port above.
      connect {
        sidecar_service {}
      }
    }

    task "redis" {
      driver = "docker"

      config {
        image = "redis:7.4"
      }

      resources {
        cpu    = 100
        memory = 128
      }
    }
  }

  group "web" {
    network {
      mode = "bridge"

      # Reached from outside without the mesh.
      port "http" {
        to = 8080
      }
    }

    service {
      name = "guestbook-web"
      port = "8080"

      connect {
        sidecar_service {
          proxy {
            # The store answers at this port of the instance itself.
            upstreams {
              destination_name = "guestbook-store"
              local_bind_port  = 6379
            }
          }
        }
      }
    }

    task "server" {
      driver = "docker"

      config {
        image = "python:3.13-alpine"
        args  = ["python3", "-m", "http.server", "8080"]
      }

      env {
        STORE_ADDR = "${NOMAD_UPSTREAM_ADDR_guestbook_store}"
      }

      resources {
        cpu    = 100
        memory = 128
      }
    }
  }
}

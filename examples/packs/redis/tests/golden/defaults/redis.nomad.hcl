job "redis" {
  datacenters = ["*"]
  type        = "service"

  group "redis" {
    count = 1

    network {
      port "redis" {
        to = 6379
      }
    }

    service {
      name     = "redis"
      provider = "nomad"
      port     = "redis"

      check {
        type     = "tcp"
        interval = "10s"
        timeout  = "2s"
      }
    }

    ephemeral_disk {
      size    = 300
      migrate = false
      sticky  = false
    }

    restart {
      attempts = 3
      interval = "5m"
      delay    = "10s"
      mode     = "delay"
    }

    task "redis" {
      driver = "docker"

      config {
        image = "redis:7.4.2"
        ports = ["redis"]
        args  = ["redis-server", "/local/redis.conf"]
      }

      template {
        destination = "local/redis.conf"
        change_mode = "restart"
        data        = "port 6379\nprotected-mode no\nmaxmemory 128mb\nmaxmemory-policy allkeys-lru\nappendonly no\ndir /alloc/data\n"
      }

      resources {
        cpu    = 200
        memory = 256
      }
    }
  }
}

job "nginx" {
  datacenters = ["*"]
  type        = "service"

  group "nginx" {
    count = 1

    network {
      port "http" {
        to = 80
        static = 8080
      }
    }

    service {
      name     = "nginx"
      provider = "nomad"
      port     = "http"

      check {
        type     = "http"
        path     = "/-/health"
        interval = "10s"
        timeout  = "2s"
      }
    }

    update {
      max_parallel     = 1
      min_healthy_time = "5s"
      healthy_deadline = "3m"
    }

    task "nginx" {
      driver = "docker"

      config {
        image   = "nginx:1.27.3"
        ports   = ["http"]
        volumes = ["local/default.conf:/etc/nginx/conf.d/default.conf", "local/www:/usr/share/nginx/html"]
      }

      template {
        destination   = "local/default.conf"
        change_mode   = "signal"
        change_signal = "SIGHUP"
        data          = "\nserver {\n  listen 80;\n\n  location = /-/health {\n    access_log off;\n    return 200 \"ok\";\n  }\n\n  location / {\n    root /usr/share/nginx/html;\n  }\n}\n"
      }

      template {
        destination     = "local/www/index.html"
        change_mode     = "noop"
        left_delimiter  = "<<<<"
        right_delimiter = ">>>>"
        data            = "<h1>It works.</h1>"
      }

      resources {
        cpu    = 100
        memory = 64
      }
    }
  }
}

job "haproxy" {
  datacenters = ["*"]
  type        = "service"

  group "haproxy" {
    count = 1

    network {
      port "front" {
        to = 8080
        static = 8080
      }

      port "stats" {
        to = 8404
      }
    }

    service {
      name     = "haproxy"
      provider = "nomad"
      port     = "front"

      check {
        type     = "http"
        port     = "stats"
        path     = "/stats"
        interval = "10s"
        timeout  = "2s"
      }
    }

    update {
      max_parallel     = 1
      min_healthy_time = "5s"
      healthy_deadline = "3m"
    }

    task "haproxy" {
      driver       = "docker"
      kill_signal  = "SIGUSR1"
      kill_timeout = "30s"

      config {
        image   = "haproxy:3.1.2"
        ports   = ["front", "stats"]
        volumes = ["local/haproxy.cfg:/usr/local/etc/haproxy/haproxy.cfg"]
      }

      template {
        destination   = "local/haproxy.cfg"
        change_mode   = "signal"
        change_signal = "SIGUSR2"
        data          = "global\n  maxconn 4096\n\ndefaults\n  mode http\n  timeout connect 5s\n  timeout client 60s\n  timeout server 60s\n  retries 2\n  option redispatch\n\nfrontend front\n  bind *:8080\n  default_backend web\n\nfrontend stats\n  mode http\n  bind *:8404\n  stats enable\n  stats uri /stats\n  stats refresh 10s\n\nbackend web\n  balance roundrobin\n{{ range $i, $e := nomadService \"web\" }}{{ if lt $i 20 }}  server s{{ $i }} {{ .Address }}:{{ .Port }} check\n{{ end }}{{ end }}\n"
      }

      resources {
        cpu    = 200
        memory = 128
      }
    }
  }
}

job "shop/web" {
  name        = "the web"
  type        = "service"
  priority    = 70
  datacenters = ["dc1", "dc2"]
  node_pool   = "fast"

  meta = {
    "drover.stack" = "shop"
    team           = "a"
  }

  constraint {
    attribute = "${attr.kernel.name}"
    value     = "linux"
  }

  affinity {
    attribute = "${node.class}"
    value     = "big"
    weight    = 30
  }

  spread {
    attribute = "${node.datacenter}"
    target "dc1" {
      percent = 60
    }
    target "dc2" {
      percent = 40
    }
  }

  group "g" {
    count = 3

    network {
      mode = "bridge"
      port "http" {
        to = 8080
      }
      port "admin" {
        static = 9000
      }
    }

    volume "data" {
      type   = "host"
      source = "disk"
    }

    service {
      name     = "web"
      port     = "http"
      provider = "nomad"
      tags     = ["a", "b ${NOMAD_ALLOC_ID}"]
      check {
        type     = "http"
        path     = "/health"
        interval = "7s"
        timeout  = "1500ms"
        header {
          Authorization = ["x"]
        }
      }
    }

    update {
      max_parallel = 2
      canary       = 1
      auto_promote = true
    }

    restart {
      attempts = 1
      mode     = "fail"
    }

    scaling {
      min = 1
      max = 9
      policy {
        cooldown = "1m"
      }
    }

    task "t" {
      driver       = "docker"
      kill_timeout = "17s"

      config {
        image = "nginx:1"
        args  = ["-p", "${NOMAD_PORT_http}", "a\"b\\c", "tab\there"]
        labels = {
          "x.y" = "z"
        }
      }

      env = {
        A     = "1"
        "B.C" = "line one\nline two"
      }

      template {
        destination = "local/x"
        data        = <<EOT
{{ range service "db" }}
server {{ .Address }}
{{ end }}
EOT
        change_mode = "noop"
      }

      artifact {
        source = "https://example.com/x.tgz"
        options {
          checksum = "md5:d41d8cd98f00b204e9800998ecf8427e"
        }
      }

      volume_mount {
        volume      = "data"
        destination = "/data"
      }

      resources {
        cpu        = 321
        memory     = 123
        memory_max = 456
      }

      logs {
        max_files = 3
      }

      action "hello" {
        command = "/bin/echo"
        args    = ["hi"]
      }
    }

    task "prepare" {
      driver = "exec"
      lifecycle {
        hook = "prestart"
      }
      config {
        command = "/bin/true"
      }
    }
  }
}

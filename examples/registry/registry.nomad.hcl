variable "program" {
  description = "The drover program on the node."
  type        = string
  default     = "/usr/local/bin/drover"
}

variable "storage" {
  description = "The folder on the node that holds the registry; a copy of it is a backup."
  type        = string
  default     = "/var/lib/drover-registry"
}

variable "port" {
  description = "The port of the registry on the node."
  type        = number
  default     = 5080
}

job "registry" {
  group "registry" {
    network {
      port "http" {
        static = var.port
      }
    }

    service {
      name     = "registry"
      provider = "nomad"
      port     = "http"

      check {
        type     = "http"
        path     = "/health"
        interval = "10s"
        timeout  = "2s"
      }
    }

    task "serve" {
      driver = "raw_exec"
      # Downloads that are under way may finish.
      kill_timeout = "25s"

      config {
        command = var.program
        args    = ["registry", "serve", "-config", "${NOMAD_TASK_DIR}/registry.hcl"]
      }

      template {
        destination   = "local/registry.hcl"
        change_mode   = "restart"
        data          = <<-EOT
          listen = "0.0.0.0:${var.port}"
          title  = "Packs of our teams"

          storage "folder" {
            path = "${var.storage}"
          }
          audit {
            file = "${var.storage}/audit.log"
          }
        EOT
      }

      resources {
        cpu    = 200
        memory = 256
      }
    }
  }
}

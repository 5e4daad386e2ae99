# `drover sync` as a job of the engine that it looks after:
#
#   drover job run -var=repo=https://git.example/team/shop.git sync.nomad.hcl
#
# It talks to the engine through the task's own socket and identity, so no token is kept anywhere. The identity needs a policy that may
# submit and read jobs in the stack's namespaces, and write variables below drover/stacks/; docs/gitops.md has one.

variable "repo" {
  type        = string
  description = "address of the repository"
}

variable "branch" {
  type    = string
  default = "main"
}

variable "path" {
  type        = string
  default     = "."
  description = "the stack's folder in the repository"
}

variable "drover" {
  type        = string
  default     = "/usr/local/bin/drover"
  description = "the program, on every node that may run this"
}

job "sync" {
  group "sync" {
    network {
      port "hook" {}
    }

    # Where it starts again, it goes on from what the engine keeps.
    restart {
      attempts = 3
      interval = "10m"
      delay    = "15s"
      mode     = "delay"
    }

    task "sync" {
      driver       = "raw_exec"
      kill_timeout = "30s"

      config {
        command = var.drover
        args = [
          "sync",
          "-repo=${var.repo}",
          "-branch=${var.branch}",
          "-path=${var.path}",
          "-interval=1m",
          "-self-heal",
          "-on-failure=revert",
          "-lock-timeout=5m",
          "-workdir=${NOMAD_TASK_DIR}/repository",
          "-listen=${NOMAD_ADDR_hook}",
        ]
      }

      env {
        DROVER_ADDR = "unix://${NOMAD_SECRETS_DIR}/api.sock"
      }

      identity {
        env = true
      }

      resources {
        cpu    = 100
        memory = 128
      }
    }
  }
}

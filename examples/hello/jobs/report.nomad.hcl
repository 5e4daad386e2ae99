variable "greeting" {
  type = string
}

job "hello-report" {
  type = "batch"

  group "report" {
    task "report" {
      driver = "raw_exec"

      config {
        command = "/bin/sh"
        args    = ["-c", "echo \"the greeters say: $GREETING\""]
      }

      env {
        GREETING = var.greeting
      }

      resources {
        cpu    = 20
        memory = 16
      }
    }
  }
}

variables {
  password = "correct-horse-battery"
}

run "defaults" {
  golden = "golden/defaults"

  assert {
    condition     = job.postgres.group.postgres.task.postgres.config.image == "postgres:17.2"
    error_message = "The image has to be pinned."
  }
  assert {
    condition     = length(regexall("correct-horse", text.postgres)) == 0
    error_message = "The password must not be in the job."
  }
  assert {
    condition = resources.variables["nomad/jobs/postgres"].items.password == "correct-horse-battery"
  }
  assert {
    condition = output.service == "postgres"
  }
}

run "volume_and_settings" {
  variables {
    job_name = "shop-db"
    port     = 5432
    volume   = "pg"
    settings = { max_connections = "50", shared_buffers = "128MB" }
  }

  assert {
    condition = job["shop-db"].group.postgres.volume.data.source == "pg"
  }
  assert {
    condition = job["shop-db"].group.postgres.task.postgres.config.args == ["-c", "max_connections=50", "-c", "shared_buffers=128MB"]
  }
  assert {
    condition = job["shop-db"].group.postgres.network[0].reserved_ports[0].value == 5432
  }
}

run "hostile_values_stay_values" {
  variables {
    database = "a\" }\n}\njob \"x\" {"
    user     = "$${env.HOME}"
  }

  assert {
    condition = jobs == ["postgres"] && job.postgres.group.postgres.task.postgres.env.POSTGRES_DB == "a\" }\n}\njob \"x\" {"
  }
}

run "short_password" {
  variables {
    password = "short"
  }
  expect_failures = [var.password]
}

run "latest_image" {
  variables {
    image = "postgres:latest"
  }
  expect_failures = [var.image]
}

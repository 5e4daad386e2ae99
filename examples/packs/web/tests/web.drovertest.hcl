run "defaults" {
  golden = "golden/defaults"

  assert {
    condition = job.web.group.web.count == 3 && job.web.group.web.update.canary == 1
  }
  assert {
    condition = !job.web.group.web.update.auto_promote && job.web.group.web.update.auto_revert
  }
}

run "promotes_by_itself" {
  variables {
    canaries     = 2
    auto_promote = true
    env          = { GREETING = "hello $${x} \"you\"" }
  }

  assert {
    condition = job.web.group.web.update.canary == 2 && job.web.group.web.update.auto_promote
  }
  assert {
    condition = job.web.group.web.task.web.env.GREETING == "hello $${x} \"you\""
  }
}

run "secrets_stay_out_of_the_job" {
  variables {
    secrets = { API_TOKEN = "very-secret-value" }
  }

  assert {
    condition = length(regexall("very-secret-value", text.web)) == 0
  }
  assert {
    condition = resources.variables["nomad/jobs/web"].items.API_TOKEN == "very-secret-value"
  }
}

run "odd_name" {
  variables {
    env = { "A = 1; B" = "c" }
  }
  expect_failures = [var.env]
}

run "negative_count" {
  variables {
    count = -1
  }
  expect_failures = [var.count]
}

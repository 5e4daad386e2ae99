run "defaults" {
  golden = "golden/defaults"

  assert {
    condition = job.batch.type == "batch" && job.batch.group.work.task.work.config.args == ["-c", "echo done"]
  }
}

run "dispatched" {
  variables {
    dispatched = true
    meta_keys  = ["day"]
  }

  assert {
    condition = job.batch.parameterized_job.meta_required == ["day"]
  }
}

run "nothing_to_run" {
  variables {
    command = []
  }
  expect_failures = [var.command]
}

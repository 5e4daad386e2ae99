variables {
  source = "/srv/data"
  target = "/srv/backup"
}

run "defaults" {
  golden = "golden/defaults"

  assert {
    condition = job.backup.periodic.specs == ["0 3 * * *"] && job.backup.periodic.prohibit_overlap
  }
  assert {
    condition     = job.backup.group.backup.task.backup.config.volumes == ["/srv/data:/source:ro", "/srv/backup:/target"]
    error_message = "The source is only read."
  }
}

run "on_one_node" {
  variables {
    node = "db-1"
    cron = "@hourly"
  }

  assert {
    condition = job.backup.constraint[0].r_target == "db-1"
  }
}

run "wrong_times_and_folders" {
  variables {
    cron   = "at three"
    source = "../etc"
  }
  expect_failures = [var.cron, var.source]
}

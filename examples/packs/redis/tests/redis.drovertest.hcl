run "defaults" {
  golden = "golden/defaults"

  assert {
    condition = job.redis.group.redis.task.redis.config.image == "redis:7.4.2"
  }
  assert {
    condition = length(regexall("maxmemory 128mb", text.redis)) == 1
  }
}

run "keeps_what_is_written" {
  variables {
    append_only = true
    eviction    = "noeviction"
  }

  assert {
    condition = job.redis.group.redis.ephemeral_disk.sticky && length(regexall("appendonly yes", text.redis)) == 1
  }
}

run "unknown_eviction" {
  variables {
    eviction = "oldest"
  }
  expect_failures = [var.eviction]
}

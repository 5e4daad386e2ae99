run "defaults" {
  golden = "golden/defaults"

  assert {
    condition = job.logs.type == "system"
  }
  assert {
    condition = yamldecode(job.logs.group.logs.task.vector.template[0].embedded_tmpl).sinks.out.type == "console"
  }
}

run "loki" {
  variables {
    sink    = "loki"
    address = "http://loki.example.org:3100"
    labels  = { env = "prod", "odd \"name\"" = "x: y" }
  }

  assert {
    condition = yamldecode(job.logs.group.logs.task.vector.template[0].embedded_tmpl).sinks.out.endpoint == "http://loki.example.org:3100"
  }
  assert {
    condition = yamldecode(job.logs.group.logs.task.vector.template[0].embedded_tmpl).sinks.out.labels.env == "prod"
  }
}

run "sink_without_address" {
  variables {
    sink = "http"
  }
  expect_failures = ["address of the sink"]
}

run "unknown_sink" {
  variables {
    sink = "smoke"
  }
  expect_failures = [var.sink]
}

run "defaults" {
  golden = "golden/defaults"

  assert {
    condition = output.url_port == 9090
  }
}

run "targets_and_services" {
  variables {
    targets  = [{ name = "engine", addresses = ["127.0.0.1:4646"], path = "/v1/metrics" }, { name = "node", addresses = ["10.0.0.1:9100", "10.0.0.2:9100"] }]
    services = ["web"]
  }

  assert {
    condition = length(regexall("metrics_path: \"/metrics\"", job.prometheus.group.prometheus.task.prometheus.template[0].embedded_tmpl)) >= 1
  }
  assert {
    condition = length(regexall("nomadService", job.prometheus.group.prometheus.task.prometheus.template[0].embedded_tmpl)) == 1
  }
}

run "retention_without_unit" {
  variables {
    retention = "15"
  }
  expect_failures = [var.retention]
}

variables {
  service = "web"
}

run "defaults" {
  golden = "golden/defaults"

  assert {
    condition = length(regexall("nomadService", text.haproxy)) == 1
  }
  assert {
    condition = length(job.haproxy.group.haproxy.network[0].dynamic_ports) == 1
  }
}

run "tcp" {
  variables {
    mode = "tcp"
    port = 0
  }

  assert {
    condition = length(regexall("mode tcp", text.haproxy)) == 1 && length(job.haproxy.group.haproxy.network[0].dynamic_ports) == 2
  }
}

run "no_service_of_that_form" {
  variables {
    service = "web\n    server evil 10.0.0.1:1"
  }
  expect_failures = [var.service]
}

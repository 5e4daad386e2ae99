run "defaults" {
  golden = "golden/defaults"

  assert {
    condition = job.nginx.group.nginx.network[0].reserved_ports[0].value == 8080
  }
}

run "routes_to_services" {
  variables {
    routes = { "/shop/" = "shop-web", "/api/" = "api" }
    port   = 0
  }

  assert {
    condition     = length(regexall("nomadService", text.nginx)) == 2
    error_message = "Each route finds its service."
  }
}

run "page_with_marks" {
  variables {
    page = "<p>{{ not a template }} \"quoted\" $${x}</p>"
  }

  assert {
    condition = job.nginx.group.nginx.task.nginx.template[1].embedded_tmpl == "<p>{{ not a template }} \"quoted\" $${x}</p>"
  }
}

run "broken_route" {
  variables {
    routes = { "/; return 200 hi" = "x" }
  }
  expect_failures = [var.routes]
}

pack {
  name        = "balancer"
  description = "HAProxy in front of a list of web servers; it leaves out those that do not answer."
  version     = "1.0.0"
}

app {
  url = "https://www.haproxy.org"
}

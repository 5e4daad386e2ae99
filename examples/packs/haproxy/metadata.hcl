pack {
  name        = "haproxy"
  description = "HAProxy in front of the instances of one service, with its statistics."
  version     = "1.0.0"
}

app {
  url = "https://www.haproxy.org"
}

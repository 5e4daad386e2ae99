pack {
  name        = "nginx"
  description = "Nginx as a web server and in front of services that the engine finds."
  version     = "1.0.0"
}

app {
  url = "https://nginx.org"
}

pack {
  name        = "web"
  description = "A web service of several instances that is renewed behind a canary."
  version     = "1.0.0"
}

app {
  url = "https://www.docker.com"
}

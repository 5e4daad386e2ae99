pack {
  name        = "batch"
  description = "A job that runs once to its end, or once for each dispatch."
  version     = "1.0.0"
}

app {
  url = "https://www.docker.com"
}

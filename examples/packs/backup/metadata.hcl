pack {
  name        = "backup"
  description = "A backup that runs at set times and keeps the newest copies."
  version     = "1.0.0"
}

app {
  url = "https://www.busybox.net"
}

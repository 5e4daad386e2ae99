pack {
  name        = "@NAME@"
  description = "What @NAME@ runs, in one sentence."
  version     = "0.1.0"
}

app {
  url = ""
}

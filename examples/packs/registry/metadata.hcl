pack {
  name        = "registry"
  description = "Drover's registry of packs, as a job of the engine that it serves."
  version     = "1.0.0"
}

app {
  url = ""
}

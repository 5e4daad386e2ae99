pack {
  name        = "postgres"
  description = "PostgreSQL of the machine's own packages, one instance with its data in a folder."
  version     = "1.0.0"
}

app {
  url = "https://www.postgresql.org"
}

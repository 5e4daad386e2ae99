pack {
  name        = "postgres"
  description = "One PostgreSQL server with its data on a volume and its password in the engine's variables."
  version     = "1.0.0"
}

app {
  url = "https://www.postgresql.org"
}

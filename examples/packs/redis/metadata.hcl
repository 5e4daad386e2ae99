pack {
  name        = "redis"
  description = "One Redis server as a cache or a small store."
  version     = "1.0.0"
}

app {
  url = "https://redis.io"
}

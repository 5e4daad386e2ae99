pack {
  name        = "web"
  description = "A small web application: busybox serves a page that counts visits in PostgreSQL."
  version     = "1.0.0"
}

pack {
  name        = "hello"
  description = "Greets somebody again and again; needs nothing but /bin/sh."
  version     = "1.0.0"
}

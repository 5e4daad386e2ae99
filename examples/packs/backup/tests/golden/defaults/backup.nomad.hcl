job "backup" {
  datacenters = ["*"]
  type        = "batch"

  periodic {
    crons            = ["0 3 * * *"]
    time_zone        = "UTC"
    prohibit_overlap = true
  }

  group "backup" {
    restart {
      attempts = 2
      interval = "1h"
      delay    = "1m"
      mode     = "fail"
    }

    task "backup" {
      driver = "docker"

      config {
        image   = "busybox:1.37.0"
        command = "sh"
        args    = ["/local/backup.sh"]
        volumes = ["/srv/data:/source:ro", "/srv/backup:/target"]
      }

      env {
        NAME = "backup"
        KEEP = "7"
      }

      template {
        destination = "local/backup.sh"
        perms       = "755"
        data        = "#!/bin/sh\n# One archive more, the oldest of too many gone. An archive has its name only when it is whole.\nset -eu\nname=\"$NAME-$(date -u +%Y%m%dT%H%M%SZ).tar.gz\"\ntrap 'rm -f \"/target/.$name.part\"' EXIT\ntar -C /source -czf \"/target/.$name.part\" .\nmv \"/target/.$name.part\" \"/target/$name\"\necho \"wrote $name ($(wc -c < \"/target/$name\") bytes)\"\nls -1 /target | grep \"^$NAME-.*\\.tar\\.gz$\" | sort -r | tail -n \"+$((KEEP + 1))\" | while read -r old; do\n  rm -f \"/target/$old\"\n  echo \"removed $old\"\ndone\n"
      }

      resources {
        cpu    = 200
        memory = 64
      }
    }
  }
}

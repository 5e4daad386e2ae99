#!/bin/sh
# One archive more, the oldest of too many gone. An archive has its name only when it is whole.
set -eu
name="$NAME-$(date -u +%Y%m%dT%H%M%SZ).tar.gz"
trap 'rm -f "/target/.$name.part"' EXIT
tar -C /source -czf "/target/.$name.part" .
mv "/target/.$name.part" "/target/$name"
echo "wrote $name ($(wc -c < "/target/$name") bytes)"
ls -1 /target | grep "^$NAME-.*\.tar\.gz$" | sort -r | tail -n "+$((KEEP + 1))" | while read -r old; do
  rm -f "/target/$old"
  echo "removed $old"
done

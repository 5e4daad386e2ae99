#!/bin/sh
# Waits for the database, makes the table, and serves the page.
set -eu

port=$((FIRST_PORT + NOMAD_ALLOC_INDEX))
for _ in $(seq 30); do
    if psql "$DATABASE" --quiet --no-psqlrc --command='CREATE TABLE IF NOT EXISTS visits (at timestamptz DEFAULT now())' 2>/dev/null; then
        ready=yes
        break
    fi
    sleep 1
done
if [ -z "${ready:-}" ]; then
    echo "the database does not answer" >&2
    exit 1
fi

mkdir -p local/site/cgi-bin
cp local/index.cgi local/site/cgi-bin/index.cgi
chmod 755 local/site/cgi-bin/index.cgi
echo "instance $NOMAD_ALLOC_INDEX serves on port $port"
exec busybox httpd -f -p "127.0.0.1:$port" -h local/site

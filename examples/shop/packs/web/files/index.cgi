#!/bin/sh
# The page, and how often it was seen.
visits=$(psql "$DATABASE" --quiet --no-psqlrc --tuples-only --no-align \
    --command='INSERT INTO visits DEFAULT VALUES; SELECT count(*) FROM visits')
if [ -z "$visits" ]; then
    printf 'Status: 503 Service Unavailable\r\nContent-Type: text/plain\r\n\r\nno database\n'
    exit 0
fi
printf 'Content-Type: text/plain\r\n\r\n%s (instance %s, visit %s)\n' "$GREETING" "$NOMAD_ALLOC_INDEX" "$visits"

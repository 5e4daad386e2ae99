#!/bin/sh
# Makes a cluster in DATA_DIR if there is none, sets the owner's password, and becomes the server.
set -eu

bin=$(ls -d /usr/lib/postgresql/*/bin 2>/dev/null | sort -V | tail -n 1)
if [ -z "$bin" ]; then
    echo "PostgreSQL is not installed; run examples/shop/setup" >&2
    exit 1
fi

# PostgreSQL refuses to run as root.
if [ "$(id -u)" = 0 ]; then
    as="setpriv --reuid=postgres --regid=postgres --clear-groups"
    mkdir -p "$DATA_DIR" && chown postgres: "$DATA_DIR"
else
    as=""
    mkdir -p "$DATA_DIR"
fi
sockets="$DATA_DIR/sockets"
cd "$DATA_DIR"

if [ ! -s "$DATA_DIR/cluster/PG_VERSION" ]; then
    $as "$bin/initdb" --pgdata="$DATA_DIR/cluster" --username=admin --auth-local=trust --auth-host=scram-sha-256 >/dev/null
fi
$as mkdir -p "$sockets"

# The first start is for this user only, through the socket: owner, password and database are set before anyone connects.
$as "$bin/pg_ctl" --pgdata="$DATA_DIR/cluster" --wait --silent \
    --options="-k $sockets -p $PORT -c listen_addresses=''" start
$as "$bin/psql" --quiet --no-psqlrc --host="$sockets" --port="$PORT" --username=admin --dbname=postgres \
    --set=ON_ERROR_STOP=1 --set=name="$DB_NAME" --set=owner="$DB_USER" --set=password="$DB_PASSWORD" <<'SQL'
SELECT format('CREATE ROLE %I LOGIN', :'owner') WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = :'owner') \gexec
SELECT format('ALTER ROLE %I PASSWORD %L', :'owner', :'password') \gexec
SELECT format('CREATE DATABASE %I OWNER %I', :'name', :'owner') WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = :'name') \gexec
SQL
$as "$bin/pg_ctl" --pgdata="$DATA_DIR/cluster" --wait --silent --mode=fast stop

echo "the database $DB_NAME is ready on port $PORT"
exec $as "$bin/postgres" -D "$DATA_DIR/cluster" -k "$sockets" -p "$PORT" -c listen_addresses=127.0.0.1

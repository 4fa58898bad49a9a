#!/usr/bin/env bash
# Private PostgreSQL cluster with logical decoding on loopback; user, password and database are "lab".
#   postgres.sh start|stop DIR
#   postgres.sh psql DIR [psql args]
# env: PG_PORT (54329), LAB_OWNER (see common.sh). As root the server runs as "postgres", which must be able to reach DIR.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"
[ $# -ge 2 ] || die "usage: postgres.sh start|stop|psql DIR"
CMD="$1"; DIR="$(abspath "$2")"; shift 2
PORT="${PG_PORT:-54329}"; DATA="$DIR/pg/data"; RUN="$DIR/pg/run"

BIN="$(ls -d /usr/lib/postgresql/*/bin 2>/dev/null | sort -V | tail -1)"
if [ -z "$BIN" ]; then BIN="$(dirname "$(command -v initdb || true)")"; fi
[ -x "$BIN/initdb" ] || die "PostgreSQL's server is not installed: run $LAB_HOME/setup.sh lab as root, or install the package postgresql"

as_postgres() { # the server refuses root
  if [ "$(id -u)" = 0 ]; then setpriv --reuid=postgres --regid=postgres --init-groups "$@"; else "$@"; fi
}
running() { as_postgres "$BIN/pg_ctl" -D "$DATA" status >/dev/null 2>&1; }
stop() { if running; then as_postgres "$BIN/pg_ctl" -D "$DATA" -m immediate -w stop >/dev/null; fi; } # the data is thrown away
run_psql() { PGPASSWORD=lab psql -X -q -v ON_ERROR_STOP=1 -h 127.0.0.1 -p "$PORT" -U lab "$@"; }

cd / # the account "postgres" may not enter the caller's folder
case "$CMD" in
start)
  if ! running; then
    mkdir -p "$RUN"
    if [ "$(id -u)" = 0 ]; then chown postgres "$DIR/pg" "$RUN"; fi
    fresh=0
    if [ ! -f "$DATA/PG_VERSION" ]; then
      fresh=1
      printf 'lab\n' >"$DIR/pg/pw"; chmod 644 "$DIR/pg/pw"
      as_postgres "$BIN/initdb" -D "$DATA" -U lab --pwfile="$DIR/pg/pw" -A scram-sha-256 --no-sync \
        --encoding=UTF8 --locale=C.UTF-8 >"$DIR/pg/initdb.log" 2>&1 || { cat "$DIR/pg/initdb.log" >&2; die "initdb failed"; }
      cat >>"$DATA/postgresql.conf" <<P
listen_addresses='127.0.0.1'
unix_socket_directories='$RUN'
wal_level=logical
max_replication_slots=20
max_wal_senders=20
fsync=off
shared_buffers=128MB
max_wal_size=2GB
timezone='UTC'
P
    fi
    as_postgres "$BIN/pg_ctl" -D "$DATA" -w -t 60 -o "-p $PORT" -l "$DIR/pg/server.log" start >/dev/null </dev/null || { tail -5 "$DIR/pg/server.log" >&2; die "postgres did not start"; }
    if [ "$fresh" = 1 ]; then run_psql -d postgres -c 'create database lab'; fi
    follow_owner stop
  fi
  echo "postgres=127.0.0.1:$PORT user=lab password=lab dbname=lab" ;;
stop) stop ;;
psql) run_psql -d lab "$@" ;;
*) die "unknown command $CMD" ;;
esac

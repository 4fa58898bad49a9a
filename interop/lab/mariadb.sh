#!/usr/bin/env bash
# Private MariaDB server with a binary log of rows (full images, GTIDs) on loopback; user, password and database are "lab".
#   mariadb.sh start|stop DIR
#   mariadb.sh sql DIR [client args]
# env: MARIADB_PORT (33069), LAB_OWNER (see common.sh). As root the server runs as "mysql", which must be able to reach DIR.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"
[ $# -ge 2 ] || die "usage: mariadb.sh start|stop|sql DIR"
CMD="$1"; DIR="$(abspath "$2")"; shift 2
PORT="${MARIADB_PORT:-33069}"; HOME_="$DIR/mariadb"; DATA="$HOME_/data"; PIDF="$DIR/mariadb.pid"
SOCKET="/tmp/hudi-go-mariadb-$PORT.sock" # paths of sockets are limited to 107 bytes

SERVER="$(PATH="$PATH:/usr/sbin" command -v mariadbd)" || die "MariaDB's server is not installed: run $LAB_HOME/setup.sh lab as root, or install the package mariadb-server"

AS=() # the server refuses root
if [ "$(id -u)" = 0 ]; then AS=(setpriv --reuid=mysql --regid=mysql --init-groups); fi
stop() { stop_pid "$PIDF"; rm -f "$SOCKET"; }

case "$CMD" in
start)
  if ! pid_alive "$PIDF"; then
    mkdir -p "$HOME_"
    if [ "$(id -u)" = 0 ]; then chown mysql "$HOME_"; fi
    fresh=0
    if [ ! -d "$DATA/mysql" ]; then
      fresh=1
      "${AS[@]}" mariadb-install-db --no-defaults --datadir="$DATA" --auth-root-authentication-method=normal --skip-test-db \
        >"$HOME_/install.log" 2>&1 </dev/null || { tail -5 "$HOME_/install.log" >&2; die "mariadb-install-db failed"; }
    fi
    nohup "${AS[@]}" "$SERVER" --no-defaults --datadir="$DATA" --port="$PORT" --bind-address=127.0.0.1 --socket="$SOCKET" \
      --pid-file="$HOME_/server.pid" --server-id=1 --log-bin="$DATA/binlog" --binlog-format=ROW --binlog-row-image=FULL \
      --binlog-row-metadata=FULL --sync-binlog=0 --innodb-flush-log-at-trx-commit=0 --innodb-buffer-pool-size=128M \
      --character-set-server=utf8mb4 --default-time-zone=+00:00 >"$HOME_/server.log" 2>&1 </dev/null &
    echo $! >"$PIDF"
    wait_for 60 "$PIDF" port_open "$PORT" || { tail -20 "$HOME_/server.log" >&2; die "mariadb did not start"; }
    if [ "$fresh" = 1 ]; then
      mariadb --no-defaults -S "$SOCKET" -u root \
        -e "create database lab; create user 'lab'@'%' identified by 'lab'; grant all privileges on *.* to 'lab'@'%'"
    fi
    follow_owner stop
  fi
  echo "mariadb=127.0.0.1:$PORT user=lab password=lab dbname=lab" ;;
stop) stop ;;
sql) mariadb --no-defaults --default-character-set=utf8mb4 -h 127.0.0.1 -P "$PORT" -u lab -plab "$@" lab ;;
*) die "unknown command $CMD" ;;
esac

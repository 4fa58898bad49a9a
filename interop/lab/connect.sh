#!/usr/bin/env bash
# Kafka Connect worker (distributed mode, one node) with the Debezium connector for a database, on loopback.
#   connect.sh start|stop DIR
#   connect.sh put DIR NAME CONFIG.json      create or replace a connector, wait until its task runs
#   connect.sh delete|state DIR NAME
# env: LAB_DATABASE (postgres), KAFKA_PORT (9092), CONNECT_PORT (8083), CONNECT_HEAP (768m), LAB_OWNER (see common.sh)
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"
[ $# -ge 2 ] || die "usage: connect.sh start|stop|put|delete|state DIR …"
CMD="$1"; DIR="$(abspath "$2")"; shift 2
PORT="${CONNECT_PORT:-8083}"; URL="http://127.0.0.1:$PORT"
HOME_="$DIR/connect"; PIDF="$DIR/connect.pid"

write_conf() {
  local name="debezium-${LAB_DATABASE:-postgres}" jar
  local plugin="$HOME_/plugins/$name"
  mkdir -p "$plugin"
  for jar in "$(fetch_jars "$name")"/*.jar; do
    case "$(basename "$jar")" in # the worker provides these; shipping them twice breaks plug-in isolation
    connect-api-* | connect-json-* | kafka-clients-* | slf4j-api-*) ;;
    *) ln -sf "$jar" "$plugin/" ;;
    esac
  done
  cat >"$HOME_/worker.properties" <<P
bootstrap.servers=127.0.0.1:${KAFKA_PORT:-9092}
group.id=connect
config.storage.topic=_connect_configs
offset.storage.topic=_connect_offsets
status.storage.topic=_connect_status
config.storage.replication.factor=1
offset.storage.replication.factor=1
offset.storage.partitions=1
status.storage.replication.factor=1
status.storage.partitions=1
key.converter=org.apache.kafka.connect.json.JsonConverter
value.converter=org.apache.kafka.connect.json.JsonConverter
listeners=$URL
offset.flush.interval.ms=2000
plugin.path=$HOME_/plugins
plugin.discovery=service_load
P
  write_log4j "$HOME_/log4j2.properties"
}

case "$CMD" in
start)
  LIB="$(fetch_jars connect)"
  if ! pid_alive "$PIDF"; then
    write_conf
    nohup java -Xms256m -Xmx"${CONNECT_HEAP:-768m}" -Dlog4j2.configurationFile="$HOME_/log4j2.properties" \
      -cp "$LIB/*" org.apache.kafka.connect.cli.ConnectDistributed "$HOME_/worker.properties" \
      >"$HOME_/worker.log" 2>&1 </dev/null &
    echo $! >"$PIDF"
    wait_for 180 "$PIDF" curl -fsS -o /dev/null "$URL/connectors" || { tail -20 "$HOME_/worker.log" >&2; die "connect did not start"; }
    follow_owner stop_pid "$PIDF"
  fi
  echo "connect=$URL" ;;
stop) stop_pid "$PIDF" ;;
put)
  for _ in $(seq 10); do
    code="$(curl -sS -o "$HOME_/put.out" -w '%{http_code}' -X PUT -H 'Content-Type: application/json' --data-binary @"$2" "$URL/connectors/$1/config")"
    case "$code" in 20*) break ;; 409) sleep 1 ;; *) cat "$HOME_/put.out" >&2; die "connector $1 refused" ;; esac # 409: rebalancing
  done
  for _ in $(seq 300); do
    state="$(curl -sS "$URL/connectors/$1/status" || true)"
    case "$state" in
    *'"state":"FAILED"'*) log "$state"; die "connector $1 failed" ;;
    *'"tasks":[{"id":0,"state":"RUNNING"'*) echo "running $1"; exit 0 ;;
    esac
    sleep 0.2
  done
  die "connector $1 does not run: $state" ;;
delete) curl -fsS -X DELETE "$URL/connectors/$1" ;;
state) curl -fsS "$URL/connectors/$1/status"; echo ;;
*) die "unknown command $CMD" ;;
esac

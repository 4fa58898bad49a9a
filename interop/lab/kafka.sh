#!/usr/bin/env bash
# One-node Apache Kafka (KRaft) on loopback.
#   kafka.sh start|stop DIR
#   kafka.sh cli DIR CLASS [args]     e.g. org.apache.kafka.tools.TopicCommand --bootstrap-server … --list
# env: KAFKA_PORT (9092), KAFKA_CTL_PORT (9093), KAFKA_HEAP (512m), LAB_OWNER (see common.sh)
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"
[ $# -ge 2 ] || die "usage: kafka.sh start|stop|cli DIR [args]"
CMD="$1"; DIR="$(abspath "$2")"; shift 2
PORT="${KAFKA_PORT:-9092}"; CTL="${KAFKA_CTL_PORT:-9093}"
HOME_="$DIR/kafka"; PIDF="$DIR/kafka.pid"; CONF="$HOME_/server.properties"

write_conf() {
  mkdir -p "$HOME_/data"
  write_log4j "$HOME_/log4j2.properties"
  cat >"$CONF" <<P
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:$CTL
listeners=PLAINTEXT://127.0.0.1:$PORT,CONTROLLER://127.0.0.1:$CTL
advertised.listeners=PLAINTEXT://127.0.0.1:$PORT
controller.listener.names=CONTROLLER
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT
inter.broker.listener.name=PLAINTEXT
log.dirs=$HOME_/data
auto.create.topics.enable=false
offsets.topic.replication.factor=1
offsets.topic.num.partitions=4
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
transaction.state.log.num.partitions=4
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
group.initial.rebalance.delay.ms=0
log.retention.hours=-1
log.segment.bytes=268435456
message.max.bytes=10485760
P
}
jrun() { java -Xmx"${KAFKA_HEAP:-512m}" -Dlog4j2.configurationFile="$HOME_/log4j2.properties" -cp "$LIB/*" "$@"; }

case "$CMD" in
start)
  LIB="$(fetch_jars kafka)"
  if ! pid_alive "$PIDF"; then
    write_conf
    if [ ! -f "$HOME_/data/meta.properties" ]; then # any 16 bytes in base64url name a cluster
      jrun kafka.tools.StorageTool format -t aHVkaS1nby1sYWItMDAwMQ -c "$CONF" >"$HOME_/format.log" 2>&1 || { cat "$HOME_/format.log" >&2; die "kafka storage format"; }
    fi
    nohup java -Xms256m -Xmx"${KAFKA_HEAP:-512m}" -Dlog4j2.configurationFile="$HOME_/log4j2.properties" \
      -cp "$LIB/*" kafka.Kafka "$CONF" >"$HOME_/server.log" 2>&1 </dev/null &
    echo $! >"$PIDF"
    wait_for 90 "$PIDF" port_open "$PORT" || { tail -20 "$HOME_/server.log" >&2; die "the broker did not start"; }
    follow_owner stop_pid "$PIDF"
  fi
  echo "bootstrap=127.0.0.1:$PORT" ;;
stop) stop_pid "$PIDF" ;;
cli) LIB="$(fetch_jars kafka)"; jrun "$@" ;;
*) die "unknown command $CMD" ;;
esac

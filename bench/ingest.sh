#!/usr/bin/env bash
# Kafka → Hudi side by side, in one run on one broker: its bare delivery, hudictl ingest (MOR, COW), Spark Structured Streaming (MOR, COW).
#   ingest.sh HUDICTL [EVENTS (1000000)]
# env: BENCH_DIR (in the cache) for data, tables and results; PEERS ("drain hudictl spark")
set -euo pipefail
HERE="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
LAB="$HERE/../interop/lab"
. "$LAB/common.sh"
HUDICTL="$(realpath "${1:?usage: ingest.sh HUDICTL [EVENTS]}")"; EVENTS="${2:-1000000}"
DIR="$(abspath "${BENCH_DIR:-$CACHE/bench}/ingest-$EVENTS")"
OUT="$DIR/results.jsonl"; PY="$CACHE/venv/bin/python"
PEERS="${PEERS:-drain hudictl spark}"
export SPARK_LOCAL_IP=127.0.0.1 KAFKA_PORT="${KAFKA_PORT:-29092}" KAFKA_CTL_PORT="${KAFKA_CTL_PORT:-29093}" KAFKA_HEAP=1g LAB_OWNER=$$
BROKERS="127.0.0.1:$KAFKA_PORT"

"$LAB/setup.sh" bench
[ -f "$DIR/cdc.jsonl.meta.json" ] || "$PY" "$HERE/gen.py" cdc --events "$EVENTS" --keys $((EVENTS * 3 / 10)) --out "$DIR/cdc.jsonl"
(cd "$HERE/.." && go build -o "$DIR/drain" ./bench/drain)

rm -rf "$DIR/lab"
trap '"$LAB/kafka.sh" stop "$DIR/lab"' EXIT
"$LAB/kafka.sh" start "$DIR/lab" >&2
"$PY" "$HERE/kafka_produce.py" "$BROKERS" cdc "$DIR/cdc.jsonl" 4 >&2

for peer in $PEERS; do
  case "$peer" in
  drain)
    for _ in 1 2; do "$DIR/drain" -brokers "$BROKERS" -topic cdc | tee -a "$OUT"; done ;;
  hudictl)
    "$PY" "$HERE/run_peer.py" --peer hudictl --binary "$HUDICTL" --job ingest_mor,ingest_cow --brokers "$BROKERS" --topic cdc \
      --data "$DIR" --work "$DIR" --out "$OUT" ;;
  spark)
    for type in MERGE_ON_READ COPY_ON_WRITE; do
      HUDI_BUNDLE="$(ls "$CACHE"/lab/jars/hudi-spark/*.jar)" KAFKA_JARS="$CACHE/lab/jars/spark-kafka" \
        "$PY" "$HERE/peer_spark_stream.py" "$BROKERS" cdc "$type" 200000 "$DIR/spark_$type" | tee -a "$OUT"
    done ;;
  *) die "unknown peer $peer" ;;
  esac
done
log "results: $OUT"

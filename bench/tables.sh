#!/usr/bin/env bash
# Tables side by side: bulk-insert, upserts, compaction and scans of line items by hudictl, Spark + Hudi and hudi-rs, and the floor.
#   tables.sh HUDICTL [ROWS (1000000)]
# env: BENCH_DIR (in the cache) for data, tables and results; PEERS ("hudictl spark-hudi hudi-rs duckdb")
set -euo pipefail
HERE="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
LAB="$HERE/../interop/lab"
. "$LAB/common.sh"
HUDICTL="$(realpath "${1:?usage: tables.sh HUDICTL [ROWS]}")"; ROWS="${2:-1000000}"
DIR="$(abspath "${BENCH_DIR:-$CACHE/bench}/tables-$ROWS")"
OUT="$DIR/results.jsonl"; PY="$CACHE/venv/bin/python"
PEERS="${PEERS:-hudictl spark-hudi hudi-rs duckdb}"

"$LAB/setup.sh" bench
[ -d "$DIR/li1m" ] || "$PY" "$HERE/gen.py" lineitem --rows "$ROWS" --out "$DIR/li1m"
for pct in 1 10 50; do
  [ -d "$DIR/up1m_$pct" ] || "$PY" "$HERE/gen.py" upsert --rows "$ROWS" --pct "$pct" --out "$DIR/up1m_$pct"
done

peer() { "$PY" "$HERE/run_peer.py" --data "$DIR" --work "$DIR" --out "$OUT" --peer "$@"; }
for name in $PEERS; do
  case "$name" in
  hudictl) peer hudictl --binary "$HUDICTL" --job bulk_insert_cow,bulk_insert_mor,scan,point,upsert1_cow,upsert10_cow,upsert50_cow,upsert1_mor,upsert10_mor,upsert50_mor,compact,mor ;;
  spark-hudi) HUDI_BUNDLE="$(ls "$CACHE"/lab/jars/hudi-spark/*.jar)" peer spark-hudi --job bulk_insert,scan,point,upsert1_cow,upsert10_cow,upsert50_cow,upsert10_mor,mor,compact ;;
  hudi-rs) for kind in base_cow mor_up10; do
      if [ -d "$DIR/t_1m_none_$kind" ]; then peer hudi-rs --table "$DIR/t_1m_none_$kind" --job open,scan; fi
    done ;;
  duckdb) peer duckdb --job all ;;
  *) die "unknown peer $name" ;;
  esac
done
"$PY" "$HERE/report.py" "$OUT"

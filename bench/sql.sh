#!/usr/bin/env bash
# SQL over the tables of tables.sh, beside DuckDB over their bare Parquet files: the same hudictl process answers both, and DuckDB's own Python package the second.
#   sql.sh HUDICTL [ROWS (1000000)]
# env: BENCH_DIR as in tables.sh; RUNS (5). Prints the best wall time of each in seconds.
set -euo pipefail
HERE="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
. "$HERE/../interop/lab/common.sh"
HUDICTL="$(realpath "${1:?usage: sql.sh HUDICTL [ROWS]}")"; ROWS="${2:-1000000}"; RUNS="${RUNS:-5}"
DIR="$(abspath "${BENCH_DIR:-$CACHE/bench}/tables-$ROWS")"
COW="$DIR/hudictl_1m_none_base_cow"; MOR="$DIR/hudictl_1m_none_mor_up10"
FILES="$COW/*.parquet"

best() { # NAME COMMAND…: the shortest of RUNS runs after one that is not counted
  local name="$1" from to shortest=999999; shift
  for i in $(seq 0 "$RUNS"); do
    from="$(date +%s%N)"; "$@" >/dev/null; to="$(date +%s%N)"
    if [ "$i" -gt 0 ] && [ $(((to - from) / 1000)) -lt "$shortest" ] || [ "$shortest" = 999999 ]; then shortest=$(((to - from) / 1000)); fi
  done
  printf '%-34s %d.%03d\n' "$name" $((shortest / 1000000)) $((shortest / 1000 % 1000))
}
python_duckdb() {
  "$CACHE/venv/bin/python" - "$1" <<'EOF'
import sys, time, duckdb
con = duckdb.connect()
best = 1e9
for _ in range(6):
    begun = time.perf_counter()
    for batch in con.execute(sys.argv[1]).to_arrow_reader(65536):
        pass
    best = min(best, time.perf_counter() - begun)
print(f"{best:.3f}")
EOF
}
agg() { echo "SELECT count(*), sum(l_quantity), sum(l_extendedprice), sum(ts) FROM $1"; }
wide() { echo "SELECT ${COLUMNS_OF:-*} FROM $1"; }
BARE="read_parquet('$FILES')"
COLUMNS_OF="* EXCLUDE (_hoodie_commit_time, _hoodie_commit_seqno, _hoodie_record_key, _hoodie_partition_path, _hoodie_file_name)"

best "aggregate, table" "$HUDICTL" query "$COW" --sql "$(agg t)" -q
best "aggregate, bare files" "$HUDICTL" sql "$(agg "$BARE")" -q
printf '%-34s %s\n' "aggregate, bare files, Python" "$(python_duckdb "$(agg "$BARE")")"
best "scan to Arrow, table" "$HUDICTL" query "$COW" --sql "SELECT * FROM t" --output arrow -q
best "scan to Arrow, bare files" "$HUDICTL" sql "$(wide "$BARE")" --output arrow -q
printf '%-34s %s\n' "scan to Arrow, bare files, Python" "$(python_duckdb "$(wide "$BARE")")"
if [ -d "$MOR" ]; then
  best "aggregate, merge-on-read" "$HUDICTL" query "$MOR" --sql "$(agg t)" -q
  best "aggregate, merge-on-read, condition" "$HUDICTL" query "$MOR" --sql "$(agg "t WHERE l_orderkey < 1000")" -q
fi

#!/usr/bin/env python3
"""Side-by-side benchmark driver: run_peer.py --peer NAME --job JOB[,JOB...] --data DIR --work DIR [--tag 1m] [--part none|ym] ..."""

import argparse, importlib, os, sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
PEERS = {
    "hudictl": "peer_hudictl",
    "spark-hudi": "peer_spark_hudi",
    "hudi-rs": "peer_hudi_rs",
    "duckdb": "peer_floor",
    "pyarrow": "peer_floor",
    "disk": "peer_floor",
    "delta-rs": "peer_formats",
    "iceberg": "peer_formats",
}
p = argparse.ArgumentParser(description=__doc__)
p.add_argument("--peer", required=True, choices=sorted(PEERS))
p.add_argument("--job", required=True)
p.add_argument("--data", default="data")
p.add_argument("--work", default="work")
p.add_argument("--tag", default="1m", help="data set label: li<tag>, up<tag>_<pct>")
p.add_argument("--part", choices=["none", "ym"], default="none")
p.add_argument("--out", help="append JSON lines here too")
p.add_argument("--repeat", type=int, default=3)
p.add_argument("--write-repeat", type=int, default=0)
p.add_argument("--write-warmup", type=int, default=-1)
p.add_argument("--warmup", type=int, default=1)
p.add_argument("--threads", type=int, default=2)
p.add_argument("--heap", default="3g")
p.add_argument("--jar", default=os.environ.get("HUDI_BUNDLE", ""))
p.add_argument("--hudi-version", default="1.2.0")
p.add_argument("--codec", default="", help="parquet codec for writers; empty: the peer's default")
p.add_argument("--opt", action="append", help="extra hoodie.x=y")
p.add_argument("--table", help="an existing table (read jobs of hudi-rs)")
p.add_argument("--binary", default="bin/hudictl", help="hudictl")
p.add_argument("--brokers", help="ingest jobs of hudictl")
p.add_argument("--topic", help="ingest jobs of hudictl: a topic filled with gen.py cdc")
p.add_argument("--ncommits", type=int, default=100)
p.add_argument("--budget", type=float, default=400)
p.add_argument("--nfiles", default="10,1000")
a = p.parse_args()
a.data = os.path.abspath(a.data)
a.work = os.path.abspath(a.work)
os.makedirs(a.work, exist_ok=True)
importlib.import_module(PEERS[a.peer]).run(a)

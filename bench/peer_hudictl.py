"""The subject: the hudictl binary, one process a measurement, measured by what the kernel accounts to it (wait4).

Jobs: bulk_insert_{cow,mor} upsert{1,10,50}_{cow,mor} compact scan mor ingest_{mor,cow}; names of measurements as peer_spark_hudi's.
"""

import json
import os
import subprocess
import sys

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from common import Bench, dir_bytes, fresh_copy

HERE = os.path.dirname(os.path.abspath(__file__))
KEYS = "l_orderkey,l_linenumber"
AGGREGATED = "l_quantity,l_extendedprice,ts"


class Hudictl:
    def __init__(self, a):
        self.a = a
        self.binary = os.path.abspath(a.binary)
        self.options = [word for kv in a.opt or [] for word in ("--option", kv)]
        self.bench = Bench("hudictl", a.out)
        self.log = f"{a.work}/hudictl.stderr"

    def run(self, *args):
        """Run once with its output thrown away; returns (wall seconds, CPU seconds, peak RSS in MiB)."""
        command = [sys.executable, "-I", "-S", os.path.join(HERE, "wait4.py"), self.binary, *args, "--quiet"]
        with open(self.log, "wb") as log:
            usage = json.loads(subprocess.run(command, stdout=subprocess.PIPE, stderr=log, check=True).stdout)
        if usage["exit"]:
            raise RuntimeError(f"hudictl {args[0]}: exit {usage['exit']}: {open(self.log).read().strip()[-300:]}")
        return usage["seconds"], usage["cpu_seconds"], usage["peak_rss_mb"]

    def measure(self, job, args, warmup=1, repeat=3, prepare=None, check=None, rows=None, bytes_of=None, **tags):
        """prepare() runs untimed before every run, check() after the last."""
        runs = []
        try:
            for _ in range(warmup + repeat):
                if prepare:
                    prepare()
                runs.append(self.run(*args))
            checked = check() if check else None
        except RuntimeError as problem:
            self.bench.emit(job=job, error=str(problem), **tags)
            return
        counted = runs[warmup:]
        walls, cpus, peaks = zip(*counted)
        self.bench.emit(
            job=job, rows=rows, bytes=dir_bytes(bytes_of) if bytes_of else None,
            seconds=round(min(walls), 3), seconds_max=round(max(walls), 3),
            cpu_seconds=round(min(cpus), 3), cpu_max=round(max(cpus), 3), peak_rss_mb=round(max(peaks)), runs=len(counted),
            first_run_seconds=round(runs[0][0], 3), first_run_cpu=round(runs[0][1], 3), check=checked,
            **({"rows_per_second": round(rows / min(walls))} if rows else {}), **tags,
        )  # fmt: skip

    # -- tables
    def create(self, path, kind):
        subprocess.run(["rm", "-rf", path], check=True)
        args = ["--name", "bench", "--type", kind, "--keys", KEYS, "--ordering", "ts"]
        if self.a.part == "ym":
            args += ["--partition-by", "ship_ym"]
        self.run("create", path, *args, *self.options)

    def base(self, kind):
        """A table loaded from the line items; made once."""
        path = f"{self.a.work}/hudictl_{self.a.tag}_{self.a.part}_base_{kind}"
        if not os.path.isdir(path + "/.hoodie"):
            self.create(path, kind)
            self.run(*self.commit(path, f"{self.a.data}/li{self.a.tag}", "bulk-insert"))
        return path

    def commit(self, path, source, op):
        files = sorted(f"{source}/{name}" for name in os.listdir(source) if name.endswith(".parquet"))
        return ["commit", path, *files, "--op", op, "--input", "parquet", *self.options]

    def totals(self, path, *args):
        """The figures that every peer reports of a table, so that a wrong answer shows."""
        command = [self.binary, "query", path, "--columns", AGGREGATED, "--output", "arrow", "--quiet", *args]
        process = subprocess.Popen(command, stdout=subprocess.PIPE)
        count = quantity = price = ordering = 0
        with pa.ipc.open_stream(process.stdout) as stream:
            for batch in stream:
                count += batch.num_rows
                quantity += pc.sum(batch["l_quantity"]).as_py() or 0
                price += pc.sum(batch["l_extendedprice"]).as_py() or 0
                ordering += pc.sum(batch["ts"]).as_py() or 0
        if process.wait():
            raise RuntimeError(f"hudictl query: exit {process.returncode}")
        return {"count": count, "qty": quantity, "price": str(price), "ts": str(ordering)}

    # -- jobs
    def bulk_insert(self, kind):
        path = f"{self.a.work}/hudictl_bulk"
        rows = parquet_rows(f"{self.a.data}/li{self.a.tag}")
        self.measure(f"bulk_insert_{kind}", self.commit(path, f"{self.a.data}/li{self.a.tag}", "bulk-insert"),
                     self.a.warmup, self.a.repeat, lambda: self.create(path, kind), lambda: self.totals(path), rows, path, tag=self.a.tag)  # fmt: skip

    def upsert(self, pct, kind):
        base, path, source = self.base(kind), f"{self.a.work}/hudictl_upsert", f"{self.a.data}/up{self.a.tag}_{pct}"
        self.measure(f"upsert{pct}_{kind}", self.commit(path, source, "upsert"), self.a.warmup, self.a.repeat,
                     lambda: fresh_copy(base, path), lambda: self.totals(path), parquet_rows(source), path, tag=self.a.tag)  # fmt: skip

    def with_logs(self):
        """A merge-on-read table with 10 % of its rows changed in logs; made once."""
        path = f"{self.a.work}/hudictl_{self.a.tag}_{self.a.part}_mor_up10"
        if not os.path.isdir(path + "/.hoodie"):
            fresh_copy(self.base("mor"), path)
            self.run(*self.commit(path, f"{self.a.data}/up{self.a.tag}_10", "upsert"))
        return path

    def compact(self):
        base, path = self.with_logs(), f"{self.a.work}/hudictl_compact"
        self.measure("compact_mor", ["compact", path, "--option", "hoodie.compact.inline.max.delta.commits=1", *self.options],
                     self.a.warmup, self.a.repeat, lambda: fresh_copy(base, path), lambda: self.totals(path), None, path, tag=self.a.tag)  # fmt: skip

    def read(self, job, path, *args):
        totals = self.totals(path, *(word for word in args if word not in ("--columns", AGGREGATED)))
        self.measure(job, ["query", path, "--output", "arrow", *args], self.a.warmup, self.a.repeat, rows=totals["count"],
                     check=lambda: totals, bytes_of=path, tag=self.a.tag)  # fmt: skip

    def scan(self):
        self.read("scan_agg_cow", self.base("cow"), "--columns", AGGREGATED)
        self.read("scan_wide_cow", self.base("cow"))

    def point(self):
        """One row by its key fields, as peers are asked for it."""
        path, order = self.base("cow"), parquet_rows(f"{self.a.data}/li{self.a.tag}") // 8
        self.measure("point_lookup", ["query", path, "--where", f"l_orderkey = {order} and l_linenumber = 2", "--output", "arrow", *self.options],
                     self.a.warmup, self.a.repeat, rows=1, bytes_of=path, tag=self.a.tag)  # fmt: skip

    def mor(self):
        path = self.with_logs()
        self.read("mor_snapshot_agg", path, "--columns", AGGREGATED)
        self.read("mor_snapshot_wide", path)
        self.read("mor_ro_agg", path, "--view", "read-optimized", "--columns", AGGREGATED)

    def ingest(self, kind):
        path, schema = f"{self.a.work}/hudictl_ingest_{kind}", os.path.join(HERE, "orders.avsc")
        events = json.load(open(f"{self.a.data}/cdc.jsonl.meta.json"))["events"]
        args = ["ingest", path, "--brokers", self.a.brokers, "--topic", self.a.topic, "--type", kind, "--schema", schema, "--once"]

        def check():
            process = subprocess.run([self.binary, "query", path, "--columns", "id", "--output", "arrow", "--quiet"],
                                     stdout=subprocess.PIPE, check=True)  # fmt: skip
            return {"count": pa.ipc.open_stream(process.stdout).read_all().num_rows}

        self.measure(f"ingest_{kind}", args + self.options, 0, 1, lambda: subprocess.run(["rm", "-rf", path], check=True),
                     check, events, path, tag=self.a.tag)  # fmt: skip


def parquet_rows(folder):
    return sum(pq.read_metadata(f"{folder}/{name}").num_rows for name in os.listdir(folder) if name.endswith(".parquet"))


def run(a):
    h = Hudictl(a)
    jobs = {"compact": h.compact, "scan": h.scan, "point": h.point, "mor": h.mor}
    for kind in ("cow", "mor"):
        jobs[f"bulk_insert_{kind}"] = lambda kind=kind: h.bulk_insert(kind)
        jobs[f"ingest_{kind}"] = lambda kind=kind: h.ingest(kind)
        for pct in (1, 10, 50):
            jobs[f"upsert{pct}_{kind}"] = lambda pct=pct, kind=kind: h.upsert(pct, kind)
    for job in a.job.split(","):
        jobs[job]()

"""Measurement helpers shared by all peers: wall, CPU seconds, peak RSS, bytes; one JSON line per measurement."""

import json, os, time, shutil

TCK = os.sysconf("SC_CLK_TCK")


def cpu_of(pid):
    s = open(f"/proc/{pid}/stat").read().rsplit(")", 1)[1].split()
    return (int(s[11]) + int(s[12]) + int(s[13]) + int(s[14])) / TCK  # own + reaped children


def reset_peak(pid):
    try:
        open(f"/proc/{pid}/clear_refs", "w").write("5")
    except OSError:
        pass


def peak_mb(pid):
    for l in open(f"/proc/{pid}/status"):
        if l.startswith("VmHWM"):
            return int(l.split()[1]) / 1024
    return 0.0


def dir_bytes(p, suffix=None):
    n = 0
    for r, _, fs in os.walk(p):
        for f in fs:
            if suffix is None or f.endswith(suffix):
                try:
                    n += os.path.getsize(os.path.join(r, f))
                except OSError:
                    pass
    return n


def count_files(p, suffix):
    return sum(1 for r, _, fs in os.walk(p) for f in fs if f.endswith(suffix) and "/.hoodie" not in r)


def fresh_copy(src, dst):
    shutil.rmtree(dst, ignore_errors=True)
    shutil.copytree(src, dst)


class Bench:
    def __init__(self, peer, out=None, extra_pids=(), rows_label=""):
        self.peer, self.out, self.pids, self.base = peer, out, [os.getpid(), *extra_pids], rows_label

    def emit(self, **kw):
        kw = {"peer": self.peer, **kw, "load1": round(os.getloadavg()[0], 1)}
        line = json.dumps(kw, default=str)
        print(line, flush=True)
        if self.out:
            open(self.out, "a").write(line + "\n")

    def measure(self, job, fn, repeat=3, warmup=1, prepare=None, rows=None, bytes_fn=None, **tags):
        """fn() -> dict of checks (e.g. {'count':..}); prepare() runs untimed before every run."""
        runs, chk = [], None
        for k in range(warmup + repeat):
            ctx = prepare() if prepare else None
            for p in self.pids:
                reset_peak(p)
            c0 = sum(cpu_of(p) for p in self.pids)
            t0 = time.perf_counter()
            try:
                chk = fn(ctx) if prepare else fn()
            except Exception as e:
                self.emit(job=job, error=f"{type(e).__name__}: {str(e)[:300]}", **tags)
                return None
            t = time.perf_counter() - t0
            c = sum(cpu_of(p) for p in self.pids) - c0
            runs.append((t, c, sum(peak_mb(p) for p in self.pids)))
        w = runs[warmup:] or runs
        ts = [r[0] for r in w]
        cs = [r[1] for r in w]
        self.emit(
            job=job,
            rows=rows,
            bytes=bytes_fn() if bytes_fn else None,
            seconds=round(min(ts), 3),
            seconds_max=round(max(ts), 3),
            cpu_seconds=round(min(cs), 3),
            cpu_max=round(max(cs), 3),
            peak_rss_mb=round(max(r[2] for r in w)),
            runs=len(w),
            first_run_seconds=round(runs[0][0], 3),
            first_run_cpu=round(runs[0][1], 3),
            check=chk,
            **tags,
        )
        return chk

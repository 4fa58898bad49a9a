"""hudi-rs (Python binding, read-only) on a table some writer left behind: --table PATH."""

import pyarrow.compute as pc, os, glob
from common import *
from hudi import HudiTable, HudiReadOptions, HudiQueryType, __version__ as V


def run(a):
    b = Bench(f"hudi-rs-{V}", a.out)
    p = os.path.abspath(a.table)
    R, WU = a.repeat, a.warmup
    sz = lambda: dir_bytes(p, ".parquet")

    def agg(opt, cols):
        o = HudiReadOptions(projection=cols) if opt is None else opt
        n = q = 0
        for x in HudiTable(p).read(o):
            n += x.num_rows
            q += pc.sum(x["l_quantity"]).as_py() or 0
        return {"count": n, "qty": q}

    def agg_stream(opt):
        n = q = 0
        for x in HudiTable(p).read_stream(opt):
            n += x.num_rows
            q += pc.sum(x["l_quantity"]).as_py() or 0
        return {"count": n, "qty": q}

    C3 = ["l_quantity", "l_extendedprice", "ts"]
    tl = sorted({os.path.basename(f).split("_")[0].split(".")[0] for f in glob.glob(f"{p}/.hoodie/timeline/*commit")})
    lbl = os.path.basename(p.rstrip("/"))
    J = {
        "open": lambda: b.measure("open_and_plan", lambda: {"slices": len(HudiTable(p).get_file_slices())}, R, WU, table=lbl),
        "scan": lambda: (
            b.measure("scan_agg", lambda: agg(None, C3), R, WU, bytes_fn=sz, table=lbl),
            b.measure("scan_wide", lambda: agg(None, None), R, WU, bytes_fn=sz, table=lbl),
            b.measure("scan_agg_stream", lambda: agg_stream(HudiReadOptions(projection=C3)), R, WU, bytes_fn=sz, table=lbl),
        ),
        "filter": lambda: b.measure(
            "scan_filter_skip",
            lambda: agg(
                HudiReadOptions(
                    filters=[("l_orderkey", ">=", "125000"), ("l_orderkey", "<=", "127500")], projection=["l_orderkey"] + C3
                ),
                None,
            ),
            R,
            WU,
            bytes_fn=sz,
            table=lbl,
        ),
        "point": lambda: b.measure(
            "point_filter",
            lambda: agg(
                HudiReadOptions(
                    filters=[("l_orderkey", "=", "125000"), ("l_linenumber", "=", "2")],
                    projection=["l_orderkey", "l_linenumber"] + C3,
                ),
                None,
            ),
            R,
            WU,
            bytes_fn=sz,
            table=lbl,
        ),
        "incr": lambda: b.measure(
            "incremental",
            lambda: agg(
                HudiReadOptions(projection=C3).with_query_type(HudiQueryType.Incremental).with_start_timestamp(tl[0]), None
            ),
            R,
            WU,
            table=lbl,
        ),
        "timetravel": lambda: b.measure(
            "timetravel", lambda: agg(HudiReadOptions(projection=C3).with_as_of_timestamp(tl[0]), None), R, WU, table=lbl
        ),
        "ro": lambda: b.measure(
            "mor_ro_agg",
            lambda: agg(HudiReadOptions(projection=C3, hudi_options={"hoodie.read.use.read_optimized.mode": "true"}), None),
            R,
            WU,
            table=lbl,
        ),
        "count": lambda: b.measure(
            "count_key",
            lambda: {"c": sum(x.num_rows for x in HudiTable(p).read(HudiReadOptions(projection=["l_orderkey"])))},
            R,
            WU,
            table=lbl,
        ),
    }
    for j in a.job.split(","):
        J[j]()

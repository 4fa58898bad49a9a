"""What a user would pick instead: delta-rs (deltalake) and Iceberg (pyiceberg write, pyiceberg/DuckDB read)."""

import os
from common import *


def run(a):
    import pyarrow.parquet as pq, pyarrow.compute as pc

    D, W, tag = a.data, a.work, a.tag
    R, WU = a.repeat, a.warmup
    t = pq.read_table(f"{D}/li{tag}")
    N = t.num_rows
    up = lambda pct: pq.read_table(f"{D}/up{tag}_{pct}/part-00000.parquet")
    jobs = a.job.split(",")
    if a.peer == "delta-rs":
        import deltalake
        from deltalake import DeltaTable, write_deltalake

        b = Bench(f"delta-rs-{deltalake.__version__}", a.out)
        base, p = f"{W}/delta_base", f"{W}/delta_w"
        rm = lambda: shutil.rmtree(p, ignore_errors=True)
        if not os.path.isdir(base):
            write_deltalake(base, t)
        if "append" in jobs:
            b.measure(
                "bulk_write", lambda _: write_deltalake(p, t), R, 0, prepare=rm, rows=N, bytes_fn=lambda: dir_bytes(p), tag=tag
            )
        for pct in ("1", "10", "50"):
            if f"merge{pct}" in jobs:
                u = up(pct)

                def f(_):
                    m = (
                        DeltaTable(p)
                        .merge(
                            u,
                            "t.l_orderkey = s.l_orderkey and t.l_linenumber = s.l_linenumber",
                            source_alias="s",
                            target_alias="t",
                        )
                        .when_matched_update_all()
                        .when_not_matched_insert_all()
                        .execute()
                    )
                    return {
                        k: m[k]
                        for k in (
                            "num_target_rows_updated",
                            "num_target_rows_inserted",
                            "num_target_files_added",
                            "num_target_files_removed",
                        )
                        if k in m
                    }

                b.measure(
                    f"merge{pct}",
                    f,
                    R,
                    0,
                    prepare=lambda: fresh_copy(base, p),
                    rows=u.num_rows,
                    bytes_fn=lambda: dir_bytes(p) - dir_bytes(base),
                    tag=tag,
                )
                x = DeltaTable(p).to_pyarrow_table(columns=["l_quantity"])
                b.emit(job=f"merge{pct}.check", check={"count": x.num_rows, "qty": pc.sum(x["l_quantity"]).as_py()})
        if "scan" in jobs:

            def sc():
                x = DeltaTable(base).to_pyarrow_table(columns=["l_quantity", "l_extendedprice", "ts"])
                return {"count": x.num_rows, "qty": pc.sum(x["l_quantity"]).as_py()}

            b.measure("scan_agg", sc, R, WU, rows=N, bytes_fn=lambda: dir_bytes(base, ".parquet"), tag=tag)
            b.measure(
                "scan_wide",
                lambda: {"n": DeltaTable(base).to_pyarrow_table().num_rows},
                R,
                WU,
                rows=N,
                bytes_fn=lambda: dir_bytes(base, ".parquet"),
                tag=tag,
            )
    else:
        import pyiceberg
        from pyiceberg.catalog.sql import SqlCatalog

        b = Bench(f"pyiceberg-{pyiceberg.__version__}", a.out)
        root = f"{W}/ice"

        def cat():
            shutil.rmtree(root, ignore_errors=True)
            os.makedirs(root)
            c = SqlCatalog("b", uri=f"sqlite:///{root}/c.db", warehouse=f"file://{root}/wh")
            c.create_namespace("n")
            return c

        def load(c, sch=None):
            x = c.create_table("n.li", schema=t.schema)
            x.append(t)
            return x

        if "append" in jobs:
            b.measure(
                "bulk_write",
                lambda c: load(c) and None,
                R,
                0,
                prepare=cat,
                rows=N,
                bytes_fn=lambda: dir_bytes(root + "/wh"),
                tag=tag,
            )
        c = cat()
        tb = load(c)
        if "scan" in jobs:

            def sc():
                x = tb.scan(selected_fields=("l_quantity", "l_extendedprice", "ts")).to_arrow()
                return {"count": x.num_rows, "qty": pc.sum(x["l_quantity"]).as_py()}

            b.measure("scan_agg", sc, R, WU, rows=N, bytes_fn=lambda: dir_bytes(root, ".parquet"), tag=tag)
            b.measure(
                "scan_wide",
                lambda: {"n": tb.scan().to_arrow().num_rows},
                R,
                WU,
                rows=N,
                bytes_fn=lambda: dir_bytes(root, ".parquet"),
                tag=tag,
            )
        for pct in ("1", "10"):
            if f"merge{pct}" in jobs:
                u = up(pct)
                b.measure(
                    f"merge{pct}",
                    lambda x: str(x.upsert(u, join_cols=["l_orderkey", "l_linenumber"])),
                    1,
                    0,
                    prepare=lambda: load(cat()),
                    rows=u.num_rows,
                    tag=tag,
                )

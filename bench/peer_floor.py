"""Floors: DuckDB over the same parquet files, pyarrow parquet write/read, and the disk itself."""

import glob, os, subprocess
from common import *


def run(a):
    D, W, tag = a.data, a.work, a.tag
    R, WU = a.repeat, a.warmup
    src = a.table or f"{D}/li{tag}"
    files = sorted(glob.glob(src + "/**/*.parquet", recursive=True))
    files = [f for f in files if "/.hoodie/" not in f]
    sz = sum(map(os.path.getsize, files))
    lbl = os.path.basename(src.rstrip("/"))
    if a.peer == "duckdb":
        import duckdb

        b = Bench(f"duckdb-{duckdb.__version__}", a.out)
        for th in sorted({1, a.threads}):
            con = duckdb.connect()
            con.execute(f"set threads={th}")
            F = "[" + ",".join(f"'{f}'" for f in files) + "]"
            q = lambda s: con.execute(s).fetchone()
            b.measure(
                f"scan_agg_{th}t",
                lambda: dict(
                    zip(
                        ("count", "qty", "price", "ts"),
                        map(str, q(f"select count(*), sum(l_quantity), sum(l_extendedprice), sum(ts) from read_parquet({F})")),
                    )
                ),
                R,
                WU,
                bytes_fn=lambda: sz,
                table=lbl,
            )
            b.measure(
                f"scan_wide_{th}t",
                lambda: {"n": sum(x.num_rows for x in con.execute(f"select * from read_parquet({F})").to_arrow_reader(65536))},
                R,
                WU,
                bytes_fn=lambda: sz,
                table=lbl,
            )
            b.measure(
                f"scan_filter_{th}t",
                lambda: {
                    "n": q(f"select count(*), sum(l_quantity) from read_parquet({F}) where l_orderkey between 125000 and 127500")
                },
                R,
                WU,
                bytes_fn=lambda: sz,
                table=lbl,
            )
            for codec in ("snappy", "zstd", "gzip") if th == 1 else ("snappy",):
                o = f"{W}/duck.parquet"
                b.measure(
                    f"write_{codec}_{th}t",
                    lambda: con.execute(f"copy (select * from read_parquet({F})) to '{o}' (format parquet, codec '{codec}')")
                    and {},
                    1 if codec == "gzip" else R,
                    0,
                    bytes_fn=lambda: os.path.getsize(o),
                    table=lbl,
                )
                os.remove(o)
            u = f"{D}/up{tag}_10/part-00000.parquet"
            if os.path.exists(u) and not a.table:  # a merge of the same 10 % batch without any table format
                o = f"{W}/duckm.parquet"
                b.measure(
                    f"merge10_rewrite_{th}t",
                    lambda: con.execute(
                        f"copy (select * from read_parquet({F}) b anti join read_parquet('{u}') u using (l_orderkey,l_linenumber) union all select * from read_parquet('{u}')) to '{o}' (format parquet)"
                    )
                    and {},
                    1 if codec == "gzip" else R,
                    0,
                    bytes_fn=lambda: os.path.getsize(o),
                    table=lbl,
                )
                b.emit(
                    job="merge10.check",
                    check=dict(
                        zip(
                            ("count", "qty", "price", "ts"),
                            map(str, q(f"select count(*), sum(l_quantity), sum(l_extendedprice), sum(ts) from '{o}'")),
                        )
                    ),
                )
                os.remove(o)
    elif a.peer == "pyarrow":
        import pyarrow as pa, pyarrow.parquet as pq, pyarrow.compute as pc

        b = Bench(f"pyarrow-{pa.__version__}", a.out)
        for th in sorted({1, a.threads}):
            pa.set_cpu_count(th)
            b.measure(
                f"read_wide_{th}t",
                lambda: {"n": sum(pq.read_table(f, use_threads=th > 1).num_rows for f in files)},
                R,
                WU,
                bytes_fn=lambda: sz,
                table=lbl,
            )
            b.measure(
                f"read_3cols_{th}t",
                lambda: {
                    "qty": sum(
                        pc.sum(
                            pq.read_table(f, columns=["l_quantity", "l_extendedprice", "ts"], use_threads=th > 1)["l_quantity"]
                        ).as_py()
                        for f in files
                    )
                },
                R,
                WU,
                bytes_fn=lambda: sz,
                table=lbl,
            )
        t = pa.concat_tables(pq.read_table(f) for f in files[:1])
        for codec in ("snappy", "zstd", "gzip"):
            o = f"{W}/pa.parquet"
            b.measure(
                f"write_{codec}",
                lambda: pq.write_table(t, o, compression=codec, row_group_size=250_000),
                (1 if codec == "gzip" else R),
                0,
                rows=t.num_rows,
                bytes_fn=lambda: os.path.getsize(o),
                table=lbl,
            )
        b.measure(
            "write_snappy_no_dict",
            lambda: pq.write_table(t, o, compression="snappy", use_dictionary=False, row_group_size=250_000),
            R,
            0,
            rows=t.num_rows,
            bytes_fn=lambda: os.path.getsize(o),
            table=lbl,
        )
        os.remove(o)
    else:
        b = Bench("disk", a.out)
        o = f"{W}/disk.bin"
        sh = lambda c: subprocess.run(c, shell=True, check=True, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL) and None

        def drop():
            for f in files:
                fd = os.open(f, os.O_RDONLY)
                os.posix_fadvise(fd, 0, 0, os.POSIX_FADV_DONTNEED)
                os.close(fd)

        b.measure("cat_warm", lambda: sh("cat " + " ".join(files) + " > /dev/null"), R, 1, bytes_fn=lambda: sz, table=lbl)
        b.measure(
            "cat_cold",
            lambda _: sh("cat " + " ".join(files) + " > /dev/null"),
            R,
            0,
            prepare=drop,
            bytes_fn=lambda: sz,
            table=lbl,
        )
        b.measure("cp_no_fsync", lambda: sh("cat " + " ".join(files) + f" > {o}"), R, 0, bytes_fn=lambda: sz, table=lbl)
        b.measure(
            "cp_fsync",
            lambda: sh("cat " + " ".join(files) + f" | dd of={o} bs=4M conv=fsync iflag=fullblock"),
            R,
            0,
            bytes_fn=lambda: sz,
            table=lbl,
        )

        def fs(n=100):
            for i in range(n):
                fd = os.open(f"{W}/fs.tmp", os.O_CREAT | os.O_WRONLY | os.O_TRUNC)
                os.write(fd, b"x" * 4096)
                os.fsync(fd)
                os.close(fd)
            os.remove(f"{W}/fs.tmp")

        b.measure("fsync_100x4k", fs, R, 0)

        def mk(n=1000):
            os.makedirs(f"{W}/many", exist_ok=True)
            for i in range(n):
                open(f"{W}/many/{i}", "wb").close()
            x = list(os.scandir(f"{W}/many"))
            [e.stat() for e in x]
            shutil.rmtree(f"{W}/many")

        b.measure("create_list_stat_delete_1000_files", mk, R, 0)
        os.path.exists(o) and os.remove(o)

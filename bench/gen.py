#!/usr/bin/env python3
"""Deterministic data generator of the side-by-side benchmark.

  gen.py lineitem --rows 1000000 --out DIR           TPC-H-like line items, parquet (zstd or snappy)
  gen.py upsert   --rows 1000000 --pct 10 --out DIR  a batch of updates + new rows against that table
  gen.py cdc      --events 1000000 --keys 300000 --out FILE.jsonl   Debezium-like envelopes

Everything is a pure function of (seed, row index), so that any row range can be produced alone and an
upsert batch can be derived without reading the table.  Seeds are per 250 000-row chunk.
"""

import argparse, json, os
import numpy as np, pyarrow as pa, pyarrow.parquet as pq

CHUNK = 250_000
LINES_PER_ORDER = 4  # constant, so that key(i) is closed-form
D0 = np.datetime64("1992-01-01", "D")
NDAYS = 2526  # 1992-01-01 .. 1998-11-30
TS0 = 1_700_000_000_000  # ordering value of the first load
WORDS = (
    "furiously quickly carefully slyly blithely ironic final bold regular express pending silent even special "
    "unusual packages deposits requests accounts theodolites instructions foxes pinto beans ideas platelets asymptotes "
    "sleep wake haggle nag cajole are use boost integrate along above among after about across against the of to"
).split()
INSTR = ["DELIVER IN PERSON", "COLLECT COD", "NONE", "TAKE BACK RETURN"]
MODES = ["REG AIR", "AIR", "RAIL", "SHIP", "TRUCK", "MAIL", "FOB"]

SCHEMA = pa.schema(
    [
        ("l_orderkey", pa.int64()),
        ("l_linenumber", pa.int32()),
        ("l_partkey", pa.int64()),
        ("l_suppkey", pa.int64()),
        ("l_quantity", pa.int32()),
        ("l_extendedprice", pa.decimal128(15, 2)),
        ("l_discount", pa.float64()),
        ("l_tax", pa.float64()),
        ("l_returnflag", pa.string()),
        ("l_linestatus", pa.string()),
        ("l_shipdate", pa.date32()),
        ("l_commitdate", pa.date32()),
        ("l_receiptdate", pa.timestamp("us", tz="UTC")),
        ("l_shipinstruct", pa.string()),
        ("l_shipmode", pa.string()),
        ("l_comment", pa.string()),
        ("ts", pa.int64()),
        ("ship_ym", pa.string()),
    ]
)

_pool = None


def pool():
    global _pool
    if _pool is None:
        r = np.random.default_rng(7)
        _pool = np.frombuffer(" ".join(np.array(WORDS)[r.integers(0, len(WORDS), 600_000)]).encode(), dtype=np.uint8)
    return _pool


def ragged_text(rng, n, lo=10, hi=43):
    p = pool()
    ln = rng.integers(lo, hi + 1, n)
    start = rng.integers(0, len(p) - hi - 1, n)
    off = np.zeros(n + 1, np.int32)
    np.cumsum(ln, out=off[1:])
    idx = np.arange(off[-1], dtype=np.int64) - np.repeat(off[:-1], ln) + np.repeat(start, ln)
    return pa.StringArray.from_buffers(n, pa.py_buffer(off), pa.py_buffer(p[idx]))


def dec(cents):
    b = np.empty((len(cents), 2), np.int64)
    b[:, 0] = cents
    b[:, 1] = cents >> 63
    return pa.Array.from_buffers(pa.decimal128(15, 2), len(cents), [None, pa.py_buffer(b)])


def pick(vals, idx):
    return pa.DictionaryArray.from_arrays(pa.array(idx.astype(np.int32)), pa.array(vals)).cast(pa.string())


YM = [str(np.datetime64("1992-01", "M") + i) for i in range(84)]


def shipday(i):
    """Ship day of row i: independent of the mutable columns, so updates never move a row between partitions."""
    h = (i.astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15)) >> np.uint64(40)
    return (h % np.uint64(NDAYS)).astype(np.int64)


def rows(i, seed, ts):
    n = len(i)
    r = np.random.default_rng(seed)
    sd = shipday(i)
    d0 = D0.astype(np.int64)
    ym = (D0 + sd.astype("timedelta64[D]")).astype("datetime64[M]").astype(np.int64) - np.datetime64("1992-01", "M").astype(
        np.int64
    )
    qty = r.integers(1, 51, n).astype(np.int32)
    part = r.integers(1, 200_001, n)
    cents = qty.astype(np.int64) * (90000 + part % 20001 + 100 * (part % 1000))
    old = sd < 1263
    rec_us = (d0 + sd + r.integers(1, 31, n)) * 86_400_000_000 + r.integers(0, 86_400_000_000, n)
    cols = [
        pa.array(i // LINES_PER_ORDER + 1),
        pa.array((i % LINES_PER_ORDER + 1).astype(np.int32)),
        pa.array(part),
        pa.array(r.integers(1, 10_001, n)),
        pa.array(qty),
        dec(cents),
        pa.array(r.integers(0, 11, n) / 100.0),
        pa.array(r.integers(0, 9, n) / 100.0),
        pick(["A", "R", "N"], np.where(old, r.integers(0, 2, n), 2)),
        pick(["F", "O"], np.where(old, 0, 1)),
        pa.array((d0 + sd).astype(np.int32), type=pa.int32()).cast(pa.date32()),
        pa.array((d0 + sd + r.integers(-30, 61, n)).astype(np.int32), type=pa.int32()).cast(pa.date32()),
        pa.array(rec_us, type=pa.int64()).cast(pa.timestamp("us", tz="UTC")),
        pick(INSTR, r.integers(0, 4, n)),
        pick(MODES, r.integers(0, 7, n)),
        ragged_text(r, n),
        pa.array(np.full(n, ts, np.int64)),
        pick(YM, ym),
    ]
    return pa.table(cols, schema=SCHEMA)


def lineitem(a):
    os.makedirs(a.out, exist_ok=True)
    per = a.rows_per_file
    for f in range((a.rows + per - 1) // per):
        lo, hi = f * per, min(a.rows, (f + 1) * per)
        with pq.ParquetWriter(f"{a.out}/part-{f:05d}.parquet", SCHEMA, compression=a.codec) as w:
            for c in range(lo, hi, CHUNK):
                w.write_table(rows(np.arange(c, min(hi, c + CHUNK)), (a.seed, 1, c), TS0), row_group_size=CHUNK)


def upsert(a):
    os.makedirs(a.out, exist_ok=True)
    r = np.random.default_rng((a.seed, 2, a.batch, int(a.pct * 1000)))
    n = int(a.rows * a.pct / 100)
    nu = int(n * a.update_share)
    if a.locality == "recent":  # all updates among the 10 % most recently loaded order keys
        base = int(a.rows * 0.9)
        pool_n = a.rows - base
        u = base + r.choice(pool_n, min(nu, pool_n), replace=False)
        nu = len(u)
    else:
        u = r.choice(a.rows, nu, replace=False)
    new = np.arange(a.rows + a.batch * n, a.rows + a.batch * n + (n - nu))
    i = np.concatenate([u, new])
    r.shuffle(i)
    with pq.ParquetWriter(f"{a.out}/part-00000.parquet", SCHEMA, compression=a.codec) as w:
        for c in range(0, len(i), CHUNK):
            w.write_table(
                rows(i[c : c + CHUNK].astype(np.int64), (a.seed, 3, a.batch, c), TS0 + 1 + a.batch), row_group_size=CHUNK
            )
    json.dump({"rows": len(i), "updates": nu, "inserts": int(len(i) - nu)}, open(f"{a.out}/_META.json", "w"))


def cdc(a):
    r = np.random.default_rng((a.seed, 4))
    n, k = a.events, a.keys
    w = 1.0 / np.arange(1, k + 1) ** a.zipf
    cdf = np.cumsum(w)
    cdf /= cdf[-1]
    perm = r.permutation(k)
    ids = perm[np.searchsorted(cdf, r.random(n))] + 1
    u = r.random(n)
    amt = r.integers(100, 5_000_000, n)
    st = r.integers(0, 5, n)
    city = r.integers(0, 1000, n)
    off = r.integers(0, len(pool()) - 120, n)
    ln = r.integers(20, 110, n)
    dt = np.cumsum(r.integers(0, 3, n))
    txt = pool().tobytes().decode()
    live = np.zeros(k + 1, bool)
    status = ["NEW", "PAID", "PACKED", "SHIPPED", "CLOSED"]
    cnt = {"c": 0, "u": 0, "d": 0}
    with open(a.out, "w", buffering=1 << 20) as f:
        for j in range(n):
            i = int(ids[j])
            lsn = 24_000_000 + 112 * j
            ms = TS0 + int(dt[j])
            op = "c" if not live[i] else ("d" if u[j] < 0.05 else "u")
            live[i] = op != "d"
            cnt[op] += 1
            if op == "d":
                b, af = (
                    f'{{"id":{i},"customer_id":0,"status":null,"amount":null,"city":null,"note":null,"qty":0,"price":0.0,"active":false,"created_at":0,"updated_at":0}}',
                    "null",
                )
            else:
                b = "null"
                af = (
                    f'{{"id":{i},"customer_id":{i % 50021},"status":"{status[st[j]]}","amount":"{amt[j] // 100}.{amt[j] % 100:02d}","city":"city-{city[j]}",'
                    f'"note":"{txt[off[j]:off[j] + ln[j]]}","qty":{i % 97},"price":{amt[j] / 100},"active":{"true" if st[j] < 4 else "false"},'
                    f'"created_at":{(TS0 - i) * 1000},"updated_at":{ms * 1000}}}'
                )
            f.write(
                f'{{"before":{b},"after":{af},"source":{{"version":"3.1.0.Final","connector":"postgresql","name":"shop","ts_ms":{ms},"snapshot":"false","db":"shop",'
                f'"sequence":"[\\"{lsn - 112}\\",\\"{lsn}\\"]","ts_us":{ms * 1000},"ts_ns":{ms * 1000000},"schema":"public","table":"orders","txId":{700 + j // 10},"lsn":{lsn},"xmin":null}},'
                f'"transaction":null,"op":"{op}","ts_ms":{ms + 5},"ts_us":{(ms + 5) * 1000},"ts_ns":{(ms + 5) * 1000000}}}\n'
            )
    json.dump(
        {
            "events": n,
            "ops": cnt,
            "live_keys": int(live.sum()),
            "bytes": os.path.getsize(a.out),
            "sum_lsn": int(sum(24_000_000 + 112 * j for j in range(n))),
        },
        open(a.out + ".meta.json", "w"),
    )


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--seed", type=int, default=42)
    s = p.add_subparsers(dest="cmd", required=True)
    q = s.add_parser("lineitem")
    q.add_argument("--rows", type=int, default=1_000_000)
    q.add_argument("--out", required=True)
    q.add_argument("--codec", default="snappy")
    q.add_argument("--rows-per-file", type=int, default=1_000_000)
    q.set_defaults(f=lineitem)
    q = s.add_parser("upsert")
    q.add_argument("--rows", type=int, default=1_000_000)
    q.add_argument("--pct", type=float, default=10)
    q.add_argument("--batch", type=int, default=0)
    q.add_argument("--update-share", type=float, default=0.8)
    q.add_argument("--locality", choices=["uniform", "recent"], default="uniform")
    q.add_argument("--out", required=True)
    q.add_argument("--codec", default="snappy")
    q.set_defaults(f=upsert)
    q = s.add_parser("cdc")
    q.add_argument("--events", type=int, default=1_000_000)
    q.add_argument("--keys", type=int, default=300_000)
    q.add_argument("--zipf", type=float, default=1.0)
    q.add_argument("--out", required=True)
    q.set_defaults(f=cdc)
    a = p.parse_args()
    a.f(a)


if __name__ == "__main__":
    main()

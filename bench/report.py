#!/usr/bin/env python3
"""report.py a.jsonl b.jsonl ... -> markdown table, one row per measurement (errors are listed last)."""

import json, sys

rows, err = [], []
for f in sys.argv[1:]:
    for l in open(f):
        d = json.loads(l)
        (err if d.get("error") else rows).append(d)
print(
    "| peer | job | rows | MB | wall s min-max | CPU s min-max | first run CPU s | RSS MB | load |\n|---|---|---|---|---|---|---|---|---|"
)
for d in rows:
    if d["job"].endswith(".check"):
        continue
    w, c = d.get("seconds"), d.get("cpu_seconds")
    wm, cm = d.get("seconds_max", w), d.get("cpu_max", c)
    r = d.get("rows") or (d.get("check") or {}).get("count", "") if isinstance(d.get("check"), dict) else d.get("rows") or ""
    lab = d.get("table") or d.get("tag") or ""
    print(
        f"| {d['peer']} | {d['job']}{' @' + lab if lab and lab not in ('1m', 'li1m') else ''}{' n=' + str(d['n']) if 'n' in d else ''} | {r} | {round((d.get('bytes') or 0) / 1e6, 1) or ''} | {w}{'-' + str(wm) if wm != w else ''} | {c}{'-' + str(cm) if cm != c else ''} | {d.get('first_run_cpu', '')} | {d.get('peak_rss_mb', '')} | {d.get('load1', '')} |"
    )
for d in rows:
    if d["job"].endswith(".check"):
        print("check:", json.dumps({k: v for k, v in d.items() if k != "load1"}))
for d in err:
    print("failed:", d["peer"], d["job"], d["error"][:160].replace("\n", " "))

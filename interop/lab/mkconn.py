#!/usr/bin/env python3
"""Print the Kafka Connect configuration of a Debezium connector for the lab's PostgreSQL.

  mkconn.py FORMAT PREFIX SCHEMA[,SCHEMA…] [key=value …]

FORMAT: js (JSON with schemas) | j (plain JSON) | fj (plain JSON, flattened by ExtractNewRecordState).
Topics are PREFIX.SCHEMA.table with three partitions. A NULL stays a NULL (replace.null.with.default=false): Connect
would send the column's default instead. env: PG_PORT (54329)."""
import json
import os
import sys

fmt, prefix, schemas = sys.argv[1:4]
if fmt not in ("js", "j", "fj"):
    sys.exit(f"unknown format {fmt}")
conf = {
    "connector.class": "io.debezium.connector.postgresql.PostgresConnector", "plugin.name": "pgoutput", "tasks.max": "1",
    "database.hostname": "127.0.0.1", "database.port": os.environ.get("PG_PORT", "54329"), "database.user": "lab",
    "database.password": "lab", "database.dbname": "lab",
    "topic.prefix": prefix, "schema.include.list": schemas, "slot.name": "s_" + prefix.replace("-", "_"),
    "publication.name": "p_" + prefix.replace("-", "_"), "publication.autocreate.mode": "filtered",
    "tombstones.on.delete": "true", "skipped.operations": "none", "poll.interval.ms": "100",
    "topic.creation.default.replication.factor": "1", "topic.creation.default.partitions": "3",
}
for side in ("key.converter", "value.converter"):
    conf[side] = "org.apache.kafka.connect.json.JsonConverter"
    conf[side + ".schemas.enable"] = "true" if fmt == "js" else "false"
    conf[side + ".replace.null.with.default"] = "false"
if fmt == "fj":
    conf.update({
        "transforms": "flat", "transforms.flat.type": "io.debezium.transforms.ExtractNewRecordState",
        "transforms.flat.delete.tombstone.handling.mode": "rewrite-with-tombstone",
        "transforms.flat.add.fields": "op,source.ts_ms,ts_ms,source.lsn", "transforms.flat.add.headers": "op,source.table"})
for pair in sys.argv[4:]:
    key, value = pair.split("=", 1)
    conf[key] = value
json.dump(conf, sys.stdout, indent=1)

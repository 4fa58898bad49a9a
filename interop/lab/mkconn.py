#!/usr/bin/env python3
"""Print the Kafka Connect configuration of a Debezium connector for the lab's database.

  mkconn.py FORMAT PREFIX SCHEMA[,SCHEMA…] [key=value …]

FORMAT: js (JSON with schemas) | j (plain JSON) | fj (plain JSON, flattened by ExtractNewRecordState).
Topics are PREFIX.SCHEMA.table with three partitions; MariaDB calls a schema a database. A NULL stays a NULL
(replace.null.with.default=false): Connect would send the column's default instead.
A row in lab.signals (id, type, data) is a signal to the connector.
env: LAB_DATABASE (postgres | mariadb), PG_PORT (54329), MARIADB_PORT (33069), KAFKA_PORT (9092)."""
import json
import os
import sys

fmt, prefix, schemas = sys.argv[1:4]
if fmt not in ("js", "j", "fj"):
    sys.exit(f"unknown format {fmt}")
conf = {
    "tasks.max": "1", "topic.prefix": prefix, "database.hostname": "127.0.0.1", "database.user": "lab", "database.password": "lab",
    "tombstones.on.delete": "true", "skipped.operations": "none", "poll.interval.ms": "100",
    "signal.data.collection": "lab.signals", "incremental.snapshot.chunk.size": "100",
    "topic.creation.default.replication.factor": "1", "topic.creation.default.partitions": "3",
}
position = "source.file,source.pos"
database = os.environ.get("LAB_DATABASE", "postgres")
if database == "postgres":
    position = "source.lsn"
    conf.update({
        "connector.class": "io.debezium.connector.postgresql.PostgresConnector", "plugin.name": "pgoutput",
        "database.port": os.environ.get("PG_PORT", "54329"), "database.dbname": "lab", "schema.include.list": schemas,
        "slot.name": "s_" + prefix.replace("-", "_"), "publication.name": "p_" + prefix.replace("-", "_"),
        "publication.autocreate.mode": "filtered"})
elif database == "mariadb":
    conf.update({
        "connector.class": "io.debezium.connector.mariadb.MariaDbConnector", "database.port": os.environ.get("MARIADB_PORT", "33069"),
        "database.server.id": str(100 + sum(map(ord, prefix)) % 5000), "database.include.list": schemas,
        # without it nothing tells that a number is unsigned, and those above 2^63-1 come as negative ones
        "datatype.propagate.source.type": r".+\.BIGINT UNSIGNED",
        "schema.history.internal.kafka.bootstrap.servers": "127.0.0.1:" + os.environ.get("KAFKA_PORT", "9092"),
        "schema.history.internal.kafka.topic": "_history_" + prefix,
        "schema.history.internal.store.only.captured.databases.ddl": "true"})
else:
    sys.exit(f"unknown database {database}")
for side in ("key.converter", "value.converter"):
    conf[side] = "org.apache.kafka.connect.json.JsonConverter"
    conf[side + ".schemas.enable"] = "true" if fmt == "js" else "false"
    conf[side + ".replace.null.with.default"] = "false"
if fmt == "fj":
    conf.update({
        "transforms": "flat", "transforms.flat.type": "io.debezium.transforms.ExtractNewRecordState",
        "transforms.flat.delete.tombstone.handling.mode": "rewrite-with-tombstone",
        "transforms.flat.add.fields": "op,source.ts_ms,ts_ms," + position, "transforms.flat.add.headers": "op,source.table"})
for pair in sys.argv[4:]:
    key, value = pair.split("=", 1)
    conf[key] = value
json.dump(conf, sys.stdout, indent=1)

#!/usr/bin/env python3
"""A long-lived Spark + Hudi session for tests: one JSON command a line on stdin, one JSON answer a line on stdout.

  server.py --jar hudi-spark3.5-bundle_2.12-1.2.0.jar --scratch DIR [--table-version 9]

An answer is {"ok": true, …} or {"ok": false, "error": text, "trace": text}. The first line printed is the greeting
{"ok": true, "spark": version, "pid": n}; logs go to stderr. The session ends with stdin. Commands ("cmd" and fields):

  read      path [options] [meta] [columns] [where] [out] [encoding]  → schema, count, rows (or a jsonl file `out`)
  reads     reads [commands as of read, two at a time]                → answers, each as that of read, or ok false and error
  count     path [options] [where]                                    → count
  checksum  path [options] [columns] [where]                          → count, sum (see checksum())
  parquet   path [schema] [out] [encoding]                            → as read, by Spark's own Parquet reader
  write     path name op (rows | jsonl | parquet) schema [type] [keys] [partition_by] [ordering] [options] [mode]
  delete    as write, with op "delete"
  compact   path op (schedule | execute | scheduleAndExecute) [timestamp] [options] → rows of the procedure
  sql       statement [tables {name: path}] [views {name: {schema, rows}}] [options] [out] [encoding] → as read
  hfile     path reader (native | hbase) [keys] [prefixes] [meta] [info] → what Hudi's Java reader finds: see hfiles.py
  exit
"""
import argparse
import concurrent.futures
import json
import os
import sys
import tempfile
import time
import traceback

import hfiles
import typedjson

META = ["_hoodie_commit_time", "_hoodie_commit_seqno", "_hoodie_record_key", "_hoodie_partition_path", "_hoodie_file_name"]

# What lets Spark and us take turns on one table. Every one is given explicitly, because the datasource's own defaults
# differ from the documented ones: it switches inline compaction on for MOR tables, and it runs compactions that
# somebody else scheduled unless hoodie.compact.inline is false.
DEFAULTS = {
    "hoodie.write.table.version": "9",
    "hoodie.write.auto.upgrade": "false",
    "hoodie.metadata.enable": "false",
    "hoodie.compact.inline": "false",
    "hoodie.compact.schedule.inline": "false",
    "hoodie.datasource.compaction.async.enable": "false",
    "hoodie.log.compaction.inline": "false",
    "hoodie.clean.automatic": "false",
    "hoodie.archive.automatic": "false",
    "hoodie.embed.timeline.server": "false",
    "hoodie.write.markers.type": "DIRECT",
    "hoodie.insert.shuffle.parallelism": "1",
    "hoodie.upsert.shuffle.parallelism": "1",
    "hoodie.bulkinsert.shuffle.parallelism": "1",
    "hoodie.delete.shuffle.parallelism": "1",
    # a filter for 60,000 keys (the default) makes every base file 430 KB larger
    "hoodie.index.bloom.num_entries": "100",
    "hoodie.bloom.index.filter.dynamic.max.entries": "1000",
    "hoodie.datasource.meta.sync.enable": "false",
    "hoodie.datasource.hive_sync.enable": "false",
}


def start_spark(jar, scratch, heap, long):
    os.makedirs(scratch, exist_ok=True)
    log4j = os.path.join(scratch, "log4j2.properties")
    with open(log4j, "w") as out:
        out.write("rootLogger.level = error\nrootLogger.appenderRef.c.ref = c\nappender.c.type = Console\n"
                  "appender.c.name = c\nappender.c.target = SYSTEM_ERR\nappender.c.layout.type = PatternLayout\n"
                  "appender.c.layout.pattern = %p %c{1}: %m%n%throwable{short.message}\n")
    from pyspark.sql import SparkSession
    # tables are tiny and start-up dominates, so a short session compiles little
    tiers = 4 if long else 1
    java = (f"-XX:TieredStopAtLevel={tiers} -XX:+UseSerialGC -Duser.timezone=UTC -Djava.io.tmpdir={scratch} "
            f"-Djol.skipHotspotSAAttach=true -Dlog4j2.configurationFile=file:{log4j}")
    builder = (SparkSession.builder.master("local[2]").appName("hudi-go-interop")
               .config("spark.driver.extraClassPath", jar).config("spark.driver.memory", heap)
               .config("spark.driver.extraJavaOptions", java)
               .config("spark.driver.bindAddress", "127.0.0.1").config("spark.driver.host", "127.0.0.1")
               .config("spark.ui.enabled", "false").config("spark.ui.showConsoleProgress", "false")
               .config("spark.serializer", "org.apache.spark.serializer.KryoSerializer")
               .config("spark.kryo.registrator", "org.apache.spark.HoodieSparkKryoRegistrar")
               .config("spark.sql.extensions", "org.apache.spark.sql.hudi.HoodieSparkSessionExtension")
               .config("spark.sql.catalog.spark_catalog", "org.apache.spark.sql.hudi.catalog.HoodieCatalog")
               .config("spark.sql.catalogImplementation", "in-memory")
               .config("spark.sql.warehouse.dir", os.path.join(scratch, "warehouse"))
               .config("spark.local.dir", scratch)
               .config("spark.sql.session.timeZone", "UTC")
               # files of other writers name no calendar: take dates before 1582 as they are instead of refusing them
               .config("spark.sql.parquet.datetimeRebaseModeInRead", "CORRECTED")
               .config("spark.sql.parquet.datetimeRebaseModeInWrite", "CORRECTED")
               .config("spark.sql.avro.datetimeRebaseModeInRead", "CORRECTED")
               .config("spark.sql.avro.datetimeRebaseModeInWrite", "CORRECTED")
               .config("spark.sql.adaptive.enabled", "false").config("spark.sql.codegen.wholeStage", "false")
               .config("spark.sql.shuffle.partitions", "1").config("spark.default.parallelism", "1"))
    # null elements of lists, which the two-level layout of the Avro writer refuses
    builder = builder.config("spark.hadoop.parquet.avro.write-old-list-structure", "false")
    spark = builder.getOrCreate()
    for key, value in DEFAULTS.items():  # SQL and procedures read the session, writes read their options
        spark.conf.set(key, value)
    return spark


class Server:
    def __init__(self, spark, scratch):
        self.spark, self.scratch = spark, scratch

    # -- reading
    def frame(self, c):
        frame = self.spark.read.format("hudi").options(**c.get("options", {})).load(c["path"])
        if c.get("where"):
            frame = frame.where(c["where"])
        if c.get("columns"):
            return frame.select(c["columns"])
        return frame if c.get("meta") else frame.drop(*META)

    def answer(self, frame, c):
        schema, encoding = frame.schema, c.get("encoding", "golden")
        rows = typedjson.plain(frame)
        count = 0

        def encoded():
            for row in rows.toLocalIterator() if c.get("out") else rows.collect():
                yield {f.name: typedjson.encode(row[i], f.dataType, encoding) for i, f in enumerate(schema.fields)}

        result = {"schema": json.loads(schema.json())}
        if c.get("out"):
            with open(c["out"], "w", encoding="utf-8") as out:
                for row in encoded():
                    out.write(json.dumps(row, ensure_ascii=False) + "\n")
                    count += 1
            return dict(result, count=count)
        listed = list(encoded())
        return dict(result, count=len(listed), rows=listed)

    def read(self, c):
        return self.answer(self.frame(c), c)

    def reads(self, c):
        with concurrent.futures.ThreadPoolExecutor(2) as pool:
            return {"answers": list(pool.map(lambda r: self.handle(dict(r, cmd="read")), c["reads"]))}

    def count(self, c):
        return {"count": self.frame(c).count()}

    def checksum(self, c):
        """Count, and the sum over all rows of CRC-32 (IEEE) of the row's text: columns joined by U+001F, null is U+0000,
        dates are days, timestamps microseconds, everything else Spark's CAST to string. Order does not matter."""
        frame = typedjson.plain(self.frame(c))
        texts = ", ".join(f"coalesce(CAST(`{name}` AS STRING), '\\u0000')" for name in frame.columns)
        row = frame.selectExpr("count(*) AS n", f"sum(crc32(CAST(concat_ws('\\u001F', {texts}) AS BINARY))) AS s").collect()[0]
        return {"count": row["n"], "sum": str(row["s"] or 0)}

    def parquet(self, c):
        reader = self.spark.read
        if c.get("schema"):
            reader = reader.schema(c["schema"])
        return self.answer(reader.parquet(c["path"]), c)

    # -- writing
    def input(self, c):
        if c.get("parquet"):
            return self.spark.read.parquet(c["parquet"])
        path = c.get("jsonl")
        if not path:
            fd, path = tempfile.mkstemp(suffix=".jsonl", dir=self.scratch)
            with os.fdopen(fd, "w", encoding="utf-8") as out:
                out.writelines(json.dumps(row, ensure_ascii=False) + "\n" for row in c["rows"])
        # Spark's reader takes the contract's encoding as it is; FAILFAST, or a bad value would become a null
        return self.spark.read.schema(c["schema"]).option("mode", "FAILFAST").json(path)

    def write(self, c):
        options = dict(DEFAULTS)
        options.update({"hoodie.table.name": c["name"], "hoodie.datasource.write.operation": c.get("op", "upsert")})
        named = {"type": "hoodie.datasource.write.table.type", "keys": "hoodie.datasource.write.recordkey.field",
                 "partition_by": "hoodie.datasource.write.partitionpath.field",
                 "ordering": "hoodie.datasource.write.precombine.field"}
        options.update({option: c[field] for field, option in named.items() if c.get(field)})
        if c.get("type") and not c.get("partition_by"):
            options["hoodie.datasource.write.keygenerator.class"] = "org.apache.hudi.keygen.NonpartitionedKeyGenerator"
        options.update(c.get("options", {}))
        self.input(c).coalesce(1).write.format("hudi").options(**options).mode(c.get("mode", "append")).save(c["path"])
        return {}

    def delete(self, c):
        return self.write(dict(c, op="delete"))

    def compact(self, c):
        given = f", timestamp => '{c['timestamp']}'" if c.get("timestamp") else ""
        return self.sql(dict(c, statement=f"CALL run_compaction(op => '{c['op']}', path => '{c['path']}'{given})"))

    def sql(self, c):
        options = c.get("options", {})
        for key, value in options.items():
            self.spark.conf.set(key, value)
        try:
            for name, path in c.get("tables", {}).items():
                self.spark.sql(f"CREATE TABLE `{name}` USING hudi LOCATION '{path}'")
                self.spark.catalog.refreshTable(name)  # what a table of that name had may still be known
            for name, rows in c.get("views", {}).items():
                self.input(rows).createOrReplaceTempView(name)
            return self.answer(self.spark.sql(c["statement"]), c)
        finally:
            for name in c.get("views", {}):
                self.spark.catalog.dropTempView(name)
            for name in c.get("tables", {}):
                self.forget(name)
            for key in options:
                if key in DEFAULTS:
                    self.spark.conf.set(key, DEFAULTS[key])
                else:
                    self.spark.conf.unset(key)

    def hfile(self, c):
        return hfiles.read(self.spark, c)

    def forget(self, name):
        """Take a table out of the catalog; Hudi's own DROP TABLE would look at its files."""
        state, jvm = self.spark._jsparkSession.sessionState(), self.spark._jvm
        state.catalog().dropTable(jvm.org.apache.spark.sql.catalyst.TableIdentifier(name), True, False)

    COMMANDS = {"read": read, "reads": reads, "count": count, "checksum": checksum, "parquet": parquet, "write": write, "delete": delete,
                "compact": compact, "sql": sql, "hfile": hfile}

    def handle(self, command):
        run = self.COMMANDS.get(command.get("cmd"))
        if run is None:
            return {"ok": False, "error": f"unknown command {command.get('cmd')!r}", "trace": ""}
        started = time.time()
        try:
            return dict(run(self, command), ok=True, seconds=round(time.time() - started, 3))
        except Exception as problem:  # the answer carries it, the session goes on
            return {"ok": False, "error": reason(problem), "trace": traceback.format_exc()[:20_000]}


def reason(problem):
    """The exception and its causes in one line, without the stack: the last cause is what tells, and Spark buries it."""
    lines = [line.strip() for line in str(problem).strip().splitlines()] or [type(problem).__name__]
    if lines[0].startswith("An error occurred while calling") and len(lines) > 1:
        lines = lines[1:]  # py4j's own line says nothing
    causes = [line for line in lines[1:] if line.startswith("Caused by")]
    return " | ".join(lines[:1] + causes).removeprefix(": ")[:4000]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--jar", required=True)
    parser.add_argument("--scratch", required=True)
    parser.add_argument("--heap", default="2g")
    parser.add_argument("--long", action="store_true", help="the session will last for more than some ten minutes")
    parser.add_argument("--table-version", default="9", help="of the tables that the jar's release writes")
    args = parser.parse_args()
    DEFAULTS["hoodie.write.table.version"] = args.table_version
    os.environ["TZ"] = "UTC"
    time.tzset()
    # the JVM inherits descriptor 1 and prints to it: answers go to a private copy, everything else to stderr
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)

    def say(answer):
        answers.write(json.dumps(answer, ensure_ascii=False) + "\n")
        answers.flush()

    spark = start_spark(args.jar, os.path.abspath(args.scratch), args.heap, args.long)
    server = Server(spark, os.path.abspath(args.scratch))
    say({"ok": True, "spark": spark.version, "pid": os.getpid()})
    for line in sys.stdin:
        command = json.loads(line)
        if command.get("cmd") == "exit":
            break
        say(server.handle(command))
    spark.stop()


if __name__ == "__main__":
    main()

"""Spark Structured Streaming, Kafka -> Hudi upsert (bucket index, 4 buckets, no metadata table, no compaction): the ingest peer.

  HUDI_BUNDLE=….jar KAFKA_JARS=folder peer_spark_stream.py BOOTSTRAP TOPIC MERGE_ON_READ|COPY_ON_WRITE EVENTS_PER_BATCH OUT
KAFKA_JARS: spark-sql-kafka-0-10_2.12:3.5.7 with its runtime dependencies except Spark, Hadoop and scala-library.
Input: the events of `gen.py cdc`. Prints one JSON line; batches = [rows, milliseconds] each, so the warm rate can be read off.
"""

import json
import os
import shutil
import sys
import time

from pyspark.sql import SparkSession, functions as F

bootstrap, topic, table_type, per_batch, out = sys.argv[1:6]
jars = [os.environ["HUDI_BUNDLE"]] + [os.path.join(os.environ["KAFKA_JARS"], f) for f in os.listdir(os.environ["KAFKA_JARS"]) if f.endswith(".jar")]
began = time.time()
spark = (
    SparkSession.builder.master("local[2]")
    .config("spark.jars", ",".join(jars))
    .config("spark.driver.memory", "3g")
    .config("spark.driver.bindAddress", "127.0.0.1")
    .config("spark.driver.host", "127.0.0.1")
    .config("spark.ui.enabled", "false")
    .config("spark.ui.showConsoleProgress", "false")
    .config("spark.serializer", "org.apache.spark.serializer.KryoSerializer")
    .config("spark.kryo.registrator", "org.apache.spark.HoodieSparkKryoRegistrar")
    .config("spark.sql.extensions", "org.apache.spark.sql.hudi.HoodieSparkSessionExtension")
    .config("spark.sql.catalog.spark_catalog", "org.apache.spark.sql.hudi.catalog.HoodieCatalog")
    .config("spark.sql.shuffle.partitions", "2")
    .config("spark.default.parallelism", "2")
    .getOrCreate()
)
spark.sparkContext.setLogLevel("ERROR")
envelope = (
    "before struct<id bigint>, after struct<id bigint,customer_id bigint,status string,amount string,city string,note string,"
    "qty int,price double,active boolean,created_at bigint,updated_at bigint>, source struct<lsn bigint,ts_ms bigint>, op string, ts_ms bigint"
)
columns = "customer_id status amount city note qty price active created_at updated_at".split()
events = (
    spark.readStream.format("kafka")
    .option("kafka.bootstrap.servers", bootstrap)
    .option("subscribe", topic)
    .option("startingOffsets", "earliest")
    .option("maxOffsetsPerTrigger", per_batch)
    .load()
    .where("value is not null")
    .select(F.from_json(F.col("value").cast("string"), envelope).alias("e"))
    .select("e.*")
)
rows = events.select(
    F.expr("coalesce(after.id, before.id)").alias("id"),
    *[F.expr("after." + c).alias(c) for c in columns],
    F.expr("source.lsn").alias("lsn"),
    F.expr("op = 'd'").alias("_hoodie_is_deleted")
)
for path in (out, out + "_checkpoint"):
    shutil.rmtree(path, ignore_errors=True)
options = {
    "hoodie.table.name": "orders",
    "hoodie.datasource.write.table.type": table_type,
    "hoodie.datasource.write.recordkey.field": "id",
    "hoodie.datasource.write.precombine.field": "lsn",
    "hoodie.datasource.write.partitionpath.field": "",
    "hoodie.datasource.write.keygenerator.class": "org.apache.hudi.keygen.NonpartitionedKeyGenerator",
    "hoodie.index.type": "BUCKET",
    "hoodie.bucket.index.num.buckets": "4",
    "hoodie.metadata.enable": "false",
    "hoodie.upsert.shuffle.parallelism": "2",
    "hoodie.compact.inline": "false",
    "hoodie.datasource.compaction.async.enable": "false",
    "hoodie.datasource.write.operation": "upsert",
}
started = time.time()
query = (
    rows.writeStream.format("hudi")
    .options(**options)
    .option("checkpointLocation", out + "_checkpoint")
    .trigger(availableNow=True)
    .start(out)
)
query.awaitTermination()
seconds = time.time() - started
batches = [(p["numInputRows"], p["durationMs"].get("triggerExecution")) for p in query.recentProgress]
print(
    json.dumps(
        {
            "peer": "spark-stream-hudi",
            "job": "ingest_" + ("mor" if table_type == "MERGE_ON_READ" else "cow"),
            "start_seconds": round(started - began, 2),
            "seconds": round(seconds, 2),
            "rows": sum(n for n, _ in batches),
            "rows_per_second": round(sum(n for n, _ in batches) / seconds),
            "check": {"count": spark.read.format("hudi").load(out).count()},
            "batches": batches,
        }
    )
)

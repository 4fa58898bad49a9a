"""Produce a file of change events (one JSON per line, key taken from "id") to a topic: kafka_produce.py BOOTSTRAP TOPIC FILE [PARTITIONS]"""

import sys
import time

from confluent_kafka import Producer
from confluent_kafka.admin import AdminClient, NewTopic

bootstrap, topic, path = sys.argv[1:4]
partitions = int(sys.argv[4]) if len(sys.argv) > 4 else 4
admin = AdminClient({"bootstrap.servers": bootstrap})
for future in admin.create_topics([NewTopic(topic, partitions, 1)]).values():
    future.result()
producer = Producer(
    {
        "bootstrap.servers": bootstrap,
        "linger.ms": 50,
        "batch.num.messages": 10000,
        "queue.buffering.max.messages": 500000,
        "compression.type": "lz4",
    }
)
began, count = time.time(), 0
for line in open(path, "rb"):
    line = line.rstrip(b"\n")
    at = line.find(b'"id":')
    key = b'{"id":' + line[at + 5 : line.find(b",", at)] + b"}"
    while True:
        try:
            producer.produce(topic, value=line, key=key)
            break
        except BufferError:
            producer.poll(0.1)
    count += 1
    if count % 10000 == 0:
        producer.poll(0)
producer.flush()
print(f"{count} events in {time.time() - began:.1f} s")

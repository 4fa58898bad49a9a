// Command drain reads a topic to its end and throws the records away: the rate at which the broker delivers, which no
// ingester can exceed. It prints one JSON line like the benchmark's peers.
//
//	drain -brokers 127.0.0.1:9092 -topic cdc
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"syscall"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
)

func main() {
	brokers := flag.String("brokers", "127.0.0.1:9092", "bootstrap server")
	topic := flag.String("topic", "", "topic to read")
	flag.Parse()
	if err := run(*brokers, *topic); err != nil {
		fmt.Fprintln(os.Stderr, "drain:", err)
		os.Exit(1)
	}
}

func run(brokers, topic string) error {
	ctx := context.Background()
	client, err := kgo.NewClient(kgo.SeedBrokers(brokers), kgo.ConsumeTopics(topic),
		kgo.FetchMaxPartitionBytes(8<<20), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))
	if err != nil {
		return err
	}
	defer client.Close()
	total, err := size(ctx, kadm.NewClient(client), topic)
	if err != nil {
		return err
	}

	began := time.Now()
	var records, bytes int64
	for records < total {
		fetches := client.PollFetches(ctx)
		if err := fetches.Err(); err != nil {
			return err
		}
		fetches.EachRecord(func(r *kgo.Record) {
			records++
			bytes += int64(len(r.Key) + len(r.Value))
		})
	}
	seconds := time.Since(began).Seconds()

	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		return err
	}
	return json.NewEncoder(os.Stdout).Encode(map[string]any{
		"peer": "franz-go", "job": "drain", "rows": records, "bytes": bytes,
		"seconds": seconds, "rows_per_second": int64(float64(records) / seconds),
		"cpu_seconds": time.Duration(usage.Utime.Nano() + usage.Stime.Nano()).Seconds(), "peak_rss_mb": usage.Maxrss / 1024,
	})
}

// size is the number of records between the beginning and the end of a topic.
func size(ctx context.Context, admin *kadm.Client, topic string) (int64, error) {
	starts, err := admin.ListStartOffsets(ctx, topic)
	if err != nil {
		return 0, err
	}
	ends, err := admin.ListEndOffsets(ctx, topic)
	if err != nil {
		return 0, err
	}
	var n int64
	ends.Each(func(end kadm.ListedOffset) {
		if start, ok := starts.Lookup(topic, end.Partition); ok {
			n += end.Offset - start.Offset
		}
	})
	if err := ends.Error(); err != nil {
		return 0, err
	}
	return n, nil
}

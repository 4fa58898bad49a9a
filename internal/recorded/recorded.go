// Package recorded holds change topics that were recorded from a real PostgreSQL with
// Debezium, and plays them back from a Kafka broker inside the process. The demo and tests
// read them.
package recorded

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	_ "embed"
	"encoding/json"
	"fmt"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
)

//go:embed pgjs.ndjson.gz
var inventory []byte

// Prefix begins the names of the topics: the connector's topic.prefix and the schema.
const Prefix = "pgjs.inventory."

// record is a line of the recording. Bytes are base64.
type record struct {
	Topic   string
	Headers [][2]json.RawMessage
	Key     []byte
	Value   []byte
}

// Records reads the recorded records of the topics with the given names behind Prefix, in
// their order.
func Records(tables ...string) ([]*kgo.Record, error) {
	wanted := map[string]bool{}
	for _, t := range tables {
		wanted[Prefix+t] = true
	}
	z, err := gzip.NewReader(bytes.NewReader(inventory))
	if err != nil {
		return nil, fmt.Errorf("recorded: %w", err)
	}
	var out []*kgo.Record
	lines := bufio.NewScanner(z)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var r record
		if err := json.Unmarshal(lines.Bytes(), &r); err != nil {
			return nil, fmt.Errorf("recorded: %w", err)
		}
		if !wanted[r.Topic] {
			continue
		}
		rec := &kgo.Record{Topic: r.Topic, Key: r.Key, Value: r.Value}
		for _, h := range r.Headers {
			var name string
			var value []byte
			if err := json.Unmarshal(h[0], &name); err != nil {
				return nil, fmt.Errorf("recorded: header: %w", err)
			}
			if err := json.Unmarshal(h[1], &value); err != nil {
				return nil, fmt.Errorf("recorded: header %s: %w", name, err)
			}
			rec.Headers = append(rec.Headers, kgo.RecordHeader{Key: name, Value: value})
		}
		out = append(out, rec)
	}
	return out, lines.Err()
}

// Broker starts a broker on loopback with one topic for each of the tables, each with the
// given number of partitions, over which the records are spread by key.
func Broker(partitions int, tables ...string) (*kfake.Cluster, error) {
	topics := make([]string, len(tables))
	for i, t := range tables {
		topics[i] = Prefix + t
	}
	c, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(int32(partitions), topics...))
	if err != nil {
		return nil, fmt.Errorf("recorded: broker: %w", err)
	}
	return c, nil
}

// Produce sends records to brokers and waits until they are there.
func Produce(ctx context.Context, brokers []string, records []*kgo.Record) error {
	client, err := kgo.NewClient(kgo.SeedBrokers(brokers...))
	if err != nil {
		return fmt.Errorf("recorded: %w", err)
	}
	defer client.Close()
	if err := client.ProduceSync(ctx, records...).FirstErr(); err != nil {
		return fmt.Errorf("recorded: produce: %w", err)
	}
	return nil
}

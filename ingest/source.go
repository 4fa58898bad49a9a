package ingest

import (
	"context"
	"errors"
	"fmt"
	"maps"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/hudi-go/hudi-go/internal/base"
)

// Sizes of what one fetch brings, and of one partition. The client holds one that is on its
// way beside the one at work, and events are compressed to a fifth.
const (
	fetchBytes          = 8 << 20
	fetchPartitionBytes = 1 << 20
	pollRecords         = 8192
)

// unknownTries is how often in a row a topic must be unknown to be gone.
const unknownTries = 5

// source reads topics from given offsets on. It never commits offsets to Kafka.
type source struct {
	client  *kgo.Client
	admin   *kadm.Client
	topics  []string
	brokers []string // as the user named them

	cluster string
	ids     map[string]string
	unknown int // times in a row that a topic was not known
}

func openSource(ctx context.Context, o Options) (*source, error) {
	opts := append([]kgo.Opt{
		kgo.SeedBrokers(o.Brokers...),
		kgo.FetchIsolationLevel(kgo.ReadCommitted()),
		kgo.ConsumeResetOffset(kgo.NoResetOffset()), // an offset that is gone is an error, not a jump
		kgo.KeepControlRecords(),                    // they take part in the count of offsets
		kgo.FetchMaxBytes(fetchBytes),
		kgo.FetchMaxPartitionBytes(fetchPartitionBytes),
		kgo.ClientID("hudictl"),
	}, o.Kafka...)
	client, err := kgo.NewClient(opts...)
	if err != nil {
		return nil, fmt.Errorf("ingest: kafka client: %w: %w", err, base.ErrInvalid)
	}
	s := &source{client: client, admin: kadm.NewClient(client), topics: o.Topics, brokers: o.Brokers, ids: map[string]string{}}
	if err := s.describe(ctx); err != nil {
		client.Close()
		return nil, err
	}
	return s, nil
}

func (s *source) close() { s.client.Close() }

// describe learns the ids of the cluster and the topics.
func (s *source) describe(ctx context.Context) error {
	meta, err := s.admin.Metadata(ctx, s.topics...)
	if err != nil {
		return fmt.Errorf("ingest: brokers %v do not answer: %w: %w", s.brokers, err, base.ErrUnreachable)
	}
	s.cluster = meta.Cluster
	for _, name := range s.topics {
		t, ok := meta.Topics[name]
		switch {
		case !ok || errors.Is(t.Err, kerr.UnknownTopicOrPartition):
			return fmt.Errorf("ingest: topic %q does not exist: %w", name, base.ErrInvalid)
		case t.Err != nil:
			return fmt.Errorf("ingest: topic %q: %w: %w", name, t.Err, base.ErrUnreachable)
		}
		s.ids[name] = t.ID.String()
	}
	return nil
}

// bounds are the offsets that a topic's partitions have: from the first, up to but not
// including the end.
type bounds struct{ start, end map[string]map[int32]int64 }

// clone copies the ends.
func (b bounds) clone() map[string]map[int32]int64 {
	out := make(map[string]map[int32]int64, len(b.end))
	for topic, ends := range b.end {
		out[topic] = maps.Clone(ends)
	}
	return out
}

func (s *source) bounds(ctx context.Context) (bounds, error) {
	starts, err := s.admin.ListStartOffsets(ctx, s.topics...)
	if err == nil {
		err = starts.Error()
	}
	if err != nil {
		return bounds{}, fmt.Errorf("ingest: first offsets of %v: %w: %w", s.topics, err, base.ErrUnreachable)
	}
	ends, err := s.admin.ListCommittedOffsets(ctx, s.topics...)
	if err == nil {
		err = ends.Error()
	}
	if err != nil {
		return bounds{}, fmt.Errorf("ingest: end offsets of %v: %w: %w", s.topics, err, base.ErrUnreachable)
	}
	collect := func(l kadm.ListedOffsets) map[string]map[int32]int64 {
		out := map[string]map[int32]int64{}
		l.Each(func(o kadm.ListedOffset) {
			if out[o.Topic] == nil {
				out[o.Topic] = map[int32]int64{}
			}
			out[o.Topic][o.Partition] = o.Offset
		})
		return out
	}
	return bounds{collect(starts), collect(ends)}, nil
}

// begin decides from where to read: where the checkpoint stands, and at the first offset
// of partitions that it does not know. Offsets that the topic does not have any more, or
// never had, are an error: to go on would lose events in silence.
func (s *source) begin(b bounds, c Checkpoint, found bool) (Checkpoint, error) {
	if found && c.Cluster != "" && s.cluster != "" && c.Cluster != s.cluster {
		return c, fmt.Errorf("ingest: the table was fed from Kafka cluster %s and the brokers are of cluster %s: %w", c.Cluster, s.cluster, base.ErrOffsetLost)
	}
	out := c.clone()
	out.Version, out.Cluster = checkpointLevel, s.cluster
	for _, topic := range s.topics {
		t := out.Topics[topic]
		if t.ID != "" && t.ID != s.ids[topic] {
			return c, fmt.Errorf("ingest: topic %q was deleted and made anew since the table's last commit (its id is %s, was %s); the table's offsets mean nothing in it: %w",
				topic, s.ids[topic], t.ID, base.ErrOffsetLost)
		}
		known := len(t.Next) > 0
		t.ID = s.ids[topic]
		if t.Next == nil {
			t.Next = map[int32]int64{}
		}
		if t.Order == nil {
			t.Order = map[int32]int64{}
		}
		for p, start := range b.start[topic] {
			next, ok := t.Next[p]
			end := b.end[topic][p]
			switch {
			case !ok:
				t.Next[p] = start
			case next < start:
				return c, fmt.Errorf("ingest: topic %q, partition %d: the table continues at offset %d, and Kafka begins at %d: %d events are lost through retention; restore the topic, or load the table anew: %w",
					topic, p, next, start, start-next, base.ErrOffsetLost)
			case next > end:
				return c, fmt.Errorf("ingest: topic %q, partition %d: the table continues at offset %d, and Kafka ends at %d: the topic was made anew or cut: %w",
					topic, p, next, end, base.ErrOffsetLost)
			}
		}
		if known {
			for p := range t.Next {
				if _, ok := b.start[topic][p]; !ok {
					return c, fmt.Errorf("ingest: topic %q has no partition %d any more, which the table has read to offset %d: %w", topic, p, t.Next[p], base.ErrOffsetLost)
				}
			}
		}
		out.Topics[topic] = t
	}
	return out, nil
}

// consume starts reading at a checkpoint.
func (s *source) consume(c Checkpoint) {
	at := map[string]map[int32]kgo.Offset{}
	for topic, t := range c.Topics {
		at[topic] = map[int32]kgo.Offset{}
		for p, next := range t.Next {
			at[topic][p] = kgo.NewOffset().At(next)
		}
	}
	s.client.AddConsumePartitions(at)
}

// same makes sure that the topics are those that reading began with, and returns the
// partitions that were added since.
func (s *source) same(ctx context.Context, at Checkpoint) (added map[string][]int32, err error) {
	meta, err := s.admin.Metadata(ctx, s.topics...)
	if err != nil {
		return nil, fmt.Errorf("ingest: brokers %v do not answer: %w: %w", s.brokers, err, base.ErrUnreachable)
	}
	for _, name := range s.topics {
		t, ok := meta.Topics[name]
		if !ok || errors.Is(t.Err, kerr.UnknownTopicOrPartition) {
			s.unknown++
			if s.unknown < unknownTries {
				return nil, nil // a broker that has just started does not know them yet
			}
			return nil, fmt.Errorf("ingest: topic %q was deleted: %w", name, base.ErrOffsetLost)
		}
		if t.Err != nil {
			return nil, fmt.Errorf("ingest: topic %q: %w: %w", name, t.Err, base.ErrUnreachable)
		}
		s.unknown = 0
		if id := t.ID.String(); id != s.ids[name] {
			return nil, fmt.Errorf("ingest: topic %q was deleted and made anew (its id is %s, was %s); the table's offsets mean nothing in it: %w", name, id, s.ids[name], base.ErrOffsetLost)
		}
		for p := range t.Partitions {
			if _, known := at.Topics[name].Next[p]; !known {
				if added == nil {
					added = map[string][]int32{}
				}
				added[name] = append(added[name], p)
			}
		}
	}
	return added, nil
}

// pause stops fetching from a partition until it is resumed.
func (s *source) pause(topic string, partition int32) {
	s.client.PauseFetchPartitions(map[string][]int32{topic: {partition}})
}

func (s *source) resume(topic string, partition int32) {
	s.client.ResumeFetchPartitions(map[string][]int32{topic: {partition}})
}

// poll waits for records until ctx ends, which is no error.
func (s *source) poll(ctx context.Context) (kgo.Fetches, error) {
	fetches := s.client.PollRecords(ctx, pollRecords)
	for _, e := range fetches.Errors() {
		switch {
		case errors.Is(e.Err, context.DeadlineExceeded), errors.Is(e.Err, context.Canceled):
		case errors.Is(e.Err, kerr.OffsetOutOfRange):
			return nil, fmt.Errorf("ingest: topic %q, partition %d: Kafka has deleted events that the table does not have yet: %w: %w", e.Topic, e.Partition, e.Err, base.ErrOffsetLost)
		case kerr.IsRetriable(e.Err):
			// The client goes on by itself.
		default:
			return nil, fmt.Errorf("ingest: topic %q, partition %d: %w: %w", e.Topic, e.Partition, e.Err, base.ErrUnreachable)
		}
	}
	return fetches, nil
}

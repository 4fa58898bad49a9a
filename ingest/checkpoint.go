package ingest

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/hudi-go/hudi-go/cdc"
	"github.com/hudi-go/hudi-go/internal/base"
	"github.com/hudi-go/hudi-go/table"
	"github.com/hudi-go/hudi-go/timeline"
)

// Keys of commit metadata that hold a checkpoint. A table fed by one topic has Hudi
// Streamer's own key as well, so that Streamer can go on where we stopped, and we where it
// did (docs/format/checkpoints.md).
const (
	checkpointKey   = "hudictl.checkpoint"
	streamerKey     = "deltastreamer.checkpoint.key"
	streamerKeyV2   = "streamer.checkpoint.key.v2"
	checkpointLevel = 1
)

// Checkpoint says up to where a table has what its topics have.
type Checkpoint struct {
	Version int    `json:"v"`
	Cluster string `json:"cluster,omitempty"` // Kafka's id of the cluster
	// Topics has the state of each topic by name.
	Topics map[string]TopicCheckpoint `json:"topics"`
	// Batch is a random id of the commit that holds the checkpoint.
	Batch string `json:"batch,omitempty"`
	// Came and Gone are the updates of keys of which one half has come, in order of arrival.
	Came []Came `json:"came,omitempty"`
	Gone []Gone `json:"gone,omitempty"`
}

// TopicCheckpoint is the state of one topic.
type TopicCheckpoint struct {
	ID string `json:"id,omitempty"` // Kafka's id of the topic
	// Next has the offset to read next, by partition.
	Next map[int32]int64 `json:"p"`
	// Order has the highest ordering value seen, by partition.
	Order map[int32]int64 `json:"order,omitempty"`
}

// clone copies the offsets; the writer adds the rest.
func (c Checkpoint) clone() Checkpoint {
	topics := make(map[string]TopicCheckpoint, len(c.Topics))
	for name, t := range c.Topics {
		topics[name] = TopicCheckpoint{ID: t.ID, Next: maps.Clone(t.Next), Order: maps.Clone(t.Order)}
	}
	return Checkpoint{Version: c.Version, Cluster: c.Cluster, Topics: topics}
}

// sameOffsets tells whether two checkpoints stand at the same place.
func (c Checkpoint) sameOffsets(o Checkpoint) bool {
	return maps.EqualFunc(c.Topics, o.Topics, func(a, b TopicCheckpoint) bool { return maps.Equal(a.Next, b.Next) })
}

// metadata is what the commit says of the checkpoint.
func (c Checkpoint) metadata() (map[string]string, error) {
	text, err := json.Marshal(c)
	if err != nil {
		return nil, fmt.Errorf("ingest: checkpoint: %w", err)
	}
	extra := map[string]string{checkpointKey: string(text)}
	if len(c.Topics) == 1 {
		for name, t := range c.Topics {
			extra[streamerKey] = streamerText(name, t.Next)
		}
	}
	return extra, nil
}

// streamerText is topic,partition:offset,partition:offset… with ascending partitions.
func streamerText(topic string, next map[int32]int64) string {
	var b strings.Builder
	b.WriteString(topic)
	for _, p := range slices.Sorted(maps.Keys(next)) {
		fmt.Fprintf(&b, ",%d:%d", p, next[p])
	}
	return b.String()
}

func parseStreamer(text string) (Checkpoint, error) {
	topic, rest, ok := strings.Cut(text, ",")
	t := TopicCheckpoint{Next: map[int32]int64{}}
	for part := range strings.SplitSeq(rest, ",") {
		p, offset, cut := strings.Cut(part, ":")
		partition, err1 := strconv.ParseInt(p, 10, 32)
		next, err2 := strconv.ParseInt(offset, 10, 64)
		if !ok || !cut || err1 != nil || err2 != nil || next < 0 {
			return Checkpoint{}, fmt.Errorf("checkpoint %q: want topic,partition:offset,…: %w", text, base.ErrCorrupt)
		}
		t.Next[int32(partition)] = next
	}
	return Checkpoint{Version: checkpointLevel, Topics: map[string]TopicCheckpoint{topic: t}}, nil
}

// lastCheckpoint finds the newest checkpoint of the table: on the active timeline, else among
// the writes that other engines have archived. In merge-on-read tables only delta commits
// count, as for Streamer.
func lastCheckpoint(ctx context.Context, c *table.Config, tl *timeline.Timeline) (last Checkpoint, found bool, err error) {
	of := func(i timeline.Instant, meta *timeline.CommitMetadata) (Checkpoint, bool, error) {
		at, ok, err := checkpointOf(meta.ExtraMetadata)
		if err != nil {
			err = fmt.Errorf("ingest: %s of commit %s: %w", cmp.Or(c.Name, "table"), i.Time, err)
		}
		return at, ok, err
	}
	passed := func(i timeline.Instant) bool { return c.Type == table.MOR && i.Action != timeline.DeltaCommit }
	for _, i := range slices.Backward(tl.CompletedWrites()) {
		if passed(i) {
			continue
		}
		meta, err := tl.CommitMetadata(ctx, i)
		if err != nil {
			return Checkpoint{}, false, err
		}
		if last, found, err = of(i, meta); found || err != nil {
			return last, found, err
		}
	}
	newest := ""
	for w, err := range tl.EachArchivedWrite(ctx, "") {
		if err != nil {
			return Checkpoint{}, false, err
		}
		if passed(w.Instant) || w.Time < newest {
			continue
		}
		at, ok, err := of(w.Instant, w.Commit)
		if err != nil {
			return Checkpoint{}, false, err
		}
		if ok {
			last, found, newest = at, true, w.Time
		}
	}
	return last, found, nil
}

// StartFirst is the Options.Start that begins at the first offsets.
const StartFirst = "first"

// firstStart says where reading begins in a table without a checkpoint: what it gives is to be
// read from, and partitions that it does not name from their first offset. tl is nil when
// there is no table.
func (o Options) firstStart(tl *timeline.Timeline) (Checkpoint, error) {
	written := tl != nil && len(tl.CompletedWrites()) > 0
	switch {
	case o.Start == "" && written && o.Mode == cdc.Append:
		return Checkpoint{}, fmt.Errorf("ingest: table %s has commits, and none says which events of %s it has; to append them from the first on would double those: say with --start where to begin, %q or topic,partition:offset,…: %w",
			o.Table, strings.Join(o.Topics, ","), StartFirst, base.ErrInvalid)
	case o.Start == "" && written:
		o.Log.Warn("the table has commits, and none has a checkpoint: every event of the topics is read", "table", o.Table, "topics", o.Topics)
		return Checkpoint{}, nil
	case o.Start == "" || o.Start == StartFirst:
		o.Log.Info("reading begins at the first offsets", "table", o.Table, "topics", o.Topics)
		return Checkpoint{}, nil
	}
	c, err := parseStreamer(o.Start)
	if err != nil {
		return c, fmt.Errorf("ingest: start %q: want %q or topic,partition:offset,…: %w", o.Start, StartFirst, base.ErrInvalid)
	}
	for topic := range c.Topics {
		if !slices.Contains(o.Topics, topic) {
			return c, fmt.Errorf("ingest: start %q: topic %q is not read: %w", o.Start, topic, base.ErrInvalid)
		}
	}
	o.Log.Info("reading begins at given offsets", "table", o.Table, "start", o.Start)
	return c, nil
}

func checkpointOf(extra map[string]string) (Checkpoint, bool, error) {
	if text := extra[checkpointKey]; text != "" {
		var c Checkpoint
		if err := json.Unmarshal([]byte(text), &c); err != nil || c.Topics == nil {
			return c, false, fmt.Errorf("%s %q cannot be read: %w", checkpointKey, text, base.ErrCorrupt)
		}
		if c.Version > checkpointLevel {
			return c, false, fmt.Errorf("%s was written by a newer hudictl (level %d): %w", checkpointKey, c.Version, base.ErrUnsupported)
		}
		return c, true, nil
	}
	for _, key := range []string{streamerKeyV2, streamerKey} {
		if text := extra[key]; text != "" {
			c, err := parseStreamer(text)
			return c, err == nil, err
		}
	}
	return Checkpoint{}, false, nil
}

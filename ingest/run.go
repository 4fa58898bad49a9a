package ingest

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/twmb/franz-go/pkg/kgo"
	"golang.org/x/sync/errgroup"

	"github.com/hudi-go/hudi-go/cdc"
	"github.com/hudi-go/hudi-go/hudi"
	"github.com/hudi-go/hudi-go/internal/base"
	"github.com/hudi-go/hudi-go/schema"
	"github.com/hudi-go/hudi-go/table"
	"github.com/hudi-go/hudi-go/timeline"
)

// drainTime is how long a run that is told to stop may take to commit what it has read.
const drainTime = 20 * time.Second

// idle is the longest wait for records before progress is told.
const idle = time.Second

// watchEvery is how often a busy run looks whether its topics are the same.
const watchEvery = 10 * time.Second

// Run reads until ctx ends, then commits what it has read; with Once until it has reached
// the ends. The Summary holds for a run that failed too.
func Run(ctx context.Context, o Options) (Summary, error) {
	o, err := o.withDefaults()
	if err != nil {
		return Summary{}, err
	}
	s, err := openSource(ctx, o)
	if err != nil {
		return Summary{}, err
	}
	defer s.close()
	r := &run{options: o, source: s, began: o.Clock()}
	if err := r.start(ctx); err != nil {
		return Summary{}, err
	}
	defer r.decoder.Release()
	err = r.loop(ctx)
	return r.summary(), err
}

// run is a run under way: one goroutine reads and decodes, another writes.
type run struct {
	options Options
	source  *source
	began   time.Time

	decoder *cdc.Decoder
	table   *hudi.Table    // nil until there are rows, if the table is new
	known   *schema.Schema // the table's when the run began, nil if it had none
	at      Checkpoint     // where reading stands
	lanes   []*lane        // what is polled and not taken
	ends    bounds
	high    map[string]map[int32]int64 // ends of the partitions as last seen

	sink     *sink
	lastTold time.Time
	watched  time.Time // see watch
	events   int64
	open     time.Time // when the open batch got its first record, zero when it has none
}

// start finds out where the table stands and begins to read there.
func (r *run) start(ctx context.Context) error {
	var err error
	if r.table, err = r.options.openTable(ctx); err != nil {
		return err
	}
	var stored Checkpoint
	var tl *timeline.Timeline
	found := false
	if r.table != nil {
		if _, err := r.table.Recover(ctx); err != nil {
			return err
		}
		if tl, err = r.table.Timeline(ctx); err != nil {
			return err
		}
		if stored, found, err = lastCheckpoint(ctx, r.table.Config(), tl); err != nil {
			return err
		}
		if r.known, err = r.table.Config().RecordSchema(ctx, tl); err != nil && !errors.Is(err, table.ErrNoSchema) {
			return err
		}
	}
	from := stored
	if !found {
		if from, err = r.options.firstStart(tl); err != nil {
			return err
		}
	}
	if r.ends, err = r.source.bounds(ctx); err != nil {
		return err
	}
	if r.at, err = r.source.begin(r.ends, from, found); err != nil {
		return err
	}
	r.high = r.ends.clone()
	r.watched = r.began
	columns := r.known
	if columns == nil {
		columns = r.options.Schema
	}
	seed := map[string]map[int32]int64{}
	for topic, t := range r.at.Topics {
		seed[topic] = maps.Clone(t.Order)
	}
	r.decoder, err = cdc.NewDecoder(cdc.Options{
		Topic: r.options.Topics[0], Schema: columns, Wire: r.options.Wire, Keys: r.options.Keys,
		Mode: r.options.Mode, Truncate: r.options.Truncate, Placeholder: r.options.Placeholder,
		BeforeColumns: r.partitionedBy(), Seed: seed, Alloc: r.options.Alloc,
	})
	if err != nil {
		return err
	}
	r.sink = &sink{options: r.options, stored: stored, seen: from, found: found, began: r.began}
	r.source.consume(r.at)
	return nil
}

// partitionedBy are the columns other than keys by which the table is partitioned, and which
// must not change: with a global index they may, and a delete needs none of them.
func (r *run) partitionedBy() []string {
	columns, keys, index := r.options.PartitionBy, r.options.Keys, r.options.Index
	if r.table != nil {
		c := r.table.Config()
		columns, keys, index = c.PartitionBy, c.Keys, c.Index
	}
	if index.Global() {
		return nil
	}
	return slices.DeleteFunc(slices.Clone(columns), func(name string) bool { return slices.Contains(keys, name) })
}

// loop reads and writes until the end.
func (r *run) loop(ctx context.Context) error {
	// Writing goes on for a while after ctx has ended, so that what was read is not lost.
	draining, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	defer context.AfterFunc(ctx, func() { time.AfterFunc(drainTime, stop) })()
	work, running := errgroup.WithContext(draining)
	batches := make(chan *batch)
	work.Go(func() error { return r.sink.run(running, batches) })
	var failed error // of the reader, which does not keep what came before from the table
	work.Go(func() error {
		defer close(batches)
		reading, cancel := context.WithCancel(ctx)
		defer cancel()
		defer context.AfterFunc(running, cancel)() // a failed writer ends the reading
		failed = r.read(reading, running, batches)
		if errors.Is(failed, context.Canceled) {
			failed = nil
		}
		return r.seal(running, batches, true)
	})
	err := work.Wait()
	return errors.Join(failed, err)
}

// read decodes records into batches until ctx ends or the ends are reached.
func (r *run) read(ctx, running context.Context, batches chan<- *batch) error {
	for ctx.Err() == nil {
		if r.options.Once && r.reached() {
			return nil
		}
		wait, cancel := context.WithTimeout(ctx, r.patience())
		fetches, err := r.source.poll(wait)
		cancel()
		if err != nil {
			return err
		}
		fetches.EachPartition(func(p kgo.FetchTopicPartition) {
			if ends := r.high[p.Topic]; ends != nil { // what ends the wait is a partition without a topic
				ends[p.Partition] = max(ends[p.Partition], p.LastStableOffset)
			}
		})
		r.push(fetches)
		if err := r.watch(ctx, fetches.Empty()); err != nil {
			return err
		}
		if err := r.pump(running, batches); err != nil {
			return err
		}
		if r.due() {
			if err := r.seal(running, batches, false); err != nil {
				return err
			}
		}
		r.tell()
	}
	return nil
}

// watch looks now and then whether the topics are still the same ones, and takes up
// partitions that were added.
func (r *run) watch(ctx context.Context, quiet bool) error {
	now := r.options.Clock()
	if since := now.Sub(r.watched); since < idle || since < watchEvery && !quiet {
		return nil
	}
	r.watched = now
	added, err := r.source.same(ctx, r.at)
	if errors.Is(err, base.ErrUnreachable) {
		r.options.Log.Warn("the topics could not be looked up", "error", err) // the client tries to reach the brokers by itself
		return nil
	}
	if err != nil || len(added) == 0 {
		return err
	}
	b, err := r.source.bounds(ctx)
	if err != nil {
		return err
	}
	more := Checkpoint{Topics: map[string]TopicCheckpoint{}}
	for topic, partitions := range added {
		more.Topics[topic] = TopicCheckpoint{Next: map[int32]int64{}}
		for _, p := range partitions {
			start, ok := b.start[topic][p]
			if !ok {
				continue // on its way
			}
			more.Topics[topic].Next[p] = start
			r.at.Topics[topic].Next[p] = start
			r.ends.start[topic][p], r.high[topic][p] = start, b.end[topic][p]
			r.options.Log.Info("a partition was added", "topic", topic, "partition", p)
		}
	}
	r.source.consume(more)
	return nil
}

// patience is how long to wait for records: until the open batch is due, or progress.
func (r *run) patience() time.Duration {
	if r.open.IsZero() {
		return idle
	}
	return max(min(idle, r.options.Interval-r.options.Clock().Sub(r.open)), time.Millisecond)
}

func (r *run) due() bool {
	if r.open.IsZero() {
		return false
	}
	return r.decoder.Rows() >= r.options.MaxRows || r.decoder.Bytes() >= r.options.MaxBytes ||
		r.options.Clock().Sub(r.open) >= r.options.Interval
}

// reached tells whether every partition has been read to where it ended at the start.
func (r *run) reached() bool {
	for topic, ends := range r.ends.end {
		for p, end := range ends {
			if r.at.Topics[topic].Next[p] < end {
				return false
			}
		}
	}
	return true
}

// take decodes one record. A change of the source's columns ends the batch.
func (r *run) take(running context.Context, rec *kgo.Record, batches chan<- *batch) error {
	in := recordOf(rec)
	if rec.Attrs.IsControl() {
		r.decoder.Skip(in)
	} else if err := r.append(running, in, batches); err != nil {
		return err
	}
	if r.open.IsZero() {
		r.open = r.options.Clock()
	}
	r.events++
	r.at.Topics[rec.Topic].Next[rec.Partition] = rec.Offset + 1
	return nil
}

func recordOf(rec *kgo.Record) cdc.Record {
	out := cdc.Record{
		Topic: rec.Topic, Partition: rec.Partition, Offset: rec.Offset, Timestamp: rec.Timestamp,
		Key: rec.Key, Value: rec.Value,
	}
	if len(rec.Headers) > 0 {
		out.Headers = make([]cdc.Header, len(rec.Headers))
		for i, h := range rec.Headers {
			out.Headers[i] = cdc.Header{Key: h.Key, Value: h.Value}
		}
	}
	return out
}

func (r *run) append(running context.Context, in cdc.Record, batches chan<- *batch) error {
	err := r.decoder.Append(in)
	var changed *cdc.SchemaChange
	if !errors.As(err, &changed) {
		return err
	}
	if err := r.seal(running, batches, false); err != nil {
		return err
	}
	wider := changed.Schema
	if have := r.decoder.Schema(); have != nil {
		if wider, err = schema.Evolve(have, changed.Schema); err != nil {
			return fmt.Errorf("ingest: topic %q, partition %d, offset %d: %w", in.Topic, in.Partition, in.Offset, err)
		}
	}
	r.options.Log.Info("the source's columns changed", "column", changed.Column, "topic", in.Topic, "partition", in.Partition, "offset", in.Offset)
	if err := r.decoder.SetSchema(wider); err != nil {
		return err
	}
	return r.decoder.Append(in)
}

// batch is a part of the topics on its way into the table: the rows up to a checkpoint.
type batch struct {
	*cdc.Batch
	to     Checkpoint
	schema *schema.Schema // of the rows; nil when there are none and the table has none
	table  *hudi.Table
	final  bool // the last of the run
	// passed is a position that all partitions are past, or at their ends.
	passed int64
}

// seal ends the open batch and hands it to the writer, waiting until the one before is
// written.
func (r *run) seal(running context.Context, batches chan<- *batch, final bool) error {
	r.open = time.Time{}
	made := r.decoder.Flush()
	for _, g := range made.Ranges {
		if g.Order > 0 {
			r.at.Topics[g.Topic].Order[g.Partition] = g.Order
		}
	}
	if n := made.Counts.Logs; n > 0 {
		r.options.Log.Warn("positions in the source's log begin anew, as after a failover: events count as they come until positions are as high as before",
			"topics", r.options.Topics, "partitions", n)
	}
	b := &batch{Batch: made, to: r.at.clone(), final: final, schema: r.decoder.Schema(), passed: r.passed()}
	if b.schema == nil { // no change event so far
		b.schema = r.known
	}
	b.to.Batch = uuid.NewString()
	if len(made.Rows) > 0 && r.table == nil {
		var err error
		if r.table, err = r.options.createTable(running, r.decoder); err != nil {
			made.Release()
			return err
		}
	}
	b.table = r.table
	select {
	case batches <- b:
		return nil
	case <-running.Done():
		made.Release()
		return running.Err()
	}
}

// passed is the least position that a partition with more to read has reached.
func (r *run) passed() int64 {
	least := int64(math.MaxInt64)
	for topic, t := range r.at.Topics {
		for p, next := range t.Next {
			if next < r.high[topic][p] {
				least = min(least, t.Order[p])
			}
		}
	}
	return least
}

// tell reports progress about once a second.
func (r *run) tell() {
	now := r.options.Clock()
	if r.options.Progress == nil || now.Sub(r.lastTold) < idle {
		return
	}
	r.lastTold = now
	r.options.Progress(r.progress())
}

func (r *run) progress() Progress {
	p := r.sink.progress()
	p.Events = r.events
	p.Elapsed = r.options.Clock().Sub(r.began)
	done := r.sink.reached()
	for topic, ends := range r.high {
		for partition, end := range ends {
			p.Lag += max(end-max(done.Topics[topic].Next[partition], r.ends.start[topic][partition]), 0)
		}
	}
	return p
}

func (r *run) summary() Summary {
	s := r.sink.summary()
	s.Progress = r.progress()
	return s
}

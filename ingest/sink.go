package ingest

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/hudi-go/hudi-go/cdc"
	"github.com/hudi-go/hudi-go/hudi"
	"github.com/hudi-go/hudi-go/internal/base"
	"github.com/hudi-go/hudi-go/timeline"
)

// checkpointAge is how old the table's checkpoint may become while only records without
// rows come in, before a commit without rows carries it on.
const checkpointAge = 5 * time.Minute

// sink writes batches, one commit each, strictly one after the other.
type sink struct {
	options Options
	began   time.Time

	found    bool // whether the table has a checkpoint
	storedAt time.Time

	mu      sync.Mutex // of what follows, which progress reads
	stored  Checkpoint // the table's
	seen    Checkpoint // and that plus records that have nothing to say
	state   Progress
	total   cdc.Counts
	example string
}

// run writes until there are no more batches.
func (s *sink) run(ctx context.Context, batches <-chan *batch) error {
	s.storedAt = s.began
	for b := range batches {
		err := s.write(ctx, b)
		b.Release()
		if err != nil {
			return err
		}
	}
	return nil
}

// write commits a batch. One without rows is kept back until the checkpoint is old or the
// run ends: its records had nothing to say, and may be read again.
func (s *sink) write(ctx context.Context, b *batch) error {
	s.count(b)
	empty := len(b.Rows) == 0
	if b.table == nil || b.schema == nil || b.to.sameOffsets(s.stored) {
		return nil
	}
	if empty && !b.final && s.options.Clock().Sub(s.storedAt) < checkpointAge {
		s.mu.Lock()
		s.seen = b.to
		s.mu.Unlock()
		return nil
	}
	if err := s.resolve(ctx, b); err != nil {
		return err
	}
	if err := s.locate(ctx, b); err != nil {
		return err
	}
	extra, err := b.to.metadata()
	if err != nil {
		return err
	}
	op := hudi.Upsert
	if s.options.Mode == cdc.Append {
		op = hudi.Insert
	}
	commit, err := b.table.Write(ctx, op, hudi.Rows{Schema: b.schema, Batches: rowsOf(b)}, hudi.WriteOptions{
		Extra: extra,
		Check: func(ctx context.Context, tl *timeline.Timeline) error { return s.continuous(ctx, b, tl) },
	})
	if err != nil {
		return fmt.Errorf("ingest: commit of %s: %w", describe(b.to), err)
	}
	s.found, s.storedAt = true, s.options.Clock()
	s.committed(commit, b.to)
	return nil
}

// continuous makes sure that the table still stands where the batch begins. Whatever
// another ingester or a zombie of this one did meanwhile, no event is lost or twice.
func (s *sink) continuous(ctx context.Context, b *batch, tl *timeline.Timeline) error {
	now, found, err := lastCheckpoint(ctx, b.table.Config(), tl)
	if err != nil {
		return err
	}
	if found != s.found || found && !now.sameOffsets(s.stored) {
		return fmt.Errorf("another ingester has brought the table to %s, and this one counted on %s: %w", describe(now), describe(s.stored), base.ErrConflict)
	}
	return nil
}

func describe(c Checkpoint) string {
	text := ""
	for name, t := range c.Topics {
		if text != "" {
			text += " "
		}
		text += streamerText(name, t.Next)
	}
	if text == "" {
		return "(nothing)"
	}
	return text
}

// rowsOf streams a batch's rows.
func rowsOf(b *batch) func(yield func(arrow.RecordBatch, error) bool) {
	return func(yield func(arrow.RecordBatch, error) bool) {
		for _, rows := range b.Rows {
			if !yield(rows, nil) {
				return
			}
		}
	}
}

func (s *sink) count(b *batch) {
	s.mu.Lock()
	defer s.mu.Unlock()
	c, t := b.Counts, &s.total
	t.Snapshots += c.Snapshots
	t.Creates += c.Creates
	t.Updates += c.Updates
	t.Deletes += c.Deletes
	t.Truncates += c.Truncates
	t.Tombstones += c.Tombstones
	t.Messages += c.Messages
	t.Other += c.Other
	t.Skipped += c.Skipped
	t.Logs += c.Logs
	t.OutOfRange += c.OutOfRange
	if s.example == "" {
		s.example = b.OutOfRange
	}
}

func (s *sink) committed(c hudi.Commit, to Checkpoint) {
	s.mu.Lock()
	s.stored, s.seen = to, to
	s.state.Commits++
	s.state.Instant = c.Instant
	s.state.Committed = s.total.Rows() + s.total.Truncates + s.total.Tombstones + s.total.Messages + s.total.Other + s.total.Skipped
	s.mu.Unlock()
	s.options.Log.Debug("committed", "instant", c.Instant, "inserts", c.Inserts, "updates", c.Updates, "deletes", c.Deletes, "bytes", c.Bytes)
}

// reached is what is dealt with: in the table, or nothing that belongs there.
func (s *sink) reached() Checkpoint {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.seen
}

func (s *sink) progress() Progress {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.state
}

func (s *sink) summary() Summary {
	s.mu.Lock()
	defer s.mu.Unlock()
	return Summary{Counts: s.total, OutOfRange: s.example}
}

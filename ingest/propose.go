package ingest

import (
	"context"
	"fmt"
	"time"

	"github.com/hudi-go/hudi-go/cdc"
	"github.com/hudi-go/hudi-go/internal/base"
	"github.com/hudi-go/hudi-go/schema"
)

// Proposal is a schema for a topic whose messages carry none.
type Proposal struct {
	Schema  *schema.Schema
	Remarks []cdc.Remark // what a person should look at
}

// How much of a topic a proposal is made of.
const (
	sampleRecords = 2000
	sampleTime    = 15 * time.Second
)

// Propose reads the first events of the topics and proposes types for their columns.
func Propose(ctx context.Context, o Options) (Proposal, error) {
	o, err := o.withDefaults()
	if err != nil {
		return Proposal{}, err
	}
	s, err := openSource(ctx, o)
	if err != nil {
		return Proposal{}, err
	}
	defer s.close()
	b, err := s.bounds(ctx)
	if err != nil {
		return Proposal{}, err
	}
	at, err := s.begin(b, Checkpoint{}, false)
	if err != nil {
		return Proposal{}, err
	}
	left := int64(0)
	for topic, ends := range b.end {
		for p, end := range ends {
			left += end - b.start[topic][p]
		}
	}
	s.consume(at)
	ctx, cancel := context.WithTimeout(ctx, sampleTime)
	defer cancel()
	var records []cdc.Record
	for left > 0 && len(records) < sampleRecords && ctx.Err() == nil {
		fetches, err := s.poll(ctx)
		if err != nil {
			return Proposal{}, err
		}
		for it := fetches.RecordIter(); !it.Done(); {
			rec := it.Next()
			left--
			if !rec.Attrs.IsControl() {
				records = append(records, recordOf(rec))
			}
		}
	}
	if len(records) == 0 {
		return Proposal{}, fmt.Errorf("ingest: topics %v have no events to propose a schema from: %w", o.Topics, base.ErrInvalid)
	}
	p, remarks, err := cdc.Propose(records)
	if err != nil {
		return Proposal{}, err
	}
	return Proposal{p, remarks}, nil
}

package query

import (
	"context"
	"fmt"

	"golang.org/x/sync/errgroup"

	"github.com/hudi-go/hudi-go/internal/base"
	"github.com/hudi-go/hudi-go/internal/basefile"
)

// Explanation says what a plan reads of each file slice, and what it passes over and why.
type Explanation struct {
	Slices []SliceExplanation
	// Skipped are the partitions that are passed over whole, SkippedSlices the file slices that
	// are in others.
	Skipped       []SkippedPartition
	SkippedSlices []SkippedSlice
}

// SkippedPartition is a partition without a row that meets the condition.
type SkippedPartition struct {
	Partition string
	Reason    string
}

// SliceExplanation is what a plan reads of one file slice. Numbers are of the base file, and 0 without one.
type SliceExplanation struct {
	Partition, FileID string
	// BaseFile and LogFiles are paths below the table.
	BaseFile string
	LogFiles []string
	// RowGroups and Rows are what the base file has, KeptGroups and KeptRows what is read of it.
	RowGroups, KeptGroups int
	Rows, KeptRows        int64
	// Bytes are what is read: compressed, of the wanted columns, of the condition's and of those
	// that merging looks at in the kept row groups, and of the log files.
	Bytes int64
	// Reason says why row groups are passed over, or cannot be; "" if there is no condition.
	Reason string
}

// Explain opens the base files of the plan, but for their footers reads nothing of them, and
// tells what reading the plan's rows would take.
func (p *Plan) Explain(ctx context.Context) (*Explanation, error) {
	if p.image != nil {
		return nil, fmt.Errorf("query %s: only queries for rows can be explained: %w", p.source.Store.URI(), base.ErrUnsupported)
	}
	e := &Explanation{Skipped: p.Skipped, SkippedSlices: p.SkippedSlices, Slices: make([]SliceExplanation, len(p.Tasks))}
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(max(footers, p.source.Parallel))
	for i, t := range p.Tasks {
		g.Go(func() error {
			s, err := p.explain(ctx, t)
			if err != nil {
				return fmt.Errorf("query %s: %w", p.source.Store.URI(), err)
			}
			e.Slices[i] = *s
			return nil
		})
	}
	if err := g.Wait(); err != nil {
		return nil, err
	}
	return e, nil
}

// footers is how many footers are read at a time at least: little more than waiting for a store.
const footers = 8

func (p *Plan) explain(ctx context.Context, t Task) (*SliceExplanation, error) {
	s := &SliceExplanation{Partition: t.Slice.Partition, FileID: t.Slice.FileID, LogFiles: []string{}}
	for _, l := range t.Slice.Logs {
		s.LogFiles = append(s.LogFiles, l.Path)
		s.Bytes += l.Size
	}
	if t.Slice.Base == nil {
		return s, nil
	}
	s.BaseFile = t.Slice.Base.Path
	request := p.request(t)
	keep, err := p.reader.Prunes(request)
	if err != nil {
		return nil, err
	}
	switch {
	case request.Keep == nil:
	case !keep && len(s.LogFiles) > 0:
		s.Reason = "log files may have changed any row"
	case !keep:
		s.Reason = "the file's columns have other names now, or versions of rows are chosen first"
	default:
		s.Reason = "by the columns' least and greatest values"
	}
	file, err := p.source.Store.Open(ctx, s.BaseFile)
	if err != nil {
		return nil, err
	}
	r, err := basefile.Open(ctx, file, s.BaseFile, p.source.Alloc)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	o := basefile.ReadOptions{}
	if o.Schema, err = p.reader.Reads(request); err != nil {
		return nil, err
	}
	if keep {
		o.Keep, o.PageColumns = request.Keep, request.PageColumns
	}
	s.Rows, s.RowGroups = r.Rows(), len(r.RowGroups())
	for _, g := range r.RowGroups() {
		if keep && !request.Keep(&g) {
			continue
		}
		rows, bytes, err := g.Selected(ctx, o)
		if err != nil {
			return nil, err
		}
		if rows == 0 {
			continue
		}
		s.KeptGroups++
		s.KeptRows += rows
		s.Bytes += bytes
	}
	return s, nil
}

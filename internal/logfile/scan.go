package logfile

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/hudi-go/hudi-go/internal/base"
)

// ScanOptions says which blocks of a file slice count.
type ScanOptions struct {
	// Latest is the newest instant to see, "" for no bound. Rollback commands are honoured
	// whatever their instant: Java does so, and a rolled back write must not come back
	// because the query is as of an earlier time.
	Latest string
	// Valid tells whether an instant is committed. Tables of version 6 need it, as a file
	// there holds blocks of many instants; from version 8 on a file belongs to one instant
	// and is left out as a whole. nil accepts all.
	Valid func(instant string) bool
	// InRange tells whether an instant is wanted by an incremental query, or is one of the
	// valid instants of a metadata table. nil accepts all.
	InRange func(instant string) bool
}

func (o *ScanOptions) wants(instant string) bool {
	return (o.Latest == "" || instant <= o.Latest) &&
		(o.Valid == nil || o.Valid(instant)) &&
		(o.InRange == nil || o.InRange(instant))
}

// Scan reads the headers of a file slice's log files, given in log file order without
// .cdc files, and returns the data and delete blocks to apply, in the order to apply them:
// blocks that a rollback command undid are left out, and blocks that a log compaction
// merged are replaced by its result. The readers are read to their end.
func Scan(readers []*Reader, o ScanOptions) ([]*Block, error) {
	var s scan
	for _, r := range readers {
		for {
			b, err := r.Next()
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				return nil, err
			}
			if err := s.add(b, &o); err != nil {
				return nil, err
			}
		}
	}
	return s.queue(), nil
}

// scan is the state of the first pass: the blocks of each instant, instants in the order
// in which they were first seen.
type scan struct {
	order  []string
	blocks map[string][]*Block
}

// add takes the next block of the slice into account.
func (s *scan) add(b *Block, o *ScanOptions) error {
	switch b.Type {
	case Corrupt, CDCData: // a change log is no part of the slice's rows
		return nil
	case Command:
		return s.rollback(b)
	}
	instant := b.Instant()
	if instant == "" {
		return corrupt(b.File, b.Offset, "%s block names no instant", b.Type)
	}
	if !o.wants(instant) {
		return nil
	}
	if s.blocks == nil {
		s.blocks = make(map[string][]*Block)
	}
	if _, seen := s.blocks[instant]; !seen {
		s.order = append(s.order, instant)
	}
	s.blocks[instant] = append(s.blocks[instant], b)
	return nil
}

// rollback drops what the target of a command has written so far. Blocks of the same
// instant that follow count again: version 6 reuses instants.
func (s *scan) rollback(b *Block) error {
	if kind := b.Header[HeaderCommand]; kind != CommandRollback {
		return fmt.Errorf("logfile: %s: block at offset %d has unknown command %q: %w", b.File, b.Offset, kind, base.ErrUnsupported)
	}
	target := b.Header[HeaderTarget]
	if target == "" {
		return corrupt(b.File, b.Offset, "rollback names no target instant")
	}
	if _, seen := s.blocks[target]; seen {
		delete(s.blocks, target)
		s.order = slices.DeleteFunc(s.order, func(t string) bool { return t == target })
	}
	return nil
}

// queue is the second pass. It goes through the instants backwards, so that the result of
// a log compaction is known before the blocks it replaced, and takes the place of the last
// of them; results of results are followed to the final one.
func (s *scan) queue() []*Block {
	var queue []*Block // back to front
	enqueue := func(instant string) {
		for _, b := range slices.Backward(s.blocks[instant]) {
			queue = append(queue, b)
		}
	}
	final := make(map[string]string)    // instant → log compaction whose result holds its records
	placed := make(map[string]struct{}) // log compactions in the queue
	for _, instant := range slices.Backward(s.order) {
		if times, compacted := s.blocks[instant][0].Header[HeaderCompacted]; compacted {
			result := instant
			if f, ok := final[instant]; ok {
				result = f
			}
			for t := range strings.SplitSeq(times, ",") {
				final[t] = result
			}
			continue
		}
		result, replaced := final[instant]
		if !replaced {
			enqueue(instant)
			continue
		}
		if _, done := placed[result]; !done {
			placed[result] = struct{}{}
			enqueue(result)
		}
	}
	slices.Reverse(queue)
	return queue
}

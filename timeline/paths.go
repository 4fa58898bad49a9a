package timeline

import (
	"fmt"
	"maps"
	"slices"

	"github.com/hudi-go/hudi-go/internal/base"
)

// checked are contents of the timeline that name files and folders of the table. Whoever is
// going to open, write or delete what they name gets them checked, so that nothing outside of
// the table is touched whatever they say; Document shows them as they are.
type checked interface {
	// check reports names that lead out of the table, wrapping base.ErrCorrupt.
	check() error
}

func (m *CommitMetadata) check() error {
	err := below(slices.Sorted(maps.Keys(m.PartitionToReplaceFileIDs))...)
	for partition, ids := range m.PartitionToReplaceFileIDs {
		err = firstOf(err, names(ids...), below(partition))
	}
	for partition, stats := range m.PartitionToWriteStats {
		err = firstOf(err, below(partition))
		for _, s := range stats {
			err = firstOf(err, below(s.PartitionPath, s.Path), names(s.FileID, s.BaseFile), names(s.LogFiles...))
			for path := range s.CDCStats {
				err = firstOf(err, below(path))
			}
		}
	}
	return err
}

func (p *CompactionPlan) check() (err error) {
	for _, op := range p.Operations {
		err = firstOf(err, below(op.Partition), names(op.FileID))
	}
	return err
}

func (p *RequestedReplace) check() (err error) {
	if p.Plan == nil {
		return nil
	}
	for partition, fileID := range p.Plan.Groups {
		err = firstOf(err, below(partition), names(fileID))
	}
	return err
}

func (p *CleanerPlan) check() error {
	err := below(p.PartitionsToDelete...)
	for partition := range p.Files {
		err = firstOf(err, below(partition))
	}
	for partition := range p.LegacyFiles {
		err = firstOf(err, below(partition))
	}
	return err
}

// A rollback's target becomes names in the timeline's folder and in that of the markers.
func (p *RollbackPlan) check() (err error) {
	if p.Instant != nil && (!base.IsDigits(p.Instant.Time) || !Action(p.Instant.Action).known()) {
		return fmt.Errorf("timeline: %q is no time of an instant, or %q no action: %w", p.Instant.Time, p.Instant.Action, base.ErrCorrupt)
	}
	for _, r := range p.Requests {
		err = firstOf(err, below(r.Partition), names(r.FileID, r.LatestBaseInstant))
	}
	return err
}

// below checks paths relative to the table.
func below(paths ...string) error {
	for _, p := range paths {
		if _, err := base.CleanRelative(p); err != nil {
			return fmt.Errorf("timeline: %w", err)
		}
	}
	return nil
}

// names checks parts of file names; they may be empty.
func names(list ...string) error {
	for _, n := range list {
		if n != "" && !base.IsName(n) {
			return fmt.Errorf("timeline: %q is no part of a file name: %w", n, base.ErrCorrupt)
		}
	}
	return nil
}

func firstOf(list ...error) error {
	for _, err := range list {
		if err != nil {
			return err
		}
	}
	return nil
}

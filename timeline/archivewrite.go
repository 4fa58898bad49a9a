package timeline

import (
	"context"
	"fmt"
	"slices"

	"github.com/hudi-go/hudi-go/internal/base"
)

// Archive moves completed instants, in the order of their times, from the active timeline into
// the archive. A process that dies leaves an instant in both, which readers take for one, and which
// the next archiving moves. The caller holds the table's lock and has made sure that nobody needs
// the instants where they are; holds fails when the lock was lost meanwhile.
func (t *Timeline) Archive(ctx context.Context, instants []Instant, holds func() error) error {
	if len(instants) == 0 {
		return nil
	}
	if at := slices.IndexFunc(instants, func(i Instant) bool { return !i.Done() }); at >= 0 {
		return t.inArchive(fmt.Errorf("%s is not completed: %w", instants[at], base.ErrInvalid))
	}
	if t.layout == Layout1 {
		return t.inArchive(fmt.Errorf("write the archive of table version 6: %w", base.ErrUnsupported))
	}
	if err := t.archiveHistory(ctx, instants, holds); err != nil {
		return t.inArchive(err)
	}
	if err := holds(); err != nil {
		return t.inArchive(err)
	}
	return t.inArchive(t.forget(ctx, instants))
}

// forget removes the files of instants from the active timeline: first those of states before
// the last, so that no instant looks pending again, then the others, the oldest first, so that no
// reader sees a gap.
func (t *Timeline) forget(ctx context.Context, instants []Instant) error {
	for _, i := range instants {
		for _, name := range t.namesOf(i) {
			if name == i.File {
				continue
			}
			if err := t.store.Delete(ctx, t.path(name)); err != nil {
				return err
			}
		}
	}
	for _, i := range instants {
		if err := t.store.Delete(ctx, t.path(i.File)); err != nil {
			return err
		}
	}
	return nil
}

// namesOf are the files of an instant in all of its states.
func (t *Timeline) namesOf(i Instant) []string {
	var out []string
	for name := range t.files {
		if of, ok := t.layout.ParseFileName(name); ok && of.Time == i.Time && of.Action.Completed() == i.Action.Completed() {
			out = append(out, name)
		}
	}
	slices.Sort(out)
	return out
}

// Package cleaner removes files that no query may ask for any more: old versions of file
// groups, and groups that were replaced. What it is about to remove stands on the timeline
// first, so that a clean that dies is finished by the next (docs/format/clean.md).
package cleaner

import (
	"context"
	"slices"

	"github.com/hudi-go/hudi-go/table"
	"github.com/hudi-go/hudi-go/timeline"
)

// Options say what to keep.
type Options struct {
	// Commits is how many of the latest commits stay readable (hoodie.clean.commits.retained).
	Commits int
}

// DefaultCommits is hoodie.clean.commits.retained.
const DefaultCommits = 10

const (
	policyCommits = "KEEP_LATEST_COMMITS"
	planVersion   = 2
)

// Removal is what a clean is going to remove: files by partition, as paths relative to
// the table.
type Removal struct {
	// Earliest is the oldest commit that stays readable.
	Earliest timeline.Instant
	Files    map[string][]string
}

// Count is the number of files.
func (r *Removal) Count() int {
	n := 0
	for _, f := range r.Files {
		n += len(f)
	}
	return n
}

// Plan decides what to remove. A nil Removal means nothing.
func Plan(ctx context.Context, v *table.View, o Options) (*Removal, error) {
	tl := v.Timeline()
	earliest, ok := earliestToKeep(tl, o.Commits)
	if !ok {
		return nil, nil
	}
	partitions, err := partitionsToClean(ctx, v, earliest)
	if err != nil {
		return nil, err
	}
	saved, err := savepointed(ctx, tl)
	if err != nil {
		return nil, err
	}
	pending, err := v.PendingCompactions(ctx)
	if err != nil {
		return nil, err
	}
	r := &Removal{Earliest: earliest, Files: map[string][]string{}}
	for _, p := range partitions {
		groups, err := v.Groups(ctx, p)
		if err != nil {
			return nil, err
		}
		for _, g := range groups {
			compaction, compacting := pending[g.GroupID]
			keepFrom := ""
			if compacting {
				keepFrom = compaction.Operation.BaseInstant
			}
			r.Files[p] = append(r.Files[p], unneeded(g, earliest.Time, keepFrom, compacting, saved)...)
		}
		if len(r.Files[p]) == 0 {
			delete(r.Files, p)
		}
	}
	if r.Count() == 0 {
		return nil, nil
	}
	return r, nil
}

// earliestToKeep is the oldest of the commits to keep readable. A pending write moves it
// back, as the write may still read what was there when it began.
func earliestToKeep(tl *timeline.Timeline, commits int) (timeline.Instant, bool) {
	done := tl.CompletedWrites()
	if commits < 1 || len(done) <= commits {
		return timeline.Instant{}, false
	}
	earliest := done[len(done)-commits]
	if first, ok := tl.FirstPendingWrite(); ok && earliest.Time > first.Time {
		at := slices.IndexFunc(done, func(i timeline.Instant) bool { return i.Time >= first.Time })
		if at <= 0 {
			return timeline.Instant{}, false
		}
		earliest = done[at-1]
	}
	return earliest, true
}

// partitionsToClean are those that commits since the last clean have touched, or all
// without a last clean to count from.
func partitionsToClean(ctx context.Context, v *table.View, earliest timeline.Instant) ([]string, error) {
	tl := v.Timeline()
	from := ""
	for _, i := range tl.Completed() {
		if i.Action != timeline.Clean {
			continue
		}
		meta, err := tl.CleanMetadata(ctx, i.Time)
		if err != nil {
			return nil, err
		}
		from = meta.EarliestCommitToRetain
	}
	if from == "" || tl.BeforeStart(from) || slices.ContainsFunc(tl.Instants(), func(i timeline.Instant) bool { return i.Action == timeline.Savepoint }) {
		return v.Partitions(ctx)
	}
	touched := map[string]bool{}
	for _, i := range tl.CompletedWrites() {
		if i.Time < from || i.Time >= earliest.Time {
			continue
		}
		meta, err := tl.CommitMetadata(ctx, i)
		if err != nil {
			return nil, err
		}
		for p := range meta.PartitionToWriteStats {
			touched[p] = true
		}
		for p := range meta.PartitionToReplaceFileIDs {
			touched[p] = true
		}
	}
	var out []string
	for p := range touched {
		out = append(out, p)
	}
	slices.Sort(out)
	return out, nil
}

// savepointed returns the names of the files that savepoints hold.
func savepointed(ctx context.Context, tl *timeline.Timeline) (map[string]bool, error) {
	out := map[string]bool{}
	for _, i := range tl.Instants() {
		if i.Action != timeline.Savepoint || !i.Done() {
			continue
		}
		meta, err := tl.SavepointMetadata(ctx, i.Time)
		if err != nil {
			return nil, err
		}
		for _, p := range meta.Partitions {
			for _, f := range p.Files {
				out[f] = true
			}
		}
	}
	return out, nil
}

// unneeded returns the files of a group that may go. Of a live group stay: the newest
// slice, the newest slice before earliest, which is what readers of earliest see, the
// slices that a pending compaction builds upon, and what a savepoint holds.
func unneeded(g table.FileGroup, earliest, keepFrom string, compacting bool, saved map[string]bool) []string {
	if g.ReplacedAt != "" && g.ReplacedAt < earliest {
		var out []string
		for _, s := range g.Slices {
			if !held(s, saved) {
				out = append(out, pathsOf(s)...)
			}
		}
		return out
	}
	var out []string
	bridged := false
	for i, s := range g.Slices {
		before := s.BaseInstant < earliest
		switch {
		case i == 0, held(s, saved), !before, compacting && s.BaseInstant >= keepFrom:
		case !bridged:
		default:
			out = append(out, pathsOf(s)...)
			continue
		}
		bridged = bridged || before
	}
	return out
}

func held(s table.FileSlice, saved map[string]bool) bool {
	if s.Base != nil && saved[s.Base.Name] {
		return true
	}
	return slices.ContainsFunc(s.Logs, func(l table.LogFile) bool { return saved[l.Name.String()] })
}

func pathsOf(s table.FileSlice) []string {
	var out []string
	if s.Base != nil {
		out = append(out, s.Base.Path)
	}
	for _, l := range append(slices.Clone(s.Logs), s.CDC...) {
		out = append(out, l.Path)
	}
	return out
}

// plan is the content of clean.requested.
func (r *Removal) plan(tl *timeline.Timeline, absolute func(path string) string) *timeline.CleanerPlan {
	last, _ := tl.LastCompletedWrite()
	p := &timeline.CleanerPlan{
		EarliestInstantToRetain: &timeline.ActionInstant{Time: r.Earliest.Time, Action: string(r.Earliest.Action), State: "COMPLETED"},
		LastCompletedCommit:     last.Time,
		Policy:                  policyCommits,
		LegacyFiles:             map[string][]string{},
		Version:                 planVersion,
		Files:                   map[string][]timeline.CleanFile{},
		PartitionsToDelete:      []string{},
		ExtraMetadata:           map[string]string{},
	}
	for partition, files := range r.Files {
		for _, f := range files {
			p.Files[partition] = append(p.Files[partition], timeline.CleanFile{Path: absolute(f)})
		}
	}
	return p
}

package timeline

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"regexp"
	"slices"
	"strconv"

	"github.com/hudi-go/hudi-go/internal/avroio"
	"github.com/hudi-go/hudi-go/internal/base"
	"github.com/hudi-go/hudi-go/internal/logfile"
)

// archiveEntry is HoodieArchivedMetaEntry, the record of Layout1's archive: one state of an
// instant, with the content of its file.
type archiveEntry struct {
	Time       string `avro:"commitTime"`
	Action     string `avro:"actionType"`
	State      string `avro:"actionState"`
	Transition string `avro:"stateTransitionTime"`

	Commit    *CommitMetadata    `avro:"hoodieCommitMetadata"`
	Replace   *CommitMetadata    `avro:"hoodieReplaceCommitMetadata"`
	Clean     *CleanMetadata     `avro:"hoodieCleanMetadata"`
	Rollback  *RollbackMetadata  `avro:"hoodieRollbackMetadata"`
	Savepoint *SavepointMetadata `avro:"hoodieSavePointMetadata"`
	Indexing  *IndexMetadata     `avro:"hoodieIndexCommitMetadata"`

	CompactionPlan *CompactionPlan   `avro:"hoodieCompactionPlan"`
	CleanerPlan    *CleanerPlan      `avro:"hoodieCleanerPlan"`
	ReplacePlan    *RequestedReplace `avro:"hoodieRequestedReplaceMetadata"`
}

// result is what a completed instant did, nil when the entry does not say.
func (e *archiveEntry) result() any {
	switch {
	case e.Replace != nil:
		return e.Replace
	case e.Commit != nil:
		return e.Commit
	case e.Clean != nil:
		return e.Clean
	case e.Rollback != nil:
		return e.Rollback
	case e.Savepoint != nil:
		return e.Savepoint
	case e.Indexing != nil:
		return e.Indexing
	}
	return nil
}

func (e *archiveEntry) plan() any {
	switch {
	case e.CompactionPlan != nil:
		return e.CompactionPlan
	case e.CleanerPlan != nil:
		return e.CleanerPlan
	case e.ReplacePlan != nil:
		return e.ReplacePlan
	}
	return nil
}

// archived is the entry as a reader of archives sees it.
func (e *archiveEntry) archived(file string) (archived, error) {
	a := archived{Instant: Instant{Time: e.Time, Action: Action(e.Action), File: file}}
	switch e.State {
	case "REQUESTED":
		a.State = Requested
	case "INFLIGHT":
		a.State = Inflight
	case "COMPLETED":
		a.State = Completed
		a.Action = a.Action.Completed()
		if a.Completion = e.Transition; a.Completion == "" { // releases before 0.14
			a.Completion = e.Time
		}
	default:
		return a, fmt.Errorf("instant %s has state %q: %w", e.Time, e.State, base.ErrCorrupt)
	}
	if !base.IsDigits(e.Time) || !a.Action.known() {
		return a, fmt.Errorf("instant %q with action %q: %w", e.Time, e.Action, base.ErrCorrupt)
	}
	known := func(v any) func() (any, error) {
		if v == nil {
			return nil
		}
		return func() (any, error) { return v, nil }
	}
	if a.Done() {
		if a.result = known(e.result()); a.result == nil && a.Action.Writes() {
			a.result = known(&CommitMetadata{OperationType: OpUnknown}) // its file was empty
		}
	} else {
		a.plan = known(e.plan())
	}
	return a, nil
}

// archiveLogName matches the log files of Layout1's archive.
var archiveLogName = regexp.MustCompile(`^\.commits_\.archive\.(\d+)(_\d+-\d+-\d+)?$`)

// archiveLogs yields the entries of Layout1's archive: log files with Avro blocks.
func (t *Timeline) archiveLogs(ctx context.Context) iter.Seq2[archived, error] {
	return retried(func(yield func(archived, error) bool) error {
		entries, err := t.store.List(ctx, t.archive)
		if err != nil {
			return err
		}
		var files []archiveFile
		for _, e := range entries {
			if m := archiveLogName.FindStringSubmatch(e.Name); m != nil && !e.Dir {
				if n, err := strconv.ParseInt(m[1], 10, 64); err == nil {
					files = append(files, archiveFile{e.Name, n})
				}
			}
		}
		slices.SortFunc(files, compareArchiveFiles)
		for _, f := range files {
			goOn, err := t.archiveLog(ctx, f.name, yield)
			if err != nil || !goOn {
				return err
			}
		}
		return nil
	})
}

// archiveLog yields the entries of one log file.
func (t *Timeline) archiveLog(ctx context.Context, name string, yield func(archived, error) bool) (goOn bool, err error) {
	f, err := t.store.Open(ctx, base.Join(t.archive, name))
	if err != nil {
		return false, err
	}
	defer f.Close()
	r := logfile.NewReader(name, f, f.Size())
	for {
		b, err := r.Next()
		if errors.Is(err, io.EOF) {
			return true, nil
		}
		if err != nil {
			return false, err
		}
		if b.Type != logfile.AvroData {
			continue
		}
		content, err := b.Content(ctx)
		if err != nil {
			return false, err
		}
		records, err := logfile.Records(content)
		if err != nil {
			return false, fmt.Errorf("%s at %d: %w", name, b.Offset, err)
		}
		for rec, err := range records {
			var e archiveEntry
			if err == nil {
				_, err = avroio.Unmarshal(b.Schema(), rec, &e)
			}
			var a archived
			if err == nil {
				a, err = e.archived(name)
			}
			if err != nil {
				return false, fmt.Errorf("%s at %d: %w", name, b.Offset, err)
			}
			if !yield(a, nil) {
				return false, nil
			}
		}
	}
}

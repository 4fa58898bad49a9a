package timeline

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"strconv"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/hudi-go/hudi-go/internal/avroio"
	"github.com/hudi-go/hudi-go/internal/base"
	"github.com/hudi-go/hudi-go/internal/basefile"
	"github.com/hudi-go/hudi-go/schema"
	"github.com/hudi-go/hudi-go/storage"
)

// Layout2's archive is a log-structured merge tree: Parquet files with one row an instant,
// and numbered manifests that list the files that count.
const (
	historyVersion  = "_version_"
	historyManifest = "manifest_"
)

// historySchema is HoodieLSMTimelineInstant, the rows of Layout2's archive; the columns with
// contents come last.
const historySchema = `{"type":"record","name":"HoodieLSMTimelineInstant","namespace":"org.apache.hudi.avro.model","fields":[` +
	`{"name":"instantTime","type":["null","string"],"default":null},` +
	`{"name":"completionTime","type":["null","string"],"default":null},` +
	`{"name":"action","type":["null","string"],"default":null},` +
	`{"name":"metadata","type":["null","bytes"],"default":null},` +
	`{"name":"plan","type":["null","bytes"],"default":null}]}`

// history yields the instants of Layout2's archive.
func (t *Timeline) history(ctx context.Context, o archiveScan) iter.Seq2[archived, error] {
	return retried(func(yield func(archived, error) bool) error {
		columns, err := schema.Parse(historySchema)
		if err != nil {
			return err
		}
		if !o.contents {
			if columns, err = columns.Project([]string{"instantTime", "completionTime", "action"}); err != nil {
				return err
			}
		}
		files, err := t.historyFiles(ctx)
		if err != nil {
			return err
		}
		for _, name := range files {
			if last := historyRange(name); last != "" && last < o.from {
				continue
			}
			goOn, err := t.historyFile(ctx, name, columns, yield)
			if err != nil || !goOn {
				return err
			}
		}
		return nil
	})
}

// historyFiles reads the newest manifest. A table without one has no archive.
func (t *Timeline) historyFiles(ctx context.Context) ([]string, error) {
	m, err := t.newestManifest(ctx)
	if err != nil {
		return nil, err
	}
	var out []string
	for _, f := range m.Files {
		out = append(out, f.Name)
	}
	return out, nil
}

// historyVersion returns the name of the manifest that counts, "" when there is none: the
// one that the version file names, or the highest while a writer replaces that file.
func (t *Timeline) historyVersion(ctx context.Context) (string, error) {
	data, err := storage.ReadFile(ctx, t.store, base.Join(t.archive, historyVersion))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return "", err
	}
	if text := strings.TrimSpace(string(data)); err == nil && base.IsDigits(text) {
		return historyManifest + text, nil
	}
	entries, err := t.store.List(ctx, t.archive)
	if err != nil {
		return "", err
	}
	var newest archiveFile
	for _, e := range entries {
		text, ok := strings.CutPrefix(e.Name, historyManifest)
		if n, err := strconv.ParseInt(text, 10, 64); ok && err == nil && !e.Dir {
			if f := (archiveFile{e.Name, n}); newest.name == "" || compareArchiveFiles(f, newest) > 0 {
				newest = f
			}
		}
	}
	return newest.name, nil
}

// historyRange is the greatest requested time in a file <min>_<max>_<level>.parquet, "" for
// a name that does not say.
func historyRange(name string) string {
	parts := strings.Split(strings.TrimSuffix(name, base.ParquetExt), "_")
	if len(parts) != 3 || !base.IsDigits(parts[1]) {
		return ""
	}
	return parts[1]
}

// historyFile yields the instants of one file.
func (t *Timeline) historyFile(ctx context.Context, name string, columns *schema.Schema, yield func(archived, error) bool) (goOn bool, err error) {
	f, err := t.store.Open(ctx, base.Join(t.archive, name))
	if err != nil {
		return false, err
	}
	r, err := basefile.Open(ctx, f, name, memory.DefaultAllocator)
	if err != nil {
		return false, err
	}
	defer r.Close()
	for batch, err := range r.Read(ctx, basefile.ReadOptions{Schema: columns}) {
		if err != nil {
			return false, err
		}
		for row := range int(batch.NumRows()) {
			a, err := historyRow(name, batch, row)
			if err != nil {
				return false, err
			}
			if !yield(a, nil) {
				return false, nil
			}
		}
	}
	return true, nil
}

func historyRow(file string, batch arrow.RecordBatch, row int) (archived, error) {
	text := func(column int) string {
		if c, ok := batch.Column(column).(*array.String); ok && c.IsValid(row) {
			return c.Value(row)
		}
		return ""
	}
	a := archived{Instant: Instant{Time: text(0), Completion: text(1), Action: Action(text(2)).Completed(), State: Completed, File: file}}
	if !base.IsDigits(a.Time) || !a.Action.known() {
		return a, fmt.Errorf("%s: instant %q with action %q: %w", file, a.Time, a.Action, base.ErrCorrupt)
	}
	if batch.NumCols() == 3 {
		return a, nil
	}
	content := func(column int, decode func([]byte) (any, error)) func() (any, error) {
		c, ok := batch.Column(column).(*array.Binary)
		if !ok || c.IsNull(row) {
			return nil
		}
		data := append([]byte(nil), c.Value(row)...) // the batch is valid until the next step only
		return func() (any, error) {
			v, err := decode(data)
			if err != nil {
				return nil, fmt.Errorf("%s: %s: %w", file, a.Instant, err)
			}
			return v, nil
		}
	}
	a.result = content(3, func(data []byte) (any, error) { return decode(a.Instant, data) })
	a.plan = content(4, func(data []byte) (any, error) { return decodePlan(a.Action, data) })
	if a.result == nil && a.Action.Writes() {
		a.result = func() (any, error) { return DecodeCommit(nil) }
	}
	return a, nil
}

// decodePlan reads the plan that the archive keeps of a completed instant. What it is does
// not follow from the action alone: a commit's is that of a compaction, a replace commit's
// that of a clustering, or the profile of an overwrite.
func decodePlan(a Action, data []byte) (any, error) {
	switch a {
	case Commit, DeltaCommit:
		return decode(Instant{Action: Compaction}, data)
	case ReplaceCommit:
		written, err := avroio.ContainerSchema(data)
		if err != nil {
			return nil, err
		}
		if strings.Contains(written, "HoodieRequestedReplaceMetadata") {
			return decode(Instant{Action: Clustering}, data)
		}
		return DecodeCommit(data)
	}
	return decode(Instant{Action: a, State: Requested}, data)
}

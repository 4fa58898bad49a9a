package timeline

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strconv"
	"strings"

	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/hudi-go/hudi-go/internal/base"
	"github.com/hudi-go/hudi-go/internal/basefile"
	"github.com/hudi-go/hudi-go/schema"
	"github.com/hudi-go/hudi-go/storage"
)

// How Layout2's archive is merged, with real Hudi's numbers.
const (
	historyBatch     = 10      // hoodie.timeline.compaction.batch.size
	historyMaxBytes  = 1 << 30 // hoodie.timeline.compaction.target.file.max.bytes
	historyManifests = 3       // hoodie.timeline.manifest.retained.versions
	historyRowFormat = 1       // version of the rows
)

// writtenHistory is historySchema as it is written: with the version of the row.
var writtenHistory = strings.TrimSuffix(historySchema, "]}") + `,{"name":"version","type":"int","default":1}]}`

// manifest lists the files of Layout2's archive that count.
type manifest struct {
	Files []manifestFile `json:"files"`

	number int64
}

type manifestFile struct {
	Name  string `json:"fileName"`
	Bytes int64  `json:"fileLen"`
}

// archiveHistory puts instants into Layout2's archive: a file of level 0 and a manifest that has it.
func (t *Timeline) archiveHistory(ctx context.Context, instants []Instant, holds func() error) error {
	m, err := t.newestManifest(ctx)
	if err != nil {
		return err
	}
	instants, err = t.unarchived(ctx, instants)
	if err != nil || len(instants) == 0 {
		return err
	}
	b, err := t.historyRows(ctx, instants)
	if err != nil {
		return err
	}
	defer b.Release()
	batch := b.NewRecordBatch()
	defer batch.Release()
	f := manifestFile{Name: historyName(instants[0].Time, instants[len(instants)-1].Time, 0)}
	f.Bytes, err = t.putHistory(ctx, f.Name, func(_ *schema.Schema, w *basefile.Writer) error { return w.Write(batch) })
	if err != nil {
		return err
	}
	m.Files = append(m.Files, f)
	return t.putManifest(ctx, m, holds)
}

// unarchived leaves out instants that an archiving which died has put into the archive.
func (t *Timeline) unarchived(ctx context.Context, instants []Instant) ([]Instant, error) {
	there := map[key]bool{}
	for a, err := range t.scanArchive(ctx, archiveScan{from: instants[0].Time}) {
		if err != nil {
			return nil, err
		}
		there[key{a.Time, a.Action}] = true
	}
	return slices.DeleteFunc(slices.Clone(instants), func(i Instant) bool { return there[key{i.Time, i.Action}] }), nil
}

func historyName(first, last string, level int) string {
	return fmt.Sprintf("%s_%s_%d%s", first, last, level, base.ParquetExt)
}

// historyRows makes the archive's rows of instants.
func (t *Timeline) historyRows(ctx context.Context, instants []Instant) (*array.RecordBuilder, error) {
	s, err := schema.Parse(writtenHistory)
	if err != nil {
		return nil, err
	}
	b := array.NewRecordBuilder(memory.DefaultAllocator, s.Arrow())
	for _, i := range instants {
		result, err := t.Content(ctx, i)
		if err == nil {
			err = t.historyRow(ctx, b, i, result)
		}
		if err != nil {
			b.Release()
			return nil, err
		}
	}
	return b, nil
}

func (t *Timeline) historyRow(ctx context.Context, b *array.RecordBuilder, i Instant, result []byte) error {
	for column, v := range []string{i.Time, i.Completion, string(i.Action.Completed())} {
		b.Field(column).(*array.StringBuilder).Append(v)
	}
	plan, err := t.planOf(ctx, i)
	if err != nil {
		return err
	}
	for column, v := range map[int][]byte{3: result, 4: plan} {
		if len(v) == 0 {
			b.Field(column).AppendNull()
		} else {
			b.Field(column).(*array.BinaryBuilder).Append(v)
		}
	}
	b.Field(5).(*array.Int32Builder).Append(historyRowFormat)
	return nil
}

// planOf is what the archive keeps of a completed instant besides what it did: the plan of a
// service, or what an overwrite was about to do.
func (t *Timeline) planOf(ctx context.Context, i Instant) ([]byte, error) {
	for _, name := range t.planNames(i) {
		if _, ok := t.files[name]; !ok {
			continue
		}
		data, err := t.read(ctx, name)
		if err != nil || len(data) > 0 {
			return data, err
		}
	}
	return nil, nil
}

func (t *Timeline) planNames(i Instant) []string {
	requested := func(a Action) string { return t.layout.FileName(i.Time, a, Requested, "") }
	switch i.Action.Completed() {
	case Commit:
		return []string{requested(Compaction)}
	case DeltaCommit:
		return []string{requested(LogCompaction)}
	case ReplaceCommit:
		return []string{requested(Clustering), t.layout.FileName(i.Time, ReplaceCommit, Inflight, ""), requested(ReplaceCommit)}
	case Clean:
		return []string{requested(Clean)}
	}
	return nil
}

// putHistory writes a file of the archive with the rows that fill gives, and returns its size.
func (t *Timeline) putHistory(ctx context.Context, name string, fill func(s *schema.Schema, w *basefile.Writer) error) (int64, error) {
	s, err := schema.Parse(writtenHistory)
	if err != nil {
		return 0, err
	}
	var out bytes.Buffer
	w, err := basefile.NewWriter(&out, basefile.WriterOptions{Schema: s, Codec: "gzip", NoBloom: true})
	if err != nil {
		return 0, err
	}
	defer w.Abort()
	if err := fill(s, w); err != nil {
		return 0, err
	}
	if _, err := w.Close(); err != nil {
		return 0, err
	}
	// One of that name that no manifest has was left by a process that died.
	return int64(out.Len()), t.store.Put(ctx, base.Join(t.archive, name), out.Bytes())
}

// newestManifest reads the manifest that counts.
func (t *Timeline) newestManifest(ctx context.Context) (*manifest, error) {
	m := &manifest{}
	name, err := t.historyVersion(ctx)
	if err != nil || name == "" {
		return m, err
	}
	data, err := storage.ReadFile(ctx, t.store, base.Join(t.archive, name))
	if err != nil {
		return nil, err
	}
	if m.number, err = strconv.ParseInt(strings.TrimPrefix(name, historyManifest), 10, 64); err == nil {
		err = json.Unmarshal(data, m)
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w: %w", name, err, base.ErrCorrupt)
	}
	for _, f := range m.Files {
		if !base.IsName(f.Name) {
			return nil, fmt.Errorf("%s names the file %q: %w", name, f.Name, base.ErrCorrupt)
		}
	}
	return m, nil
}

// putManifest makes the next manifest, then has the version file name it, as long as the lock
// holds: the manifest of another archiver would lose its files.
func (t *Timeline) putManifest(ctx context.Context, m *manifest, holds func() error) error {
	if err := holds(); err != nil {
		return err
	}
	m.number++
	data, err := json.MarshalIndent(m, "", "  ")
	if err != nil {
		return err
	}
	number := strconv.FormatInt(m.number, 10)
	if err := t.store.Put(ctx, base.Join(t.archive, historyManifest+number), data); err != nil {
		return err
	}
	return t.store.Put(ctx, base.Join(t.archive, historyVersion), []byte(number))
}

// MergeArchive merges the files of Layout2's archive, level by level, when there are enough of
// them, and removes those that no manifest has which readers may still have found. The caller
// holds the table's lock; holds fails when it was lost meanwhile.
func (t *Timeline) MergeArchive(ctx context.Context, holds func() error) error {
	if t.layout == Layout1 {
		return nil
	}
	merged, err := t.mergeHistory(ctx, holds)
	if err == nil && merged > 0 {
		err = t.sweepHistory(ctx, historyManifests+merged)
	}
	return t.inArchive(err)
}

func (t *Timeline) mergeHistory(ctx context.Context, holds func() error) (merged int, err error) {
	m, err := t.newestManifest(ctx)
	if err != nil {
		return 0, err
	}
	for level := 0; ; level++ {
		group := mergeable(m.Files, level)
		if group == nil {
			return merged, nil
		}
		into, err := t.mergeFiles(ctx, group, level+1)
		if err != nil {
			return merged, err
		}
		m.Files = append(slices.DeleteFunc(m.Files, func(f manifestFile) bool { return slices.Contains(group, f) }), into)
		if err := t.putManifest(ctx, m, holds); err != nil {
			return merged, err
		}
		merged++
	}
}

// mergeable are the oldest files of a level that are to become one, nil for none yet.
func mergeable(files []manifestFile, level int) []manifestFile {
	var found []manifestFile
	for _, f := range files {
		if strings.HasSuffix(f.Name, fmt.Sprintf("_%d%s", level, base.ParquetExt)) && historyRange(f.Name) != "" {
			found = append(found, f)
		}
	}
	if len(found) < historyBatch {
		return nil
	}
	slices.SortFunc(found, func(a, b manifestFile) int { return cmp.Compare(a.Name, b.Name) })
	var group []manifestFile
	var bytes int64
	for _, f := range found[:historyBatch] {
		if f.Bytes > historyMaxBytes { // it is large enough as it is
			group, bytes = nil, 0
			continue
		}
		if bytes += f.Bytes; bytes > historyMaxBytes {
			break
		}
		group = append(group, f)
	}
	if len(group) < 2 {
		return nil
	}
	return group
}

// mergeFiles makes one file of several, in the order of their instants.
func (t *Timeline) mergeFiles(ctx context.Context, group []manifestFile, level int) (manifestFile, error) {
	last := ""
	for _, f := range group {
		last = max(last, historyRange(f.Name))
	}
	first, _, _ := strings.Cut(group[0].Name, "_")
	into := manifestFile{Name: historyName(first, last, level)}
	var err error
	into.Bytes, err = t.putHistory(ctx, into.Name, func(s *schema.Schema, w *basefile.Writer) error {
		for _, f := range group {
			if err := t.copyHistory(ctx, f.Name, s, w); err != nil {
				return err
			}
		}
		return nil
	})
	return into, err
}

func (t *Timeline) copyHistory(ctx context.Context, name string, s *schema.Schema, to *basefile.Writer) error {
	f, err := t.store.Open(ctx, base.Join(t.archive, name))
	if err != nil {
		return err
	}
	r, err := basefile.Open(ctx, f, name, memory.DefaultAllocator)
	if err != nil {
		return err
	}
	defer r.Close()
	for batch, err := range r.Read(ctx, basefile.ReadOptions{Schema: s}) {
		if err == nil {
			err = to.Write(batch)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// sweepHistory removes old manifests, and files that those that stay do not have.
func (t *Timeline) sweepHistory(ctx context.Context, keep int) error {
	newest, err := t.newestManifest(ctx)
	if err != nil {
		return err
	}
	entries, err := t.store.List(ctx, t.archive)
	if err != nil {
		return err
	}
	live := map[string]bool{}
	var gone []string
	for _, e := range entries {
		text, ok := strings.CutPrefix(e.Name, historyManifest)
		number, err := strconv.ParseInt(text, 10, 64)
		if !ok || err != nil {
			continue
		}
		if number <= newest.number-int64(keep) {
			gone = append(gone, e.Name)
			continue
		}
		data, err := storage.ReadFile(ctx, t.store, e.Path)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		var m manifest
		if err == nil {
			err = json.Unmarshal(data, &m)
		}
		if err != nil {
			return fmt.Errorf("%s: %w", e.Name, err)
		}
		for _, f := range m.Files {
			live[f.Name] = true
		}
	}
	for _, e := range entries {
		if strings.HasSuffix(e.Name, base.ParquetExt) && historyRange(e.Name) != "" && !live[e.Name] {
			gone = append(gone, e.Name)
		}
	}
	for _, name := range gone {
		if err := t.store.Delete(ctx, base.Join(t.archive, name)); err != nil {
			return err
		}
	}
	return nil
}

package writer

import (
	"cmp"
	"context"
	"fmt"
	"iter"
	"runtime"
	"sync"

	"github.com/apache/arrow-go/v18/arrow"
	"golang.org/x/sync/errgroup"

	"github.com/hudi-go/hudi-go/cow"
	"github.com/hudi-go/hudi-go/index"
	"github.com/hudi-go/hudi-go/internal/base"
	"github.com/hudi-go/hudi-go/internal/fileslice"
	"github.com/hudi-go/hudi-go/internal/mem"
	"github.com/hudi-go/hudi-go/internal/txn"
	"github.com/hudi-go/hudi-go/schema"
	"github.com/hudi-go/hudi-go/table"
	"github.com/hudi-go/hudi-go/timeline"
)

// job is the work on one file group: which entries of a stage go into it.
type job struct {
	stage *stage
	group index.Group
	// top is what log files go on top of: in table version 6 the group's newest slice, else
	// and for a new group just the group's id.
	top table.FileSlice
	// updates are entries whose keys the group may have; inserts are new to it.
	updates, inserts []int32
}

// staged performs the operations that look at keys: the input is staged, located, and
// written one file group at a time.
func (w *write) staged(ctx context.Context) ([]*timeline.WriteStat, error) {
	if err := w.chooseIndex(ctx); err != nil {
		return nil, err
	}
	stages, err := w.stageAll(ctx)
	if err != nil {
		return nil, err
	}
	defer releaseAll(stages)
	clustering, err := w.view.PendingClusterings(ctx)
	if err != nil {
		return nil, err
	}
	var jobs []*job
	for _, s := range stages {
		planned, err := w.plan(ctx, s, clustering)
		if err != nil {
			return nil, err
		}
		for _, j := range planned {
			if at, ok := clustering[table.GroupID{Partition: s.partition, FileID: j.group.FileID}]; ok {
				return nil, txn.Clustered(w.table, s.partition, j.group.FileID, at)
			}
		}
		jobs = append(jobs, planned...)
	}
	content, err := w.profile(jobs).Encode(w.txn.Timeline().Layout())
	if err != nil {
		return nil, err
	}
	if err := w.txn.Start(ctx, content); err != nil {
		return nil, err
	}
	return w.perform(ctx, jobs)
}

// chooseIndex takes the index from the table's configuration. A table that does not say
// and whose file ids begin with bucket numbers cannot be written to without the number.
func (w *write) chooseIndex(ctx context.Context) error {
	c := w.table.Config
	switch c.Index.Kind {
	case table.IndexBucket:
		w.bucket = c.Index.Buckets
		if w.bucket < 1 {
			return fmt.Errorf("write to table %s: its index is BUCKET but hoodie.bucket.index.num.buckets is not set; every writer must give the same number: %w", c.Name, base.ErrInvalid)
		}
	case "", table.IndexSimple, table.IndexBloom: // bloom only speeds the same look-up up
		return w.refuseBuckets(ctx)
	default:
		return fmt.Errorf("write to table %s: index %s: %w", c.Name, c.Index.Kind, base.ErrUnsupported)
	}
	return nil
}

// refuseBuckets looks at one partition, which is enough: all are written alike. One file id
// in 44 of other tables begins with eight digits as well, but bucket numbers are small.
func (w *write) refuseBuckets(ctx context.Context) error {
	partitions, err := w.view.Partitions(ctx)
	if err != nil || len(partitions) == 0 {
		return err
	}
	slices, err := w.view.Latest(ctx, partitions[0])
	if err != nil {
		return err
	}
	small := false
	for _, s := range slices {
		bucket, ok := base.BucketOf(s.FileID)
		if !ok {
			return nil
		}
		small = small || bucket < plausibleBuckets
	}
	if !small {
		return nil
	}
	return fmt.Errorf("write to table %s: its file ids begin with bucket numbers, so it has a bucket index, but its configuration does not say with how many buckets: set hoodie.index.type=BUCKET and hoodie.bucket.index.num.buckets: %w",
		w.table.Config.Name, base.ErrInvalid)
}

// plausibleBuckets is more than tables have buckets in practice.
const plausibleBuckets = 10_000

// newFileID makes the id of a file group that is no bucket's, and does not look like one.
func (w *write) newFileID() string {
	id := w.table.NewUUID()
	if _, ok := base.BucketOf(id); ok {
		id = "a" + id[1:]
	}
	return base.NewFileID(id)
}

// plan locates the entries of a stage and assigns those that are new, none of them to file
// groups that a clustering is going to replace.
func (w *write) plan(ctx context.Context, s *stage, clustering map[table.GroupID]string) ([]*job, error) {
	// What readers see: the slice that a pending compaction is going to merge has the keys,
	// and not the empty one on top of it.
	slices, err := w.view.SlicesAt(ctx, s.partition, "")
	if err != nil {
		return nil, err
	}
	var jobs []*job
	if w.bucket > 0 {
		jobs, err = w.planBuckets(s, slices)
	} else {
		jobs, err = w.planByKey(ctx, s, slices, clustering)
	}
	if err != nil || !w.logs.SliceLogs {
		return jobs, err
	}
	latest, err := w.view.Latest(ctx, s.partition)
	if err != nil {
		return nil, err
	}
	tops := make(map[string]table.FileSlice, len(latest))
	for _, t := range latest {
		tops[t.FileID] = t
	}
	for _, j := range jobs {
		if t, ok := tops[j.group.FileID]; ok {
			j.top = t
		}
	}
	return jobs, nil
}

// planByKey looks the entries up.
func (w *write) planByKey(ctx context.Context, s *stage, slices []table.FileSlice, clustering map[table.GroupID]string) (_ []*job, err error) {
	located := &index.Located{Of: make([]int32, s.changes.Len())}
	if w.options.Operation == Insert {
		for i := range located.Of {
			located.Of[i] = -1
		}
		for _, f := range slices {
			located.Groups = append(located.Groups, index.Group{FileSlice: f})
		}
	} else {
		simple := index.Simple{Store: w.table.Store, Alloc: w.options.Alloc, Completion: w.txn.Timeline().CompletionOf}
		if w.table.Config.Type == table.MOR {
			valid, err := w.view.Committed(ctx)
			if err != nil {
				return nil, err
			}
			logs := &fileslice.Reader{
				Store: w.table.Store, Rules: w.rules, Alloc: w.options.Alloc, Table: w.full,
				MetaFields: true, LogMemory: w.options.Memory / int64(runtime.GOMAXPROCS(0)), Valid: valid,
			}
			simple.Logs = func(ctx context.Context, s table.FileSlice, latest string, columns *schema.Schema) iter.Seq2[arrow.RecordBatch, error] {
				return logs.Read(ctx, fileslice.Request{Slice: s, Columns: columns, Latest: latest})
			}
		}
		if located, err = simple.Locate(ctx, slices, s.changes); err != nil {
			return nil, err
		}
	}
	jobs := jobsOf(s, located.Groups)
	for _, p := range located.Also {
		jobs[p.Group].updates = append(jobs[p.Group].updates, p.Entry)
	}
	var fresh []int32
	for e, at := range located.Of {
		switch {
		case at >= 0:
			jobs[at].updates = append(jobs[at].updates, int32(e))
		case !s.changes.IsDelete(e): // a delete of what is not there does nothing
			fresh = append(fresh, int32(e))
		}
	}
	compacting, err := w.view.PendingCompactions(ctx)
	if err != nil {
		return nil, err
	}
	return worthwhile(w.placeInserts(ctx, s, jobs, fresh, compacting, clustering)), nil
}

func jobsOf(s *stage, groups []index.Group) []*job {
	jobs := make([]*job, len(groups))
	for i, g := range groups {
		jobs[i] = &job{stage: s, group: g, top: table.FileSlice{Partition: s.partition, FileID: g.FileID}}
	}
	return jobs
}

func worthwhile(jobs []*job) []*job {
	out := jobs[:0]
	for _, j := range jobs {
		if len(j.updates)+len(j.inserts) > 0 {
			out = append(out, j)
		}
	}
	return out
}

// planBuckets assigns by the hash of the key alone. Deletes of keys in buckets without
// files go nowhere.
func (w *write) planBuckets(s *stage, slices []table.FileSlice) ([]*job, error) {
	x, err := index.NewBucket(w.bucket, w.keys.KeyFields(), w.table.Config.Index.HashField)
	if err != nil {
		return nil, err
	}
	located, err := x.Locate(s.partition, slices, s.changes, w.table.NewUUID)
	if err != nil {
		return nil, err
	}
	jobs := jobsOf(s, located.Groups)
	for e, at := range located.Of {
		j := jobs[at]
		switch {
		case !j.group.New:
			j.updates = append(j.updates, int32(e))
		case !s.changes.IsDelete(e):
			j.inserts = append(j.inserts, int32(e))
		}
	}
	return worthwhile(jobs), nil
}

// defaultRowBytes is the size of a stored row as long as none is known.
const defaultRowBytes = 1024

// placeInserts fills small base files up and opens file groups for the rest.
func (w *write) placeInserts(ctx context.Context, s *stage, jobs []*job, fresh []int32, compacting map[table.GroupID]table.PendingCompaction, clustering map[table.GroupID]string) []*job {
	rowBytes := w.rowBytes(ctx)
	for _, j := range jobs {
		if len(fresh) == 0 {
			return jobs
		}
		b := j.group.Base
		id := table.GroupID{Partition: s.partition, FileID: j.group.FileID}
		_, busy := compacting[id]
		_, replaced := clustering[id]
		if b == nil || replaced || b.Size >= w.options.SmallBytes || w.table.Config.Type == table.MOR && (busy || !fillable(j)) {
			continue
		}
		room := int((w.options.TargetBytes - b.Size) / rowBytes)
		n := min(max(room, 0), len(fresh))
		j.inserts, fresh = fresh[:n:n], fresh[n:]
	}
	perFile := max(int(w.options.TargetBytes/rowBytes), 1)
	for len(fresh) > 0 {
		n := min(perFile, len(fresh))
		jobs = append(jobs, &job{
			stage: s, inserts: fresh[:n:n],
			group: index.Group{New: true, FileSlice: table.FileSlice{Partition: s.partition, FileID: w.newFileID()}},
		})
		fresh = fresh[n:]
	}
	return jobs
}

// fillable tells whether a merge-on-read group may get a new base file for inserts: there
// are no logs, which a new base file would have to merge, and none are about to be.
func fillable(j *job) bool { return len(j.group.Logs) == 0 && len(j.updates) == 0 }

// rowBytes estimates the size of a stored row from the latest write of base files.
func (w *write) rowBytes(ctx context.Context) int64 {
	writes := w.txn.Timeline().CompletedWrites()
	const lookBack = 5
	for i := len(writes) - 1; i >= max(0, len(writes)-lookBack); i-- {
		meta, err := w.txn.Timeline().CommitMetadata(ctx, writes[i])
		if err != nil {
			continue // an estimate is not worth failing for
		}
		var bytes, rows int64
		for _, s := range meta.Stats() {
			if !s.IsLog() {
				bytes += s.FileSizeInBytes
				rows += s.NumWrites
			}
		}
		if rows > 0 && bytes > w.options.SmallBytes/100 {
			return max(bytes/rows, 1)
		}
	}
	return defaultRowBytes
}

// profile is the content of the inflight file: what the write is about to do.
func (w *write) profile(jobs []*job) *timeline.CommitMetadata {
	m := w.metadata(nil)
	for _, j := range jobs {
		stat := &timeline.WriteStat{PrevCommit: timeline.NoPrevCommit, NumInserts: int64(len(j.inserts)), PartitionPath: j.stage.partition}
		if !j.group.New {
			stat.FileID, stat.PrevCommit, stat.NumUpdateWrites = j.group.FileID, cmp.Or(j.top.BaseInstant, j.group.BaseInstant), int64(len(j.updates))
		}
		m.PartitionToWriteStats[j.stage.partition] = append(m.PartitionToWriteStats[j.stage.partition], stat)
	}
	return m
}

// perform writes the files of all jobs, several at a time.
func (w *write) perform(ctx context.Context, jobs []*job) ([]*timeline.WriteStat, error) {
	var mu sync.Mutex
	var stats []*timeline.WriteStat
	work, ctx := errgroup.WithContext(ctx)
	work.SetLimit(mem.Workers(w.options.Memory, cow.FileBytes))
	for _, j := range jobs {
		work.Go(func() error {
			done, err := w.do(ctx, j)
			mu.Lock()
			defer mu.Unlock()
			stats = append(stats, done...)
			return err
		})
	}
	return stats, work.Wait()
}

// do writes one job's files.
func (w *write) do(ctx context.Context, j *job) ([]*timeline.WriteStat, error) {
	if w.table.Config.Type == table.MOR && (w.bucket > 0 || len(j.updates) > 0) {
		return w.doLog(ctx, j)
	}
	if j.group.New {
		stat, err := w.base.Create(ctx, j.stage.partition, j.group.FileID, j.stage.changes.TakeAll(j.inserts))
		if err != nil {
			return nil, err
		}
		return []*timeline.WriteStat{stat}, nil
	}
	stat, err := w.base.Merge(ctx, j.group.FileSlice, j.stage.changes, len(j.updates) > 0, append(j.updates, j.inserts...))
	if err != nil {
		return nil, err
	}
	return []*timeline.WriteStat{stat}, nil
}

// doLog appends the job's changes to a log file.
func (w *write) doLog(ctx context.Context, j *job) ([]*timeline.WriteStat, error) {
	entries := j.updates
	if j.group.New {
		entries = j.inserts
	}
	stat, err := w.logs.Append(ctx, j.top, j.stage.changes, entries)
	if err != nil {
		return nil, err
	}
	if j.group.New {
		stat.NumInserts, stat.NumUpdateWrites = stat.NumWrites, 0
	}
	return []*timeline.WriteStat{stat}, nil
}

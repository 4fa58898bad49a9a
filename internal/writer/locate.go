package writer

import (
	"context"
	"fmt"
	"iter"
	"runtime"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/hudi-go/hudi-go/index"
	"github.com/hudi-go/hudi-go/internal/base"
	"github.com/hudi-go/hudi-go/internal/fileslice"
	"github.com/hudi-go/hudi-go/schema"
	"github.com/hudi-go/hudi-go/table"
)

// chooseIndex takes the index from the table's configuration. A table that does not say
// and whose file ids begin with bucket numbers cannot be written to without the number.
func (w *write) chooseIndex(ctx context.Context) error {
	c := w.table.Config
	switch c.Index.Kind {
	case "", table.IndexBucket:
		rings, err := w.hasRings(ctx)
		switch {
		case err != nil:
			return err
		case rings:
			return w.chooseRings()
		case c.Index.Kind != "":
			return w.chooseBuckets()
		}
	case table.IndexSimple, table.IndexBloom, table.IndexGlobalSimple, table.IndexGlobalBloom:
	case table.IndexRecord, table.IndexGlobalRecord, table.IndexPartRecord:
		if found, err := w.chooseRecords(ctx); found || err != nil {
			return err
		}
	default:
		return fmt.Errorf("write to table %s: index %s: %w", c.Name, c.Index.Kind, base.ErrUnsupported)
	}
	if err := w.refuseBuckets(ctx); err != nil {
		return err
	}
	x, err := w.lookup(ctx)
	if err != nil {
		return err
	}
	w.index = x
	return nil
}

// lookup finds keys by reading those of the table, in the ways that the kind of its index allows.
func (w *write) lookup(ctx context.Context) (*index.Lookup, error) {
	c := w.table.Config
	x := &index.Lookup{Store: w.table.Store, Alloc: w.options.Alloc, Slices: w.slices, Completion: w.txn.Timeline().CompletionOf, Table: w.full, Keys: w.rowKeys}
	if c.Index.Global() && (w.rowKeys.Made != nil || w.part != nil) { // rows that move are found by their meta columns, and whole
		return nil, fmt.Errorf("write to table %s: index %s of rows without meta fields, or for rows with some columns: %w", c.Name, c.Index.Kind, base.ErrUnsupported)
	}
	if w.rowKeys.Made != nil {
		// made keys have no filters
	} else if c.Index.Kind == table.IndexBloom || c.Index.Kind == table.IndexGlobalBloom {
		x.Filters, x.Config, x.Timeline = true, c, w.txn.Timeline()
	}
	if c.Index.Global() {
		x.Partitions = w.view.Partitions
	}
	if c.Type == table.MOR {
		logs, err := w.stored(ctx)
		if err != nil {
			return nil, err
		}
		x.Logs = func(ctx context.Context, s table.FileSlice, latest string, columns *schema.Schema) iter.Seq2[arrow.RecordBatch, error] {
			return logs.Read(ctx, fileslice.Request{Slice: s, Columns: columns, Latest: latest})
		}
	}
	return x, nil
}

func (w *write) chooseBuckets() error {
	c := w.table.Config
	if c.Index.Buckets < 1 {
		return fmt.Errorf("write to table %s: its index is BUCKET but hoodie.bucket.index.num.buckets is not set; every writer must give the same number: %w", c.Name, base.ErrInvalid)
	}
	x, err := index.NewBucket(c.Index.Buckets, w.keys.KeyFields(), c.Index.HashField)
	if err != nil {
		return err
	}
	x.Slices, x.NewUUID = w.slices, w.table.NewUUID
	w.buckets, w.index = x, x
	return nil
}

// slices are what readers see of a partition: the slice that a pending compaction is going to
// merge has the keys, and not the empty one on top of it.
func (w *write) slices(ctx context.Context, partition string) ([]table.FileSlice, error) {
	return w.view.SlicesAt(ctx, partition, "")
}

// stored reads the rows of the table.
func (w *write) stored(ctx context.Context) (*fileslice.Reader, error) {
	valid, err := w.view.Committed(ctx)
	if err != nil {
		return nil, err
	}
	return &fileslice.Reader{
		Store: w.table.Store, Rules: w.rules, Alloc: w.options.Alloc, Table: w.full,
		MetaFields: w.rowKeys.Made == nil, Keys: w.rowKeys.Made, LogMemory: w.options.Memory / int64(runtime.GOMAXPROCS(0)), Valid: valid,
	}, nil
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

// global tells whether the keys of the write are looked for in all partitions. An insert does
// not look.
func (w *write) global() bool {
	return w.index.Global() && w.options.Operation != Insert && len(w.keys.PartitionFields()) > 0
}

// locate finds out where the keys of the stages are.
func (w *write) locate(ctx context.Context) ([]*index.Located, error) {
	if w.options.Operation == Insert && !w.index.Assigns() {
		out := make([]*index.Located, len(w.stages))
		for i, s := range w.stages {
			out[i] = &index.Located{Of: make([]int32, s.changes.Len())}
			for e := range out[i].Of {
				out[i].Of[e] = -1
			}
		}
		return out, nil
	}
	return w.index.Locate(ctx, w.parts())
}

// parts are the changes of the stages, as an index is asked for their keys.
func (w *write) parts() []index.Part {
	parts := make([]index.Part, len(w.stages))
	for i, s := range w.stages {
		parts[i] = index.Part{Partition: s.partition, Changes: s.changes}
	}
	return parts
}

// plan locates the entries of the stages and assigns those that are new, none of them to file
// groups that a clustering is going to replace.
func (w *write) plan(ctx context.Context, clustering map[table.GroupID]string) ([]*job, error) {
	if err := w.passOver(ctx); err != nil {
		return nil, err
	}
	located, err := w.locate(ctx)
	if err != nil {
		return nil, err
	}
	var jobs []*job
	for i, s := range w.stages[:len(located)] {
		var some []*job
		if w.global() {
			some, err = w.route(ctx, s, located[i], clustering)
		} else {
			some, err = w.assign(ctx, s, located[i], clustering)
		}
		if err != nil {
			return nil, err
		}
		jobs = append(jobs, some...)
	}
	return jobs, w.onTop(ctx, jobs)
}

// assign makes the jobs of a stage. A delete of what is not there does nothing.
func (w *write) assign(ctx context.Context, s *stage, located *index.Located, clustering map[table.GroupID]string) ([]*job, error) {
	var jobs []*job
	for _, g := range located.Groups {
		jobs = append(jobs, newJob(s, g))
	}
	for _, p := range located.Also {
		jobs[p.Group].updates = append(jobs[p.Group].updates, p.Entry)
	}
	var fresh []int32
	for e, at := range located.Of {
		gone := s.changes.IsDelete(e)
		switch {
		case s.skipped[int32(e)]:
		case at >= 0 && !jobs[at].group.New:
			jobs[at].updates = append(jobs[at].updates, int32(e))
		case at >= 0 && !gone:
			jobs[at].inserts = append(jobs[at].inserts, int32(e))
		case !gone:
			fresh = append(fresh, int32(e))
		}
	}
	return w.placeInserts(ctx, s, s.partition, worthwhile(jobs), fresh, clustering)
}

func newJob(s *stage, g index.Group) *job {
	return &job{stage: s, group: g, top: table.FileSlice{Partition: g.Partition, FileID: g.FileID}}
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

// onTop finds the slices that log files go on top of where their names depend on it.
func (w *write) onTop(ctx context.Context, jobs []*job) error {
	if !w.logs.SliceLogs {
		if w.logs.SliceStats { // what readers see is what the changes are compared with
			for _, j := range jobs {
				j.top = j.group.FileSlice
			}
		}
		return nil
	}
	tops := map[table.GroupID]table.FileSlice{}
	known := map[string]bool{}
	for _, j := range jobs {
		if !known[j.group.Partition] {
			known[j.group.Partition] = true
			latest, err := w.view.Latest(ctx, j.group.Partition)
			if err != nil {
				return err
			}
			for _, t := range latest {
				tops[table.GroupID{Partition: t.Partition, FileID: t.FileID}] = t
			}
		}
		if t, ok := tops[j.id()]; ok {
			j.top = t
		}
	}
	return nil
}

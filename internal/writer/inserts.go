package writer

import (
	"cmp"
	"context"
	"slices"

	"github.com/hudi-go/hudi-go/index"
	"github.com/hudi-go/hudi-go/internal/base"
	"github.com/hudi-go/hudi-go/table"
)

// newFileID makes the id of a file group that is no bucket's, and does not look like one.
func (w *write) newFileID() string {
	id := w.table.NewUUID()
	if _, ok := base.BucketOf(id); ok {
		id = "a" + id[1:]
	}
	return base.NewFileID(id)
}

// placeInserts adds new rows of a stage to the jobs: they fill small base files of a partition
// up, and open file groups for the rest. A file group that has a job of another stage is left
// as it is.
func (w *write) placeInserts(ctx context.Context, s *stage, partition string, jobs []*job, fresh []int32, clustering map[table.GroupID]string) ([]*job, error) {
	if len(fresh) == 0 {
		return jobs, nil
	}
	stored, err := w.slices(ctx, partition)
	if err != nil {
		return nil, err
	}
	compacting, err := w.view.PendingCompactions(ctx)
	if err != nil {
		return nil, err
	}
	byID := map[table.GroupID]*job{}
	for _, j := range jobs {
		if j.group.Partition == partition {
			byID[j.id()] = j
		}
	}
	rowBytes := w.rowBytes(ctx, s)
	mor := w.table.Config.Type == table.MOR
	if mor && w.excess != nil {
		stored = nil // a part does not know which file groups get logs from the others
	}
	if mor { // few files, and the smallest: each is rewritten for rows that a new one could have
		stored = smallestFirst(stored)
	}
	filled := 0
	for _, f := range stored {
		if len(fresh) == 0 {
			return jobs, nil
		}
		if mor && filled == w.options.SmallFiles {
			break
		}
		id := table.GroupID{Partition: partition, FileID: f.FileID}
		j := byID[id]
		if j == nil {
			j = newJob(s, index.Group{FileSlice: f})
		}
		_, busy := compacting[id]
		_, replaced := clustering[id]
		if j.stage != s || f.Base == nil || replaced || f.Base.Size >= w.options.SmallBytes || mor && (busy || !fillable(j)) {
			continue
		}
		room := int((w.options.TargetBytes-f.Base.Size)/rowBytes) - w.placed[id]
		n := min(max(room, 0), len(fresh))
		if n == 0 {
			continue
		}
		if byID[id] == nil {
			jobs = append(jobs, j)
		}
		j.inserts, fresh = fresh[:n:n], fresh[n:]
		w.place(id, n)
		filled++
	}
	perFile := w.options.SplitRows
	if perFile == 0 {
		perFile = max(int(w.options.TargetBytes/rowBytes), 1)
	}
	if w.excess != nil {
		perFile = min(perFile, w.partRows())
	}
	for len(fresh) > 0 {
		id, opened := w.opened[partition]
		if !opened || w.placed[id] >= perFile {
			id = table.GroupID{Partition: partition, FileID: w.newFileID()}
		}
		n := min(perFile-w.placed[id], len(fresh))
		j := newJob(s, index.Group{New: true, FileSlice: table.FileSlice{Partition: partition, FileID: id.FileID}})
		j.inserts, fresh = fresh[:n:n], fresh[n:]
		jobs = append(jobs, j)
		w.place(id, n)
		if w.opened != nil {
			w.opened[partition] = id
		}
	}
	return jobs, nil
}

// place notes, in a write in parts, that a file group gets new rows.
func (w *write) place(id table.GroupID, rows int) {
	if w.placed != nil {
		w.placed[id] += rows
	}
}

// fillable tells whether a merge-on-read group may get a new base file for inserts: there
// are no logs, which a new base file would have to merge, and none are about to be.
func fillable(j *job) bool { return len(j.group.Logs) == 0 && len(j.updates) == 0 }

func smallestFirst(all []table.FileSlice) []table.FileSlice {
	based := slices.DeleteFunc(all, func(f table.FileSlice) bool { return f.Base == nil })
	slices.SortStableFunc(based, func(a, b table.FileSlice) int { return cmp.Compare(a.Base.Size, b.Base.Size) })
	return based
}

// rowBytes estimates the size of a stored row of a stage from the latest write of base files
// that was large enough. As long as there is none it is what is set, or less if the staged rows
// take less.
func (w *write) rowBytes(ctx context.Context, s *stage) int64 {
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
		if rows > 0 && bytes > w.options.LearnBytes {
			return max(bytes/rows, 1)
		}
	}
	return max(min(w.options.RowBytes, s.changes.Bytes()/int64(max(s.changes.Len(), 1))), 1)
}

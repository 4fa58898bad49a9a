package timeline

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"sync"

	"github.com/hudi-go/hudi-go/internal/avroio"
	"github.com/hudi-go/hudi-go/internal/base"
	"github.com/hudi-go/hudi-go/storage"
)

// contents caches what was read of a timeline's files. A file that was removed and made
// again (an inflight file of a service that is tried once more) is told by its time and
// size.
type contents struct {
	mu   sync.Mutex
	data map[string]content
}

type content struct {
	entry storage.Entry
	data  []byte
}

func newContents() *contents { return &contents{data: make(map[string]content)} }

func (c *contents) get(e storage.Entry) ([]byte, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	found, ok := c.data[e.Name]
	if !ok || found.entry.Size != e.Size || !found.entry.ModTime.Equal(e.ModTime) {
		return nil, false
	}
	return found.data, true
}

func (c *contents) put(e storage.Entry, data []byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.data[e.Name] = content{e, data}
}

// read returns the bytes of a timeline file of this picture. A file that the picture does
// not have wraps fs.ErrNotExist, one that was removed since wraps base.ErrConflict.
func (t *Timeline) read(ctx context.Context, name string) ([]byte, error) {
	e, ok := t.files[name]
	if !ok {
		return nil, fmt.Errorf("timeline: %s of %s: %w", t.path(name), t.store.URI(), fs.ErrNotExist)
	}
	if e.Size == 0 {
		return nil, nil
	}
	if data, ok := t.contents.get(e); ok {
		return data, nil
	}
	data, err := storage.ReadFile(ctx, t.store, t.path(name))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("timeline: %s of %s was removed while it was being read: %w",
			t.path(name), t.store.URI(), base.ErrConflict)
	}
	if err != nil {
		return nil, fmt.Errorf("timeline: read %s of %s: %w", t.path(name), t.store.URI(), err)
	}
	t.contents.put(e, data)
	return data, nil
}

func (t *Timeline) path(name string) string { return base.Join(t.dir, name) }

// Content returns the bytes of the instant's file, nil for an empty one. They are cached:
// the caller must not change them.
func (t *Timeline) Content(ctx context.Context, i Instant) ([]byte, error) {
	return t.read(ctx, i.File)
}

// CommitMetadata reads the instant's commit metadata: what a completed write did, or,
// where the engine wrote one, the plan in the inflight file of a write.
func (t *Timeline) CommitMetadata(ctx context.Context, i Instant) (*CommitMetadata, error) {
	data, err := t.read(ctx, i.File)
	if err != nil {
		return nil, err
	}
	m, err := DecodeCommit(data)
	if err == nil {
		err = m.check()
	}
	if err != nil {
		return nil, fmt.Errorf("%s of %s: %w", t.path(i.File), t.store.URI(), err)
	}
	return m, nil
}

// readAvro reads and decodes an Avro file of the timeline.
func readAvro[T any](ctx context.Context, t *Timeline, name string) (*T, error) {
	data, err := t.read(ctx, name)
	if err != nil {
		return nil, err
	}
	v := new(T)
	err = avroio.ReadContainer(data, v)
	if c, names := any(v).(checked); err == nil && names {
		err = c.check()
	}
	if err != nil {
		return nil, fmt.Errorf("%s of %s: %w", t.path(name), t.store.URI(), err)
	}
	return v, nil
}

// readCompleted is readAvro for the file of a completed instant.
func readCompleted[T any](ctx context.Context, t *Timeline, time string, a Action) (*T, error) {
	i, ok := t.Find(time, a)
	if !ok || !i.Done() {
		return nil, fmt.Errorf("timeline: no completed %s %s in %s: %w", a, time, t.store.URI(), fs.ErrNotExist)
	}
	return readAvro[T](ctx, t, i.File)
}

// CompactionPlan reads the plan of the compaction or log compaction of a requested time,
// also of a completed one. Absent files wrap fs.ErrNotExist here and below.
func (t *Timeline) CompactionPlan(ctx context.Context, time string) (*CompactionPlan, error) {
	a := Compaction
	if t.Has(time, LogCompaction, Requested) {
		a = LogCompaction
	}
	return readAvro[CompactionPlan](ctx, t, t.layout.FileName(time, a, Requested, ""))
}

// RequestedReplace reads the plan of the replace commit or clustering of a requested time.
func (t *Timeline) RequestedReplace(ctx context.Context, time string) (*RequestedReplace, error) {
	a := ReplaceCommit
	if t.Has(time, Clustering, Requested) {
		a = Clustering
	}
	return readAvro[RequestedReplace](ctx, t, t.layout.FileName(time, a, Requested, ""))
}

// PendingClustering reads the plan of an instant if that is a clustering which is not
// completed, and returns nil for every other instant. In Layout1 a pending clustering is a
// ReplaceCommit; only its requested file tells it from an overwrite, which has no plan there.
func (t *Timeline) PendingClustering(ctx context.Context, i Instant) (*ClusteringPlan, error) {
	if i.Done() || i.Action != Clustering && i.Action != ReplaceCommit {
		return nil, nil
	}
	return t.clusteringPlan(ctx, i.Time)
}

// BegunAs is the action under which an instant was requested: a compaction completes as a
// commit, a clustering as a replace commit. plan tells whether it was requested with a plan,
// which is kept when the instant is undone, and tried again. In Layout1 a clustering goes by
// the name ReplaceCommit all the way.
func (t *Timeline) BegunAs(ctx context.Context, i Instant) (a Action, plan bool, err error) {
	for _, service := range []Action{Compaction, LogCompaction} {
		if service.Completed() == i.Action.Completed() && t.Has(i.Time, service, Requested) {
			return service, true, nil
		}
	}
	if i.Action.Completed() != ReplaceCommit {
		return i.Action, false, nil
	}
	p, err := t.clusteringPlan(ctx, i.Time)
	if t.layout == Layout2 && t.Has(i.Time, Clustering, Requested) {
		return Clustering, true, err
	}
	return i.Action, p != nil, err
}

// clusteringPlan is the plan in the requested file of a replace commit or clustering, nil
// without one.
func (t *Timeline) clusteringPlan(ctx context.Context, time string) (*ClusteringPlan, error) {
	a := ReplaceCommit
	if t.Has(time, Clustering, Requested) {
		a = Clustering
	}
	name := t.layout.FileName(time, a, Requested, "")
	if e, ok := t.files[name]; !ok || e.Size == 0 {
		return nil, nil
	}
	r, err := readAvro[RequestedReplace](ctx, t, name)
	if err != nil {
		return nil, err
	}
	return r.Plan, nil
}

// Groups calls yield for the file groups that a clustering is going to replace.
func (p *ClusteringPlan) Groups(yield func(partition, fileID string) bool) {
	for _, g := range p.InputGroups {
		for _, s := range g.Slices {
			if !yield(s.Partition, s.FileID) {
				return
			}
		}
	}
}

// CleanerPlan reads the plan of the clean of a requested time.
func (t *Timeline) CleanerPlan(ctx context.Context, time string) (*CleanerPlan, error) {
	return readAvro[CleanerPlan](ctx, t, t.layout.FileName(time, Clean, Requested, ""))
}

// CleanMetadata reads the result of the completed clean of a requested time.
func (t *Timeline) CleanMetadata(ctx context.Context, time string) (*CleanMetadata, error) {
	return readCompleted[CleanMetadata](ctx, t, time, Clean)
}

// RollbackPlan reads the plan of the rollback of a requested time (the rollback's own).
func (t *Timeline) RollbackPlan(ctx context.Context, time string) (*RollbackPlan, error) {
	return readAvro[RollbackPlan](ctx, t, t.layout.FileName(time, Rollback, Requested, ""))
}

// RollbackMetadata reads the result of the completed rollback of a requested time.
func (t *Timeline) RollbackMetadata(ctx context.Context, time string) (*RollbackMetadata, error) {
	return readCompleted[RollbackMetadata](ctx, t, time, Rollback)
}

// RestorePlan reads the plan of the restore of a requested time.
func (t *Timeline) RestorePlan(ctx context.Context, time string) (*RestorePlan, error) {
	return readAvro[RestorePlan](ctx, t, t.layout.FileName(time, Restore, Requested, ""))
}

// RestoreMetadata reads the result of the completed restore of a requested time.
func (t *Timeline) RestoreMetadata(ctx context.Context, time string) (*RestoreMetadata, error) {
	return readCompleted[RestoreMetadata](ctx, t, time, Restore)
}

// SavepointMetadata reads the savepoint on the commit of a requested time.
func (t *Timeline) SavepointMetadata(ctx context.Context, time string) (*SavepointMetadata, error) {
	return readCompleted[SavepointMetadata](ctx, t, time, Savepoint)
}

// IndexPlan reads the plan of the indexing of a requested time.
func (t *Timeline) IndexPlan(ctx context.Context, time string) (*IndexPlan, error) {
	return readAvro[IndexPlan](ctx, t, t.layout.FileName(time, Indexing, Requested, ""))
}

// IndexMetadata reads the result of the completed indexing of a requested time.
func (t *Timeline) IndexMetadata(ctx context.Context, time string) (*IndexMetadata, error) {
	return readCompleted[IndexMetadata](ctx, t, time, Indexing)
}

// Document returns the whole content of the instant's file as Layout1's JSON text, whatever
// form it has: "null" for an empty file.
func (t *Timeline) Document(ctx context.Context, i Instant) ([]byte, error) {
	data, err := t.read(ctx, i.File)
	if err != nil {
		return nil, err
	}
	if len(data) == 0 {
		return jsonNull, nil
	}
	v, err := decode(i, data)
	if err != nil {
		return nil, fmt.Errorf("%s of %s: %w", t.path(i.File), t.store.URI(), err)
	}
	return encodeJSON(v), nil
}

// decode reads the content of an instant's file into the struct of its kind.
func decode(i Instant, data []byte) (any, error) {
	var v any
	switch done := i.Done(); i.Action {
	case Commit, DeltaCommit:
		return DecodeCommit(data)
	case ReplaceCommit:
		if i.State != Requested {
			return DecodeCommit(data)
		}
		v = &RequestedReplace{}
	case Clustering:
		v = &RequestedReplace{}
	case Compaction, LogCompaction:
		v = &CompactionPlan{}
	case Clean:
		v = either[CleanMetadata, CleanerPlan](done)
	case Rollback:
		v = either[RollbackMetadata, RollbackPlan](done)
	case Restore:
		v = either[RestoreMetadata, RestorePlan](done)
	case Indexing:
		v = either[IndexMetadata, IndexPlan](done)
	case Savepoint:
		v = &SavepointMetadata{}
	default:
		return nil, fmt.Errorf("timeline: content of a %s: %w", i.Action, base.ErrUnsupported)
	}
	if err := avroio.ReadContainer(data, v); err != nil {
		return nil, fmt.Errorf("timeline: %w", err)
	}
	return v, nil
}

// either makes the result of a completed instant, or its plan.
func either[Result, Plan any](done bool) any {
	if done {
		return new(Result)
	}
	return new(Plan)
}

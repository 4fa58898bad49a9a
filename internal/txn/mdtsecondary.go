package txn

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/hudi-go/hudi-go/internal/base"
	"github.com/hudi-go/hudi-go/internal/mem"
	"github.com/hudi-go/hudi-go/internal/metadata"
	"github.com/hudi-go/hudi-go/internal/recordindex"
	"github.com/hudi-go/hudi-go/lock"
	"github.com/hudi-go/hudi-go/schema"
	"github.com/hudi-go/hudi-go/table"
	"github.com/hudi-go/hudi-go/timeline"
)

// secondaries are changes of secondary indexes.
type secondaries []*metadata.Secondary

func (all secondaries) close() error {
	errs := make([]error, len(all))
	for i, x := range all {
		errs[i] = x.Close()
	}
	return errors.Join(errs...)
}

// Secondary makes sure that the transaction can keep the table's secondary indexes in step, given
// the schema of the table's rows. budget bounds what it holds for that.
func (t *Txn) Secondary(ctx context.Context, rows *schema.Schema, budget *mem.Budget) error {
	t.budget = budget
	names := metadata.SecondaryIndexes(t.of)
	if len(names) == 0 {
		return nil
	}
	defined, err := metadata.Definitions(ctx, t.table.Store, t.of)
	if err != nil {
		return err
	}
	for _, name := range names {
		if err := defined[name].Indexable(rows); err != nil {
			return fmt.Errorf("txn: change table %s: %s would fall behind, drop it first: %w", t.of.Name, name, err)
		}
	}
	return nil
}

// prepareSecondary gathers and encodes what the commit changes in secondary indexes. The lock is
// not held: nobody else may change the file groups that the commit writes to.
func (t *Txn) prepareSecondary(ctx context.Context, meta *timeline.CommitMetadata) error {
	if t.config == nil || !changesPairs(meta) {
		return nil // a plan that is taken up again has it read under the lock
	}
	names := metadata.SecondaryIndexes(t.config)
	all, err := t.readSecondary(ctx, t.config, t.begun, meta, names)
	if err != nil && t.dropped(ctx, names) {
		err = nil // the others are read under the lock
	}
	t.secondary = all
	return err
}

// dropped tells whether one of some partitions was dropped since the transaction began.
func (t *Txn) dropped(ctx context.Context, names []string) bool {
	now, err := table.LoadConfig(ctx, t.table.Store)
	return err == nil && slices.ContainsFunc(names, func(name string) bool { return !slices.Contains(now.MetadataPartitions, name) })
}

// changesPairs tells whether a commit changes which values rows have, or which rows there are.
func changesPairs(meta *timeline.CommitMetadata) bool {
	switch meta.OperationType {
	case timeline.OpCompact, timeline.OpLogCompact, timeline.OpCluster:
		return false
	}
	return true
}

// readSecondary reads what a commit changes in the secondary indexes of some names.
func (t *Txn) readSecondary(ctx context.Context, c *table.Config, tl *timeline.Timeline, meta *timeline.CommitMetadata, names []string) (secondaries, error) {
	if len(names) == 0 {
		return nil, nil
	}
	m, err := openMetadata(ctx, t.table, c, tl)
	if err != nil || m == nil {
		return nil, err
	}
	from, err := t.recordSource(c, tl, meta)
	if err != nil {
		return nil, err
	}
	all, err := m.secondaries(ctx, t.table, t.Instant, names, t.budget)
	if err != nil {
		return nil, err
	}
	err = from.CommitSecondary(ctx, meta, all)
	if err == nil {
		err = all.prepare(t.Instant, tl.Location())
	}
	if err != nil {
		return nil, errors.Join(err, all.close())
	}
	return all, nil
}

// secondaries begins to gather changes of secondary indexes as they are now.
func (m *Metadata) secondaries(ctx context.Context, h *table.Handle, instant string, names []string, budget *mem.Budget) (secondaries, error) {
	defined, err := metadata.Definitions(ctx, h.Store, m.Of)
	if err != nil {
		return nil, err
	}
	if budget == nil {
		budget = mem.NewBudget(recordBudget, "")
	}
	part := mem.NewBudget(budget.Total()/int64(len(names)), budget.SpillDir())
	var all secondaries
	for _, name := range names {
		of := defined[name]
		layout, err := m.writer(instant).SecondaryLayout(ctx, of)
		if err != nil {
			return nil, errors.Join(err, all.close())
		}
		all = append(all, metadata.NewSecondary(m.Of.Version, of, layout, part))
	}
	return all, nil
}

func (all secondaries) prepare(instant string, zone *time.Location) error {
	for _, x := range all {
		if err := x.PrepareLogs(instant, createdAt(instant, zone)); err != nil {
			return err
		}
	}
	return nil
}

// noteSecondary adds the changes of secondary indexes to the update of a commit. Those of indexes
// that were begun meanwhile are read now.
func (t *Txn) noteSecondary(ctx context.Context, s metadata.Source, u *metadata.Update, meta *timeline.CommitMetadata) error {
	names := metadata.SecondaryIndexes(s.Config)
	if len(names) == 0 || !changesPairs(meta) {
		return nil
	}
	defined, err := metadata.Definitions(ctx, s.Store, s.Config)
	if err != nil {
		return err
	}
	for _, x := range t.secondary {
		of, d := x.Of(), defined[x.Of().Name]
		if at := slices.Index(names, of.Name); at >= 0 && of.Equal(&d) {
			names = slices.Delete(names, at, at+1)
			u.AddSecondary(x)
		}
	}
	more, err := t.readSecondary(ctx, s.Config, s.Timeline, meta, names)
	if err != nil {
		return err
	}
	t.secondary = append(t.secondary, more...)
	for _, x := range more {
		u.AddSecondary(x)
	}
	return nil
}

// UndoneSecondary prepares what a rollback at time at of the newest completed write changes in
// secondary indexes, and adds it to an update. The caller calls done when that is noted.
func (m *Metadata) UndoneSecondary(ctx context.Context, h *table.Handle, tl *timeline.Timeline, at string, target timeline.Instant, u *metadata.Update) (done func() error, err error) {
	names := metadata.SecondaryIndexes(m.Of)
	if len(names) == 0 {
		return func() error { return nil }, nil
	}
	from, meta, before, err := m.undoing(ctx, h, tl, target)
	if err != nil {
		return nil, err
	}
	all, err := m.secondaries(ctx, h, at, names, from.Budget)
	if err != nil {
		return nil, err
	}
	if changesPairs(meta) {
		err = from.UndoSecondary(ctx, meta, before, all)
	}
	if err == nil {
		err = all.prepare(at, tl.Location())
	}
	if err != nil {
		return nil, errors.Join(err, all.close())
	}
	for _, x := range all {
		u.AddSecondary(x)
	}
	return all.close, nil
}

// wantsSecondary tells whether the handle wants a secondary index that the table does not have.
func wantsSecondary(h *table.Handle, c *table.Config) bool {
	return h.Secondary != nil && c.MetaFields && !slices.Contains(c.MetadataPartitions, secondaryOf(h, c).Name)
}

// secondaryOf defines the secondary index that the handle wants.
func secondaryOf(h *table.Handle, c *table.Config) metadata.Definition {
	return metadata.NewSecondaryDefinition(c.Version, h.Secondary.Name, h.Secondary.Column)
}

// newSecondary is the secondary index that a handle may want.
func newSecondary(h *table.Handle) *keyIndex[*metadata.Secondary] {
	return &keyIndex[*metadata.Secondary]{asked: h.Secondary != nil, wanted: wantsSecondary, read: func(ctx context.Context, h *table.Handle, from *recordindex.Source) (*metadata.Secondary, error) {
		of := secondaryOf(h, from.Config)
		if from.Rows == nil {
			return nil, table.ErrNoSchema
		}
		if err := of.Indexable(from.Rows); err != nil {
			return nil, err
		}
		return from.AllSecondary(ctx, of, recordindex.Shape{Least: h.Secondary.Least, Most: h.Secondary.Most})
	}}
}

// beginSecondary begins the secondary index if it is wanted.
func beginSecondary(ctx context.Context, h *table.Handle, c *table.Config, tl *timeline.Timeline, held *lock.Held, index *keyIndex[*metadata.Secondary], budget *mem.Budget) error {
	if !wantsSecondary(h, c) || !slices.Contains(c.MetadataPartitions, metadata.RecordIndex) {
		return nil
	}
	if err := index.refresh(ctx, h, c, tl, budget); err != nil {
		return err
	}
	begin := func(w *metadata.Writer) ([]*timeline.WriteStat, error) { return w.BeginSecondary(ctx, index.rows) }
	define := func() error { return metadata.DefineSecondary(ctx, h.Store, c, index.rows.Of(), h.Clock) }
	return beginKeys(ctx, h, c, tl, held, index.rows.Of().Name, begin, define)
}

// BeginSecondaryIndex gives a table the secondary index that its handle wants, and a record index
// if it has none. One that has it wraps base.ErrInvalid; base.ErrConflict says to try again.
func BeginSecondaryIndex(ctx context.Context, h *table.Handle) error {
	c, err := table.LoadConfig(ctx, h.Store)
	if err != nil {
		return err
	}
	name := secondaryOf(h, c).Name
	fail := func(err error) error { return fmt.Errorf("txn: %s of %s: %w", name, h.Store.URI(), err) }
	if !c.MetaFields {
		return fail(fmt.Errorf("its rows have no keys (hoodie.populate.meta.fields=false): %w", base.ErrUnsupported))
	}
	if slices.Contains(slices.Concat(c.MetadataPartitions, c.MetadataInflight()), name) {
		return fail(fmt.Errorf("the table has it already; to make it anew, drop it first: %w", base.ErrInvalid))
	}
	partitioned := h.RecordIndex != nil && h.RecordIndex.Partitioned
	if slices.Contains(c.MetadataPartitions, metadata.RecordIndex) {
		if partitioned, err = metadata.RecordsPartitioned(ctx, h.Store, c); err != nil {
			return fail(err)
		}
	}
	if partitioned {
		return fail(fmt.Errorf("the table's record index is one by partitions, or options ask for such a one, in which keys cannot be found by themselves; drop it first: %w", base.ErrInvalid))
	}
	return prepared(ctx, h, nil, func(c *table.Config, _ *timeline.Timeline, _ *lock.Held) error {
		if !slices.Contains(c.MetadataPartitions, name) {
			return fail(fmt.Errorf("the table has no metadata table yet, as an instant is pending: %w", errPending))
		}
		return nil
	})
}

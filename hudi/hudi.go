// Package hudi is the face of the library: it opens and creates tables, writes to them,
// queries them and runs their services. It wires the packages that do the work and has
// little logic of its own.
//
//	t, err := hudi.Open(ctx, "/data/trips")
//	plan, err := t.Query(ctx, query.Options{Where: "city = 'Oslo'"})
//	for batch, err := range plan.Rows(ctx) { … }
//
// Stores register their schemes when their packages are imported; local disk always is.
package hudi

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"runtime"
	"time"

	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/hudi-go/hudi-go/internal/base"
	"github.com/hudi-go/hudi-go/internal/conf"
	"github.com/hudi-go/hudi-go/internal/mem"
	"github.com/hudi-go/hudi-go/internal/metadata"
	"github.com/hudi-go/hudi-go/query"
	"github.com/hudi-go/hudi-go/recovery"
	"github.com/hudi-go/hudi-go/schema"
	"github.com/hudi-go/hudi-go/storage"
	_ "github.com/hudi-go/hudi-go/storage/local" // plain paths and file://
	"github.com/hudi-go/hudi-go/table"
	"github.com/hudi-go/hudi-go/timeline"
)

// The kinds of errors; test with errors.Is.
var (
	ErrNotTable       = base.ErrNotTable       // the folder holds no Hudi table
	ErrInvalid        = base.ErrInvalid        // the request cannot be: a wrong option, column or value
	ErrUnsupported    = base.ErrUnsupported    // a feature that this library does not have
	ErrCorrupt        = base.ErrCorrupt        // stored bytes break the format
	ErrConflict       = base.ErrConflict       // another writer was there first; try again
	ErrLockTimeout    = base.ErrLockTimeout    // the table's lock was not obtained; try again
	ErrUnknownOutcome = base.ErrUnknownOutcome // a commit may or may not have happened
	ErrCleaned        = base.ErrCleaned        // the cleaner removed what a query needs
	ErrUnreachable    = base.ErrUnreachable    // a store, broker or registry did not answer
	ErrOffsetLost     = base.ErrOffsetLost     // a topic no longer has the offset to continue from
)

// Table is an opened table. It is safe for concurrent use; writes of one process to one
// table exclude each other no more than those of several processes do.
type Table struct {
	handle  *table.Handle
	options options
}

type options struct {
	clock    func() time.Time
	log      *slog.Logger
	alloc    memory.Allocator
	memory   int64
	spillDir string
	zone     *time.Location
	props    conf.Options
}

// Option changes how a table is opened.
type Option func(*options)

// WithMemory bounds what a write, a query or a service may take, in bytes. The default is
// 512 MiB, or less in a smaller container.
func WithMemory(bytes int64) Option { return func(o *options) { o.memory = bytes } }

// WithSpillDir names the folder for what does not fit; the system's temporary folder is
// the default.
func WithSpillDir(dir string) Option { return func(o *options) { o.spillDir = dir } }

// WithClock replaces the wall clock.
func WithClock(now func() time.Time) Option { return func(o *options) { o.clock = now } }

// WithLogger gives a logger for what is worth telling and fails nothing.
func WithLogger(l *slog.Logger) Option { return func(o *options) { o.log = l } }

// WithAllocator gives the allocator of Arrow memory.
func WithAllocator(a memory.Allocator) Option { return func(o *options) { o.alloc = a } }

// WithZone gives the time zone in which tables with a LOCAL timeline count; the process's
// own is the default.
func WithZone(l *time.Location) Option { return func(o *options) { o.zone = l } }

// WithProperty sets an option of real Hudi's writers and services, for example
// hoodie.parquet.max.file.size. Options that are not known are logged.
func WithProperty(name, value string) Option {
	return func(o *options) { o.props[name] = value }
}

// WithProperties sets several.
func WithProperties(props map[string]string) Option {
	return func(o *options) { maps.Copy(o.props, props) }
}

func newOptions(list []Option) options {
	o := options{
		clock: time.Now, log: slog.New(slog.DiscardHandler), alloc: memory.DefaultAllocator,
		memory: mem.DefaultBytes(), zone: time.Local, props: conf.Options{},
	}
	for _, set := range list {
		set(&o)
	}
	return o
}

// Open opens the table at a path or URI. A folder without a table wraps ErrNotTable.
func Open(ctx context.Context, uri string, opts ...Option) (*Table, error) {
	st, err := storage.Open(ctx, uri)
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", uri, err)
	}
	return OpenStore(ctx, st, opts...)
}

// OpenStore opens the table at a store's root.
func OpenStore(ctx context.Context, st storage.Store, opts ...Option) (*Table, error) {
	c, err := table.LoadConfig(ctx, st)
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", st.URI(), err)
	}
	return open(st, c, newOptions(opts))
}

func open(st storage.Store, c *table.Config, o options) (*Table, error) {
	for _, warning := range o.props.Unknown() {
		o.log.Warn(warning)
	}
	o.props = o.props.Under(c.Property)
	c.MergeBy(o.props.Get(conf.PayloadClass))
	c.KeysBy(o.props)
	h := table.NewHandle(st, c, o.clock, o.log)
	h.Zone = o.zone
	for _, d := range []struct {
		to   *time.Duration
		from func() (int64, error)
		set  bool
	}{
		{&h.LockWait, func() (int64, error) { return o.props.Int(conf.LockWait) }, true},
		{&h.Beat, func() (int64, error) { return o.props.Int(conf.HeartbeatInterval) }, true},
		{&h.Skew, func() (int64, error) { return o.props.Int(conf.ClockSkew) }, o.props.Has(conf.ClockSkew)},
	} {
		if !d.set {
			continue
		}
		ms, err := d.from()
		if err != nil {
			return nil, err
		}
		*d.to = time.Duration(ms) * time.Millisecond
	}
	if err := metadataOptions(h, o.props); err != nil {
		return nil, err
	}
	if err := indexOptions(c, o.props); err != nil {
		return nil, err
	}
	return &Table{handle: h, options: o}, nil
}

// metadataOptions says what becomes of the metadata table. As in real Hudi an index that is
// switched on is begun, and one that is switched off is dropped.
func metadataOptions(h *table.Handle, props conf.Options) error {
	if props.Has(conf.MetadataEnable) {
		switch on, err := props.Bool(conf.MetadataEnable); {
		case err != nil:
			return err
		case on:
			h.Metadata = table.MetadataMake
		default:
			h.Metadata = table.MetadataDrop
		}
	}
	for _, index := range []struct {
		given      func() (on, given bool, err error)
		partitions []string
	}{
		{func() (bool, bool, error) { return props.Given(conf.ColumnStats) }, []string{metadata.ColumnStats, metadata.PartitionStats}},
		{func() (bool, bool, error) { return props.Given(conf.PartitionStats) }, []string{metadata.PartitionStats}},
		{func() (bool, bool, error) { return props.Given(conf.BloomFilters) }, []string{metadata.BloomFilters}},
		{func() (bool, bool, error) { return props.Given(conf.RecordIndex) }, []string{metadata.RecordIndex}},
	} {
		switch on, given, err := index.given(); {
		case err != nil:
			return err
		case given && on:
			h.MetadataWith = append(h.MetadataWith, index.partitions...)
		case given:
			h.MetadataWithout = append(h.MetadataWithout, index.partitions...)
		}
	}
	return recordOptions(h, props)
}

// indexOptions lets options name the index. A table with buckets is not contradicted, nor one
// without given some: its file groups are laid out by what it says.
func indexOptions(c *table.Config, props conf.Options) error {
	kind := props.Get(conf.IndexType)
	if kind == "" {
		return nil
	}
	n, err := props.Int(conf.BucketCount)
	if err != nil {
		return err
	}
	want, err := table.ParseIndex(kind, int(n), props.Get(conf.BucketHashField))
	if err != nil {
		return err
	}
	if want.Consistent, err = table.ParseBucketEngine(props.Get(conf.BucketEngine)); err != nil {
		return err
	}
	switch {
	case c.Index.Kind == "":
		c.Index = want
	case c.Index.Kind != table.IndexBucket && want.Kind != table.IndexBucket:
		c.Index.Kind = want.Kind
	case c.Index.Kind != want.Kind, want.Buckets != 0 && want.Buckets != c.Index.Buckets:
		return fmt.Errorf("table %s has the index %s (%d buckets), not %s (%d): %w", c.Name, c.Index.Kind, c.Index.Buckets, want.Kind, want.Buckets, base.ErrInvalid)
	}
	return nil
}

// Create makes an empty table at a path or URI; table.NewConfig gives the defaults of its
// configuration. A folder that has a table wraps ErrInvalid.
func Create(ctx context.Context, uri string, c table.Config, opts ...Option) (*Table, error) {
	st, err := storage.Open(ctx, uri)
	if err != nil {
		return nil, fmt.Errorf("create %s: %w", uri, err)
	}
	return CreateStore(ctx, st, c, opts...)
}

// CreateStore makes an empty table at a store's root.
func CreateStore(ctx context.Context, st storage.Store, c table.Config, opts ...Option) (*Table, error) {
	o := newOptions(opts)
	if err := table.Create(ctx, st, c, o.clock); err != nil {
		return nil, err
	}
	return OpenStore(ctx, st, opts...)
}

// URI names the table's folder.
func (t *Table) URI() string { return t.handle.Store.URI() }

// Config is the table's configuration. The caller must not change it.
func (t *Table) Config() *table.Config { return t.handle.Config }

// Timeline loads the active timeline.
func (t *Table) Timeline(ctx context.Context) (*timeline.Timeline, error) {
	return t.handle.Timeline(ctx)
}

// Schema is the schema of the table's rows without meta columns, nil as long as nobody has
// said it.
func (t *Table) Schema(ctx context.Context) (*schema.Schema, error) {
	tl, err := t.Timeline(ctx)
	if err != nil {
		return nil, err
	}
	return t.Config().RecordSchema(ctx, tl)
}

// View loads the timeline and makes a view of the files in the table's folders.
func (t *Table) View(ctx context.Context) (*table.View, error) {
	tl, err := t.Timeline(ctx)
	if err != nil {
		return nil, err
	}
	return t.handle.View(tl), nil
}

// ReaderView is View with the files that the metadata table names, if the table has one that
// readers use, as queries find them. Call done when the view is no longer asked.
func (t *Table) ReaderView(ctx context.Context) (v *table.View, done func(), err error) {
	tl, err := t.Timeline(ctx)
	if err != nil {
		return nil, nil, err
	}
	l, done, err := metadata.Lister(ctx, t.handle.Store, t.Config(), tl)
	if err != nil {
		return nil, nil, err
	}
	return table.NewView(t.Config(), tl, l), done, nil
}

// Query plans a query. The plan's Rows answer it.
func (t *Table) Query(ctx context.Context, o query.Options) (*query.Plan, error) {
	return t.plan(ctx, func(s query.Source) (*query.Plan, error) { return query.NewPlan(ctx, s, o) })
}

// OpenSplit makes a plan of one task of a plan that another process, perhaps on another
// machine, has made and split (query.Plan.Split).
func (t *Table) OpenSplit(ctx context.Context, split []byte) (*query.Plan, error) {
	return t.plan(ctx, func(s query.Source) (*query.Plan, error) { return query.OpenSplit(ctx, s, split) })
}

// sourceAt is the table as a timeline shows it.
func (t *Table) sourceAt(tl *timeline.Timeline) query.Source {
	return query.Source{
		Store: t.handle.Store, Config: t.Config(), Timeline: tl, Now: t.options.clock,
		Alloc: t.options.alloc, Memory: t.options.memory, Parallel: runtime.GOMAXPROCS(0),
	}
}

// droppedTries bounds how often a query is planned anew because the metadata table, or a part
// of it, was dropped meanwhile.
const droppedTries = 3

// plan makes a plan, anew when what it read by was dropped, with what is there now.
func (t *Table) plan(ctx context.Context, make func(s query.Source) (*query.Plan, error)) (*query.Plan, error) {
	c := t.Config()
	for tries := 1; ; tries++ {
		tl, err := c.Timeline(ctx, t.handle.Store, t.handle.Zone)
		if err != nil {
			return nil, err
		}
		s := t.sourceAt(tl)
		s.Config = c
		p, err := make(s)
		if err == nil || tries == droppedTries || !errors.Is(err, metadata.ErrDropped) {
			return p, err
		}
		now, err := table.LoadConfig(ctx, t.handle.Store)
		if err != nil {
			return nil, err
		}
		same := *c
		same.MetadataPartitions = now.MetadataPartitions
		c = &same
	}
}

// Recover undoes what dead writers left behind and returns their instants. Writes do so by
// themselves.
func (t *Table) Recover(ctx context.Context) ([]string, error) {
	return recovery.Recover(ctx, t.handle)
}

// Rollback undoes the latest completed write, or a pending one, whose writer must not be
// at work any more.
func (t *Table) Rollback(ctx context.Context, instant string) error {
	return recovery.Rollback(ctx, t.handle, instant)
}

package hudi_test

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"runtime/debug"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/hudi-go/hudi-go/hudi"
	"github.com/hudi-go/hudi-go/internal/base"
	"github.com/hudi-go/hudi-go/query"
	"github.com/hudi-go/hudi-go/schema"
	"github.com/hudi-go/hudi-go/storage"
	"github.com/hudi-go/hudi-go/table"
	"github.com/hudi-go/hudi-go/timeline"
)

// Simulations make much garbage of small tables; a collection for every few of them halves
// their time.
func init() { debug.SetGCPercent(400) }

// simClock advances by a millisecond with each look, and by more when told to, so that runs
// repeat and no two looks are equal.
type simClock struct{ ms atomic.Int64 }

var simEpoch = time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)

func (c *simClock) Now() time.Time {
	return simEpoch.Add(time.Duration(c.ms.Add(1)) * time.Millisecond)
}

func (c *simClock) Advance(d time.Duration) { c.ms.Add(d.Milliseconds()) }

// kind is a way of laying a table out, over which the same tests run.
type kind struct {
	typ         table.Type
	version     int    // of the table, 0: the current
	buckets     int    // 0: another index
	index       string // its kind, "" for one that the table does not say
	stay        bool   // rows do not move to other partitions, with a global index
	partitioned bool
	hive        bool
	encode      bool
	mode        string
	metadata    bool   // with a metadata table
	stats       bool   // and statistics of columns in it
	records     bool   // and a record index in it
	secondary   bool   // and a secondary index
	cdc         string // the mode in which changes are logged, "" for none
	bare        bool   // rows without meta fields
}

func (k kind) String() string {
	s := "cow"
	if k.typ == table.MOR {
		s = "mor"
	}
	switch {
	case k.buckets > 0:
		s += "-bucket"
	default:
		s += "-" + strings.ToLower(cmp.Or(k.index, table.IndexSimple))
	}
	if k.stay {
		s += "-stay"
	}
	if k.partitioned {
		s += "-partitioned"
	}
	if k.hive {
		s += "-hive"
	}
	if k.encode {
		s += "-encoded"
	}
	if k.mode == table.CommitTimeOrdering {
		s += "-committime"
	}
	if k.metadata {
		s += "-metadata"
	}
	if k.stats {
		s += "-stats"
	}
	if k.records {
		s += "-records"
	}
	if k.secondary {
		s += "-secondary"
	}
	if k.cdc != "" {
		s += "-" + k.cdc
	}
	if k.bare {
		s += "-bare"
	}
	return fmt.Sprintf("v%d-%s", cmp.Or(k.version, table.CurrentVersion), s)
}

func (k kind) config() table.Config {
	c := table.NewConfig("sim")
	c.Type = k.typ
	c.Version = cmp.Or(k.version, table.CurrentVersion)
	c.InitialVersion = c.Version
	c.Keys = []string{"id"}
	c.Ordering = []string{"ts"}
	c.MergeMode = k.mode
	c.HiveStyle, c.URLEncode = k.hive, k.encode
	if k.partitioned {
		c.PartitionBy = []string{"part"}
	}
	c.Index = table.IndexConfig{Kind: k.index}
	c.MetaFields = !k.bare
	if k.cdc != "" {
		c.CDC, c.CDCMode = true, k.cdc
	}
	if k.buckets > 0 {
		c.Index = table.IndexConfig{Kind: table.IndexBucket, Buckets: k.buckets}
	}
	return c
}

// global tells whether a key has one row in all partitions.
func (k kind) global() bool { return table.IndexConfig{Kind: k.index}.Global() }

// rec is an incoming row: nil pointers are nulls.
type rec struct {
	id   string
	part *string
	val  string
	ts   *int64
	gone bool
}

func ptr[T any](v T) *T { return &v }

// r is a rec with everything set.
func r(id, part, val string, ts int64) rec { return rec{id: id, part: &part, val: val, ts: &ts} }

func (r rec) del() rec { r.gone = true; return r }

func text[T any](p *T) string {
	if p == nil {
		return "-"
	}
	return fmt.Sprint(*p)
}

func (r rec) String() string {
	return fmt.Sprintf("%s/%s=%s@%s", text(r.part), r.id, r.val, text(r.ts))
}

var simArrow = arrow.NewSchema([]arrow.Field{
	{Name: "id", Type: arrow.BinaryTypes.String},
	{Name: "part", Type: arrow.BinaryTypes.String, Nullable: true},
	{Name: "val", Type: arrow.BinaryTypes.String, Nullable: true},
	{Name: "ts", Type: arrow.PrimitiveTypes.Int64, Nullable: true},
}, nil)

var simMarked = arrow.NewSchema(append(simArrow.Fields(), arrow.Field{Name: schema.IsDeleted, Type: arrow.FixedWidthTypes.Boolean, Nullable: true}), nil)

// input makes rows of recs, in batches of at most batch rows. Delete marks come as a
// column of their own if there are any.
func input(alloc memory.Allocator, batch int, list []rec) hudi.Rows {
	a := simArrow
	if slices.ContainsFunc(list, func(r rec) bool { return r.gone }) {
		a = simMarked
	}
	s, err := schema.FromArrow("sim", a)
	if err != nil {
		panic(err)
	}
	return hudi.Rows{Schema: s, Batches: func(yield func(arrow.RecordBatch, error) bool) {
		for part := range slices.Chunk(list, max(batch, 1)) {
			b := array.NewRecordBuilder(alloc, a)
			for _, r := range part {
				b.Field(0).(*array.StringBuilder).Append(r.id)
				appendOr(b.Field(1), r.part, b.Field(1).(*array.StringBuilder).Append)
				b.Field(2).(*array.StringBuilder).Append(r.val)
				appendOr(b.Field(3), r.ts, b.Field(3).(*array.Int64Builder).Append)
				if a == simMarked {
					b.Field(4).(*array.BooleanBuilder).Append(r.gone)
				}
			}
			rows := b.NewRecordBatch()
			more := yield(rows, nil)
			rows.Release()
			b.Release()
			if !more {
				return
			}
		}
	}}
}

func appendOr[T any](b array.Builder, v *T, put func(T)) {
	if v == nil {
		b.AppendNull()
		return
	}
	put(*v)
}

// quiet are the options of tables in simulations: no services by themselves, and
// heartbeats that are never due.
func quiet(clock *simClock, alloc memory.Allocator, more ...hudi.Option) []hudi.Option {
	return append([]hudi.Option{
		hudi.WithClock(clock.Now), hudi.WithAllocator(alloc), hudi.WithZone(time.UTC),
		hudi.WithProperty("hoodie.compact.inline", "false"),
		hudi.WithProperty("hoodie.write.set.null.for.missing.columns", "true"),
		hudi.WithProperty("hoodie.clean.automatic", "false"),
		hudi.WithProperty("hoodie.parquet.compression.codec", "uncompressed"),
		hudi.WithProperty("hoodie.client.heartbeat.interval_in_ms", "3600000"),
	}, more...)
}

// all answers a query as sorted texts, equal rows as often as they are there.
func all(ctx context.Context, tab *hudi.Table, o query.Options) ([]string, error) {
	out := []string{}
	plan, err := tab.Query(ctx, o)
	if errors.Is(err, table.ErrNoSchema) {
		return out, nil // nobody has written yet
	}
	if err != nil {
		return nil, err
	}
	for batch, err := range plan.Rows(ctx) {
		if err != nil {
			return nil, err
		}
		id, part := batch.Column(0).(*array.String), batch.Column(1).(*array.String)
		val, ts := batch.Column(2).(*array.String), batch.Column(3).(*array.Int64)
		for i := range int(batch.NumRows()) {
			r := rec{id: id.Value(i), val: val.Value(i)}
			if part.IsValid(i) {
				r.part = ptr(strings.Clone(part.Value(i)))
			}
			if ts.IsValid(i) {
				r.ts = ptr(ts.Value(i))
			}
			out = append(out, r.String())
		}
	}
	slices.Sort(out)
	return out, nil
}

// tidy makes sure that a table has nothing on storage that does not belong to it: every
// data file was made by a completed write that names it, and nothing is left of writers
// that have ended. In version 6 the log files of writes that were rolled back stay, and so do
// those with the rollback blocks.
func tidy(ctx context.Context, st storage.Store, tab *hudi.Table) error {
	tl, err := tab.Timeline(ctx)
	if err != nil {
		return err
	}
	for _, i := range tl.Pending() {
		return fmt.Errorf("pending: %s", i)
	}
	named := map[string]bool{}
	var undone []string
	for _, i := range tl.Completed() {
		if i.Action == timeline.Rollback && tab.Config().SliceLogs() {
			m, err := tl.RollbackMetadata(ctx, i.Time)
			if err != nil {
				return err
			}
			undone = append(undone, m.CommitsRollback...)
		}
	}
	dead := func(name string) bool {
		n, ok := base.ParseLogFileName(name)
		return ok && len(undone) > 0 && (n.Token == base.RollbackToken || slices.ContainsFunc(undone, n.WrittenBy))
	}
	for _, i := range tl.CompletedWrites() {
		m, err := tl.CommitMetadata(ctx, i)
		if err != nil {
			return err
		}
		for _, s := range m.Stats() {
			named[s.Path] = true
			for log := range s.CDCStats {
				named[log] = true
			}
		}
	}
	return walkAll(ctx, st, "", func(e storage.Entry) error {
		meta := strings.HasPrefix(e.Path, base.MetaFolder+"/")
		_, isBase := base.ParseBaseFileName(e.Name)
		_, isLog := base.ParseLogFileName(e.Name)
		switch {
		case !meta && e.Name == base.PartitionMetafile: // stays when a partition's first write is undone
		case !meta && (isBase || isLog) && named[e.Path], !meta && dead(e.Name):
		case !meta:
			return fmt.Errorf("orphan: %s", e.Path)
		case strings.HasPrefix(e.Path, ".hoodie/.temp/"), strings.HasPrefix(e.Path, ".hoodie/.heartbeat/"), e.Path == ".hoodie/lock":
			return fmt.Errorf("left behind: %s", e.Path)
		case strings.HasPrefix(e.Path, ".hoodie/.locks/") && e.Name != "hudi-go.flock" && e.Name != "table_lock.json":
			return fmt.Errorf("left behind: %s", e.Path)
		}
		return nil
	})
}

func walkAll(ctx context.Context, st storage.Store, dir string, visit func(storage.Entry) error) error {
	entries, err := st.List(ctx, dir)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if e.Dir {
			err = walkAll(ctx, st, e.Path, visit)
		} else {
			err = visit(e)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// version is one version of a row in the model: a row or a delete.
type version struct {
	row  rec
	ts   *int64 // ordering value; nil is the default, which is below every other
	gone bool
}

// cell is what a file group keeps of one key: the row of the base file, and on top of it the
// versions of the logs, from old to new.
type cell struct {
	base *rec
	logs []version
	// late is how many of the logs were written beside the compaction that made the base file.
	late int
}

// model is what a table must hold, by the rules of docs/format/merging.md. It is written
// anew rather than taken from the code that it judges.
type model struct {
	kind  kind
	cells map[string]cell // by partition path and key
	// groups has, for bucket tables, the buckets with files: a delete in one of the others
	// has no log to go to.
	groups map[string]bool
	bucket func(id string) int
	// planned is how many versions of each cell's logs a scheduled compaction will merge.
	planned map[string]int
	plan    string // the compaction's instant
	// written are the rows that the last write wrote, as an incremental query shows them.
	written []string
}

func newModel(k kind, bucket func(id string) int) *model {
	return &model{kind: k, cells: map[string]cell{}, groups: map[string]bool{}, bucket: bucket}
}

func (m *model) clone() *model {
	c := *m
	c.cells, c.groups, c.planned, c.written = maps.Clone(m.cells), maps.Clone(m.groups), maps.Clone(m.planned), slices.Clone(m.written)
	return &c
}

// compare orders ordering values.
func compare(a, b *int64) int {
	switch {
	case a == nil && b == nil:
		return 0
	case a == nil:
		return -1
	case b == nil:
		return 1
	}
	return int(max(-1, min(1, *a-*b)))
}

// ordered tells whether ordering values decide: in version 6 always between versions of one
// log or one batch.
func (m *model) ordered(inLog bool) bool {
	return m.kind.mode != table.CommitTimeOrdering || inLog && m.kind.version == 6
}

// wins is the rule for a row, or a row with a delete mark, against an older version.
func (m *model) wins(newer, older version, inLog bool) bool {
	switch {
	case !m.ordered(inLog):
		return true
	case newer.gone && newer.ts == nil, older.gone && older.ts == nil:
		return true
	}
	return compare(newer.ts, older.ts) >= 0
}

// add brings a newer version into what has been collected. block says that it comes from a
// delete block.
func (m *model) add(have *version, v version, block bool) *version {
	switch {
	case have == nil:
		return &v
	case block && m.ordered(true) && have.gone && have.ts == nil:
		return have
	case m.wins(v, *have, true):
		return &v
	}
	return have
}

// fold brings logs down to one version.
func (m *model) fold(logs []version) *version {
	var log *version
	for _, v := range logs {
		if taken := m.add(log, v, v.gone); taken != log {
			log = taken
			if v.gone && m.kind.version == 6 { // there it is unconditional once it is in
				log.ts = nil
			}
		}
	}
	return log
}

// collapse is the row that logs leave by themselves.
func (m *model) collapse(logs []version) *rec {
	if log := m.fold(logs); log != nil && !log.gone {
		return &log.row
	}
	return nil
}

// merge is what readers see of a cell: the logs by themselves first, then upon the base row.
func (m *model) merge(c cell) *rec {
	log := m.fold(c.logs)
	switch {
	case log == nil:
		return c.base
	case c.base == nil && log.gone:
		return nil
	case c.base == nil:
		return &log.row
	case !m.wins(*log, version{row: *c.base, ts: c.base.ts}, false):
		return c.base
	case log.gone:
		return nil
	}
	return &log.row
}

func (m *model) snapshot() []string {
	return m.rows(m.merge)
}

// readOptimized is what base files hold.
func (m *model) readOptimized() []string {
	return m.rows(func(c cell) *rec { return c.base })
}

func (m *model) rows(of func(cell) *rec) []string {
	out := []string{}
	for _, c := range m.cells {
		if r := of(c); r != nil {
			out = append(out, r.String())
		}
	}
	slices.Sort(out)
	return out
}

func (m *model) path(r rec) string {
	switch {
	case !m.kind.partitioned:
		return ""
	case r.part == nil || *r.part == "":
		return "__HIVE_DEFAULT_PARTITION__"
	}
	return *r.part
}

// known are the keys that base files have, which an insert without a look must not repeat.
func (m *model) known(r rec) bool {
	if m.kind.global() {
		return m.home(r.id) != ""
	}
	c, ok := m.cells[m.path(r)+"/"+r.id]
	return ok && (c.base != nil || len(c.logs) > 0)
}

// write applies a batch. deletes says that the operation is a delete.
func (m *model) write(list []rec, deletes bool) {
	m.written = []string{}
	type at struct{ path, id string }
	batch := map[at]*version{}
	var order []at
	for _, r := range list {
		k := at{m.path(r), r.id}
		if m.kind.global() {
			k.path = ""
		}
		if batch[k] == nil {
			order = append(order, k)
		}
		batch[k] = m.add(batch[k], version{row: r, ts: r.ts, gone: deletes || r.gone}, deletes)
	}
	opened := map[string]bool{} // buckets whose first rows come with this write
	for _, k := range order {
		if v := batch[k]; m.kind.buckets > 0 && !v.gone && !m.groups[m.group(k.path, k.id)] {
			opened[m.group(k.path, k.id)] = true
		}
	}
	for _, k := range order {
		v, name := *batch[k], k.path+"/"+k.id
		c := m.cells[name]
		switch {
		case m.kind.global():
			m.writeGlobal(v)
		case m.kind.typ == table.COW:
			m.put(name, c, v)
		case m.kind.buckets > 0:
			g := m.group(k.path, k.id)
			if !m.groups[g] && v.gone {
				continue // a delete opens no group, and does not go into one that opens
			}
			if m.kind.cdc != "" && !m.groups[g] { // which begins with a base file then
				m.put(name, c, v)
				continue
			}
			m.appendLog(name, c, v)
		case c.base == nil && m.collapse(c.logs[:c.late]) == nil: // the simple index finds no row
			if !v.gone {
				m.cells[name] = cell{base: &v.row} // in another file group, away from deletes in logs
				delete(m.planned, name)
				m.written = append(m.written, v.row.String())
			}
		default:
			m.appendLog(name, c, v)
		}
	}
	maps.Copy(m.groups, opened)
	slices.Sort(m.written)
}

// home is the name of the cell that has the row of a key, "" for none.
func (m *model) home(id string) string {
	for name, c := range m.cells {
		if strings.HasSuffix(name, "/"+id) && m.merge(c) != nil {
			return name
		}
	}
	return ""
}

// writeGlobal applies a change to the row of its key in whatever partition it is. A key that comes
// again goes to another file group than a row that logs have deleted, and has a cell of its own.
func (m *model) writeGlobal(v version) {
	const again = "#"
	name := m.path(v.row) + again
	change := func(name string, v version) {
		if m.kind.typ == table.COW {
			m.put(name, m.cells[name], v)
		} else {
			m.appendLog(name, m.cells[name], v)
		}
	}
	switch home := m.home(v.row.id); {
	case home == "":
		if v.gone {
			return
		}
	case v.gone || strings.HasPrefix(home, name) || m.kind.stay:
		change(home, v)
		return
	default:
		if old := m.merge(m.cells[home]); !m.wins(v, version{row: *old, ts: old.ts}, false) {
			return
		}
		change(home, version{row: rec{id: v.row.id}, gone: true})
	}
	own := name + "/" + v.row.id
	for c := m.cells[own]; c.base != nil || len(c.logs) > 0; c = m.cells[own] {
		name += again
		own = name + "/" + v.row.id
	}
	m.cells[own] = cell{base: &v.row}
	m.written = append(m.written, v.row.String())
}

// apply applies an operation.
func (m *model) apply(o hudi.Operation, list []rec) {
	switch o {
	case hudi.InsertOverwrite, hudi.InsertOverwriteTable, hudi.DeletePartition:
		m.replace(o, list)
	default:
		m.write(list, o == hudi.Delete)
	}
}

// replace applies an operation that hides file groups. The keys of its rows are distinct.
func (m *model) replace(o hudi.Operation, list []rec) {
	m.written = []string{}
	gone := map[string]bool{}
	for _, r := range list {
		gone[m.path(r)] = gone[m.path(r)] || o == hudi.DeletePartition || !r.gone
	}
	all := o == hudi.InsertOverwriteTable
	for name := range m.cells {
		if path, _, _ := cutLast(name, "/"); all || gone[strings.TrimRight(path, "#")] { // # is of global kinds
			delete(m.cells, name)
			delete(m.planned, name)
		}
	}
	for name := range m.groups {
		if path, _, _ := cutLast(name, "#"); all || gone[path] {
			delete(m.groups, name)
		}
	}
	if o == hudi.DeletePartition {
		return
	}
	for _, r := range list {
		if r.gone {
			continue
		}
		path := m.path(r)
		if m.kind.global() {
			path += "#"
		}
		m.cells[path+"/"+r.id] = cell{base: &r}
		m.groups[m.group(m.path(r), r.id)] = true
		m.written = append(m.written, r.String())
	}
	slices.Sort(m.written)
}

// cutLast cuts around the last separator; ids have none.
func cutLast(text, sep string) (before, after string, found bool) {
	at := strings.LastIndex(text, sep)
	if at < 0 {
		return text, "", false
	}
	return text[:at], text[at+len(sep):], true
}

func (m *model) group(path, id string) string { return fmt.Sprint(path, "#", m.bucket(id)) }

func (m *model) put(name string, c cell, v version) {
	if c.base == nil {
		if !v.gone {
			c.base = &v.row
			m.written = append(m.written, v.row.String())
		}
	} else if m.wins(v, version{row: *c.base, ts: c.base.ts}, false) {
		c.base = nil
		if !v.gone {
			c.base = &v.row
			m.written = append(m.written, v.row.String())
		}
	}
	m.cells[name] = c
}

func (m *model) appendLog(name string, c cell, v version) {
	c.logs = append(slices.Clone(c.logs), v)
	m.cells[name] = c
	if !v.gone {
		m.written = append(m.written, v.row.String())
	}
}

// schedule notes what a compaction will merge. It tells whether there is anything.
func (m *model) schedule() bool {
	m.planned = map[string]int{}
	for name, c := range m.cells {
		if len(c.logs) > 0 {
			m.planned[name] = len(c.logs)
		}
	}
	return len(m.planned) > 0
}

func (m *model) compact() {
	for name, n := range m.planned {
		c := m.cells[name]
		c.base = m.merge(cell{base: c.base, logs: c.logs[:n]})
		c.logs = c.logs[n:]
		c.late = len(c.logs)
		m.cells[name] = c
	}
	m.planned = nil
	m.written = []string{}
}

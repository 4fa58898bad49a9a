package query

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"

	"github.com/hudi-go/hudi-go/expr"
	"github.com/hudi-go/hudi-go/index"
	"github.com/hudi-go/hudi-go/internal/base"
	"github.com/hudi-go/hudi-go/internal/basefile"
	"github.com/hudi-go/hudi-go/internal/metadata"
	"github.com/hudi-go/hudi-go/keygen"
	"github.com/hudi-go/hudi-go/schema"
	"github.com/hudi-go/hudi-go/table"
)

// maxKeys is how many record keys, or values of a secondary index, are looked up for a condition
// at most; maxOfValue how many rows a value may have in a secondary index. With more than that
// reading everything is no worse.
const (
	maxKeys    = 1000
	maxOfValue = 100_000
)

// wantedKey is a record key, in each form that writers may have given it.
type wantedKey []string

// keysWanted are the record keys that rows which meet the condition can have.
func (p *Plan) keysWanted() (keys []wantedKey, ok bool) {
	c := p.source.Config
	if values, ok := p.where.Values(schema.MetaRecordKey); ok && c.MetaFields {
		for _, text := range textsOf(values) {
			keys = append(keys, wantedKey{text})
		}
		return keys, len(keys) <= maxKeys
	}
	batch := p.keyFields()
	if batch == nil {
		return nil, false
	}
	defer batch.Release()
	if batch.NumRows() == 0 {
		return nil, true
	}
	g, err := keygen.NewKeys(c, p.reader.Table)
	if err != nil { // keys that cannot be made are not looked up
		return nil, false
	}
	made, err := g.Keys(batch, p.source.Alloc)
	if err != nil {
		return nil, false
	}
	defer made.Release()
	for i := range made.Len() {
		key := wantedKey{strings.Clone(made.Value(i))}
		// Releases differ in naming the one field of a complex key.
		if plain, named := strings.CutPrefix(key[0], c.Keys[0]+":"); named && len(c.Keys) == 1 {
			key = append(key, plain)
		} else if g.Either() {
			key = append(key, c.Keys[0]+":"+key[0])
		}
		keys = append(keys, key)
	}
	return keys, true
}

// keyFields are all combinations of the values that the condition leaves to the record key fields,
// nil when it does not say or there are too many. The caller releases them.
func (p *Plan) keyFields() arrow.RecordBatch {
	fields := p.source.Config.Keys
	values := make([][]expr.Value, len(fields))
	rows := 1
	for i, name := range fields {
		field, _, found := p.reader.Table.Field(name)
		var ok bool
		if values[i], ok = p.where.Values(name); !ok || !found || !metadata.HasText(field.Type) {
			return nil
		}
		if rows *= len(values[i]); rows > maxKeys {
			return nil
		}
	}
	s, err := p.reader.Table.Project(fields)
	if err != nil || len(fields) == 0 {
		return nil
	}
	b := array.NewRecordBuilder(p.source.Alloc, s.Arrow())
	defer b.Release()
	for row := range rows {
		for i, list := range values {
			v := list[row%len(list)]
			row /= len(list)
			switch b := b.Field(i).(type) {
			case *array.StringBuilder:
				b.Append(v.Text())
			case *array.Int32Builder:
				b.Append(int32(v.Int()))
			case *array.Int64Builder:
				b.Append(v.Int())
			default:
				return nil
			}
		}
	}
	return b.NewRecordBatch()
}

// textsOf are the texts of values of a type that has them.
func textsOf(values []expr.Value) []string {
	texts := make([]string, len(values))
	for i, v := range values {
		if v.Kind() == expr.KindInt {
			texts[i] = strconv.FormatInt(v.Int(), 10)
		} else {
			texts[i] = v.Text()
		}
	}
	return texts
}

// locate finds the file groups by the record index and by secondary indexes. They are about
// the rows of now.
func (s *skipper) locate(ctx context.Context) error {
	if !s.current(metadata.RecordIndex) {
		return nil
	}
	if s.keyed {
		if err := s.find(ctx, s.keys, metadata.RecordIndex); err != nil {
			return err
		}
	}
	names := metadata.SecondaryIndexes(s.plan.source.Config)
	if s.found != nil || len(names) == 0 {
		return nil // a key has one group
	}
	definitions, err := metadata.Definitions(ctx, s.plan.source.Store, s.plan.source.Config)
	if err != nil {
		return err
	}
	for _, name := range names {
		d, ok := definitions[name]
		if !ok || !d.OfColumn() {
			continue
		}
		if err := s.findBy(ctx, name, d.Fields[0]); err != nil {
			return err
		}
	}
	return nil
}

// findBy finds the groups of the rows whose column has one of the values that the condition
// leaves to it.
func (s *skipper) findBy(ctx context.Context, index, column string) error {
	field, _, found := s.plan.reader.Table.Field(column)
	values, ok := s.plan.where.Values(column)
	if !ok || !found || !metadata.HasText(field.Type) || len(values) > maxKeys {
		return nil
	}
	var keys []wantedKey
	for _, text := range textsOf(values) {
		some, err := s.meta.KeysOf(ctx, index, &text, maxOfValue-len(keys))
		if errors.Is(err, metadata.ErrMany) {
			return nil
		}
		if err != nil {
			return err
		}
		for _, key := range some {
			keys = append(keys, wantedKey{key})
		}
	}
	return s.find(ctx, keys, index)
}

// find leaves the groups in which the record index has keys, which are found by an index. In
// merge-on-read tables a key that is deleted and written again in the logs stays out of the record
// index if its writer has tagged it by another index; so one that is not there may be anywhere.
func (s *skipper) find(ctx context.Context, keys []wantedKey, by string) error {
	locations, err := s.meta.Locations(ctx, slices.Concat(keys...))
	if errors.Is(err, base.ErrUnsupported) {
		return nil
	}
	if err != nil {
		return err
	}
	known := func(form string) bool { _, ok := locations[form]; return ok }
	absent := func(key wantedKey) bool { return !slices.ContainsFunc(key, known) }
	if s.plan.source.Config.Type == table.MOR && slices.ContainsFunc(keys, absent) {
		return nil
	}
	found := map[table.GroupID]bool{}
	for _, l := range locations {
		id := table.GroupID{Partition: l.Partition, FileID: l.FileID()}
		if s.found == nil || s.found[id] {
			found[id] = true
		}
	}
	s.found, s.by = found, by+": has no row of the condition there"
	return nil
}

// buckets tells whether a file group can have the condition's keys in a table with a bucket index;
// nil if that is not known. What options say of the index is not taken for it.
func (s *skipper) buckets() func(fileID string) bool {
	c := s.plan.source.Config
	if _, stored := c.Property("hoodie.index.type"); !s.keyed || !stored || c.Index.Kind != table.IndexBucket {
		return nil
	}
	// Consistent hashing has other buckets, and rules by partition other numbers of them.
	if c.Index.Consistent {
		return nil
	}
	if rules, _ := c.Property("hoodie.bucket.index.partition.expressions"); rules != "" {
		return nil
	}
	b, err := index.NewBucket(c.Index.Buckets, c.Keys, c.Index.HashField)
	if err != nil { // the number is not known
		return nil
	}
	wanted := map[int]bool{}
	for _, form := range slices.Concat(s.keys...) {
		wanted[b.Of([]byte(form))] = true
	}
	return func(fileID string) bool {
		bucket, ok := base.BucketOf(fileID)
		return !ok || wanted[bucket]
	}
}

// bloomsHeld is how many filters are held at a time. One may have some hundred kilobytes.
const bloomsHeld = 16

// byBlooms leaves out slices whose base files do not have the condition's keys, by their filters
// in the metadata table. Logs may have keys that the base file does not have.
func (s *skipper) byBlooms(ctx context.Context, tasks []Task) ([]Task, error) {
	if !s.keyed || !s.has(metadata.BloomFilters) || s.found != nil {
		return tasks, nil
	}
	filtered := func(t Task) bool { return t.Slice.Base != nil && len(t.Slice.Logs) == 0 }
	var files []metadata.FileRef
	for _, t := range tasks {
		if filtered(t) {
			files = append(files, filesOf(t.Slice)...)
		}
	}
	var may []bool
	for some := range slices.Chunk(files, bloomsHeld) {
		filters, err := s.meta.Blooms(ctx, some)
		if err != nil {
			return nil, err
		}
		for _, f := range filters {
			may = append(may, s.mayHave(f))
		}
	}
	return slices.DeleteFunc(tasks, func(t Task) bool {
		if !filtered(t) {
			return false
		}
		has := may[0]
		may = may[1:]
		return !has && s.plan.skipSlice(t.Slice, byBloom)
	}), nil
}

// mayHave tells whether a filter may have one of the condition's keys. One that is not there, or of
// an unknown kind, may.
func (s *skipper) mayHave(f *metadata.BloomFilter) bool {
	if f == nil {
		return true
	}
	filter, err := basefile.ParseBloom(string(f.Filter), f.Type)
	if err != nil {
		return true
	}
	return slices.ContainsFunc(slices.Concat(s.keys...), func(form string) bool { return filter.Contains([]byte(form)) })
}

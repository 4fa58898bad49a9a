package schema

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"

	"github.com/hudi-go/hudi-go/internal/base"
)

// Identified is a table's schema in the form of schema-on-read: every column, at every level,
// has a number that it keeps when it is renamed, and that no other column gets when it is
// dropped (docs/format/types.md).
type Identified struct {
	text    string
	version int64 // the instant that made it
	fields  []identified
}

// Text is the JSON text that the schema was read from, "" if it is one of a history.
func (s *Identified) Text() string { return s.text }

// identified is a column. A list has its elements, a map its keys and values as fields of
// the names below.
type identified struct {
	id     int
	name   string
	fields []identified
}

const (
	elementField = "element"
	keyField     = "key"
	valueField   = "value"
)

// identifiedJSON is the JSON form of a record, and of the types of its columns that are no
// plain names.
type identifiedJSON struct {
	Version int64  `json:"version_id"`
	Type    string `json:"type"`
	Fields  []struct {
		ID   int             `json:"id"`
		Name string          `json:"name"`
		Type json.RawMessage `json:"type"`
	} `json:"fields"`
	ElementID int             `json:"element_id"`
	Element   json.RawMessage `json:"element"`
	KeyID     int             `json:"key_id"`
	Key       json.RawMessage `json:"key"`
	ValueID   int             `json:"value_id"`
	Value     json.RawMessage `json:"value"`
}

// ParseIdentified reads the JSON text of a schema with numbers, as commit metadata carry it.
// Errors wrap base.ErrCorrupt.
func ParseIdentified(text string) (*Identified, error) {
	var in identifiedJSON
	if err := json.Unmarshal([]byte(text), &in); err != nil {
		return nil, fmt.Errorf("schema: schema with column numbers: %w: %w", err, base.ErrCorrupt)
	}
	return in.schema(text)
}

func (in *identifiedJSON) schema(text string) (*Identified, error) {
	fields, err := in.columns(0)
	if err != nil {
		return nil, fmt.Errorf("schema: schema with column numbers: %w", err)
	}
	return &Identified{text, in.Version, fields}, nil
}

func (in *identifiedJSON) columns(depth int) ([]identified, error) {
	if depth > maxDepth {
		return nil, fmt.Errorf("nested more than %d levels deep: %w", maxDepth, base.ErrCorrupt)
	}
	column := func(id int, name string, text json.RawMessage) (identified, error) {
		c := identified{id: id, name: name}
		var plain string
		if json.Unmarshal(text, &plain) == nil {
			return c, nil
		}
		var nested identifiedJSON
		if err := json.Unmarshal(text, &nested); err != nil {
			return c, fmt.Errorf("%w: %w", err, base.ErrCorrupt)
		}
		var err error
		c.fields, err = nested.columns(depth + 1)
		return c, err
	}
	type part struct {
		id   int
		name string
		text json.RawMessage
	}
	var parts []part
	switch in.Type {
	case "record":
		for _, f := range in.Fields {
			parts = append(parts, part{f.ID, f.Name, f.Type})
		}
	case "array":
		parts = []part{{in.ElementID, elementField, in.Element}}
	case "map":
		parts = []part{{in.KeyID, keyField, in.Key}, {in.ValueID, valueField, in.Value}}
	default:
		return nil, fmt.Errorf("type %q: %w", in.Type, base.ErrCorrupt)
	}
	var out []identified
	for _, p := range parts {
		c, err := column(p.id, p.name, p.text)
		if err != nil {
			return nil, fmt.Errorf("column %q: %w", p.name, err)
		}
		out = append(out, c)
	}
	return out, nil
}

// History is what a table's columns were called at each time: the schemas with numbers that
// it has had.
type History struct {
	versions []*Identified // from old to new
	now      *Identified
}

// ParseHistory reads the JSON text of a table's schema history. now is the schema by whose
// names columns are asked for. Errors wrap base.ErrCorrupt.
func ParseHistory(text []byte, now *Identified) (*History, error) {
	var in struct {
		Schemas []identifiedJSON `json:"schemas"`
	}
	if err := json.Unmarshal(text, &in); err != nil {
		return nil, fmt.Errorf("schema: schema history: %w: %w", err, base.ErrCorrupt)
	}
	h := &History{now: now}
	for i := range in.Schemas {
		s, err := in.Schemas[i].schema("")
		if err != nil {
			return nil, err
		}
		h.versions = append(h.versions, s)
	}
	if len(h.versions) == 0 {
		return nil, fmt.Errorf("schema: the schema history is empty: %w", base.ErrCorrupt)
	}
	slices.SortStableFunc(h.versions, func(a, b *Identified) int { return cmp.Compare(a.version, b.version) })
	return h, nil
}

// Now is the schema by whose names columns are asked for.
func (h *History) Now() *Identified { return h.now }

// at is the schema that a file of an instant was written with: the newest that is not newer,
// and the oldest for files from before there were numbers.
func (h *History) at(instant string) *Identified {
	version, err := strconv.ParseInt(instant, 10, 64)
	if err != nil {
		return h.now
	}
	found := h.versions[0]
	for _, v := range h.versions {
		if v.version <= version {
			found = v
		}
	}
	return found
}

// AsWritten returns the columns under the names that they had in files of an instant. A
// column that these files do not have gets a name that nothing has, also when they have
// another column of its name. The columns themselves are returned when no name differs.
// Batches of the result are brought back by Relabel.
func (h *History) AsWritten(columns *Schema, instant string) (*Schema, error) {
	file := h.at(instant)
	if file == h.now || file.version == h.now.version {
		return columns, nil
	}
	names := make(map[int]string)
	file.each(func(c identified) { names[c.id] = c.name })
	record, changed := rename(columns.record, h.now.fields, names)
	if !changed {
		return columns, nil
	}
	return New(record)
}

func (s *Identified) each(visit func(identified)) { eachIdentified(s.fields, visit) }

func eachIdentified(fields []identified, visit func(identified)) {
	for _, f := range fields {
		visit(f)
		eachIdentified(f.fields, visit)
	}
}

// rename gives the fields of a type, whose numbers now has, the names of these numbers.
func rename(t *Type, now []identified, names map[int]string) (*Type, bool) {
	field := func(name string) (identified, bool) {
		i := slices.IndexFunc(now, func(c identified) bool { return c.name == name })
		if i < 0 {
			return identified{}, false
		}
		return now[i], true
	}
	switch t.Kind {
	case Array, Map:
		part := elementField
		if t.Kind == Map {
			part = valueField
		}
		c, ok := field(part)
		if !ok {
			return t, false
		}
		elem, changed := rename(t.Elem, c.fields, names)
		if !changed {
			return t, false
		}
		out := *t
		out.Elem = elem
		return &out, true
	case Record:
		out := *t
		out.Fields = slices.Clone(t.Fields)
		changed := false
		for i := range out.Fields {
			f := &out.Fields[i]
			c, ok := field(f.Name)
			if !ok {
				continue // a column without a number keeps its name
			}
			name, had := names[c.id]
			if !had {
				name = fmt.Sprintf("_hudi_go_absent_%d", c.id)
			}
			inner, inside := rename(f.Type, c.fields, names)
			changed = changed || inside || name != f.Name
			f.Name, f.Type = name, inner
		}
		return &out, changed
	}
	return t, false
}

// Relabel gives the columns of a batch, which differ from those of the schema in names only,
// the schema's names. Nothing is copied. It returns a new reference that the caller releases.
func (s *Schema) Relabel(batch arrow.RecordBatch) arrow.RecordBatch {
	columns := make([]arrow.Array, batch.NumCols())
	for i, c := range batch.Columns() {
		data := renamed(c.Data(), s.arrow.Field(i).Type)
		columns[i] = array.MakeFromData(data)
		data.Release()
	}
	defer func() {
		for _, c := range columns {
			c.Release()
		}
	}()
	return array.NewRecordBatch(s.arrow, columns, batch.NumRows())
}

func renamed(d arrow.ArrayData, t arrow.DataType) arrow.ArrayData {
	nested, ok := t.(arrow.NestedType)
	if !ok || arrow.TypeEqual(d.DataType(), t) {
		d.Retain()
		return d
	}
	children := make([]arrow.ArrayData, len(d.Children()))
	for i, c := range d.Children() {
		children[i] = renamed(c, nested.Fields()[i].Type)
	}
	defer func() {
		for _, c := range children {
			c.Release()
		}
	}()
	return array.NewData(t, d.Len(), d.Buffers(), children, d.NullN(), d.Offset())
}

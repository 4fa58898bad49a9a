package cdc

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/hudi-go/hudi-go/schema"
)

// program stores the images of events of one schema in the rows of the table: it is compiled
// once per schema text and table schema.
type program struct {
	text []byte // of the embedded schema, nil for events without

	// incoming is the schema of rows that have just the columns of the events, nil for events
	// without schema and for schemas that are not of change events.
	incoming *schema.Schema
	misfit   string // the first column of incoming that the table lacks or cannot store

	shape *shape      // nil if the events do not fit the table
	cols  []converter // by source column of the table, nil for columns that events do not have
	keys  []converter // by key column, into the rows of old keys
}

func (p *program) fits() bool { return p.shape != nil }
func (p *program) width() int { return len(p.cols) }

// maxPrograms bounds the schemas that are remembered; the oldest goes first.
const maxPrograms = 32

// programFor returns the program of an embedded schema, or of events without.
func (d *Decoder) programFor(text []byte) (*program, error) {
	if d.conn == nil {
		return nil, nil
	}
	for _, p := range d.programs {
		if string(p.text) == string(text) {
			return p, nil
		}
	}
	p, err := d.compile(slices.Clone(text))
	if err != nil || p == nil {
		return nil, err
	}
	if len(d.programs) == maxPrograms {
		d.programs = slices.Delete(d.programs, 0, 1)
	}
	d.programs = append(d.programs, p)
	return p, nil
}

// compile makes a program. The first schema becomes the table's if none was given.
func (d *Decoder) compile(text []byte) (*program, error) {
	p := &program{text: text}
	var columns []wireField
	if text != nil {
		row, ok, err := parseConnect(text)
		if err != nil || !ok {
			return p, err
		}
		if columns, err = d.incoming(p, row); err != nil {
			return nil, err
		}
		if d.table == nil {
			if err := d.setTable(p.incoming); err != nil {
				return nil, err
			}
		}
	} else {
		if d.table == nil {
			return nil, nil
		}
		for _, f := range d.table.source {
			columns = append(columns, wireField{name: f.Name, wire: declaredWire(f)})
		}
	}
	d.bind(p, columns)
	return p, nil
}

// incoming sets p.incoming and returns the columns of the events with their forms.
func (d *Decoder) incoming(p *program, row *connectSchema) ([]wireField, error) {
	t, w, err := row.record(0)
	if err != nil {
		return nil, err
	}
	fields := slices.Clone(t.(*arrow.StructType).Fields())
	if d.opt.Mode == Upsert {
		for i := range fields {
			fields[i].Nullable = !slices.Contains(d.keys, fields[i].Name)
		}
	}
	s, err := schema.FromArrow(d.opt.name(), arrow.NewSchema(fields, nil))
	if err != nil {
		return nil, fmt.Errorf("the source table's columns: %w", err)
	}
	p.incoming, err = d.rowSchema(s)
	return w.fields, err
}

// name is that of the table, for the names in schemas.
func (o Options) name() string {
	name := o.Topic[strings.LastIndexByte(o.Topic, '.')+1:]
	if name == "" {
		return "cdc"
	}
	return name
}

// bind compiles the converters of the columns.
func (d *Decoder) bind(p *program, columns []wireField) {
	t := d.table
	cols, keys := make([]converter, len(t.source)), make([]converter, len(t.keys))
	names := make([]string, len(t.source))
	for i, f := range t.source {
		names[i] = f.Name
	}
	for i := range columns {
		name := columnName(columns[i].name)
		at := slices.Index(names, name)
		if at >= 0 {
			cols[at] = compile(&columns[i].wire, t.rows.b.Field(at), d.opt.Wire)
			if k := slices.Index(t.keys, at); k >= 0 {
				keys[k] = compile(&columns[i].wire, t.otherKeys.Field(k), d.opt.Wire)
			}
		}
		if (at < 0 || cols[at] == nil) && p.misfit == "" {
			p.misfit = name
		}
	}
	if p.misfit != "" {
		return
	}
	// A payload may have fields that its schema does not: the shape has only those with a converter.
	p.shape, p.cols, p.keys = newShape(), cols, keys
	for i, name := range names {
		if cols[i] != nil {
			p.shape.index[name] = i
		}
	}
}

// rowSchema appends the event columns to a schema that may have them already.
func (d *Decoder) rowSchema(s *schema.Schema) (*schema.Schema, error) {
	record := *s.WithoutMeta().Record()
	record.Fields = append(sourceFieldsOf(&record), d.eventFields()...)
	return schema.New(&record)
}

// sourceFieldsOf returns the fields without those that a decoder adds.
func sourceFieldsOf(record *schema.Type) []schema.Field {
	var fields []schema.Field
	for _, f := range record.Fields {
		if !isEventColumn(f.Name) {
			fields = append(fields, f)
		}
	}
	return fields
}

func isEventColumn(name string) bool {
	switch name {
	case schema.IsDeleted, EventOp, EventTime, KafkaTopic, KafkaPartition, KafkaOffset:
		return true
	}
	return slices.ContainsFunc(connectors, func(c *connector) bool { return c.column == name })
}

// eventFields are the columns that the decoder adds, in their order.
func (d *Decoder) eventFields() []schema.Field {
	field := func(name string, kind schema.Kind) schema.Field {
		return schema.Field{Name: name, Type: &schema.Type{Kind: kind, Nullable: true}, Default: json.RawMessage("null")}
	}
	key := func(name string, kind schema.Kind) schema.Field {
		return schema.Field{Name: name, Type: &schema.Type{Kind: kind}}
	}
	if d.opt.Mode == Append {
		return []schema.Field{
			field(EventOp, schema.String), field(d.conn.column, schema.Long), field(EventTime, schema.Long),
			key(KafkaTopic, schema.String), key(KafkaPartition, schema.Int), key(KafkaOffset, schema.Long),
		}
	}
	return []schema.Field{field(d.conn.column, schema.Long), field(schema.IsDeleted, schema.Boolean)}
}

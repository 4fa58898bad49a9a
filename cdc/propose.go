package cdc

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/hudi-go/hudi-go/internal/base"
	"github.com/hudi-go/hudi-go/schema"
)

// Remark is what the user should know of a proposed column before accepting it.
type Remark struct {
	Column string
	Text   string
}

// Propose infers the columns of a table from sample events that carry no schema. It proposes
// only what loses nothing: whole numbers become long, whatever they count; the remarks say
// where the values look like something more precise, or where the sample says too little. The
// fields of the first message key are not nullable.
//
// Errors wrap ErrMalformed for records that are no change events, and base.ErrInvalid for
// events that carry their schema and for samples without any row.
func Propose(records []Record) (*schema.Schema, []Remark, error) {
	var keys []string
	rows := guess{}
	r := newJSONReader(func(text []byte) (*program, error) {
		if text != nil {
			return nil, fmt.Errorf("the events carry their schema, there is nothing to propose: %w", base.ErrInvalid)
		}
		return nil, nil
	})
	topic := ""
	for i := range records {
		rec := &records[i]
		if len(rec.Value) == 0 {
			continue
		}
		var ev event
		err := r.read(rec.Value, &ev)
		if err == nil && keys == nil {
			keys, err = KeyFields(*rec)
		}
		if err != nil {
			return nil, nil, &RecordError{Topic: rec.Topic, Partition: rec.Partition, Offset: rec.Offset, Err: err}
		}
		topic = rec.Topic
		if after := r.vals[envAfter]; ev.kind == change && ev.hasAfter {
			rows.add(rec.Value, after)
		}
	}
	if rows.kinds == 0 {
		return nil, nil, fmt.Errorf("cdc: no row among %d sample records: take more: %w", len(records), base.ErrInvalid)
	}
	name, namespace := schema.RecordName(Options{Topic: topic}.name())
	var remarks []Remark
	record := rows.record(name, namespace, "", &remarks)
	for i := range record.Fields {
		if f := &record.Fields[i]; slices.Contains(keys, f.Name) {
			f.Type.Nullable, f.Default = false, nil
		}
	}
	s, err := schema.New(record)
	if err != nil {
		return nil, nil, fmt.Errorf("cdc: %w", err)
	}
	return s, remarks, nil
}

// guess is what the values of one column had in common.
type guess struct {
	kinds kinds
	// min and max are those of whole numbers.
	min, max int64
	// texts is what all strings have been.
	texts  textKinds
	padded bool // some string ends in =
	names  []string
	fields []*guess // of objects, by names
	elem   *guess   // of arrays
}

type kinds uint8

const (
	someBool kinds = 1 << iota
	someInt
	someFloat
	someString
	someArray
	someObject
	someNotNumber // NaN and the infinities
)

type textKinds uint8

const (
	zonedText textKinds = 1 << iota
	dateText
	decimalText
	base64Text
	allTexts = zonedText | dateText | decimalText | base64Text
)

func (g *guess) add(b []byte, v value) {
	if v.null(b) {
		return
	}
	text := b[v.start:v.end]
	switch text[0] {
	case 't', 'f':
		g.kinds |= someBool
	case '"':
		g.addText(b, v)
	case '[':
		g.kinds |= someArray
		if g.elem == nil {
			g.elem = &guess{}
		}
		for i := space(b, v.start+1); b[i] != ']'; {
			end, flags := skipValue(b, i, 0)
			g.elem.add(b, value{start: i, end: end, flags: flags})
			if i = space(b, end); b[i] == ',' {
				i = space(b, i+1)
			}
		}
	case '{':
		g.kinds |= someObject
		eachField(b, v.start, func(name []byte, v value) {
			column := columnName(string(name))
			at := slices.Index(g.names, column)
			if at < 0 {
				at = len(g.names)
				g.names, g.fields = append(g.names, column), append(g.fields, &guess{})
			}
			g.fields[at].add(b, v)
		})
	default:
		n, ok := parseInt(text)
		if !ok {
			g.kinds |= someFloat
			return
		}
		if g.kinds&someInt == 0 {
			g.min, g.max = n, n
		}
		g.kinds |= someInt
		g.min, g.max = min(g.min, n), max(g.max, n)
	}
}

func (g *guess) addText(b []byte, v value) {
	var buf []byte
	text, _ := unquote(b, v, &buf)
	if s := string(text); s == "NaN" || s == "Infinity" || s == "-Infinity" {
		g.kinds |= someNotNumber
		return
	}
	if g.kinds&someString == 0 {
		g.texts = allTexts
	}
	g.kinds |= someString
	is := textKinds(0)
	if _, verdict := parseInstant(text); verdict != mismatch && text[len(text)-1] == 'Z' || isInfinity(text) {
		is |= zonedText
	}
	if _, rest, ok := parseDate(text); ok && (len(rest) == 0 || string(rest) == "Z") {
		is |= dateText
	}
	if _, verdict := parseDecimal(text, schema.MaxPrecision, schema.MaxPrecision/2); verdict != mismatch {
		is |= decimalText
	}
	if raw, err := base64.StdEncoding.AppendDecode(nil, text); err == nil && len(raw) <= 16 {
		is |= base64Text
		g.padded = g.padded || len(text) > 0 && text[len(text)-1] == '='
	}
	g.texts &= is
}

// record makes the record type of objects.
func (g *guess) record(name, namespace, path string, remarks *[]Remark) *schema.Type {
	t := &schema.Type{Kind: schema.Record, Name: name, Namespace: namespace}
	for i, field := range g.names {
		inside := field
		if path != "" {
			inside = path + "." + field
		}
		ft := g.fields[i].column(field, t.FullName(), inside, remarks)
		ft.Nullable = true
		f := schema.Field{Name: field, Type: ft, Default: json.RawMessage("null")}
		if g.fields[i].isVariableDecimal() {
			f.Props = map[string]json.RawMessage{"connect.name": json.RawMessage(`"io.debezium.data.VariableScaleDecimal"`)}
		}
		t.Fields = append(t.Fields, f)
	}
	return t
}

func (g *guess) isVariableDecimal() bool {
	return g.kinds == someObject && slices.Equal(g.names, []string{"scale", "value"}) &&
		g.fields[0].kinds == someInt && g.fields[1].kinds == someString && g.fields[1].texts&base64Text != 0
}

// The years from 1990 to 2100, in which numbers look like times.
const minTimeMillis, maxTimeMillis = 631_152_000_000, 4_102_444_800_000

// column makes the type of a column. Arrays and records get their names from the field and
// the record that it is in.
func (g *guess) column(field, parent, path string, remarks *[]Remark) *schema.Type {
	remark := func(text string) { *remarks = append(*remarks, Remark{Column: path, Text: text}) }
	text := &schema.Type{Kind: schema.String}
	switch g.kinds {
	case 0:
		remark("has no value in the sample: declare its type")
		return text
	case someBool:
		return &schema.Type{Kind: schema.Boolean}
	case someInt:
		switch {
		case g.min >= minTimeMillis && g.max <= maxTimeMillis:
			remark("looks like milliseconds since 1970: declare local-timestamp-millis if it is a timestamp")
		case g.min >= minTimeMillis*1000 && g.max <= maxTimeMillis*1000:
			remark("looks like microseconds since 1970: declare local-timestamp-micros if it is a timestamp")
		}
		return &schema.Type{Kind: schema.Long}
	case someFloat, someFloat | someInt, someFloat | someNotNumber, someFloat | someInt | someNotNumber, someNotNumber, someInt | someNotNumber:
		return &schema.Type{Kind: schema.Double}
	case someString, someString | someNotNumber:
		switch {
		case g.texts&zonedText != 0:
			return &schema.Type{Kind: schema.Long, Logical: schema.TimestampMicros}
		case g.texts&dateText != 0:
			return &schema.Type{Kind: schema.Int, Logical: schema.Date}
		case g.texts&decimalText != 0:
			remark("all values are decimal numbers: declare decimal(p,s) if it is one, with decimals as text")
		case g.texts&base64Text != 0 && g.padded:
			remark("all values may be base64: declare decimal(p,s) or bytes if it is one")
		}
		return text
	case someArray:
		elem := g.elem.column(field, parent, path+"."+schema.ListElement, remarks)
		elem.Nullable = true
		return &schema.Type{Kind: schema.Array, Elem: elem}
	case someObject:
		if g.isVariableDecimal() {
			return text
		}
		if len(g.names) > 0 {
			return g.record(field, parent, path, remarks)
		}
	}
	remark("has values of several kinds: they are kept as JSON text")
	return text
}

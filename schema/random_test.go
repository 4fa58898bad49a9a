package schema

import (
	"encoding/json"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// drawer draws schemas that are valid; n makes names unique.
type drawer struct {
	*rapid.T
	n     int
	named []*Type
}

func (d *drawer) next(prefix string) string {
	d.n++
	return fmt.Sprintf("%s%d", prefix, d.n)
}

func (d *drawer) record(depth int) *Type {
	t := &Type{Kind: Record, Name: d.next("R"), Doc: rapid.SampledFrom([]string{"", "doc \" <é>"}).Draw(d.T, "doc")}
	d.namespace(t)
	for range rapid.IntRange(0, 5).Draw(d.T, "fields") {
		f := Field{Name: d.next("f"), Type: d.typ(depth - 1)}
		if f.Type.Nullable && !f.Type.NullLast {
			f.Default = json.RawMessage("null")
		}
		if rapid.Bool().Draw(d.T, "attributes") {
			f.Props = map[string]json.RawMessage{"x": json.RawMessage(`{"y":[1,"2"]}`), "order": json.RawMessage(`"ignore"`)}
			f.Aliases = []string{d.next("old")}
		}
		t.Fields = append(t.Fields, f)
	}
	if t.Fields == nil {
		t.Fields = []Field{}
	}
	d.named = append(d.named, t)
	return t
}

func (d *drawer) namespace(t *Type) {
	t.Namespace = rapid.SampledFrom([]string{"", "n", "n.m", "hoodie.T.T_record"}).Draw(d.T, "namespace")
}

func (d *drawer) typ(depth int) *Type {
	t := d.plain(depth)
	u := *t
	if rapid.Bool().Draw(d.T, "nullable") {
		u.Nullable, u.NullLast = true, rapid.Bool().Draw(d.T, "last")
	}
	return &u
}

func (d *drawer) plain(depth int) *Type {
	kinds := []Kind{Boolean, Int, Long, Float, Double, Bytes, String, Fixed, Enum}
	if depth > 0 {
		kinds = append(kinds, Array, Map, Record)
	}
	if len(d.named) > 0 && rapid.Bool().Draw(d.T, "again") {
		return rapid.SampledFrom(d.named).Draw(d.T, "which")
	}
	t := &Type{Kind: rapid.SampledFrom(kinds).Draw(d.T, "kind")}
	switch t.Kind {
	case Record:
		return d.record(depth)
	case Array, Map:
		t.Elem = d.typ(depth - 1)
		return t
	case Enum:
		t.Name, t.Symbols = d.next("E"), []string{"A", "B"}
	case Fixed:
		t.Name, t.Size = d.next("F"), rapid.IntRange(0, 20).Draw(d.T, "size")
	}
	if t.named() {
		d.namespace(t)
		d.named = append(d.named, t)
	}
	var fit []Logical
	for l := NoLogical; l <= UUID; l++ {
		refined := *t
		refined.Logical, refined.Precision = l, 1
		if l.fits(&refined) {
			fit = append(fit, l)
		}
	}
	t.Logical = rapid.SampledFrom(fit).Draw(d.T, "logical")
	if t.Logical == Decimal {
		limit := MaxPrecision
		if t.Kind == Fixed {
			limit = min(limit, maxPrecision(t.Size))
		}
		t.Precision = rapid.IntRange(1, limit).Draw(d.T, "precision")
		t.Scale = rapid.IntRange(0, t.Precision).Draw(d.T, "scale")
	}
	return t
}

func drawSchema(t *rapid.T) *Schema {
	d := &drawer{T: t}
	s, err := New(d.record(4))
	require.NoError(t, err)
	return s
}

func TestRandomSchemas(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := drawSchema(t)
		again, err := Parse(s.Avro())
		require.NoError(t, err)
		require.Equal(t, s.Avro(), again.Avro())
		require.Equal(t, s.Record(), again.Record())
		require.True(t, s.Equal(again))
		require.True(t, s.Arrow().Equal(again.Arrow()))

		meta := s.WithMeta()
		require.Equal(t, s.Avro(), meta.WithoutMeta().Avro())
		rebuilt, err := New(meta.Record())
		require.NoError(t, err)
		require.Equal(t, rebuilt.Avro(), meta.Avro())
		require.True(t, rebuilt.Arrow().Equal(meta.Arrow()))

		// A table made of the Arrow form takes the same rows, and its schema is stable.
		table, err := FromArrow("T", s.Arrow())
		require.NoError(t, err)
		require.True(t, s.Arrow().Equal(table.Arrow()))
		same, err := FromArrow("T", table.Arrow())
		require.NoError(t, err)
		require.Equal(t, table.Avro(), same.Avro())
		evolved, err := Evolve(table, same)
		require.NoError(t, err)
		require.Same(t, table, evolved)
		evolved, err = Evolve(s, table)
		require.NoError(t, err)
		require.Same(t, s, evolved)
	})
}

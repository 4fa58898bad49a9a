package hudi_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"

	"github.com/hudi-go/hudi-go/hudi"
	"github.com/hudi-go/hudi-go/query"
	"github.com/hudi-go/hudi-go/table"
)

// event is what the CDC view says of a row.
type event struct{ op, before, after, key string }

// events answers the CDC view, in the order of the writes.
func events(ctx context.Context, tab *hudi.Table, m *model, o query.Options) ([]event, error) {
	o.View = query.CDC
	plan, err := tab.Query(ctx, o)
	if errors.Is(err, table.ErrNoSchema) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var out []event
	for batch, err := range plan.Rows(ctx) {
		if err != nil {
			return nil, err
		}
		ops := batch.Column(0).(*array.String)
		for i := range int(batch.NumRows()) {
			e := event{op: strings.Clone(ops.Value(i))}
			for _, at := range []int{3, 2} {
				r, ok := image(batch.Column(at), i)
				if !ok {
					continue
				}
				if e.key = m.path(r) + "/" + r.id; at == 2 {
					e.before = r.String()
				} else {
					e.after = r.String()
				}
			}
			out = append(out, e)
		}
	}
	return out, nil
}

// image is a row in a column of the CDC view.
func image(a arrow.Array, row int) (r rec, ok bool) {
	s := a.(*array.Struct)
	if s.IsNull(row) {
		return r, false
	}
	r = rec{id: strings.Clone(s.Field(0).(*array.String).Value(row)), val: strings.Clone(s.Field(2).(*array.String).Value(row))}
	if part := s.Field(1).(*array.String); part.IsValid(row) {
		r.part = ptr(strings.Clone(part.Value(row)))
	}
	if ts := s.Field(3).(*array.Int64); ts.IsValid(row) {
		r.ts = ptr(ts.Value(row))
	}
	return r, true
}

// replay makes the table of what it was and its changes.
func replay(ctx context.Context, tab *hudi.Table, m *model, o query.Options, rows map[string]string) ([]string, error) {
	list, err := events(ctx, tab, m, o)
	if err != nil {
		return nil, err
	}
	for _, e := range list {
		was, is := rows[e.key]
		switch {
		case e.op == "i" && is, e.op != "i" && !is, is && was != e.before:
			return nil, fmt.Errorf("change %v of a row that is %q", e, was)
		case e.op == "d":
			delete(rows, e.key)
		default:
			rows[e.key] = e.after
		}
	}
	out := []string{}
	for _, r := range rows {
		out = append(out, r)
	}
	slices.Sort(out)
	return out, nil
}

package hudi_test

import (
	"context"
	"errors"
	"slices"

	"github.com/hudi-go/hudi-go/hudi"
)

// indexScenarios adds scenarios of indexes of keys, and gives the others a secondary index where
// the kind has one. withBefore is the model of the table after two writes.
func indexScenarios(k kind, withBefore *model, s map[string]scenario) {
	begin := op{name: "secondary index", model: func(*model) {}, do: func(ctx context.Context, tab *hudi.Table) error {
		_, err := tab.CreateSecondaryIndex(ctx, hudi.SecondaryIndexOptions{Column: "val", FileGroups: 2})
		return err
	}}
	if k.records {
		again := op{name: "index anew", model: func(*model) {}, do: func(ctx context.Context, tab *hudi.Table) error {
			if k.secondary {
				return errors.Join(tab.DropIndex(ctx, "secondary_index_val"), begin.do(ctx, tab))
			}
			if err := tab.DropIndex(ctx, "record_index"); err != nil {
				return err
			}
			return tab.CreateRecordIndex(ctx, hudi.RecordIndexOptions{FileGroups: 2})
		}}
		s["rollback of a write that the index began with"] = scenario{everywhere: true, before: []op{first, second, third, again}, cut: rollbackLast(withBefore)}
	}
	if k.records && !k.secondary && k.version != 6 {
		s["a secondary index that begins"] = scenario{before: []op{first, second, third}, cut: begin, service: true}
	}
	if !k.secondary {
		return
	}
	for name, c := range s {
		if len(c.before) > 0 { // the table has columns then
			c.before = slices.Insert(slices.Clone(c.before), 1, begin)
			s[name] = c
		}
	}
}

package table

import (
	"context"
	"fmt"
	"slices"

	"github.com/hudi-go/hudi-go/internal/base"
	"github.com/hudi-go/hudi-go/schema"
	"github.com/hudi-go/hudi-go/timeline"
)

// ErrNoSchema says that nobody has said yet what a table's rows look like. It is of the kind
// base.ErrInvalid.
var ErrNoSchema = fmt.Errorf("the table has no schema yet; write rows, or create it with a schema: %w", base.ErrInvalid)

// RecordSchema is the schema of the table's rows, without meta columns, as of the last
// completed write. A table that has neither a write nor a schema of its own wraps
// ErrNoSchema.
func (c *Config) RecordSchema(ctx context.Context, tl *timeline.Timeline) (*schema.Schema, error) {
	return c.RecordSchemaAt(ctx, tl, "")
}

// RecordSchemaAt is RecordSchema as of the last write or service with a requested time at or
// before at; "" is the last write of all. A compaction has the schema of when it was carried out,
// which may be newer than its time; real Hudi goes by it too.
func (c *Config) RecordSchemaAt(ctx context.Context, tl *timeline.Timeline, at string) (*schema.Schema, error) {
	text, err := writtenSchema(ctx, tl, at)
	if err != nil {
		return nil, err
	}
	if text == "" {
		text = c.CreateSchema
	}
	if text == "" {
		return nil, fmt.Errorf("table: %s: %w", c.Name, ErrNoSchema)
	}
	s, err := schema.Parse(text)
	if err != nil {
		return nil, fmt.Errorf("table: schema of %s: %w", c.Name, err)
	}
	if s.HasMeta() {
		s = s.WithoutMeta()
	}
	if !c.DropPartitionColumns {
		return s, nil
	}
	// Columns that live in folder names only read as text.
	record := *s.Record()
	record.Fields = slices.Clone(record.Fields)
	for _, name := range c.PartitionBy {
		if _, _, ok := s.Field(name); !ok {
			record.Fields = append(record.Fields, schema.Field{
				Name:    name,
				Type:    &schema.Type{Kind: schema.String, Nullable: true},
				Default: []byte("null"),
			})
		}
	}
	return schema.New(&record)
}

// writtenSchema returns the schema text of the last completed write that has one, "" for
// none.
func writtenSchema(ctx context.Context, tl *timeline.Timeline, at string) (string, error) {
	m, err := schemaCommit(ctx, tl, at, at != "")
	if err != nil || m == nil {
		return "", err
	}
	return m.ExtraMetadata[timeline.SchemaKey], nil
}

// schemaCommit returns what the last completed write with a schema did, of those requested
// at or before at ("" for all); nil for none. Services, which keep the schema they found,
// count as others do, or only when no other write is left.
func schemaCommit(ctx context.Context, tl *timeline.Timeline, at string, services bool) (*timeline.CommitMetadata, error) {
	var fallback *timeline.CommitMetadata
	for _, i := range slices.Backward(tl.CompletedWrites()) {
		if at != "" && i.Time > at {
			continue
		}
		m, err := tl.CommitMetadata(ctx, i)
		if err != nil {
			return nil, err
		}
		switch {
		case m.ExtraMetadata[timeline.SchemaKey] == "":
		case !services && keepsSchema(m.OperationType):
			if fallback == nil {
				fallback = m
			}
		default:
			return m, nil
		}
	}
	if fallback != nil || at == "" || !tl.BeforeStart(at) {
		return fallback, nil
	}
	archived, err := tl.ArchivedWrites(ctx, "")
	if err != nil {
		return nil, err
	}
	for _, w := range slices.Backward(archived) {
		if w.Time <= at && w.Commit.ExtraMetadata[timeline.SchemaKey] != "" && (services || !keepsSchema(w.Commit.OperationType)) {
			return w.Commit, nil
		}
	}
	return nil, nil
}

// keepsSchema says whether an operation takes its schema over from the writes before it.
func keepsSchema(operation string) bool {
	switch operation {
	case timeline.OpCluster, timeline.OpCompact, timeline.OpLogCompact, timeline.OpIndex:
		return true
	}
	return false
}

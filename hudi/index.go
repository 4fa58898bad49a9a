package hudi

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/hudi-go/hudi-go/internal/base"
	"github.com/hudi-go/hudi-go/internal/conf"
	"github.com/hudi-go/hudi-go/internal/metadata"
	"github.com/hudi-go/hudi-go/internal/txn"
	"github.com/hudi-go/hudi-go/recovery"
	"github.com/hudi-go/hudi-go/table"
)

// partitionedSince is the table version from which on record indexes may be partitioned.
const partitionedSince = 9

// recordOptions says whether the table gets a record index, and what it is like. The global one
// and the partitioned one exclude each other.
func recordOptions(h *table.Handle, props conf.Options) error {
	global, err := props.On(conf.RecordIndex)
	if err != nil {
		return err
	}
	partitioned, err := props.On(conf.RecordPartitioned)
	switch {
	case err != nil:
		return err
	case !global && !partitioned:
		return nil
	case global && partitioned:
		return fmt.Errorf("table %s: hoodie.metadata.global.record.level.index.enable and hoodie.metadata.record.level.index.enable exclude each other: %w", h.Config.Name, base.ErrInvalid)
	case partitioned && h.Config.Version < partitionedSince:
		return fmt.Errorf("table %s: hoodie.metadata.record.level.index.enable needs a table of version %d, and it has %d: %w", h.Config.Name, partitionedSince, h.Config.Version, base.ErrInvalid)
	}
	h.RecordIndex = &table.RecordIndex{Partitioned: partitioned}
	least, most := conf.RecordGroupsMin, conf.RecordGroupsMax
	if partitioned {
		least, most = conf.PartGroupsMin, conf.PartGroupsMax
	}
	if h.RecordIndex.Least, err = props.Int(least); err != nil {
		return err
	}
	h.RecordIndex.Most, err = props.Int(most)
	return err
}

// Index is an index of a table's metadata table.
type Index struct {
	// Name is that of its partition of the metadata table: record_index, column_stats, ….
	Name string `json:"name"`
	// Of are the columns that it is of, where it says so.
	Of []string `json:"columns,omitempty"`
	// Partitioned says of a record index that a key is unique within its partition only.
	Partitioned bool `json:"partitioned,omitempty"`
	// Building says that somebody is making it, or has died while he did; nobody reads it.
	Building bool `json:"building,omitempty"`
	// FileGroups and Bytes are how large it is.
	FileGroups int   `json:"fileGroups"`
	Bytes      int64 `json:"bytes"`
}

// Indexes lists the indexes of the table's metadata table, by name.
func (t *Table) Indexes(ctx context.Context) ([]Index, error) {
	c := t.Config()
	defined, err := metadata.Definitions(ctx, t.handle.Store, c)
	if err != nil {
		return nil, err
	}
	building := c.MetadataInflight()
	names := slices.Concat(c.MetadataPartitions, building)
	slices.Sort(names)
	var out []Index
	for _, name := range slices.Compact(names) {
		if name == metadata.Files {
			continue
		}
		i := Index{Name: name, Of: defined[name].Fields, Building: slices.Contains(building, name)}
		if name == metadata.RecordIndex {
			if i.Partitioned, err = metadata.RecordsPartitioned(ctx, t.handle.Store, c); err != nil {
				return nil, err
			}
		}
		slices, err := txn.MetadataSlices(ctx, t.handle, name)
		if err != nil {
			return nil, err
		}
		i.FileGroups = len(slices)
		for _, s := range slices {
			i.Bytes += s.Size()
		}
		out = append(out, i)
	}
	return out, nil
}

// RecordIndexOptions say what a record index is to be like.
type RecordIndexOptions struct {
	// Partitioned says that a key is unique within its partition only; from version 9 on.
	Partitioned bool
	// FileGroups is how many file groups it gets, or each partition of the table in a
	// partitioned one; 0 lets the number of rows decide.
	FileGroups int
}

// CreateRecordIndex gives the table a record index, and a metadata table if it has none: where
// the row of each key is, which writers keep in step from then on, and by which they and readers
// find rows. A table that has one wraps ErrInvalid. Open the table again to read by it.
func (t *Table) CreateRecordIndex(ctx context.Context, o RecordIndexOptions) error {
	if o.Partitioned && t.Config().Version < partitionedSince {
		return fmt.Errorf("create a record index of %s: one by partitions needs a table of version %d, and it has %d: %w", t.URI(), partitionedSince, t.Config().Version, base.ErrInvalid)
	}
	h := *t.handle
	h.RecordIndex = &table.RecordIndex{Partitioned: o.Partitioned, Least: int64(o.FileGroups), Most: int64(o.FileGroups)}
	if h.Metadata == table.MetadataKeep {
		h.Metadata = table.MetadataMake
	}
	if _, err := recovery.Recover(ctx, &h); err != nil {
		return err
	}
	return txn.BeginRecordIndex(ctx, &h)
}

// SecondaryIndexOptions say what a secondary index is to be like.
type SecondaryIndexOptions struct {
	// Column is the column that it is of: a string, an int or a long.
	Column string
	// Name is what follows secondary_index_ in the index's name, "" for the column's.
	Name string
	// FileGroups is how many file groups it gets; 0 lets the number of rows decide.
	FileGroups int
}

// CreateSecondaryIndex gives the table a secondary index, and returns its name: which rows have a
// value in a column. Writers keep it in step from then on, and readers find rows by it: so a key must have one row in the whole
// table, for of a key in two partitions it names one. It needs a
// record index, which the table gets if it has none. A table that has it, or that has a record index
// by partitions, wraps ErrInvalid; a type of column whose values real Hudi's releases write in different ways
// wraps ErrUnsupported, as does a table before version 8. Open the table again to read by it.
func (t *Table) CreateSecondaryIndex(ctx context.Context, o SecondaryIndexOptions) (name string, err error) {
	if v := t.Config().Version; v < secondarySince {
		return "", fmt.Errorf("create a secondary index of %s: it needs a table of version %d, and this one has %d: %w", t.URI(), secondarySince, v, base.ErrUnsupported)
	}
	short := cmp.Or(strings.TrimPrefix(o.Name, metadata.SecondaryIndex), o.Column)
	if !indexName(short) {
		return "", fmt.Errorf("create a secondary index of %s: the name %q has other characters than letters, digits and underscores: %w", t.URI(), short, base.ErrInvalid)
	}
	if t.handle.Metadata == table.MetadataDrop {
		return "", fmt.Errorf("create a secondary index of %s: options switch its metadata table off (hoodie.metadata.enable=false): %w", t.URI(), base.ErrInvalid)
	}
	h := *t.handle
	h.Secondary = &table.SecondaryIndex{Name: short, Column: o.Column, Least: int64(o.FileGroups), Most: int64(o.FileGroups)}
	if h.RecordIndex == nil {
		h.RecordIndex = &table.RecordIndex{}
	}
	if h.Metadata == table.MetadataKeep {
		h.Metadata = table.MetadataMake
	}
	if _, err := recovery.Recover(ctx, &h); err != nil {
		return "", err
	}
	return metadata.SecondaryIndex + short, txn.BeginSecondaryIndex(ctx, &h)
}

// secondarySince is the table version from which on tables may have secondary indexes.
const secondarySince = 8

// indexName tells whether a text can be the name of an index, which is part of file names.
func indexName(s string) bool {
	plain := func(r rune) bool {
		return r == '_' || r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z'
	}
	return s != "" && !strings.ContainsFunc(s, func(r rune) bool { return !plain(r) })
}

// DropIndex takes an index of the metadata table away, by its name. With the record index go the
// secondary indexes, with the statistics of columns those of partitions.
func (t *Table) DropIndex(ctx context.Context, name string) error {
	now, err := table.LoadConfig(ctx, t.handle.Store)
	if err != nil {
		return err
	}
	there := slices.Concat(now.MetadataPartitions, now.MetadataInflight())
	if name == metadata.Files || !slices.Contains(there, name) {
		return fmt.Errorf("drop index %s of %s: it has no such index: %w", name, t.URI(), base.ErrInvalid)
	}
	h := *t.handle
	h.MetadataWithout = append(slices.Clone(h.MetadataWithout), name)
	if name == metadata.ColumnStats {
		h.MetadataWithout = append(h.MetadataWithout, metadata.PartitionStats)
	}
	return txn.DropIndexes(ctx, &h)
}

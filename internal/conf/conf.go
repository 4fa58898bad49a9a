// Package conf knows the hoodie.* options of writers and services: their names, their
// older names, types and defaults. A table's own properties are package table's.
package conf

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/hudi-go/hudi-go/internal/base"
)

// Option is an option that has an effect.
type Option struct {
	key     string
	aliases []string // older names
	preset  string
}

// The options that have an effect here.
var (
	MaxFileSize        = &Option{key: "hoodie.parquet.max.file.size", preset: "125829120"}
	SmallFileLimit     = &Option{key: "hoodie.parquet.small.file.limit", preset: "104857600"}
	SmallFileCount     = &Option{key: "hoodie.merge.small.file.group.candidates.limit", preset: "1"}
	InsertAutoSplit    = &Option{key: "hoodie.copyonwrite.insert.auto.split", preset: "true"}
	InsertSplitSize    = &Option{key: "hoodie.copyonwrite.insert.split.size", preset: "500000"}
	RecordSize         = &Option{key: "hoodie.copyonwrite.record.size.estimate", preset: "1024"}
	RecordSizeLearn    = &Option{key: "hoodie.record.size.estimation.threshold", preset: "0.01"} // real Hudi's 1 learns nothing from commits below 100 MB
	Codec              = &Option{key: "hoodie.parquet.compression.codec", preset: "zstd"}
	LogBlockSize       = &Option{key: "hoodie.logfile.data.block.max.size", preset: "67108864"}
	IndexType          = &Option{key: "hoodie.index.type"}
	BucketCount        = &Option{key: "hoodie.bucket.index.num.buckets"}
	BucketHashField    = &Option{key: "hoodie.bucket.index.hash.field"}
	BucketEngine       = &Option{key: "hoodie.index.bucket.engine"}
	SimpleIndexMoves   = &Option{key: "hoodie.simple.index.update.partition.path", preset: "true"}
	RecordIndexMoves   = &Option{key: "hoodie.record.index.update.partition.path", preset: "false"}
	BloomIndexMoves    = &Option{key: "hoodie.bloom.index.update.partition.path", preset: "true"}
	CompactInline      = &Option{key: "hoodie.compact.inline", preset: "true"}
	CompactAfter       = &Option{key: "hoodie.compact.inline.max.delta.commits", preset: "5"}
	CompactTargetIO    = &Option{key: "hoodie.compaction.target.io", preset: "512000"}
	CleanAutomatic     = &Option{key: "hoodie.clean.automatic", preset: "true"}
	CleanCommits       = &Option{key: "hoodie.clean.commits.retained", aliases: []string{"hoodie.cleaner.commits.retained"}, preset: "10"}
	ArchiveAutomatic   = &Option{key: "hoodie.archive.automatic", preset: "false"}
	KeepMin            = &Option{key: "hoodie.keep.min.commits", preset: "20"}
	KeepMax            = &Option{key: "hoodie.keep.max.commits", preset: "30"}
	PayloadClass       = &Option{key: "hoodie.datasource.write.payload.class", aliases: []string{"hoodie.compaction.payload.class"}}
	MetadataEnable     = &Option{key: "hoodie.metadata.enable"}
	MetadataCompact    = &Option{key: "hoodie.metadata.compact.max.delta.commits", preset: "10"}
	ColumnStats        = &Option{key: "hoodie.metadata.index.column.stats.enable"}
	PartitionStats     = &Option{key: "hoodie.metadata.index.partition.stats.enable"}
	BloomFilters       = &Option{key: "hoodie.metadata.index.bloom.filter.enable"}
	RecordIndex        = &Option{key: "hoodie.metadata.global.record.level.index.enable", aliases: []string{"hoodie.metadata.record.index.enable"}}
	RecordGroupsMin    = &Option{key: "hoodie.metadata.global.record.level.index.min.filegroup.count", aliases: []string{"hoodie.metadata.record.index.min.filegroup.count"}}
	RecordGroupsMax    = &Option{key: "hoodie.metadata.global.record.level.index.max.filegroup.count", aliases: []string{"hoodie.metadata.record.index.max.filegroup.count"}}
	RecordPartitioned  = &Option{key: "hoodie.metadata.record.level.index.enable"}
	PartGroupsMin      = &Option{key: "hoodie.metadata.record.level.index.min.filegroup.count", aliases: []string{"hoodie.metadata.partitioned.record.index.min.filegroup.count"}}
	PartGroupsMax      = &Option{key: "hoodie.metadata.record.level.index.max.filegroup.count", aliases: []string{"hoodie.metadata.partitioned.record.index.max.filegroup.count"}}
	PartitionsToDelete = &Option{key: "hoodie.datasource.write.partitions.to.delete"}
	CombineInsert      = &Option{key: "hoodie.combine.before.insert", preset: "false"}
	DropDuplicates     = &Option{key: "hoodie.datasource.write.insert.drop.duplicates", preset: "false"}
	DuplicatePolicy    = &Option{key: "hoodie.datasource.write.insert.dup.policy", preset: "none"}
	BulkInsertSort     = &Option{key: "hoodie.bulkinsert.sort.mode", preset: "NONE"}
	LockWait           = &Option{key: "hoodie.write.lock.wait_time_ms", preset: "60000"}
	ClockSkew          = &Option{key: "hoodie.time.generator.max_expected_clock_skew_ms"}
	HeartbeatInterval  = &Option{key: "hoodie.client.heartbeat.interval_in_ms", preset: "60000"}
	SetNullForMissing  = &Option{key: "hoodie.write.set.null.for.missing.columns", preset: "false"}
	DropMissing        = &Option{key: "hoodie.datasource.write.schema.allow.auto.evolution.column.drop", preset: "false"}
	ReconcileSchema    = &Option{key: "hoodie.datasource.write.reconcile.schema", preset: "false"}
	ValidateSchema     = &Option{key: "hoodie.avro.schema.validate", preset: "false"}
	effective          = []*Option{MaxFileSize, SmallFileLimit, SmallFileCount, InsertAutoSplit, InsertSplitSize, RecordSize, RecordSizeLearn, Codec, LogBlockSize, IndexType, BucketCount, BucketHashField, BucketEngine, SimpleIndexMoves, BloomIndexMoves, CompactInline, CompactAfter, CompactTargetIO, CleanAutomatic, CleanCommits, ArchiveAutomatic, KeepMin, KeepMax, PayloadClass, MetadataEnable, MetadataCompact, ColumnStats, PartitionStats, BloomFilters, RecordIndex, PartitionsToDelete, CombineInsert, DropDuplicates, DuplicatePolicy, BulkInsertSort, LockWait, ClockSkew, HeartbeatInterval, RecordIndexMoves, RecordGroupsMin, RecordGroupsMax, RecordPartitioned, PartGroupsMin, PartGroupsMax, SetNullForMissing, DropMissing, ReconcileSchema, ValidateSchema}
	tablePropertyRoots = []string{"hoodie.table.", "hoodie.record.merge.", "hoodie.datasource.write.", "hoodie.keygen.", "hoodie.populate.meta.fields", "hoodie.database.name"}
)

// Options are options by name, as a user gave them.
type Options map[string]string

// Get returns an option as text.
func (o Options) Get(k *Option) string {
	for _, name := range append([]string{k.key}, k.aliases...) {
		if v, ok := o[name]; ok {
			return v
		}
	}
	return k.preset
}

// Has tells whether the user gave the option.
func (o Options) Has(k *Option) bool {
	return slices.ContainsFunc(append([]string{k.key}, k.aliases...), func(name string) bool { _, ok := o[name]; return ok })
}

// Under returns the options with what stored has for those that were not given: a table may
// have been created with options for its writers.
func (o Options) Under(stored func(name string) (string, bool)) Options {
	out := maps.Clone(o)
	if out == nil {
		out = Options{}
	}
	for _, k := range effective {
		if o.Has(k) {
			continue
		}
		for _, name := range append([]string{k.key}, k.aliases...) {
			if v, ok := stored(name); ok {
				out[name] = v
				break
			}
		}
	}
	return out
}

// Int returns an option as a whole number.
func (o Options) Int(k *Option) (int64, error) {
	text := o.Get(k)
	if text == "" {
		return 0, nil
	}
	n, err := strconv.ParseInt(strings.TrimSpace(text), 10, 64)
	if err != nil || n < 0 {
		return 0, fmt.Errorf("option %s=%q: want a whole number: %w", k.key, text, base.ErrInvalid)
	}
	return n, nil
}

// Float returns an option as a number.
func (o Options) Float(k *Option) (float64, error) {
	v, err := strconv.ParseFloat(strings.TrimSpace(o.Get(k)), 64)
	if err != nil || !(v >= 0) {
		return 0, fmt.Errorf("option %s=%q: want a number: %w", k.key, o.Get(k), base.ErrInvalid)
	}
	return v, nil
}

// Bool returns an option as true or false.
func (o Options) Bool(k *Option) (bool, error) {
	b, err := strconv.ParseBool(strings.TrimSpace(o.Get(k)))
	if err != nil {
		return false, fmt.Errorf("option %s=%q: want true or false: %w", k.key, o.Get(k), base.ErrInvalid)
	}
	return b, nil
}

// Given returns an option as true or false, and whether the user gave it.
func (o Options) Given(k *Option) (on, given bool, err error) {
	if !o.Has(k) {
		return false, false, nil
	}
	on, err = o.Bool(k)
	return on, true, err
}

// On tells whether the user has switched an option on.
func (o Options) On(k *Option) (bool, error) {
	if !o.Has(k) {
		return false, nil
	}
	return o.Bool(k)
}

// Unknown returns, for each name that is no Hudi option we have heard of, a warning that
// names the nearest known one.
func (o Options) Unknown() []string {
	var warnings []string
	for _, name := range slices.Sorted(maps.Keys(o)) {
		if known(name) {
			continue
		}
		w := fmt.Sprintf("option %s is not known", name)
		if near := nearest(name); near != "" {
			w += "; did you mean " + near + "?"
		}
		warnings = append(warnings, w)
	}
	return warnings
}

func known(name string) bool {
	for _, k := range effective {
		if name == k.key || slices.Contains(k.aliases, name) {
			return true
		}
	}
	if slices.Contains(withoutEffect, name) {
		return true
	}
	return slices.ContainsFunc(tablePropertyRoots, func(root string) bool { return strings.HasPrefix(name, root) })
}

// nearest is the known name that differs least, if any is near.
func nearest(name string) string {
	best, at := len(name)/3+1, ""
	for _, k := range effective {
		if d := distance(name, k.key); d < best {
			best, at = d, k.key
		}
	}
	for _, k := range withoutEffect {
		if d := distance(name, k); d < best {
			best, at = d, k
		}
	}
	return at
}

// distance counts the letters to insert, remove or change to get from a to b.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			change := diagonal
			if a[i] != b[j] {
				change++
			}
			diagonal = row[j+1]
			row[j+1] = min(change, row[j+1]+1, row[j]+1)
		}
	}
	return row[len(b)]
}

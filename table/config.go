// Package table knows what a Hudi table is: its configuration, hoodie.properties, and the
// view of its files, which decides for every reader, writer and service what is visible.
package table

import (
	"context"
	"fmt"
	"hash/crc32"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/hudi-go/hudi-go/internal/base"
	"github.com/hudi-go/hudi-go/storage"
	"github.com/hudi-go/hudi-go/timeline"
)

// Type is how a table keeps updates.
type Type string

// The table types.
const (
	// COW (copy on write) rewrites base files.
	COW Type = "COPY_ON_WRITE"
	// MOR (merge on read) appends log files, which compaction merges later.
	MOR Type = "MERGE_ON_READ"
)

// The base file formats.
const (
	Parquet = "PARQUET"
	HFile   = "HFILE"
)

// Config is a table's configuration, resolved from the names and defaults of its version.
// To make a table start from NewConfig and pass it to Create.
type Config struct {
	Name     string
	Database string
	// Version is the table version, 6, 8 or 9; InitialVersion the one it was made with.
	Version        int
	InitialVersion int
	Type           Type

	// Keys are the record key fields, none in tables with generated keys. PartitionBy are
	// the partition fields, none in unpartitioned tables; PartitionKinds has the kind
	// (SIMPLE, TIMESTAMP) of each under the custom key generator and is nil otherwise.
	Keys           []string
	PartitionBy    []string
	PartitionKinds []string
	// Ordering are the fields that say which version of a row is newer, the most
	// important first.
	Ordering []string
	// KeyGen is one of the KeyGen kinds, or a class of the user's.
	KeyGen string

	// MergeMode and PartialUpdate are the effective modes: those of Hudi's own payload
	// classes are resolved. MergeProps are merge properties without their prefix.
	MergeMode     string
	PartialUpdate string
	MergeProps    map[string]string
	PayloadClass  string
	StrategyID    string

	// MetaFields is set when rows have values in the _hoodie_ columns.
	MetaFields           bool
	HiveStyle            bool
	URLEncode            bool
	SlashDates           bool
	DropPartitionColumns bool
	// UTC says that instant times are in UTC and not in the zone of the writing process.
	UTC bool
	// BaseFormat is Parquet, or HFile in metadata tables.
	BaseFormat string
	// MetafileInBaseFormat says that partitions are marked by .hoodie_partition_metadata.parquet.
	MetafileInBaseFormat bool

	// CDC is set when writers log changes; CDCMode says which images.
	CDC     bool
	CDCMode string

	// MetadataPartitions are the partitions of the metadata table that readers may use.
	MetadataPartitions []string
	// CreateSchema is the Avro schema that the table was created with, "" for none.
	CreateSchema string
	// Index is how writers find rows; its Kind is "" when the table does not say.
	Index IndexConfig

	// Extra are further properties for Create, by their full names.
	Extra map[string]string

	props   *Properties // stored
	options *Properties // of the writer, for what is not stored
}

// IndexConfig is the writer's index as stored with the table.
type IndexConfig struct {
	// Kind is a value of hoodie.index.type in upper case.
	Kind string
	// Buckets and HashField belong to the kind BUCKET. HashField is a subset of the keys.
	Buckets   int
	HashField []string
	// Consistent says that the kind BUCKET hashes consistently (hoodie.index.bucket.engine);
	// Buckets is then the number in new partitions. Tables of real Hudi do not say it.
	Consistent bool
}

// consistentHashing is the other bucket engine than SIMPLE.
const consistentHashing = "CONSISTENT_HASHING"

// Index kinds.
const (
	IndexSimple       = "SIMPLE"
	IndexGlobalSimple = "GLOBAL_SIMPLE"
	IndexBloom        = "BLOOM"
	IndexGlobalBloom  = "GLOBAL_BLOOM"
	IndexBucket       = "BUCKET"
	IndexRecord       = "RECORD_INDEX"
	// IndexGlobalRecord is the newer name of IndexRecord; IndexPartRecord is by partitions.
	IndexGlobalRecord = "GLOBAL_RECORD_LEVEL_INDEX"
	IndexPartRecord   = "RECORD_LEVEL_INDEX"
)

// Global tells whether a key of the table has one row whatever its partition.
func (c IndexConfig) Global() bool {
	return c.Kind == IndexGlobalSimple || c.Kind == IndexGlobalBloom || c.Kind == IndexRecord || c.Kind == IndexGlobalRecord
}

var indexKinds = []string{IndexSimple, IndexGlobalSimple, IndexBloom, IndexGlobalBloom, IndexBucket, IndexRecord, IndexGlobalRecord, IndexPartRecord}

// CDC supplemental logging modes.
const (
	CDCKeys        = "OP_KEY_ONLY"
	CDCBefore      = "DATA_BEFORE"
	CDCBeforeAfter = "DATA_BEFORE_AFTER"
)

// NewConfig returns the defaults of a new table: copy on write, current version, meta
// fields, times in UTC.
func NewConfig(name string) Config {
	return Config{
		Name:           name,
		Version:        CurrentVersion,
		InitialVersion: CurrentVersion,
		Type:           COW,
		MetaFields:     true,
		UTC:            true,
		BaseFormat:     Parquet,
		CDCMode:        CDCBeforeAfter,
	}
}

// configOf resolves stored properties. Properties that cannot be understood wrap
// base.ErrCorrupt, features that are not there base.ErrUnsupported.
func configOf(p *Properties) (*Config, error) {
	r := reader{props: p}
	c := &Config{
		Name:                 r.text(keyName, ""),
		Database:             r.text(keyDatabase, ""),
		Version:              r.number(keyVersion, 0),
		Type:                 Type(strings.ToUpper(r.text(keyType, string(COW)))),
		Keys:                 list(r.text(keyRecordKeys, "")),
		Ordering:             list(r.text(keyOrdering, "")),
		PayloadClass:         r.text(keyPayloadClass, ""),
		StrategyID:           r.text(keyStrategyID, ""),
		PartialUpdate:        r.text(keyPartialUpdate, ""),
		MetaFields:           r.flag(keyMetaFields, true),
		HiveStyle:            r.flag(keyHiveStyle, false),
		URLEncode:            r.flag(keyURLEncode, false),
		SlashDates:           r.flag(keySlashDates, false),
		DropPartitionColumns: r.flag(keyDropPartitions, false),
		UTC:                  strings.EqualFold(r.text(keyTimezone, "LOCAL"), "UTC"),
		BaseFormat:           strings.ToUpper(r.text(keyBaseFormat, Parquet)),
		MetafileInBaseFormat: r.flag(keyMetafileBaseFormat, false),
		CDC:                  r.flag(keyCDC, false),
		CDCMode:              strings.ToUpper(r.text(keyCDCMode, CDCBeforeAfter)),
		MetadataPartitions:   list(r.text(keyMetadataPartitions, "")),
		CreateSchema:         r.text(keyCreateSchema, ""),
		Index: IndexConfig{
			Kind:       strings.ToUpper(r.text(keyIndexType, "")),
			Buckets:    r.number(keyIndexBuckets, 0),
			HashField:  list(r.text(keyIndexHashField, "")),
			Consistent: strings.EqualFold(r.text(keyIndexEngine, ""), consistentHashing),
		},
		props: p,
	}
	// Spark's datasource stores the extractor alone.
	c.SlashDates = c.SlashDates || strings.HasSuffix(r.text(keyExtractor, ""), slashExtractor)
	c.InitialVersion = r.number(keyInitialVersion, c.Version)
	c.SetPartitionFields(list(r.text(keyPartitionFields, "")))
	c.KeyGen = keyGenKind(r.text(keyKeyGenType, ""), r.text(keyKeyGenClass, ""), c.Keys, list(r.text(keyPartitionFields, "")))
	c.resolveMerge()
	layout := r.number(keyLayout, 0)
	if r.err != nil {
		return nil, r.err
	}
	return c, c.readable(layout)
}

// SetPartitionFields sets the partition fields, and their kinds if they have the form name:kind, as the custom key
// generator has them.
func (c *Config) SetPartitionFields(fields []string) {
	c.PartitionBy, c.PartitionKinds = nil, nil
	custom := slices.ContainsFunc(fields, func(f string) bool { return strings.Contains(f, ":") })
	for _, f := range fields {
		name, kind, _ := strings.Cut(f, ":")
		c.PartitionBy = append(c.PartitionBy, name)
		if custom {
			c.PartitionKinds = append(c.PartitionKinds, strings.ToUpper(kind))
		}
	}
}

// readable checks that this library can read what the configuration says.
func (c *Config) readable(layout int) error {
	r, known := releases[c.Version]
	format, _ := c.props.Get(keyFormat)
	bootstrap, _ := c.props.Get(keyBootstrap)
	switch {
	case c.Name == "":
		return fmt.Errorf("table: %s is missing: %w", keyName, base.ErrCorrupt)
	case c.Version == 0:
		return fmt.Errorf("table: %s is missing: %w", keyVersion, base.ErrCorrupt)
	case !known && c.Version > CurrentVersion:
		return fmt.Errorf("table: version %d is newer than this library, which knows 6, 8 and 9: %w", c.Version, base.ErrUnsupported)
	case !known:
		return fmt.Errorf("table: version %d: this library knows 6, 8 and 9; upgrade the table with Hudi 0.15 or later: %w", c.Version, base.ErrUnsupported)
	case timeline.Layout(layout) != r.layout:
		return fmt.Errorf("table: %s is %d, a table of version %d has %d: %w", keyLayout, layout, c.Version, r.layout, base.ErrCorrupt)
	case c.Type != COW && c.Type != MOR:
		return fmt.Errorf("table: %s %q: want %s or %s: %w", keyType, c.Type, COW, MOR, base.ErrCorrupt)
	case c.BaseFormat != Parquet && c.BaseFormat != HFile:
		return fmt.Errorf("table: base files in %s: %w", c.BaseFormat, base.ErrUnsupported)
	case format != "" && format != "native":
		return fmt.Errorf("table: %s %q: %w", keyFormat, format, base.ErrUnsupported)
	case bootstrap != "":
		return fmt.Errorf("table: bootstrapped from %s: %w", bootstrap, base.ErrUnsupported)
	}
	return c.foldersBelow()
}

// Property returns a stored property by its full name or an alias of it.
func (c *Config) Property(key string) (string, bool) {
	if c.props == nil {
		return "", false
	}
	return lookup(c.props, key)
}

// Properties returns a copy of the stored properties.
func (c *Config) Properties() *Properties {
	if c.props == nil {
		return NewProperties()
	}
	return c.props.Clone()
}

// Changed names the first property in which the table that c was read from differs from what
// it is now, and which matters to whoever changes the table, "" for none. What options have
// added to c does not count.
func (c *Config) Changed(now *Config) (string, error) {
	if c.props == nil {
		return "", nil // of no table
	}
	then, err := configOf(c.props)
	if err != nil {
		return "", err
	}
	for _, f := range []struct {
		key       string
		then, now any
	}{
		{keyVersion, then.Version, now.Version},
		{keyType, then.Type, now.Type},
		{keyRecordKeys, then.Keys, now.Keys},
		{keyPartitionFields, []any{then.PartitionBy, then.PartitionKinds}, []any{now.PartitionBy, now.PartitionKinds}},
		{keyKeyGenType, then.KeyGen, now.KeyGen},
		{keyIndexType, then.Index, now.Index},
		{keyOrdering, then.Ordering, now.Ordering},
		{keyMergeMode, then.MergeMode, now.MergeMode},
		{keyPartialUpdate, then.PartialUpdate, now.PartialUpdate},
		{"merge properties", then.MergeProps, now.MergeProps},
		{keyStrategyID, then.StrategyID, now.StrategyID},
		{keyPayloadClass, then.PayloadClass, now.PayloadClass},
		{"timeline", []string{then.TimelineDir(), then.ArchiveDir()}, []string{now.TimelineDir(), now.ArchiveDir()}},
		{keyTimezone, then.UTC, now.UTC},
		{keyBaseFormat, then.BaseFormat, now.BaseFormat},
		{keyMetaFields, then.MetaFields, now.MetaFields},
		{keyHiveStyle, []bool{then.HiveStyle, then.URLEncode, then.SlashDates}, []bool{now.HiveStyle, now.URLEncode, now.SlashDates}},
		{keyDropPartitions, then.DropPartitionColumns, now.DropPartitionColumns},
		{keyCDC, []any{then.CDC, then.CDCMode}, []any{now.CDC, now.CDCMode}},
	} {
		if !reflect.DeepEqual(f.then, f.now) {
			return fmt.Sprintf("%s: now %v, then %v", f.key, f.now, f.then), nil
		}
	}
	return "", nil
}

// foldersBelow checks that the folders which properties name are the table's own.
func (c *Config) foldersBelow() error {
	for _, key := range []string{keyTimelinePath, keyHistoryPath, keyArchiveFolder} {
		dir, _ := c.Property(key)
		if _, err := base.CleanRelative(dir); err != nil {
			return fmt.Errorf("table: %s: %w", key, err)
		}
	}
	return nil
}

// Layout is the timeline's layout.
func (c *Config) Layout() timeline.Layout { return releases[c.Version].layout }

// TimelineDir is the timeline folder, relative to the table.
func (c *Config) TimelineDir() string {
	if c.Layout() == timeline.Layout1 {
		return timeline.Layout1.Dir()
	}
	if path, ok := c.Property(keyTimelinePath); ok && path != "" {
		return base.Join(base.MetaFolder, path)
	}
	return timeline.Layout2.Dir()
}

// ArchiveDir is the folder of the archived timeline, relative to the table.
func (c *Config) ArchiveDir() string {
	if c.Layout() == timeline.Layout1 {
		if path, ok := c.Property(keyArchiveFolder); ok && path != "" {
			return base.Join(base.MetaFolder, path)
		}
		return timeline.Layout1.ArchiveDir()
	}
	if path, ok := c.Property(keyHistoryPath); ok && path != "" {
		return base.Join(c.TimelineDir(), path)
	}
	return base.Join(c.TimelineDir(), "history")
}

// Location is the zone of instant times: UTC, or the zone of the process for tables that
// leave it to their writers.
func (c *Config) Location(process *time.Location) *time.Location {
	if c.UTC {
		return time.UTC
	}
	return process
}

// Timeline loads the table's active timeline. process is the zone of this process.
func (c *Config) Timeline(ctx context.Context, st storage.Store, process *time.Location) (*timeline.Timeline, error) {
	return timeline.LoadDir(ctx, st, c.TimelineDir(), c.ArchiveDir(), c.Layout(), c.Location(process))
}

// SliceLogs reports whether log files carry the base instant of their slice in their names,
// one more version for each write, and writes to them are undone by rollback blocks, as in
// version 6. From version 8 on they carry the instant of the write, and are deleted.
func (c *Config) SliceLogs() bool { return releases[c.Version].sliceLogs }

// InflightPlans reports whether the inflight file of a clean repeats the plan.
func (c *Config) InflightPlans() bool { return releases[c.Version].inflightPlans }

// StoresPartialUpdate reports whether a table of this version can say, without a payload
// class, that columns of a winning row are filled from the loser.
func (c *Config) StoresPartialUpdate() bool { return releases[c.Version].mergeProps }

// BaseExt is the extension of base files.
func (c *Config) BaseExt() string { return "." + strings.ToLower(c.BaseFormat) }

// checksum is the value of hoodie.table.checksum for a name and database.
func checksum(p *Properties) string {
	database, _ := p.Get(keyDatabase)
	name, _ := p.Get(keyName)
	return strconv.FormatUint(uint64(crc32.ChecksumIEEE([]byte(database+"."+name))), 10)
}

// reader takes typed values out of properties and keeps the first error.
type reader struct {
	props *Properties
	err   error
}

func (r *reader) text(key, missing string) string {
	if v, ok := lookup(r.props, key); ok {
		return v
	}
	return missing
}

func (r *reader) number(key string, missing int) int {
	v, ok := lookup(r.props, key)
	if !ok {
		return missing
	}
	n, err := strconv.Atoi(strings.TrimSpace(v))
	if err != nil && r.err == nil {
		r.err = fmt.Errorf("table: %s is %q, not a number: %w", key, v, base.ErrCorrupt)
	}
	return n
}

func (r *reader) flag(key string, missing bool) bool {
	v, ok := lookup(r.props, key)
	if !ok {
		return missing
	}
	return strings.EqualFold(strings.TrimSpace(v), "true")
}

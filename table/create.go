package table

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/hudi-go/hudi-go/internal/base"
	"github.com/hudi-go/hudi-go/schema"
	"github.com/hudi-go/hudi-go/storage"
)

// Create makes an empty table with the properties that the release of its version writes:
// Hudi 0.15.0, 1.0.2 or 1.2.0. A table that is there already wraps fs.ErrExist and base.ErrInvalid, a
// configuration that cannot be base.ErrInvalid; then nothing was changed. Two callers at
// once make one table: the other fails.
func Create(ctx context.Context, st storage.Store, c Config, clock func() time.Time) error {
	p, err := c.stored()
	if err != nil {
		return err
	}
	for _, path := range []string{propertiesPath, backupPath} {
		switch _, err := st.Stat(ctx, path); {
		case err == nil:
			return exists(st)
		case !errors.Is(err, fs.ErrNotExist):
			return fmt.Errorf("table: look for %s in %s: %w", path, st.URI(), err)
		}
	}
	for _, f := range releases[c.Version].folders {
		if err := st.MakeDir(ctx, base.Join(base.MetaFolder, f)); err != nil {
			return fmt.Errorf("table: create %s: %w", st.URI(), err)
		}
	}
	data := p.Bytes(comments("Properties saved on ", clock)...)
	if err := st.PutIfAbsent(ctx, propertiesPath, data); err != nil {
		if errors.Is(err, fs.ErrExist) {
			return exists(st)
		}
		// A lost acknowledgement: the table is there if the file is ours.
		if found, readErr := storage.ReadFile(ctx, st, propertiesPath); readErr == nil && bytes.Equal(found, data) {
			return nil
		}
		return fmt.Errorf("table: create %s: %w", st.URI(), err)
	}
	return nil
}

func exists(st storage.Store) error {
	return fmt.Errorf("table: %s holds a table already: open it, or choose another place: %w: %w", st.URI(), base.ErrInvalid, fs.ErrExist)
}

// stored checks a configuration for a new table and returns its properties.
func (c *Config) stored() (*Properties, error) {
	if err := c.creatable(); err != nil {
		return nil, err
	}
	rules := releases[c.Version]
	p := NewProperties()
	p.Set(keyName, c.Name)
	if c.Database != "" {
		p.Set(keyDatabase, c.Database)
	}
	version := strconv.Itoa(c.Version)
	p.Set(keyType, string(c.Type))
	p.Set(keyVersion, version)
	p.Set(keyLayout, strconv.Itoa(int(c.Layout())))
	p.Set(keyArchiveFolder, rules.archive)
	p.Set(keyTimezone, zoneName(c.UTC))
	if len(c.Keys) > 0 { // else keys are generated
		p.Set(keyRecordKeys, strings.Join(c.Keys, ","))
	}
	partitions := slices.Clone(c.PartitionBy)
	for i, kind := range c.PartitionKinds {
		partitions[i] += ":" + strings.ToLower(kind)
	}
	p.Set(keyPartitionFields, strings.Join(partitions, ","))
	kind := keyGenKind(c.KeyGen, "", c.Keys, partitions)
	if rules.keyGenClass {
		p.Set(keyKeyGenClass, keyGenClass(kind))
	} else {
		p.Set(keyKeyGenType, kind)
	}
	p.Set(keyBaseFormat, c.BaseFormat)
	for key, value := range map[string]bool{
		keyMetaFields: c.MetaFields, keyHiveStyle: c.HiveStyle, keyURLEncode: c.URLEncode,
		keyDropPartitions: c.DropPartitionColumns, keyMetafileBaseFormat: c.MetafileInBaseFormat, keyCDC: c.CDC,
	} {
		p.Set(key, strconv.FormatBool(value))
	}
	later := map[string]string{
		keyInitialVersion: version, keyTimelinePath: "timeline", keyHistoryPath: "history", keyMultipleFormats: "false",
		keyFormat: "native", keyExtractor: extractor(c),
	}
	if c.SlashDates {
		later[keySlashDates] = "true"
	}
	for _, key := range rules.keys {
		if value, ok := later[key]; ok {
			p.Set(key, value)
		}
	}
	if c.CDC {
		p.Set(keyCDCMode, c.CDCMode)
	}
	if c.CreateSchema != "" {
		p.Set(keyCreateSchema, c.CreateSchema)
	}
	if c.Index.Kind != "" {
		p.Set(keyIndexType, c.Index.Kind)
	}
	if c.Index.Kind == IndexBucket {
		p.Set(keyIndexBuckets, strconv.Itoa(c.Index.Buckets))
		p.Set(keyIndexHashField, strings.Join(c.hashField(), ","))
		if c.Index.Consistent {
			p.Set(keyIndexEngine, consistentHashing)
		}
		// Spark's procedures (CALL run_compaction and the others) take the index from here, and then look for the record
		// key under the writer's name alone.
		p.Set(keyWriterKeys, strings.Join(c.Keys, ","))
	}
	if err := c.storeMerge(p); err != nil {
		return nil, err
	}
	for k, v := range c.Extra {
		if stored, ok := p.Get(k); ok && stored != v {
			return nil, fmt.Errorf("table: property %s is %q by the table's settings and %q by an option: leave one out: %w", k, stored, v, base.ErrInvalid)
		}
		p.Set(k, v)
	}
	p.Set(keyChecksum, checksum(p))
	p.sort()
	return p, nil
}

func zoneName(utc bool) string {
	if utc {
		return "UTC"
	}
	return "LOCAL"
}

const slashExtractor = "SlashEncodedDayPartitionValueExtractor"

// extractor is the Hive class that maps folders back to values. Only Hive sync reads it.
func extractor(c *Config) string {
	const pkg = "org.apache.hudi.hive."
	switch {
	case len(c.PartitionBy) == 0:
		return pkg + "NonPartitionedExtractor"
	case c.SlashDates:
		return pkg + slashExtractor
	case len(c.PartitionBy) > 1:
		return pkg + "MultiPartKeysValueExtractor"
	case c.HiveStyle:
		return pkg + "HiveStylePartitionValueExtractor"
	}
	return pkg + "SinglePartPartitionValueExtractor"
}

func (c *Config) hashField() []string {
	if len(c.Index.HashField) > 0 {
		return c.Index.HashField
	}
	return c.Keys
}

// creatable checks what does not depend on other properties.
func (c *Config) creatable() error {
	fail := func(format string, args ...any) error {
		return fmt.Errorf("table: create: "+format+": %w", append(args, base.ErrInvalid)...)
	}
	rules, known := releases[c.Version]
	switch {
	case c.Name == "":
		return fail("a table needs a name")
	case !known:
		return fail("table version %d: use one of %v", c.Version, Versions())
	case c.SlashDates && !slices.Contains(rules.keys, keySlashDates):
		return fail("%s needs table version %d", keySlashDates, CurrentVersion)
	case c.PartitionKinds != nil && rules.keyGenClass:
		return fail("table version %d does not keep the kinds of partition fields (%s): use version 8 or 9", c.Version, strings.Join(c.PartitionKinds, ", "))
	case c.Type != COW && c.Type != MOR:
		return fail("table type %q: use %s or %s", c.Type, COW, MOR)
	case len(c.Keys) == 0 && c.Index.Kind == IndexBucket:
		return fail("a bucket index needs record keys: name the columns that identify a row")
	case c.BaseFormat != Parquet && c.BaseFormat != HFile:
		return fail("base file format %q: use %s", c.BaseFormat, Parquet)
	case c.PartitionKinds != nil && len(c.PartitionKinds) != len(c.PartitionBy):
		return fail("%d partition fields and %d kinds", len(c.PartitionBy), len(c.PartitionKinds))
	case c.CDC && c.CDCMode != CDCKeys && c.CDCMode != CDCBefore && c.CDCMode != CDCBeforeAfter:
		return fail("CDC mode %q: use %s, %s or %s", c.CDCMode, CDCKeys, CDCBefore, CDCBeforeAfter)
	case c.Index.Kind != "" && !slices.Contains(indexKinds, c.Index.Kind):
		return fail("index %q: %s", c.Index.Kind, otherKind(c.Index.Kind))
	case c.Index.Consistent && c.Type != MOR:
		return fail("consistent hashing is for tables that merge on read: make it %s, or leave %s out", MOR, keyIndexEngine)
	case c.Index.Kind == IndexBucket && (c.Index.Buckets < 1 || c.Index.Buckets > maxBuckets):
		return fail("a bucket index needs 1 to %d buckets, not %d", maxBuckets, c.Index.Buckets)
	}
	for _, f := range c.Index.HashField {
		if !slices.Contains(c.Keys, f) {
			return fail("bucket hash field %q is not a record key (%s)", f, strings.Join(c.Keys, ", "))
		}
	}
	if c.CreateSchema == "" {
		return nil
	}
	s, err := schema.Parse(c.CreateSchema)
	if err != nil {
		return fmt.Errorf("table: create: schema: %w", err)
	}
	for _, f := range slices.Concat(c.Keys, c.PartitionBy, c.Ordering) {
		if err := hasField(s.Record(), f); err != nil {
			return fmt.Errorf("table: create: %w", err)
		}
	}
	return nil
}

// maxBuckets is what the eight digits of a bucketed file id can name.
const maxBuckets = 100_000_000

// hasField checks that a column, or a field of a nested one (a.b), is in a record.
func hasField(t *schema.Type, name string) error {
	top, rest, nested := strings.Cut(name, ".")
	f, _, err := t.Lookup(top)
	if err != nil || !nested {
		return err
	}
	if f.Type.Kind != schema.Record {
		return fmt.Errorf("column %q has no fields: %w", top, base.ErrInvalid)
	}
	return hasField(f.Type, rest)
}

// sort orders the keys by name.
func (p *Properties) sort() { p.keys = slices.Sorted(maps.Keys(p.values)) }

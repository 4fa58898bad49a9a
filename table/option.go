package table

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/hudi-go/hudi-go/internal/base"
)

// options are the properties that a Config has a field for, under the names of tables and
// the older ones of writers.
var options = map[string]func(c *Config, value string) error{
	keyRecordKeys: func(c *Config, v string) error { return setList(&c.Keys, v) },
	keyWriterKeys: func(c *Config, v string) error { return setList(&c.Keys, v) },
	keyOrdering:   func(c *Config, v string) error { return setList(&c.Ordering, v) },
	keyPrecombine: func(c *Config, v string) error { return setList(&c.Ordering, v) },
	"hoodie.datasource.write.precombine.field":   func(c *Config, v string) error { return setList(&c.Ordering, v) },
	keyPartitionFields:                           (*Config).partitionOption,
	optionPartitionFields:                        (*Config).partitionOption,
	keyKeyGenType:                                (*Config).keyGenOption,
	keyKeyGenClass:                               (*Config).keyGenOption,
	"hoodie.datasource.write.keygenerator.type":  (*Config).keyGenOption,
	"hoodie.datasource.write.keygenerator.class": (*Config).keyGenOption,
	keyDatabase:                                  func(c *Config, v string) error { return setText(&c.Database, v) },
	keyBaseFormat:                                func(c *Config, v string) error { c.BaseFormat = strings.ToUpper(v); return nil },
	keyMergeMode:                                 func(c *Config, v string) error { return setText(&c.MergeMode, v) },
	"hoodie.write.record.merge.mode":             func(c *Config, v string) error { return setText(&c.MergeMode, v) },
	keyPartialUpdate:                             func(c *Config, v string) error { return setText(&c.PartialUpdate, v) },
	keyPayloadClass:                              func(c *Config, v string) error { return setText(&c.PayloadClass, v) },
	"hoodie.datasource.write.payload.class":      func(c *Config, v string) error { return setText(&c.PayloadClass, v) },
	keyStrategyID:                                func(c *Config, v string) error { return setText(&c.StrategyID, v) },
	"hoodie.write.record.merge.strategy.id":      func(c *Config, v string) error { return setText(&c.StrategyID, v) },
	keyMetaFields:                                func(c *Config, v string) error { return setFlag(&c.MetaFields, v) },
	keyHiveStyle:                                 func(c *Config, v string) error { return setFlag(&c.HiveStyle, v) },
	keyURLEncode:                                 func(c *Config, v string) error { return setFlag(&c.URLEncode, v) },
	keySlashDates:                                func(c *Config, v string) error { return setFlag(&c.SlashDates, v) },
	keyDropPartitions:                            func(c *Config, v string) error { return setFlag(&c.DropPartitionColumns, v) },
	keyMetafileBaseFormat:                        func(c *Config, v string) error { return setFlag(&c.MetafileInBaseFormat, v) },
	keyCDC:                                       func(c *Config, v string) error { return setFlag(&c.CDC, v) },
	keyCDCMode:                                   func(c *Config, v string) error { c.CDCMode = strings.ToUpper(v); return nil },
	keyTimezone:                                  func(c *Config, v string) error { c.UTC = strings.EqualFold(v, "UTC"); return nil },
	keyIndexType:                                 func(c *Config, v string) error { return setText(&c.Index.Kind, strings.ToUpper(v)) },
	keyIndexBuckets:                              (*Config).bucketOption,
	keyIndexEngine:                               (*Config).engineOption,
	keyIndexHashField:                            func(c *Config, v string) error { return setList(&c.Index.HashField, v) },
}

// SetProperty gives a configuration for Create a property by its full name, as options of
// real Hudi's writers and Spark's TBLPROPERTIES do. One that Config has a field for sets the
// field, any other goes to Extra. A value that contradicts the field, or is not of its kind,
// wraps base.ErrInvalid.
func (c *Config) SetProperty(key, value string) error {
	if set, ok := options[key]; ok {
		if err := set(c, strings.TrimSpace(value)); err != nil {
			return fmt.Errorf("table: property %s: %w", key, err)
		}
		return nil
	}
	if name, ok := strings.CutPrefix(key, mergePropertyPrefix); ok {
		if c.MergeProps == nil {
			c.MergeProps = make(map[string]string)
		}
		c.MergeProps[name] = value
		return nil
	}
	if c.Extra == nil {
		c.Extra = make(map[string]string)
	}
	c.Extra[key] = value
	return nil
}

func contradiction(value, set string) error {
	return fmt.Errorf("%q contradicts %q, which is set already: leave one out: %w", value, set, base.ErrInvalid)
}

func setText(field *string, value string) error {
	if *field != "" && *field != value {
		return contradiction(value, *field)
	}
	*field = value
	return nil
}

func setList(field *[]string, value string) error {
	names := list(value)
	if len(*field) > 0 && !slices.Equal(*field, names) {
		return contradiction(value, strings.Join(*field, ","))
	}
	*field = names
	return nil
}

func setFlag(field *bool, value string) error {
	b, err := strconv.ParseBool(value)
	if err != nil {
		return fmt.Errorf("%q: want true or false: %w", value, base.ErrInvalid)
	}
	*field = b
	return nil
}

func (c *Config) bucketOption(value string) error {
	n, err := strconv.Atoi(value)
	switch {
	case err != nil:
		return fmt.Errorf("%q is not a number of buckets: %w", value, base.ErrInvalid)
	case c.Index.Buckets != 0 && c.Index.Buckets != n:
		return contradiction(value, strconv.Itoa(c.Index.Buckets))
	}
	c.Index.Buckets = n
	return nil
}

func (c *Config) engineOption(value string) (err error) {
	c.Index.Consistent, err = ParseBucketEngine(value)
	return err
}

func (c *Config) partitionOption(value string) error {
	var given Config
	given.SetPartitionFields(list(value))
	if len(c.PartitionBy) > 0 && !slices.Equal(c.PartitionBy, given.PartitionBy) {
		return contradiction(value, strings.Join(c.PartitionBy, ","))
	}
	c.PartitionBy, c.PartitionKinds = given.PartitionBy, given.PartitionKinds
	return nil
}

// keyGenOption takes a kind or a class.
func (c *Config) keyGenOption(value string) error {
	kind, class := value, ""
	if strings.Contains(value, ".") {
		kind, class = "", value
	}
	return setText(&c.KeyGen, keyGenKind(strings.ToUpper(kind), class, nil, nil))
}

package table

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/hudi-go/hudi-go/internal/base"
	"github.com/hudi-go/hudi-go/storage"
)

// MetadataMode says what the next write does about a table's metadata table.
type MetadataMode int

// The modes.
const (
	MetadataKeep MetadataMode = iota // one that is there is kept in step: hoodie.metadata.enable is not given
	MetadataMake                     // any table without one gets one: it is true
	MetadataDrop                     // one that is there is dropped: it is false
)

const (
	metadataSuffix   = "_metadata"
	metadataKeyGen   = "HOODIE_TABLE_METADATA"
	metadataKeyClass = "org.apache.hudi.metadata.HoodieTableMetadataKeyGenerator"
	metadataPayload  = "org.apache.hudi.metadata.HoodieMetadataPayload"
	metadataKey      = "key"
)

// CreateMetadata makes the empty metadata table of a table of a name and version at the
// root of its own store, with the properties that the release of the version writes.
func CreateMetadata(ctx context.Context, st storage.Store, name string, version int, clock func() time.Time) error {
	rules, known := releases[version]
	if !known {
		return fmt.Errorf("table: metadata table of version %d: use one of %v: %w", version, Versions(), base.ErrInvalid)
	}
	for _, f := range rules.folders {
		if err := st.MakeDir(ctx, base.Join(base.MetaFolder, f)); err != nil {
			return fmt.Errorf("table: create %s: %w", st.URI(), err)
		}
	}
	p := NewProperties()
	for key, value := range map[string]string{
		keyName: name + metadataSuffix, keyType: string(MOR), keyVersion: strconv.Itoa(version),
		keyLayout: strconv.Itoa(int(rules.layout)), keyArchiveFolder: rules.archive, keyRecordKeys: metadataKey,
		keyBaseFormat: HFile, keyMetaFields: "false", keyDropPartitions: "false", keyPayloadClass: metadataPayload,
	} {
		p.Set(key, value)
	}
	if rules.keyGenClass {
		p.Set(keyKeyGenClass, metadataKeyClass)
		p.Set(rules.strategy, EventTimeStrategy)
	} else {
		p.Set(keyKeyGenType, metadataKeyGen)
		p.Set(keyMergeMode, CustomMerge)
		p.Set(rules.strategy, PayloadStrategy)
		p.Set(keyInitialVersion, strconv.Itoa(version))
		p.Set(keyTimelinePath, "timeline")
		p.Set(keyHistoryPath, "history")
	}
	p.Set(keyChecksum, checksum(p))
	p.sort()
	if err := st.Put(ctx, propertiesPath, p.Bytes(comments("Properties saved on ", clock)...)); err != nil {
		return fmt.Errorf("table: create %s: %w", st.URI(), err)
	}
	return nil
}

// SetMetadataPartitions stores which partitions of the metadata table are complete, none
// for a table without metadata table, and gives c the new values. The caller holds the
// table's lock.
func (c *Config) SetMetadataPartitions(ctx context.Context, st storage.Store, partitions []string, clock func() time.Time) error {
	if len(partitions) == 0 {
		return c.Update(ctx, st, nil, []string{keyMetadataPartitions, keyMetadataInflight}, clock)
	}
	partitions = slices.Sorted(slices.Values(partitions))
	return c.Update(ctx, st, map[string]string{keyMetadataPartitions: strings.Join(partitions, ","), keyMetadataInflight: ""}, nil, clock)
}

// MetadataInflight are the partitions of the metadata table that somebody is building, and
// that every write must be noted in.
func (c *Config) MetadataInflight() []string {
	text, _ := c.Property(keyMetadataInflight)
	return list(text)
}

package timeline

import (
	"bytes"
	"fmt"
	"strings"

	"github.com/hudi-go/hudi-go/internal/avroio"
	"github.com/hudi-go/hudi-go/internal/base"
)

// CommitMetadata is what a write did: the content of completed commits, delta commits
// and replace commits, and, as the plan of a write, of their inflight files.
type CommitMetadata struct {
	// PartitionToWriteStats has the files written, by partition path ("" in tables
	// without partitions).
	PartitionToWriteStats map[string][]*WriteStat `avro:"partitionToWriteStats"`
	// Compacted is set by compactions.
	Compacted bool `avro:"compacted"`
	// ExtraMetadata has the write schema under SchemaKey, checkpoints and the like.
	ExtraMetadata map[string]string `avro:"extraMetadata"`
	Version       int32             `avro:"version,omitempty" layout1:"omit"`
	// OperationType is the operation in upper case, for example UPSERT.
	OperationType string `avro:"operationType"`
	// PartitionToReplaceFileIDs has the file groups that a replace commit hides, by
	// partition path. It is not nil in every completed replace commit, and only there.
	PartitionToReplaceFileIDs map[string][]string `avro:"partitionToReplaceFileIds" layout1:"omit"`

	unknown unknown
}

// SchemaKey is the key in ExtraMetadata of the write schema: Avro JSON, as a rule
// without the five meta columns.
const SchemaKey = "schema"

// IdentifiedSchemaKey is the key in ExtraMetadata of the schema with column numbers, which
// tables with schema-on-read have (docs/format/types.md).
const IdentifiedSchemaKey = "latest_schema"

// The operation types that hudi-go itself writes, and those that it looks for.
const (
	OpInsert               = "INSERT"
	OpUpsert               = "UPSERT"
	OpBulkInsert           = "BULK_INSERT"
	OpDelete               = "DELETE"
	OpInsertOverwrite      = "INSERT_OVERWRITE"
	OpInsertOverwriteTable = "INSERT_OVERWRITE_TABLE"
	OpDeletePartition      = "DELETE_PARTITION"
	OpCluster              = "CLUSTER"
	OpCompact              = "COMPACT"
	OpLogCompact           = "LOG_COMPACT"
	OpIndex                = "INDEX"
	OpAlterSchema          = "ALTER_SCHEMA"
	OpUpsertPrepped        = "UPSERT_PREPPED" // of metadata tables, and of SQL's UPDATE
	OpDeletePrepped        = "DELETE_PREPPED" // of SQL's DELETE
	OpUnknown              = "UNKNOWN"
)

// WriteStat is one file that a write made, or in an inflight file what it is about to do
// to one file group.
type WriteStat struct {
	FileID string `avro:"fileId"`
	// Path is relative to the table; empty in inflight files.
	Path string `avro:"path,omitempty"`
	// PrevCommit is the base instant that the file builds on, NoPrevCommit for the first
	// file of a group.
	PrevCommit      string `avro:"prevCommit"`
	NumWrites       int64  `avro:"numWrites"`
	NumDeletes      int64  `avro:"numDeletes"`
	NumUpdateWrites int64  `avro:"numUpdateWrites"`
	// TotalWriteBytes is the bytes written, FileSizeInBytes the file's final size.
	TotalWriteBytes  int64  `avro:"totalWriteBytes"`
	TotalWriteErrors int64  `avro:"totalWriteErrors"`
	PartitionPath    string `avro:"partitionPath"`

	TotalLogRecords              int64 `avro:"totalLogRecords"`
	TotalLogFiles                int64 `avro:"totalLogFiles,omitempty" layout1:"omit"`
	TotalUpdatedRecordsCompacted int64 `avro:"totalUpdatedRecordsCompacted"`
	NumInserts                   int64 `avro:"numInserts"`
	TotalLogBlocks               int64 `avro:"totalLogBlocks"`
	TotalCorruptLogBlock         int64 `avro:"totalCorruptLogBlock"`
	TotalRollbackBlocks          int64 `avro:"totalRollbackBlocks"`
	FileSizeInBytes              int64 `avro:"fileSizeInBytes"`

	// LogVersion, LogOffset, BaseFile and LogFiles belong to log files, for which
	// LogVersion is at least 1.
	LogVersion int32    `avro:"logVersion,omitempty=LogVersion" layout1:"omit"`
	LogOffset  int64    `avro:"logOffset,omitempty=LogVersion" layout1:"omit"`
	BaseFile   string   `avro:"baseFile,omitempty=LogVersion" layout1:"omit"`
	LogFiles   []string `avro:"logFiles,omitempty=LogVersion" layout1:"omit"`

	// CDCStats has the sizes of the CDC log files written along, by path relative to the
	// table; nil for none.
	CDCStats     map[string]int64 `avro:"cdcStats"`
	PrevBaseFile string           `avro:"prevBaseFile,omitempty" layout1:"omit"`
	// MinEventTime and MaxEventTime are nil unless event times are tracked.
	MinEventTime           *int64        `avro:"minEventTime"`
	MaxEventTime           *int64        `avro:"maxEventTime"`
	RuntimeStats           *RuntimeStats `avro:"runtimeStats"`
	TotalLogFilesCompacted int64         `avro:"totalLogFilesCompacted"`
	TotalLogReadTimeMs     int64         `avro:"totalLogReadTimeMs" layout1:"omit"`
	TotalLogSizeCompacted  int64         `avro:"totalLogSizeCompacted"`
	TempPath               string        `avro:"tempPath,omitempty"`
	NumUpdates             int64         `avro:"numUpdates" layout1:"omit"`

	unknown unknown
}

// NoPrevCommit is the PrevCommit of the first file of a file group.
const NoPrevCommit = "null"

// IsLog reports whether the stat is of a log file. The archived timeline of Layout1 keeps no LogVersion; there the name
// tells, which begins with a dot.
func (s *WriteStat) IsLog() bool {
	return s.LogVersion != 0 || strings.HasPrefix(s.Path[strings.LastIndexByte(s.Path, '/')+1:], ".")
}

// RuntimeStats has milliseconds spent on a file.
type RuntimeStats struct {
	TotalScanTime   int64 `avro:"totalScanTime"`
	TotalCreateTime int64 `avro:"totalCreateTime"`
	TotalUpsertTime int64 `avro:"totalUpsertTime"`

	unknown unknown
}

// Encode renders the metadata as the layout wants it: an Avro container, or JSON in
// Layout1. Equal metadata gives equal bytes. Properties that a JSON file had and this
// library does not know are kept in JSON.
func (m *CommitMetadata) Encode(layout Layout) ([]byte, error) {
	if layout == Layout1 {
		return encodeJSON(m), nil
	}
	if m.PartitionToReplaceFileIDs != nil {
		return encode("HoodieReplaceCommitMetadata", m)
	}
	return encode("HoodieCommitMetadata", m)
}

// DecodeCommit reads commit metadata in either form. An empty file, which a crash may
// leave, is metadata of operation UNKNOWN. Bytes that are neither wrap base.ErrCorrupt.
func DecodeCommit(data []byte) (*CommitMetadata, error) {
	m := &CommitMetadata{}
	var err error
	switch {
	case len(data) == 0:
		m.OperationType = OpUnknown
	case isContainer(data):
		err = avroio.ReadContainer(data, m)
	default:
		err = decodeJSON(data, m)
	}
	if err != nil {
		return nil, fmt.Errorf("timeline: commit metadata: %w", err)
	}
	for partition, stats := range m.PartitionToWriteStats {
		for _, s := range stats {
			if s == nil {
				return nil, fmt.Errorf("timeline: null write stat in partition %q: %w", partition, base.ErrCorrupt)
			}
		}
	}
	return m, nil
}

// Stats returns the write stats of all partitions, ordered by partition path.
func (m *CommitMetadata) Stats() []*WriteStat {
	var out []*WriteStat
	for _, p := range sortedKeys(m.PartitionToWriteStats) {
		out = append(out, m.PartitionToWriteStats[p]...)
	}
	return out
}

var containerMagic = []byte("Obj\x01")

func isContainer(data []byte) bool { return bytes.HasPrefix(data, containerMagic) }

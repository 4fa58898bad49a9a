package table

import (
	"maps"
	"slices"
	"strings"

	"github.com/hudi-go/hudi-go/timeline"
)

// Property keys of hoodie.properties (docs/format/properties.md).
const (
	keyName                = "hoodie.table.name"
	keyDatabase            = "hoodie.database.name"
	keyType                = "hoodie.table.type"
	keyVersion             = "hoodie.table.version"
	keyInitialVersion      = "hoodie.table.initial.version"
	keyLayout              = "hoodie.timeline.layout.version"
	keyTimelinePath        = "hoodie.timeline.path"
	keyHistoryPath         = "hoodie.timeline.history.path"
	keyArchiveFolder       = "hoodie.archivelog.folder"
	keyChecksum            = "hoodie.table.checksum"
	keyRecordKeys          = "hoodie.table.recordkey.fields"
	keyPartitionFields     = "hoodie.table.partition.fields"
	keyOrdering            = "hoodie.table.ordering.fields"
	keyPrecombine          = "hoodie.table.precombine.field"
	keyKeyGenClass         = "hoodie.table.keygenerator.class"
	keyKeyGenType          = "hoodie.table.keygenerator.type"
	keyExtractor           = "hoodie.table.partition_extractor_class"
	keyBaseFormat          = "hoodie.table.base.file.format"
	keyMultipleFormats     = "hoodie.table.multiple.base.file.formats.enable"
	keyMetaFields          = "hoodie.populate.meta.fields"
	keyHiveStyle           = "hoodie.datasource.write.hive_style_partitioning"
	keyURLEncode           = "hoodie.datasource.write.partitionpath.urlencode"
	keySlashDates          = "hoodie.datasource.write.slash.separated.date.partitioning"
	keyDropPartitions      = "hoodie.datasource.write.drop.partition.columns"
	keyMetafileBaseFormat  = "hoodie.partition.metafile.use.base.format"
	keyTimezone            = "hoodie.table.timeline.timezone"
	keyCreateSchema        = "hoodie.table.create.schema"
	keyCDC                 = "hoodie.table.cdc.enabled"
	keyCDCMode             = "hoodie.table.cdc.supplemental.logging.mode"
	keyPayloadClass        = "hoodie.compaction.payload.class"
	keyLegacyPayloadClass  = "hoodie.table.legacy.payload.class"
	keyMergeMode           = "hoodie.record.merge.mode"
	keyStrategyID          = "hoodie.record.merge.strategy.id"
	keyOldStrategyID       = "hoodie.compaction.record.merger.strategy"
	keyPartialUpdate       = "hoodie.table.partial.update.mode"
	mergePropertyPrefix    = "hoodie.record.merge.property."
	keyFormat              = "hoodie.table.format"
	keyMetadataPartitions  = "hoodie.table.metadata.partitions"
	keyMetadataInflight    = "hoodie.table.metadata.partitions.inflight"
	keyBootstrap           = "hoodie.bootstrap.base.path"
	keyIndexType           = "hoodie.index.type"
	keyIndexBuckets        = "hoodie.bucket.index.num.buckets"
	keyIndexHashField      = "hoodie.bucket.index.hash.field"
	keyIndexEngine         = "hoodie.index.bucket.engine"
	keyWriterKeys          = "hoodie.datasource.write.recordkey.field"
	optionPartitionFields  = "hoodie.datasource.write.partitionpath.field"
	timestampKeyGenPrefix  = "hoodie.keygen.timebased."
	timestampKeyGenOldName = "hoodie.deltastreamer.keygen.timebased."
)

// release is what a table version fixes: the layout of the timeline, what stands in
// hoodie.properties and under which names, and how log files are named and undone
// (docs/format/versions.md).
type release struct {
	layout   timeline.Layout
	ordering string // key of the ordering fields
	archive  string // hoodie.archivelog.folder
	strategy string // key of the merge strategy
	// keyGenClass says that the key generator's class is stored and not its type, payloadClass
	// that merging is told by a payload class.
	keyGenClass, payloadClass bool
	// mode says that the merge mode is stored; mergeProps that partial updates, delete marks
	// and several ordering fields can be.
	mode, mergeProps bool
	// sliceLogs says that log files carry the base instant of their slice in their names, and
	// that writes to them are undone by rollback blocks.
	sliceLogs bool
	// inflightPlans says that the inflight file of a clean repeats its plan.
	inflightPlans bool
	// keys are properties that are only stored from some version on.
	keys []string
	// folders are made below .hoodie for a new table, in this order, as real Hudi does.
	folders []string
}

// releases has the table versions that are read and written, as Hudi 0.15.0, 1.0.2 and
// 1.2.0 write them.
var releases = map[int]release{
	6: {
		layout: timeline.Layout1, ordering: keyPrecombine, archive: "archived", strategy: keyOldStrategyID,
		keyGenClass: true, payloadClass: true, sliceLogs: true, inflightPlans: true,
		folders: []string{".schema", ".temp", ".aux", ".aux/.bootstrap/.partitions", ".aux/.bootstrap/.fileids", "archived"},
	},
	8: {
		layout: timeline.Layout2, ordering: keyPrecombine, archive: "history", strategy: keyStrategyID,
		payloadClass: true, mode: true, inflightPlans: true,
		keys:    []string{keyInitialVersion, keyTimelinePath, keyHistoryPath, keyMultipleFormats},
		folders: layout2Folders,
	},
	9: {
		layout: timeline.Layout2, ordering: keyOrdering, archive: "history", strategy: keyStrategyID,
		mode: true, mergeProps: true,
		keys:    []string{keyInitialVersion, keyTimelinePath, keyHistoryPath, keyMultipleFormats, keyFormat, keyExtractor, keySlashDates},
		folders: layout2Folders,
	},
}

var layout2Folders = []string{
	".schema", "timeline", "timeline/history", ".temp", ".aux", ".aux/.bootstrap/.partitions", ".aux/.bootstrap/.fileids",
}

// CurrentVersion is the table version of new tables.
const CurrentVersion = 9

// Versions are the table versions that can be made, read and written.
func Versions() []int { return slices.Sorted(maps.Keys(releases)) }

// aliases are the names that some release stores a property under besides its own, in the
// order in which they are consulted.
var aliases = map[string][]string{
	keyOrdering:   {keyPrecombine},
	keyPrecombine: {keyOrdering},
	keyStrategyID: {keyOldStrategyID},
}

// lookup returns the value of a property under its own name or an alias.
func lookup(p *Properties, key string) (string, bool) {
	if v, ok := p.Get(key); ok {
		return v, true
	}
	for _, a := range aliases[key] {
		if v, ok := p.Get(a); ok {
			return v, true
		}
	}
	if rest, ok := strings.CutPrefix(key, timestampKeyGenPrefix); ok {
		return p.Get(timestampKeyGenOldName + rest)
	}
	return "", false
}

// list splits a comma list, without blanks and empty elements.
func list(s string) []string {
	var out []string
	for e := range strings.SplitSeq(s, ",") {
		if e = strings.TrimSpace(e); e != "" {
			out = append(out, e)
		}
	}
	return out
}

// The kinds of key generators, as hoodie.table.keygenerator.type names them.
const (
	KeyGenSimple       = "SIMPLE"
	KeyGenComplex      = "COMPLEX"
	KeyGenTimestamp    = "TIMESTAMP"
	KeyGenCustom       = "CUSTOM"
	KeyGenNonPartition = "NON_PARTITION"
	KeyGenGlobalDelete = "GLOBAL_DELETE"
	KeyGenAuto         = "AUTO_RECORD"
	KeyGenUserProvided = "USER_PROVIDED"
)

const keyGenPackage = "org.apache.hudi.keygen."

// keyGenClass is the class of a kind of Hudi's own; other kinds are classes.
func keyGenClass(kind string) string {
	for name, k := range keyGenClasses {
		if k == kind {
			return keyGenPackage + name + "KeyGenerator"
		}
	}
	return kind
}

// keyGenClasses maps the simple names of Hudi's key generator classes, without Avro and
// KeyGenerator, to kinds.
var keyGenClasses = map[string]string{
	"Simple":         KeyGenSimple,
	"Complex":        KeyGenComplex,
	"TimestampBased": KeyGenTimestamp,
	"Custom":         KeyGenCustom,
	"Nonpartitioned": KeyGenNonPartition,
	"GlobalDelete":   KeyGenGlobalDelete,
}

// keyGenKind resolves a stored type or class to a kind; classes of the user's stay as
// they are. Without either the kind follows from the fields.
func keyGenKind(kind, class string, keys, partitions []string) string {
	kind = strings.TrimSuffix(kind, "_AVRO")
	if (kind == "" || kind == KeyGenUserProvided) && class != "" {
		name := class[strings.LastIndexByte(class, '.')+1:]
		name = strings.TrimSuffix(strings.TrimSuffix(name, "KeyGenerator"), "Avro")
		if known, ok := keyGenClasses[name]; ok {
			return known
		}
		return class
	}
	switch {
	case kind != "":
		return kind
	case slices.ContainsFunc(partitions, func(f string) bool { return strings.Contains(f, ":") }):
		return KeyGenCustom
	case len(partitions) == 0:
		return KeyGenNonPartition
	case len(partitions) == 1 && len(keys) == 1:
		return KeyGenSimple
	}
	return KeyGenComplex
}

package randomtable

import (
	"fmt"
	"slices"
	"strings"
)

// storage chooses how files are written.
func (t *Table) storage() {
	codec := pick(t.r, "gzip", "snappy", "zstd", "uncompressed")
	t.option("parquet.compression.codec", codec)
	t.feature("%s", codec)
	if t.chance(50) {
		t.option("parquet.small.file.limit", "0")
		t.feature("new files")
	}
	if t.Kind == mor {
		format := pick(t.r, "avro", "avro", "parquet")
		t.option("logfile.data.block.format", format)
		t.feature("%s logs", format)
	}
	switch p := t.r.IntN(100); {
	case p < 12 && t.generator != "Custom" && t.generator != "TimestampBased": // Spark refuses those
		t.meta = false
		t.option("populate.meta.fields", "false")
		t.feature("no meta fields")
	case p < 30:
		t.CDC = true
		mode := pick(t.r, "OP_KEY_ONLY", "DATA_BEFORE", "DATA_BEFORE_AFTER")
		t.option("table.cdc.enabled", "true")
		t.option("table.cdc.supplemental.logging.mode", mode)
		t.feature("cdc %s", mode)
	}
	// without meta fields Spark fails to bulk insert rows that lose columns
	// and 1.0.2 to append to logs
	if t.meta && len(t.PartitionBy) > 0 && !t.timed && (t.Kind == cow || t.Version == 9) && t.chance(15) {
		t.option("datasource.write.drop.partition.columns", "true")
		t.feature("partition columns dropped")
	}
	if t.meta && t.chance(35) {
		t.metadata()
	}
	t.index()
}

// metadata chooses the partitions of a metadata table.
func (t *Table) metadata() {
	t.Metadata = true
	t.option("metadata.enable", "true")
	t.option("embed.timeline.server", "true") // without it 1.2.0 fails to write such tables now and then
	var parts []string
	for _, name := range []string{"column.stats", "partition.stats", "bloom.filter"} {
		on := t.chance(50) && (name != "partition.stats" || slices.Contains(parts, "column.stats"))
		if on {
			parts = append(parts, name)
		}
		if on && name == "column.stats" && t.Version < 9 { // whose statistics have room for decimal(30,15)
			for i, c := range t.Columns {
				if strings.HasPrefix(c.Type.DDL, "decimal") {
					t.Columns[i].Type = decimal(9, 0)
				}
			}
		}
		t.option("metadata.index."+name+".enable", fmt.Sprint(on))
	}
	if t.chance(50) {
		parts = append(parts, "record index")
		t.option("metadata.record.index.enable", "true")
		t.option("metadata.record.index.min.filegroup.count", "1")
		t.option("metadata.record.index.max.filegroup.count", "2")
		t.recordIndex = true
	}
	t.feature("metadata table with %s", strings.Join(append(parts, "files"), ", "))
}

// index chooses how Spark finds keys.
func (t *Table) index() {
	kinds := []string{"BLOOM", "SIMPLE", "BUCKET", "GLOBAL_SIMPLE"}
	if t.Kind == mor && t.Version > 6 {
		kinds = append(kinds, "INMEMORY")
	}
	kind := pick(t.r, kinds...)
	if t.recordIndex && t.chance(70) {
		kind = "RECORD_INDEX"
	}
	if !t.meta {
		kind = "SIMPLE"
	}
	t.option("index.type", kind)
	if kind == "BUCKET" {
		t.bucket = true
		t.option("bucket.index.num.buckets", fmt.Sprint(1+t.r.IntN(4)))
	}
	t.feature("%s index", strings.ToLower(kind))
}

// merging chooses how versions of a row become one.
func (t *Table) merging() {
	const payloads = "org.apache.hudi.common.model."
	event := t.chance(65)
	if event || t.Version == 6 { // 0.15 does not upsert without an ordering column
		t.Ordering = []string{"ts"}
		of := typeNamed("bigint")
		if event {
			of = pick(t.r, typeNamed("bigint"), typeNamed("int"), typeNamed("string"), typeNamed("timestamp"), typeNamed("double"))
		}
		t.Columns = append(t.Columns, Column{"ts", of})
		t.feature("ordering %s", of.DDL)
		if event && t.Version == 9 && t.chance(25) {
			t.Ordering = append(t.Ordering, "ts2")
			t.Columns = append(t.Columns, Column{"ts2", typeNamed("int")})
		}
	}
	payload := ""
	switch {
	case event && t.chance(30):
		payload = pick(t.r, "PartialUpdateAvroPayload", "OverwriteNonDefaultsWithLatestAvroPayload", "EventTimeAvroPayload")
	case t.Version == 6 && event:
		payload = "DefaultHoodieRecordPayload"
	case t.Version == 6:
		payload = "OverwriteWithLatestAvroPayload"
	case event:
		t.option("write.record.merge.mode", "EVENT_TIME_ORDERING")
		t.feature("event time")
	default:
		t.option("write.record.merge.mode", "COMMIT_TIME_ORDERING")
		t.feature("commit time")
	}
	if payload != "" {
		t.option("datasource.write.payload.class", payloads+payload)
		t.feature("%s", payload)
	}
	if t.chance(20) {
		t.Columns = append(t.Columns, Column{"_hoodie_is_deleted", typeNamed("boolean")})
		t.feature("delete mark")
	}
}

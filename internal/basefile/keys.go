package basefile

import (
	"bytes"

	"github.com/apache/arrow-go/v18/arrow/array"

	"github.com/hudi-go/hudi-go/schema"
)

// Keys of the footer's key-value metadata (docs/format/base-files.md).
const (
	footerAvroSchema  = "parquet.avro.schema"
	footerWriterModel = "writer.model.name"
	writerModelAvro   = "avro"
	footerSpark       = "org.apache.spark.version"
	footerBloom       = "org.apache.hudi.bloomfilter"
	footerBloomOld    = "com.uber.hoodie.bloomfilter"
	footerBloomType   = "hoodie_bloom_filter_type_code"
	footerMinKey      = "hoodie_min_record_key"
	footerMaxKey      = "hoodie_max_record_key"
)

// keyTracker collects what the footer says of the record keys.
type keyTracker struct {
	column   int           // -1 if the schema has no record keys
	bloom    *BloomBuilder // nil for none
	min, max []byte        // nil before the first key
}

func newKeyTracker(o WriterOptions) (keyTracker, error) {
	k := keyTracker{column: -1}
	if _, i, ok := o.Schema.Field(schema.MetaRecordKey); ok && o.Schema.HasMeta() {
		k.column = i
	}
	if k.column < 0 || o.NoBloom {
		return k, nil
	}
	var err error
	k.bloom, err = NewBloomBuilder(o.BloomFPP, o.Known)
	return k, err
}

// add takes the keys of a row group. Tables without meta fields have null or empty keys, which
// do not count.
func (k *keyTracker) add(g rowGroup) {
	if k.column < 0 {
		return
	}
	if g.columns[k.column] == nil { // copied, and so is its part of the filter
		k.one([]byte(g.from.low), true)
		k.one([]byte(g.from.high), true)
		return
	}
	for i, piece := range g.columns[k.column] {
		column := piece.(*array.String)
		for row := range column.Len() {
			if column.IsNull(row) || column.ValueLen(row) == 0 {
				continue
			}
			from := column.ValueOffset(row)
			k.one(column.Data().Buffers()[2].Bytes()[from:from+column.ValueLen(row)], g.known[i])
		}
	}
}

func (k *keyTracker) one(key []byte, known bool) {
	if k.bloom != nil && !known {
		k.bloom.Add(key)
	}
	if k.min == nil || compareUTF16(key, k.min) < 0 {
		k.min = append(k.min[:0], key...)
	}
	if k.max == nil || compareUTF16(key, k.max) > 0 {
		k.max = append(k.max[:0], key...)
	}
}

// footer adds the keys' entries.
func (k *keyTracker) footer(to map[string]string) {
	if k.min != nil {
		to[footerMinKey], to[footerMaxKey] = string(k.min), string(k.max)
	}
	if k.bloom != nil {
		bloom := k.bloom.Build()
		to[footerBloom], to[footerBloomType] = bloom.Marshal(), bloom.TypeCode()
	}
}

// compareUTF16 compares UTF-8 as Java compares strings, by UTF-16 code units: characters
// beyond the basic plane are surrogates there, and so come before U+E000 and above.
func compareUTF16(a, b []byte) int {
	n := min(len(a), len(b))
	for i := range n {
		if a[i] != b[i] {
			const firstSupplementary, firstAboveSurrogates = 0xF0, 0xEE
			if hi, lo := max(a[i], b[i]), min(a[i], b[i]); hi >= firstSupplementary && lo >= firstAboveSurrogates && lo < firstSupplementary {
				return bytes.Compare(b[i:i+1], a[i:i+1])
			}
			return bytes.Compare(a[i:i+1], b[i:i+1])
		}
	}
	return len(a) - len(b)
}

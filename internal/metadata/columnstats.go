package metadata

import (
	"cmp"
	"context"
	"crypto/md5" //nolint:gosec // it names files in keys, as real Hudi has it
	"encoding/base64"
	"encoding/binary"
	"math/big"
	"strings"

	"github.com/cespare/xxhash/v2"
)

// Stats are statistics of a column: of the rows in a file (column_stats, and of an
// expression instead of the column expr_index_*), or in all files of a partition
// (partition_stats).
type Stats struct {
	File   string `avro:"fileName"` // or the partition's path
	Column string `avro:"columnName"`
	// Min and Max are nil when they are not known, and when there are no values.
	Min *Bound `avro:"minValue"`
	Max *Bound `avro:"maxValue"`
	// Values counts the rows, Nulls those whose value is null; nil is unknown.
	Values           *int64     `avro:"valueCount"`
	Nulls            *int64     `avro:"nullCount"`
	Size             int64      `avro:"totalSize"`
	UncompressedSize int64      `avro:"totalUncompressedSize"`
	Deleted          bool       `avro:"isDeleted"`
	Tight            bool       `avro:"isTightBound"` // of a partition: made of all its files anew
	Type             *ValueType `avro:"valueType"`    // nil before version 9
}

// ValueType says what the bounds of a column stand for.
type ValueType struct {
	Ordinal int32  `avro:"typeOrdinal"`
	Info    string `avro:"additionalInfo"` // of decimals: precision,scale
}

// Bound is a least or greatest value; one field is set. Records of version 9 have the first
// seven with a ValueType, older ones tell what they are by the field.
type Bound struct {
	Boolean         *Wrapped[bool]    `avro:"BooleanWrapper"`
	Int             *Wrapped[int32]   `avro:"IntWrapper"`
	Long            *Wrapped[int64]   `avro:"LongWrapper"`
	Float           *Wrapped[float32] `avro:"FloatWrapper"`
	Double          *Wrapped[float64] `avro:"DoubleWrapper"`
	Bytes           *Wrapped[[]byte]  `avro:"BytesWrapper"`
	String          *Wrapped[string]  `avro:"StringWrapper"`
	Date            *Wrapped[int32]   `avro:"DateWrapper"`
	Decimal         *Wrapped[[]byte]  `avro:"DecimalWrapper"` // two's complement, scale 15
	TimeMicros      *Wrapped[int64]   `avro:"TimeMicrosWrapper"`
	TimestampMicros *Wrapped[int64]   `avro:"TimestampMicrosWrapper"`
	LocalDate       *Wrapped[int32]   `avro:"LocalDateWrapper"`
}

// Wrapped is a value in a record of its own.
type Wrapped[T any] struct {
	Value T `avro:"value"`
}

// compare orders two bounds of the type; ok is false for bounds of two types. Bytes are ordered
// as signed ones, as in real Hudi. Strings that it orders by UTF-16 are not ordered so here, which
// makes no difference to the bounds that Range takes.
func (t *ValueType) compare(b, o *Bound) (order int, ok bool) {
	switch {
	case b.Boolean != nil && o.Boolean != nil:
		return compareBools(b.Boolean.Value, o.Boolean.Value), true
	case b.Float != nil && o.Float != nil:
		return compareDoubles(float64(b.Float.Value), float64(o.Float.Value)), true
	case b.Double != nil && o.Double != nil:
		return compareDoubles(b.Double.Value, o.Double.Value), true
	case b.Bytes != nil && o.Bytes != nil:
		if t != nil && t.Ordinal == typeDecimal {
			return twosComplement(b.Bytes.Value).Cmp(twosComplement(o.Bytes.Value)), true
		}
		return compareSigned(b.Bytes.Value, o.Bytes.Value), true
	case b.String != nil && o.String != nil:
		return strings.Compare(b.String.Value, o.String.Value), true
	case b.Decimal != nil && o.Decimal != nil:
		return twosComplement(b.Decimal.Value).Cmp(twosComplement(o.Decimal.Value)), true
	}
	x, kind := b.integer()
	y, other := o.integer()
	return cmp.Compare(x, y), kind != noInteger && kind == other
}

// The kinds of bounds that are whole numbers.
type integerKind uint8

const (
	noInteger integerKind = iota
	intKind
	longKind
	dateKind
	timeMicrosKind
	timestampMicrosKind
)

func (b *Bound) integer() (int64, integerKind) {
	switch {
	case b.Int != nil:
		return int64(b.Int.Value), intKind
	case b.Long != nil:
		return b.Long.Value, longKind
	case b.Date != nil:
		return int64(b.Date.Value), dateKind
	case b.LocalDate != nil:
		return int64(b.LocalDate.Value), dateKind
	case b.TimeMicros != nil:
		return b.TimeMicros.Value, timeMicrosKind
	case b.TimestampMicros != nil:
		return b.TimestampMicros.Value, timestampMicrosKind
	}
	return 0, noInteger
}

func twosComplement(b []byte) *big.Int {
	n := new(big.Int).SetBytes(b)
	if len(b) > 0 && b[0] >= 0x80 {
		n.Sub(n, new(big.Int).Lsh(big.NewInt(1), uint(8*len(b))))
	}
	return n
}

// joinStats makes one of two versions of statistics: the newer where it says all there is to
// say, both together else.
func joinStats(older, newer *Stats) *Stats {
	if older.Deleted || newer.Deleted || newer.Tight {
		return newer
	}
	older, newer = older.widenedTo(newer), newer.widenedTo(older)
	out := *newer
	if newer.Type != nil && newer.Type.Ordinal == typeNull { // of a file without rows
		out.Type = older.Type
	}
	out.Min = outer(older, newer, older.Min, newer.Min, -1)
	out.Max = outer(older, newer, older.Max, newer.Max, 1)
	out.Values, out.Nulls = sum(older.Values, newer.Values), sum(older.Nulls, newer.Nulls)
	out.Size += older.Size
	out.UncompressedSize += older.UncompressedSize
	return &out
}

func sum(a, b *int64) *int64 {
	if a == nil || b == nil {
		return nil
	}
	n := *a + *b
	return &n
}

// hides reports whether there are values besides null, which have bounds.
func (s *Stats) hides() bool { return s.Values == nil || s.Nulls == nil || *s.Values > *s.Nulls }

// outer is the bound that lies further to a side, nil if that is not known: a side that has
// values and no bound hides one.
func outer(older, newer *Stats, a, b *Bound, side int) *Bound {
	switch {
	case a == nil && older.hides(), b == nil && newer.hides():
		return nil
	case a == nil:
		return b
	case b == nil:
		return a
	}
	if !sameScale(older.Type, newer.Type) {
		return nil
	}
	order, ok := newer.Type.compare(a, b)
	switch {
	case !ok:
		return nil
	case order*side > 0:
		return a
	}
	return b
}

// widenedTo are the statistics with bounds of the other ones' type where a column of int has become one
// of long: what was noted before stays as it is.
func (s *Stats) widenedTo(o *Stats) *Stats {
	isLong := o.Type != nil && o.Type.Ordinal == typeLong
	if o.Min != nil {
		isLong = o.Min.Long != nil && (o.Type == nil || isLong)
	}
	if !isLong || s.Min == nil || s.Max == nil || s.Min.Int == nil || s.Max.Int == nil || s.Type != nil && s.Type.Ordinal != typeInt {
		return s
	}
	long := func(b *Bound) *Bound { return &Bound{Long: &Wrapped[int64]{int64(b.Int.Value)}} }
	out := *s
	out.Min, out.Max, out.Type = long(s.Min), long(s.Max), o.Type
	return &out
}

// sameScale tells whether the bounds of two types are in one unit.
func sameScale(a, b *ValueType) bool { return a == nil || b == nil || *a == *b }

// hashSeed is what real Hudi seeds the hashes of names with.
const hashSeed = 0xFFFFFFFFDABADABA

// hashName is a column's or partition's name in a key.
func hashName(name string) string {
	d := xxhash.NewWithSeed(hashSeed)
	_, _ = d.WriteString(name) // it never fails
	return base64.StdEncoding.EncodeToString(binary.BigEndian.AppendUint64(nil, d.Sum64()))
}

// hashPartition is hashName of a partition's path.
func hashPartition(path string) string {
	if path == "" {
		path = noPartition
	}
	return hashName(path)
}

func hashFile(name string) string {
	sum := md5.Sum([]byte(name)) //nolint:gosec // as above
	return base64.StdEncoding.EncodeToString(sum[:])
}

// FileRef names a file of the table: its partition and its name.
type FileRef struct{ Partition, Name string }

// ColumnStats returns what an index, column_stats or one of expr_index_*, knows of columns
// in files: a line for each file, with nil for a column that the index does not know there.
func (t *Table) ColumnStats(ctx context.Context, index string, files []FileRef, columns []string) ([][]*Stats, error) {
	hashes := make([]string, len(columns))
	for i, c := range columns {
		hashes[i] = hashName(c)
	}
	partition, hash := "", hashPartition("")
	keys := make([]string, 0, len(files)*len(columns))
	for _, f := range files {
		if f.Partition != partition {
			partition, hash = f.Partition, hashPartition(f.Partition)
		}
		name := hashFile(f.Name)
		for _, c := range hashes {
			keys = append(keys, c+hash+name)
		}
	}
	return t.statsOf(ctx, index, keys, len(files), columns, func(i int) string { return files[i].Name })
}

// PartitionStats returns what partition_stats knows of columns in partitions: a line for each
// partition, with nil for what it does not know.
func (t *Table) PartitionStats(ctx context.Context, partitions, columns []string) ([][]*Stats, error) {
	keys := make([]string, 0, len(partitions)*len(columns))
	for _, p := range partitions {
		hash := hashPartition(p)
		for _, c := range columns {
			keys = append(keys, hashName(c)+hash)
		}
	}
	return t.statsOf(ctx, PartitionStats, keys, len(partitions), columns, func(i int) string { return partitions[i] })
}

// statsOf looks up keys, as many a line as there are columns. A record that another name with
// the same hash left is not taken.
func (t *Table) statsOf(ctx context.Context, index string, keys []string, lines int, columns []string, name func(line int) string) ([][]*Stats, error) {
	recs, err := t.lookup(ctx, index, keys)
	if err != nil {
		return nil, err
	}
	out := make([][]*Stats, lines)
	for i := range out {
		out[i] = make([]*Stats, len(columns))
		for j, column := range columns {
			rec := recs[keys[i*len(columns)+j]]
			if rec == nil || rec.Column == nil || rec.Column.Deleted {
				continue
			}
			if rec.Column.Column == column && rec.Column.File == name(i) {
				out[i][j] = rec.Column
			}
		}
	}
	return out, nil
}

// Blooms returns the filters of the record keys of base files, nil for a file of which the
// index has none.
func (t *Table) Blooms(ctx context.Context, files []FileRef) ([]*BloomFilter, error) {
	keys := make([]string, len(files))
	for i, f := range files {
		keys[i] = hashPartition(f.Partition) + hashFile(f.Name)
	}
	recs, err := t.lookup(ctx, BloomFilters, keys)
	if err != nil {
		return nil, err
	}
	out := make([]*BloomFilter, len(files))
	for i, key := range keys {
		if rec := recs[key]; rec != nil && rec.Bloom != nil && !rec.Bloom.Deleted {
			out[i] = rec.Bloom
		}
	}
	return out, nil
}

package logfile

import (
	"encoding/binary"
	"fmt"
	"math"

	"github.com/hudi-go/hudi-go/internal/base"
)

const (
	deleteVersion   = 3     // of the content of DELETE blocks
	deletePrefixLen = 4 + 4 // version and payload length
)

// DeleteRecord names a record that a Delete block deletes.
type DeleteRecord struct {
	Key          string
	Partition    string
	HasPartition bool // false: the block leaves the partition open
	Ordering     Ordering
}

// OrderingKind is the type of an ordering value. Up to OrderingList the values are the
// branch numbers of the union in the file.
type OrderingKind uint8

// The kinds of ordering values. Real writers put Int 0 for "no ordering value given", which
// deletes unconditionally.
const (
	OrderingNone            OrderingKind = iota // null
	OrderingBoolean                             // Int is 0 or 1
	OrderingInt                                 // Int
	OrderingLong                                // Int
	OrderingFloat                               // Float
	OrderingDouble                              // Float
	OrderingBytes                               // Bytes
	OrderingString                              // Str
	OrderingDate                                // Int, days since 1970
	OrderingDecimal                             // Bytes, two's complement, big-endian, scale OrderingDecimalScale
	OrderingTimeMicros                          // Int
	OrderingTimestampMicros                     // Int
	OrderingList                                // List: a value for each of several ordering fields; since 1.2.0
	OrderingLocalDate                           // Int, days since 1970; only inside a List
)

// OrderingDecimalScale and OrderingDecimalPrecision belong to every OrderingDecimal.
const (
	OrderingDecimalPrecision = 30
	OrderingDecimalScale     = 15
)

// Ordering is the ordering value of a deleted record. Kind says which other field holds it.
type Ordering struct {
	Kind  OrderingKind
	Int   int64
	Float float64
	Str   string
	Bytes []byte
	List  []Ordering // nil is null; lists do not nest
}

// Deletes takes the content of a Delete block apart. Only content version 3 is read, which
// all releases since 0.14 write; versions 1 and 2 wrap base.ErrUnsupported, damage wraps
// base.ErrCorrupt. The result shares no memory with content.
func Deletes(content []byte) ([]DeleteRecord, error) {
	if len(content) < deletePrefixLen {
		return nil, fmt.Errorf("logfile: delete block content of %d bytes is too short: %w", len(content), base.ErrCorrupt)
	}
	switch v := int32(binary.BigEndian.Uint32(content)); v {
	case deleteVersion:
	case 1, 2:
		return nil, fmt.Errorf("logfile: delete block content has version %d, which releases before 0.14 wrote with Kryo; compact the table with real Hudi first: %w", v, base.ErrUnsupported)
	default:
		return nil, fmt.Errorf("logfile: delete block content has unknown version %d: %w", v, base.ErrUnsupported)
	}
	if n := binary.BigEndian.Uint32(content[4:]); uint64(n) != uint64(len(content)-deletePrefixLen) {
		return nil, fmt.Errorf("logfile: delete block payload says %d bytes but has %d: %w", n, len(content)-deletePrefixLen, base.ErrCorrupt)
	}
	payload := content[deletePrefixLen:]
	r := deleteReader{buf: payload, text: string(payload)}
	const minRecord = 4 // a key of no bytes and two nulls
	var deletes []DeleteRecord
	r.array(minRecord, func() { deletes = append(deletes, r.record()) })
	if r.failed == "" && r.pos < len(payload) {
		r.fail("bytes after the last record")
	}
	if r.failed != "" {
		return nil, fmt.Errorf("logfile: delete block: %s at byte %d of the payload: %w", r.failed, r.pos, base.ErrCorrupt)
	}
	return deletes, nil
}

// deleteReader decodes the Avro binary of a HoodieDeleteRecordList. After a failure every
// value is zero and failed says what was wrong first.
type deleteReader struct {
	buf    []byte
	text   string // the same bytes; strings are parts of it
	pos    int
	failed string
}

func (r *deleteReader) fail(what string) {
	if r.failed == "" {
		r.failed = what
	}
	r.buf = r.buf[:r.pos]
}

func (r *deleteReader) long() int64 {
	v, n := binary.Varint(r.buf[r.pos:])
	if n <= 0 {
		r.fail("a number is cut off or too long")
		return 0
	}
	r.pos += n
	return v
}

// take returns the bounds of the next n bytes.
func (r *deleteReader) take(n int64) (from, to int) {
	if n < 0 || n > int64(len(r.buf)-r.pos) {
		r.fail("a value is cut off")
		return r.pos, r.pos
	}
	from = r.pos
	r.pos += int(n)
	return from, r.pos
}

func (r *deleteReader) string() string {
	from, to := r.take(r.long())
	return r.text[from:to]
}

func (r *deleteReader) bytes() []byte {
	from, to := r.take(r.long())
	return []byte(r.text[from:to])
}

func (r *deleteReader) fixed(n int64) []byte {
	from, to := r.take(n)
	return r.buf[from:to]
}

// array calls item for each element of an array, which takes at least minItem bytes.
func (r *deleteReader) array(minItem int, item func()) {
	for r.failed == "" {
		n := r.long()
		if n == 0 {
			return
		}
		if n < 0 {
			r.long() // size of the block in bytes, for those who skip it
			n = -n
		}
		if n < 0 || n > int64((len(r.buf)-r.pos)/minItem) {
			r.fail("an array has more elements than bytes")
			return
		}
		for i := int64(0); i < n && r.failed == ""; i++ {
			item()
		}
	}
}

// present reads the branch of a union of null and one other type.
func (r *deleteReader) present() bool {
	switch r.long() {
	case 0:
		return false
	case 1:
		return true
	}
	r.fail("unknown union branch")
	return false
}

func (r *deleteReader) record() (d DeleteRecord) {
	if !r.present() {
		r.fail("a deleted record has no key")
		return d
	}
	d.Key = r.string()
	if d.HasPartition = r.present(); d.HasPartition {
		d.Partition = r.string()
	}
	branch := OrderingKind(r.branch())
	if branch != OrderingList {
		d.Ordering = r.ordering(branch)
		return d
	}
	d.Ordering.Kind = OrderingList
	if r.present() {
		d.Ordering.List = []Ordering{}
		r.array(1, func() {
			kind := OrderingKind(r.branch())
			if kind == OrderingList { // the inner union has another record at this place
				kind = OrderingLocalDate
			}
			d.Ordering.List = append(d.Ordering.List, r.ordering(kind))
		})
	}
	return d
}

// branch reads the branch of either union of ordering values.
func (r *deleteReader) branch() int64 {
	b := r.long()
	if b < 0 || b > int64(OrderingList) {
		r.fail("unknown type of ordering value")
		return int64(OrderingNone)
	}
	return b
}

// ordering reads a value of a kind other than OrderingList.
func (r *deleteReader) ordering(kind OrderingKind) Ordering {
	o := Ordering{Kind: kind}
	switch kind {
	case OrderingNone:
	case OrderingBoolean:
		if b := r.fixed(1); len(b) == 1 {
			o.Int = int64(b[0] & 1)
		}
	case OrderingInt, OrderingDate, OrderingLocalDate:
		if o.Int = r.long(); o.Int != int64(int32(o.Int)) {
			r.fail("an int has more than 32 bits")
		}
	case OrderingLong, OrderingTimeMicros, OrderingTimestampMicros:
		o.Int = r.long()
	case OrderingFloat:
		if b := r.fixed(4); len(b) == 4 {
			o.Float = float64(math.Float32frombits(binary.LittleEndian.Uint32(b)))
		}
	case OrderingDouble:
		if b := r.fixed(8); len(b) == 8 {
			o.Float = math.Float64frombits(binary.LittleEndian.Uint64(b))
		}
	case OrderingBytes, OrderingDecimal:
		o.Bytes = r.bytes()
	case OrderingString:
		o.Str = r.string()
	}
	return o
}

// DeleteContent makes the content of a Delete block. A list inside a list is written as
// null, as the format has no place for it.
func DeleteContent(deletes []DeleteRecord) []byte {
	dst := make([]byte, deletePrefixLen, deletePrefixLen+64*len(deletes))
	if len(deletes) > 0 {
		dst = binary.AppendVarint(dst, int64(len(deletes)))
		for i := range deletes {
			dst = appendDelete(dst, &deletes[i])
		}
	}
	dst = append(dst, 0)
	binary.BigEndian.PutUint32(dst, deleteVersion)
	binary.BigEndian.PutUint32(dst[4:], uint32(len(dst)-deletePrefixLen))
	return dst
}

const (
	nullBranch  = 0 // zig-zag of the first branch of a union
	valueBranch = 2 // and of the second
)

func appendDelete(dst []byte, d *DeleteRecord) []byte {
	dst = appendString(append(dst, valueBranch), d.Key)
	if d.HasPartition {
		dst = appendString(append(dst, valueBranch), d.Partition)
	} else {
		dst = append(dst, nullBranch)
	}
	switch o := &d.Ordering; o.Kind {
	case OrderingList:
		return appendList(binary.AppendVarint(dst, int64(OrderingList)), o.List)
	case OrderingLocalDate: // outside a list there is only the plain date
		return appendOrdering(dst, Ordering{Kind: OrderingDate, Int: o.Int})
	default:
		return appendOrdering(dst, *o)
	}
}

func appendList(dst []byte, list []Ordering) []byte {
	if list == nil {
		return append(dst, nullBranch)
	}
	dst = append(dst, valueBranch)
	if len(list) > 0 {
		dst = binary.AppendVarint(dst, int64(len(list)))
		for _, o := range list {
			if o.Kind == OrderingList {
				o = Ordering{}
			}
			dst = appendOrdering(dst, o)
		}
	}
	return append(dst, 0)
}

// appendOrdering appends the union branch and the value of anything but a list.
func appendOrdering(dst []byte, o Ordering) []byte {
	branch := o.Kind
	if branch == OrderingLocalDate {
		branch = OrderingList // its place in the inner union
	}
	dst = binary.AppendVarint(dst, int64(branch))
	switch o.Kind {
	case OrderingBoolean:
		dst = append(dst, byte(o.Int&1))
	case OrderingInt, OrderingLong, OrderingDate, OrderingTimeMicros, OrderingTimestampMicros, OrderingLocalDate:
		dst = binary.AppendVarint(dst, o.Int)
	case OrderingFloat:
		dst = binary.LittleEndian.AppendUint32(dst, math.Float32bits(float32(o.Float)))
	case OrderingDouble:
		dst = binary.LittleEndian.AppendUint64(dst, math.Float64bits(o.Float))
	case OrderingBytes, OrderingDecimal:
		dst = append(binary.AppendVarint(dst, int64(len(o.Bytes))), o.Bytes...)
	case OrderingString:
		dst = appendString(dst, o.Str)
	}
	return dst
}

func appendString(dst []byte, s string) []byte {
	return append(binary.AppendVarint(dst, int64(len(s))), s...)
}

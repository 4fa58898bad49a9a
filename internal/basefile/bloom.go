package basefile

import (
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"math"
	"math/bits"
	"slices"

	"github.com/hudi-go/hudi-go/internal/base"
)

// Type codes of serialised bloom filters. A footer without a code holds a simple one.
const (
	BloomSimple  = "SIMPLE"
	BloomDynamic = "DYNAMIC_V0"
)

const (
	bloomVersion    = -1 // a greater first number is the hash count of an older form
	bloomMurmur     = 1
	bloomRowHeader  = 4 + 4 + 1 + 4
	bloomMaxHashes  = 1 << 10
	bloomRowKeys    = 1 << 16 // keys of a row: its bits (345 KiB by default) stay in the CPU's cache
	bloomRowBytes   = 8 << 20 // and the most bytes of keys that wait for their row
	defaultBloomFPP = 1e-9    // hoodie.index.bloom.fpp

	bloomMaxExtraRows = 8 // of filters that are gone on with
)

// Bloom is a filter of record keys as a base file's footer carries it. It is immutable.
type Bloom struct {
	dynamic    bool
	keysPerRow int
	lastKeys   int // keys in the last row
	rows       []bloomRow
}

// bloomRow is one bit vector; a key is in the filter if any row has it.
type bloomRow struct {
	hashes  int
	size    uint64 // bits
	inverse uint64 // of size, for the remainder without a division (Lemire)
	bits    []byte // bit i is bit i%8 of byte i/8
	coded   coded  // the bits where they have not been decoded
}

// byteAt is a byte of the bits.
func (r *bloomRow) byteAt(i uint32) byte {
	if r.bits != nil {
		return r.bits[i]
	}
	return r.coded.byteAt(int(i))
}

func makeBloomRow(size uint32, hashes int, bits []byte) bloomRow {
	return bloomRow{hashes: hashes, size: uint64(size), inverse: math.MaxUint64/uint64(size) + 1, bits: bits}
}

// newBloomSize is the number of bits for n keys.
func newBloomSize(n int, fpp float64) float64 {
	return math.Ceil(float64(n) * (-math.Log(fpp) / (math.Ln2 * math.Ln2)))
}

// newBloomRow sizes a row for n keys at the false positive rate fpp, as Hudi does.
func newBloomRow(n int, fpp float64) bloomRow {
	size := newBloomSize(n, fpp)
	hashes := int(math.Ceil(math.Ln2 * size / float64(n)))
	return makeBloomRow(uint32(size), hashes, make([]byte, (int(size)+7)/8))
}

// position is |h mod size| of h as a signed number, without a branch on its random sign.
func position(h uint32, size, inverse uint64) uint32 {
	sign := uint32(int32(h) >> 31)
	h = (h ^ sign) - sign
	p, _ := bits.Mul64(inverse*uint64(h), size)
	return uint32(p)
}

func (r *bloomRow) add(x *mixed) {
	var h uint32
	for range r.hashes {
		h = x.hash(h)
		p := position(h, r.size, r.inverse)
		r.bits[p/8] |= 1 << (p % 8)
	}
}

func (r *bloomRow) addLanes(x *[lanes]mixed) {
	var h [lanes]uint32
	row := *r // kept in registers
	for range row.hashes {
		hashLanes(x, &h)
		for _, v := range h {
			p := position(v, row.size, row.inverse)
			row.bits[p/8] |= 1 << (p % 8)
		}
	}
}

func (r *bloomRow) contains(x *mixed) bool {
	var h uint32
	for range r.hashes {
		h = x.hash(h)
		if p := position(h, r.size, r.inverse); r.byteAt(p/8)&(1<<(p%8)) == 0 {
			return false
		}
	}
	return true
}

// Contains reports whether the key may be among the filter's keys; false is certain.
func (b *Bloom) Contains(key []byte) bool {
	if len(key) == 0 {
		return true // the empty key cannot be hashed and is in no filter
	}
	var x mixed
	x.set(key)
	for i := range b.rows {
		if b.rows[i].contains(&x) {
			return true
		}
	}
	return false
}

// TypeCode is BloomSimple or BloomDynamic.
func (b *Bloom) TypeCode() string {
	if b.dynamic {
		return BloomDynamic
	}
	return BloomSimple
}

// Marshal returns the filter's serialised form, which ParseBloom reads.
func (b *Bloom) Marshal() string {
	size := 3*4 + bloomRowHeader
	for i := range b.rows {
		size += bloomRowHeader + len(b.rows[i].bits)
	}
	out := make([]byte, 0, size)
	if b.dynamic {
		out = b.rows[0].appendHeader(out)
		out = binary.BigEndian.AppendUint32(out, uint32(b.keysPerRow))
		out = binary.BigEndian.AppendUint32(out, uint32(b.lastKeys))
		out = binary.BigEndian.AppendUint32(out, uint32(len(b.rows)))
	}
	for i := range b.rows {
		out = b.rows[i].appendHeader(out)
		out = append(out, b.rows[i].bits...)
	}
	return base64.StdEncoding.EncodeToString(out)
}

func (r *bloomRow) appendHeader(out []byte) []byte {
	version := int32(bloomVersion)
	out = binary.BigEndian.AppendUint32(out, uint32(version))
	out = binary.BigEndian.AppendUint32(out, uint32(r.hashes))
	out = append(out, bloomMurmur)
	return binary.BigEndian.AppendUint32(out, uint32(r.size))
}

// ParseBloom reads a filter's serialised form. The type code is the one that the footer
// has beside it, "" for none. Errors wrap base.ErrCorrupt, or base.ErrUnsupported for forms
// that no Hudi release of the supported table versions writes.
func ParseBloom(text, typeCode string) (*Bloom, error) {
	data, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		return nil, fmt.Errorf("basefile: bloom filter is not base64: %w", base.ErrCorrupt)
	}
	return (&bloomParser{data: data}).parse(typeCode)
}

// parseCoded is ParseBloom of a filter of which little is asked: it is decoded where it is.
func parseCoded(text []byte, typeCode string) (*Bloom, error) {
	return (&bloomParser{coded: &coded{text: text}}).parse(typeCode)
}

// bloomParser reads bytes, or base64 without decoding the bits.
type bloomParser struct {
	data  []byte
	coded *coded
}

func (p *bloomParser) parse(typeCode string) (*Bloom, error) {
	switch typeCode {
	case "", BloomSimple:
		row, err := p.row()
		if err != nil {
			return nil, err
		}
		return &Bloom{rows: []bloomRow{row}}, nil
	case BloomDynamic:
		return p.dynamic()
	}
	return nil, fmt.Errorf("basefile: bloom filter type %q: %w", typeCode, base.ErrUnsupported)
}

// left is the number of bytes that are left.
func (p *bloomParser) left() int {
	if p.coded != nil {
		return len(p.coded.text)/4*3 - p.coded.from
	}
	return len(p.data)
}

// take reads n bytes, of which so many are left.
func (p *bloomParser) take(n int) (out []byte) {
	if p.coded != nil {
		out = p.coded.decode(n)
		p.coded.from += n
		return out
	}
	out, p.data = p.data[:n:n], p.data[n:]
	return out
}

func errBloomShort() error {
	return fmt.Errorf("basefile: bloom filter ends early: %w", base.ErrCorrupt)
}

func (p *bloomParser) dynamic() (*Bloom, error) {
	if _, _, err := p.header(); err != nil {
		return nil, err
	}
	if p.left() < 3*4 {
		return nil, errBloomShort()
	}
	b := &Bloom{dynamic: true, keysPerRow: int(p.uint32()), lastKeys: int(p.uint32())}
	rows := p.uint32()
	if rows == 0 || int64(rows) > int64(p.left()/bloomRowHeader) {
		return nil, fmt.Errorf("basefile: bloom filter of %d bytes declares %d rows: %w", p.left(), rows, base.ErrCorrupt)
	}
	for range rows {
		row, err := p.row()
		if err != nil {
			return nil, err
		}
		b.rows = append(b.rows, row)
	}
	return b, nil
}

func (p *bloomParser) row() (bloomRow, error) {
	size, hashes, err := p.header()
	if err != nil {
		return bloomRow{}, err
	}
	n := int((uint64(size) + 7) / 8)
	if n > p.left() {
		return bloomRow{}, errBloomShort()
	}
	if p.coded != nil {
		row := makeBloomRow(size, hashes, nil)
		row.coded = *p.coded
		p.coded.from += n
		return row, nil
	}
	return makeBloomRow(size, hashes, p.take(n)), nil
}

func (p *bloomParser) header() (size uint32, hashes int, err error) {
	if p.left() < bloomRowHeader {
		return 0, 0, errBloomShort()
	}
	version, k, hash := int32(p.uint32()), p.uint32(), p.take(1)[0]
	size = p.uint32()
	switch {
	case version != bloomVersion || hash != bloomMurmur:
		return 0, 0, fmt.Errorf("basefile: bloom filter version %d with hash type %d: %w", version, hash, base.ErrUnsupported)
	case k == 0 || k > bloomMaxHashes || size == 0 || size > math.MaxInt32:
		return 0, 0, fmt.Errorf("basefile: bloom filter of %d bits and %d hashes: %w", size, k, base.ErrCorrupt)
	}
	return size, int(k), nil
}

func (p *bloomParser) uint32() uint32 { return binary.BigEndian.Uint32(p.take(4)) }

// fits tells whether the filter of a file with so many rows is worth being gone on with in the
// next version of the file. It is not if it was made for many more keys, or for many that are
// gone, or has been gone on with so often that a look-up takes long.
func (b *Bloom) fits(rows int64) bool {
	size := uint64(0)
	for _, r := range b.rows {
		size += r.size
	}
	ideal := newBloomSize(int(min(max(rows, 1), math.MaxInt32)), defaultBloomFPP)
	return b.dynamic && float64(size) <= 1.25*ideal && int64(len(b.rows)) <= 2*rows/bloomRowKeys+bloomMaxExtraRows
}

// BloomBuilder makes a dynamic filter for a number of keys that is not known beforehand.
// Keys are kept until a row is full, and the row is then sized to them; so a small file has
// a small filter and a large one several rows.
type BloomBuilder struct {
	fpp      float64
	keys     []byte
	ends     []uint32 // ends[i] is where key i ends in keys
	rows     []bloomRow
	keysRow  int // keys of the first row
	lastKeys int
	lane     [lanes]mixed
}

// NewBloomBuilder makes a builder with a false positive rate between 0 and 1; 0 means
// Hudi's default of 1e-9. The filter goes on with another that has some keys already, if known
// is not nil.
func NewBloomBuilder(fpp float64, known *Bloom) (*BloomBuilder, error) {
	if fpp == 0 {
		fpp = defaultBloomFPP
	}
	if !(fpp >= 1e-18 && fpp < 1) {
		return nil, fmt.Errorf("basefile: false positive rate %g of a bloom filter is not between 0 and 1: %w", fpp, base.ErrInvalid)
	}
	b := &BloomBuilder{fpp: fpp}
	if known != nil {
		b.rows, b.keysRow, b.lastKeys = slices.Clone(known.rows), known.keysPerRow, known.lastKeys
	}
	return b, nil
}

// Add adds a key, which is copied. The empty key is ignored.
func (b *BloomBuilder) Add(key []byte) {
	if len(key) == 0 {
		return
	}
	b.keys = append(b.keys, key...)
	b.ends = append(b.ends, uint32(len(b.keys)))
	if len(b.ends) == bloomRowKeys || len(b.keys) >= bloomRowBytes {
		b.finishRow()
	}
}

func (b *BloomBuilder) finishRow() {
	n := len(b.ends)
	row := newBloomRow(max(n, 1), b.fpp)
	for i := 0; i < n; {
		i += b.addSome(&row, i)
	}
	if len(b.rows) == 0 {
		b.keysRow = max(n, 1)
	}
	b.rows, b.lastKeys = append(b.rows, row), n
	b.keys, b.ends = b.keys[:0], b.ends[:0]
}

// addSome adds the keys from i on that can go together and returns their number.
func (b *BloomBuilder) addSome(row *bloomRow, i int) int {
	n := 0
	for ; n < lanes && i+n < len(b.ends); n++ {
		key := b.key(i + n)
		if n > 0 && uint32(len(key)) != b.lane[0].size {
			break
		}
		b.lane[n].set(key)
	}
	if n == lanes {
		row.addLanes(&b.lane)
		return n
	}
	for j := range n {
		row.add(&b.lane[j])
	}
	return n
}

func (b *BloomBuilder) key(i int) []byte {
	start := uint32(0)
	if i > 0 {
		start = b.ends[i-1]
	}
	return b.keys[start:b.ends[i]]
}

// Build returns the filter of all keys added and leaves the builder unusable.
func (b *BloomBuilder) Build() *Bloom {
	if len(b.ends) > 0 || len(b.rows) == 0 {
		b.finishRow()
	}
	return &Bloom{dynamic: true, keysPerRow: b.keysRow, lastKeys: b.lastKeys, rows: b.rows}
}

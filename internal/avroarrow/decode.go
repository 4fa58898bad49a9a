package avroarrow

import (
	"encoding/binary"
	"fmt"

	"github.com/hudi-go/hudi-go/internal/base"
)

const (
	// maxEmpty bounds the elements of an array whose elements take no bytes, so that a short
	// record cannot ask for any amount of memory.
	maxEmpty = 1 << 16
	// maxRows is what the offsets of an Arrow list can count.
	maxRows = 1<<31 - 1
)

// fields runs a program on the record in from byte p on and stores what it finds in row. It
// returns the place after the last value, or −1 with d.err set.
func (d *Decoder) fields(program []node, in []byte, p, row int) int {
	for i := range program {
		n := &program[i]
		c := n.col
		if n.union {
			if p >= len(in) {
				return d.short(n)
			}
			branch := in[p]
			p++
			if branch == n.null {
				if n.required {
					return d.fail(n, base.ErrInvalid, "null, which the schema it is read with does not allow")
				}
				c.setNull(row)
				continue
			}
			if branch != secondBranch-n.null {
				return d.fail(n, base.ErrCorrupt, "unknown union branch")
			}
		}
		if c.valid != nil {
			c.valid[row>>3] |= 1 << (row & 7)
		}
		switch n.op {
		case opLong:
			v, q := number(in, p)
			if q < 0 {
				return d.short(n)
			}
			p, c.w64[row] = q, uint64(v)
		case opInt:
			v, q := number(in, p)
			if q < 0 {
				return d.short(n)
			}
			if v != int64(int32(v)) {
				return d.fail(n, base.ErrCorrupt, "an int of more than 32 bits")
			}
			p, c.w32[row] = q, uint32(v)
		case opBytes:
			if p = d.text(n, in, p, row); p < 0 {
				return p
			}
		case opDouble:
			if len(in)-p < 8 {
				return d.short(n)
			}
			c.w64[row] = binary.LittleEndian.Uint64(in[p:])
			p += 8
		case opFloat:
			if len(in)-p < 4 {
				return d.short(n)
			}
			c.w32[row] = binary.LittleEndian.Uint32(in[p:])
			p += 4
		case opSkip:
			q, at := pass(n.kids, in, p)
			if p = q; p < 0 {
				return d.short(at)
			}
		default:
			if p = d.rare(n, in, p, row); p < 0 {
				return p
			}
		}
	}
	return p
}

// rare is the rest of fields: the values that most tables have few of.
func (d *Decoder) rare(n *node, in []byte, p, row int) int {
	c := n.col
	switch n.op {
	case opBool:
		if p >= len(in) {
			return d.short(n)
		}
		switch in[p] {
		case 0:
			c.data[row>>3] &^= 1 << (row & 7)
		case 1:
			c.data[row>>3] |= 1 << (row & 7)
		default:
			return d.fail(n, base.ErrCorrupt, "a boolean that is neither 0 nor 1")
		}
		return p + 1
	case opFixed:
		if len(in)-p < n.size {
			return d.short(n)
		}
		copy(c.data[row*n.size:(row+1)*n.size], in[p:])
		return p + n.size
	case opFixedDecimal:
		if len(in)-p < n.size {
			return d.short(n)
		}
		return d.decimal(n, in[p:p+n.size], p+n.size, row)
	case opDecimal:
		v, q := number(in, p)
		if q < 0 || uint64(v) > uint64(len(in)-q) {
			return d.short(n)
		}
		end := q + int(v)
		return d.decimal(n, in[q:end], end, row)
	case opEnum:
		v, p := number(in, p)
		if p < 0 {
			return d.short(n)
		}
		if uint64(v) >= uint64(len(n.symbols)) {
			return d.fail(n, base.ErrCorrupt, "an enum symbol that the schema does not have")
		}
		return d.store(n, n.symbols[v], p, row)
	case opRecord:
		return d.fields(n.kids, in, p, row)
	default:
		return d.list(n, in, p, row)
	}
}

// text stores a string or bytes.
func (d *Decoder) text(n *node, in []byte, p, row int) int {
	var v int64
	q := p + 1
	if p < len(in) && in[p]&0x81 == 0 { // most are shorter than 64 bytes
		v = int64(in[p] >> 1)
	} else {
		v, q = number(in, p)
	}
	if q < 0 || uint64(v) > uint64(len(in)-q) {
		return d.short(n)
	}
	end := q + int(v)
	return d.store(n, in[q:end], end, row)
}

// store stores a string or bytes and returns next.
func (d *Decoder) store(n *node, value []byte, next, row int) int {
	c := n.col
	from := int(c.w32[row])
	to := from + len(value)
	if to > len(c.data) {
		if err := c.reserveData(to); err != nil {
			return d.fail(n, base.ErrInvalid, err.Error())
		}
	}
	copy(c.data[from:to], value)
	c.w32[row+1] = uint32(to)
	return next
}

// decimal stores a two's complement number, big-endian; the value ends at end.
func (d *Decoder) decimal(n *node, b []byte, end, row int) int {
	if len(b) == 0 {
		return d.fail(n, base.ErrCorrupt, "a decimal of no bytes")
	}
	sign := uint64(int64(int8(b[0])) >> 63) // all bits equal
	for ; len(b) > 16; b = b[1:] {
		if b[0] != byte(sign) || (b[1]^b[0])&0x80 != 0 {
			return d.fail(n, base.ErrCorrupt, "a decimal of more than 128 bits")
		}
	}
	hi, lo := sign, sign
	if len(b) > 8 {
		for _, x := range b[:len(b)-8] {
			hi = hi<<8 | uint64(x)
		}
		lo = binary.BigEndian.Uint64(b[len(b)-8:])
	} else {
		for _, x := range b {
			lo = lo<<8 | uint64(x)
		}
	}
	n.col.w64[2*row], n.col.w64[2*row+1] = lo, hi
	return end
}

// list stores the elements of an array or map as rows of the kids.
func (d *Decoder) list(n *node, in []byte, p, row int) int {
	first := int(n.col.w32[row])
	next := first
	for {
		count, _, q := block(in, p)
		if p = q; p < 0 || !n.holds(next-first, count, len(in)-p) {
			return d.short(n)
		}
		if count == 0 {
			n.col.w32[row+1] = uint32(next)
			return p
		}
		if int64(next)+count > maxRows {
			return d.fail(n, base.ErrInvalid, errTooBig.Error())
		}
		for range count {
			for _, k := range n.col.kids {
				k.reserve(next + 1)
			}
			if p = d.fields(n.kids, in, p, next); p < 0 {
				return p
			}
			next++
		}
	}
}

// holds tells whether count further elements of a list, after seen, fit into left bytes.
func (n *node) holds(seen int, count int64, left int) bool {
	if n.min == 0 {
		return count <= int64(maxEmpty-seen)
	}
	return count <= int64(left/n.min)
}

// short fails because the record ends before the value does, or the value's length is wrong.
func (d *Decoder) short(n *node) int {
	return d.fail(n, base.ErrCorrupt, "the record ends within the value, or its length is wrong")
}

func (d *Decoder) fail(n *node, kind error, what string) int {
	d.err = fmt.Errorf("avroarrow: column %s: %s: %w", n.name, what, kind)
	return -1
}

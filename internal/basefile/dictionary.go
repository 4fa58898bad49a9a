package basefile

import (
	"hash/maphash"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
)

// A dictionary pays where few values occur often; on columns such as record keys it costs
// most of the time of a write for nothing. So a sample of the first row group's values
// decides for each column.
const (
	sampleValues = 4096
	sampleShare  = 4 // a dictionary is used when at most 1/sampleShare of a sample is distinct
)

// repeats reports whether a column, given in pieces, has values that occur often.
func repeats(pieces []arrow.Array) bool {
	total := 0
	for _, a := range pieces {
		total += a.Len()
	}
	step := max(1, total/sampleValues)
	seed := maphash.MakeSeed()
	seen := make(map[uint64]struct{}, sampleValues)
	sampled, next := 0, 0
	for _, a := range pieces {
		for ; next < a.Len(); next += step {
			if a.IsValid(next) {
				sampled++
				seen[maphash.Bytes(seed, valueBytes(a, next))] = struct{}{}
			}
		}
		next -= a.Len()
	}
	return len(seen)*sampleShare <= sampled
}

// valueBytes is the i-th value as it lies in memory; booleans, which never have a
// dictionary, are all alike.
func valueBytes(a arrow.Array, i int) []byte {
	switch a := a.(type) {
	case *array.Boolean:
		return nil
	case binaryArray:
		from := a.ValueOffset(i)
		return a.Data().Buffers()[2].Bytes()[from : from+a.ValueLen(i)]
	}
	width := a.DataType().(arrow.FixedWidthDataType).Bytes()
	at := (a.Data().Offset() + i) * width
	return a.Data().Buffers()[1].Bytes()[at : at+width]
}

// appendLeaves appends the arrays of a column's leaves, in the order of n.leaves.
func (n *node) appendLeaves(to []arrow.Array, a arrow.Array) []arrow.Array {
	switch a := a.(type) {
	case *array.Struct:
		for i, child := range n.children {
			to = child.appendLeaves(to, a.Field(i))
		}
		return to
	case *array.Map:
		return n.children[1].appendLeaves(append(to, a.Keys()), a.Items())
	case *array.List:
		return n.children[0].appendLeaves(to, a.ListValues())
	}
	return append(to, a)
}

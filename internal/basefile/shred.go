package basefile

import (
	"fmt"
	"slices"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"

	"github.com/hudi-go/hudi-go/internal/base"
	"github.com/hudi-go/hudi-go/schema"
)

// chunk is what one array gives to one leaf column: its levels and where in the leaf's own
// array the present values are.
type chunk struct {
	array    arrow.Array
	def, rep []int16 // nil if the column has no such levels
	at       []int32 // nil if every value of the array is present, in order
}

// shred takes a column apart into chunks of its leaves, in the order of n.leaves.
func shred(n *node, a arrow.Array) ([]chunk, error) {
	if len(n.children) == 0 {
		c, err := flat(n, a)
		return []chunk{c}, err
	}
	s := shredder{first: n.leaves[0], chunks: make([]chunk, len(n.leaves))}
	c := s.bind(n, a)
	for i := range a.Len() {
		if err := s.value(&c, i, 0, 0); err != nil {
			return nil, err
		}
	}
	return s.chunks, nil
}

func errNull(n *node) error {
	return fmt.Errorf("basefile: column %s is required and has a null: %w", n.path, base.ErrInvalid)
}

// flat is shred for a column that is its own only leaf.
func flat(n *node, a arrow.Array) (chunk, error) {
	c := chunk{array: a}
	nulls := a.NullN()
	if !n.typ.Nullable {
		if nulls > 0 {
			return c, errNull(n)
		}
		return c, nil
	}
	if nulls == 0 {
		c.def = allPresent(a.Len())
		return c, nil
	}
	c.def = make([]int16, a.Len())
	c.at = make([]int32, 0, a.Len()-nulls)
	for i := range c.def {
		if a.IsValid(i) {
			c.def[i] = 1
			c.at = append(c.at, int32(i))
		}
	}
	return c, nil
}

// allPresent returns definition levels of n values of an optional column, none of them null.
// The caller must not change them.
func allPresent(n int) []int16 {
	if n <= len(present) {
		return present[:n]
	}
	return slices.Repeat(present[:1], n)
}

var present = slices.Repeat([]int16{1}, DefaultRowGroupRows)

// cursor is a node bound to the array that holds its values.
type cursor struct {
	*node
	array    arrow.Array
	list     array.ListLike // of arrays and maps
	children []cursor
}

// shredder walks nested values once and appends to all leaves below.
type shredder struct {
	first  int // number of the first leaf
	chunks []chunk
}

func (s *shredder) bind(n *node, a arrow.Array) cursor {
	c := cursor{node: n, array: a}
	switch a := a.(type) {
	case *array.Struct:
		for i, child := range n.children {
			c.children = append(c.children, s.bind(child, a.Field(i)))
		}
	case *array.Map:
		c.list = a
		c.children = []cursor{s.bind(n.children[0], a.Keys()), s.bind(n.children[1], a.Items())}
	case *array.List:
		c.list = a
		c.children = []cursor{s.bind(n.children[0], a.ListValues())}
	default:
		s.chunks[n.leaves[0]-s.first] = chunk{array: a, at: []int32{}}
	}
	return c
}

// value appends the i-th value of c, whose parent is present at the level def.
func (s *shredder) value(c *cursor, i int, rep, def int16) error {
	if c.array.IsNull(i) {
		if !c.typ.Nullable {
			return errNull(c.node)
		}
		s.absent(c, rep, def)
		return nil
	}
	switch c.typ.Kind {
	case schema.Record:
		for k := range c.children {
			if err := s.value(&c.children[k], i, rep, c.def); err != nil {
				return err
			}
		}
	case schema.Array, schema.Map:
		return s.elements(c, i, rep)
	default:
		leaf := &s.chunks[c.leaves[0]-s.first]
		leaf.append(rep, c.def)
		leaf.at = append(leaf.at, int32(i))
	}
	return nil
}

func (s *shredder) elements(c *cursor, i int, rep int16) error {
	start, end := c.list.ValueOffsets(i)
	if start == end {
		s.absent(c, rep, c.def)
		return nil
	}
	for j := start; j < end; j++ {
		for k := range c.children {
			if err := s.value(&c.children[k], int(j), rep, c.def+1); err != nil {
				return err
			}
		}
		rep = c.rep + 1
	}
	return nil
}

// absent notes in every leaf below c that there is no value beyond the level def.
func (s *shredder) absent(c *cursor, rep, def int16) {
	for _, leaf := range c.leaves {
		s.chunks[leaf-s.first].append(rep, def)
	}
}

func (c *chunk) append(rep, def int16) {
	c.def = append(c.def, def)
	c.rep = append(c.rep, rep)
}

package metadata

import (
	"bytes"
	"fmt"
	"iter"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"

	"github.com/hudi-go/hudi-go/internal/base"
	"github.com/hudi-go/hudi-go/internal/mem"
	"github.com/hudi-go/hudi-go/schema"
	"github.com/hudi-go/hudi-go/table"
)

// typeSecondary is the type of the records of secondary indexes.
const typeSecondary = 7

// Secondary gathers what an instant changes in a secondary index, from the rows that the file
// groups which it has written to had before, and those that they have then. What is in both
// changes nothing, wherever it lies. It is sorted and encoded before the table's lock is taken. It is safe for
// concurrent use; after Prepare nothing may be added.
type Secondary struct {
	sortedIndex
	of    Definition
	nulls bool

	mu  sync.Mutex
	key []byte // of the index, while it is made
}

// The two kinds of rows that are told of.
const (
	rowBefore int32 = iota
	rowNow
)

// NewSecondary begins to gather changes of the index that is defined. The caller closes the result.
func NewSecondary(version int, of Definition, layout *KeyLayout, budget *mem.Budget) *Secondary {
	return &Secondary{sortedIndex: newSortedIndex(version, layout, budget), of: of, nulls: version >= nullsIndexed}
}

// Of says what the index is of.
func (s *Secondary) Of() Definition { return s.of }

// Before notes rows that were there: their keys, and the values of the column.
func (s *Secondary) Before(keys *array.String, values arrow.Array) error {
	return s.add(rowBefore, keys, values)
}

// Now notes rows that are there.
func (s *Secondary) Now(keys *array.String, values arrow.Array) error {
	return s.add(rowNow, keys, values)
}

func (s *Secondary) add(kind int32, keys *array.String, values arrow.Array) error {
	text, err := texts(values)
	if err != nil {
		return fmt.Errorf("metadata: %s: %w", s.of.Name, err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for i := range keys.Len() {
		s.key = s.key[:0]
		if values.IsValid(i) {
			s.key = appendEscaped(s.key, text(i))
		} else if s.nulls {
			s.key = append(s.key, null)
		} else {
			continue
		}
		s.key = append(s.key, '$')
		value := len(s.key)
		s.key = appendEscaped(s.key, keys.Value(i))
		if err := addKey(&s.sort, s.layout.routeSecondary(s.key, value), kind, s.key); err != nil {
			return err
		}
	}
	return nil
}

// texts returns the texts of an array of a type that has secondary indexes.
func texts(values arrow.Array) (func(i int) string, error) {
	switch values := values.(type) {
	case *array.String:
		return values.Value, nil
	case *array.Int32:
		return func(i int) string { return strconv.FormatInt(int64(values.Value(i)), 10) }, nil
	case *array.Int64:
		return func(i int) string { return strconv.FormatInt(values.Value(i), 10) }, nil
	}
	return nil, fmt.Errorf("values of type %s have no texts that are the same in all releases: %w", values.DataType(), base.ErrUnsupported)
}

// HasText tells whether values of a type have one text, that of their keys in indexes. Real Hudi's
// releases differ in those of others.
func HasText(t *schema.Type) bool {
	return t.Logical == schema.NoLogical && (t.Kind == schema.String || t.Kind == schema.Int || t.Kind == schema.Long)
}

// appendEscaped appends a text as it is in the keys of secondary indexes.
func appendEscaped(dst []byte, text string) []byte {
	for i := range len(text) {
		if c := text[i]; c == '\\' || c == '$' || c == 0 {
			dst = append(dst, '\\')
		}
		dst = append(dst, text[i])
	}
	return dst
}

// appendSecondary appends a record of a secondary index.
func appendSecondary(dst []byte, deleted bool) []byte {
	dst = append(appendHead(dst, "", typeSecondary), null, null, null, null, branch)
	if deleted {
		return append(dst, 1)
	}
	return append(dst, 0)
}

// changes yields one change for each pair of value and key that came or went, by group and key.
func (s *Secondary) changes() iter.Seq2[change, error] {
	value := appendSecondary(nil, false)
	return func(yield func(change, error) bool) {
		last := change{group: -1}
		var before, now bool
		emit := func() bool {
			switch {
			case before == now:
				return true
			case now:
				last.value = value
			default:
				last.value = nil
			}
			return yield(last, nil)
		}
		for k, err := range s.sort.all() {
			if err != nil {
				yield(change{}, err)
				return
			}
			if k.group != last.group || !bytes.Equal(k.key, last.key) {
				if !emit() {
					return
				}
				last.group, last.key = k.group, append(last.key[:0], k.key...)
				before, now = false, false
			}
			before, now = before || k.place == rowBefore, now || k.place == rowNow
		}
		emit()
	}
}

// PrepareLogs sorts and encodes the changes as the log files of an instant. created is put into
// HFiles.
func (s *Secondary) PrepareLogs(instant string, created time.Time) error {
	return s.prepareLogs(s.changes(), instant, created)
}

// PrepareBases sorts and encodes the rows as the base files that an index begins with.
func (s *Secondary) PrepareBases(created time.Time) error {
	return s.prepareBases(s.changes(), created)
}

// SecondaryIndexes are the names of a table's secondary indexes that are complete.
func SecondaryIndexes(c *table.Config) []string {
	var out []string
	for _, p := range c.MetadataPartitions {
		if strings.HasPrefix(p, SecondaryIndex) {
			out = append(out, p)
		}
	}
	return out
}

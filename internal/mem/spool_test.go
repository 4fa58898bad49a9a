package mem

import (
	"fmt"
	"iter"
	"math"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/stretchr/testify/require"

	"github.com/hudi-go/hudi-go/internal/base"
)

var schema = arrow.NewSchema([]arrow.Field{
	{Name: "id", Type: arrow.PrimitiveTypes.Int64},
	{Name: "text", Type: arrow.BinaryTypes.String, Nullable: true},
	{Name: "list", Type: arrow.ListOf(arrow.PrimitiveTypes.Int32), Nullable: true},
	{Name: "word", Type: &arrow.DictionaryType{IndexType: arrow.PrimitiveTypes.Int8, ValueType: arrow.BinaryTypes.String}},
}, nil)

// batch makes rows from to to-1; every batch has a dictionary of its own.
func batch(t *testing.T, alloc memory.Allocator, from, to int) arrow.RecordBatch {
	t.Helper()
	b := array.NewRecordBuilder(alloc, schema)
	defer b.Release()
	for i := from; i < to; i++ {
		b.Field(0).(*array.Int64Builder).Append(int64(i))
		if i%7 == 0 {
			b.Field(1).AppendNull()
			b.Field(2).AppendNull()
		} else {
			b.Field(1).(*array.StringBuilder).Append(strings.Repeat("x", i%50))
			b.Field(2).(*array.ListBuilder).Append(true)
			b.Field(2).(*array.ListBuilder).ValueBuilder().(*array.Int32Builder).AppendValues([]int32{int32(i), 1}, nil)
		}
		require.NoError(t, b.Field(3).(*array.BinaryDictionaryBuilder).AppendString(fmt.Sprint("word ", from, i%3)))
	}
	return b.NewRecordBatch()
}

// requireRows checks that the batches of a spool are those of want, in order.
func requireRows(t *testing.T, s *Spool, want []arrow.RecordBatch) {
	t.Helper()
	i := 0
	for got, err := range s.All() {
		require.NoError(t, err)
		require.Less(t, i, len(want))
		require.True(t, array.RecordEqual(want[i], got), "batch %d", i)
		i++
	}
	require.Equal(t, len(want), i)
}

func TestSpool(t *testing.T) {
	const batches = 20
	for name, c := range map[string]struct {
		budget, limit int64
		spills        bool
	}{
		"all in memory":           {math.MaxInt64, math.MaxInt64, false},
		"some, by the limit":      {math.MaxInt64, 60_000, true},
		"some, by the budget":     {60_000, math.MaxInt64, true},
		"all on disk":             {math.MaxInt64, 0, true},
		"nothing may be reserved": {0, math.MaxInt64, true},
	} {
		t.Run(name, func(t *testing.T) {
			alloc := memory.NewCheckedAllocator(memory.NewGoAllocator())
			defer alloc.AssertSize(t, 0)
			dir := filepath.Join(t.TempDir(), "made when needed")
			budget := NewBudget(c.budget, dir)
			s := NewSpool(budget, schema, c.limit, alloc)
			requireRows(t, s, nil)

			var want []arrow.RecordBatch
			for i := range batches {
				b := batch(t, alloc, i*100, i*100+100)
				require.NoError(t, s.Append(b))
				b.Release() // the spool has a reference of its own
				same := batch(t, alloc, i*100, i*100+100)
				defer same.Release()
				want = append(want, same)
				if i == batches/2 {
					requireRows(t, s, want) // and append more after that
				}
			}
			require.Equal(t, int64(batches*100), s.Rows())
			require.Equal(t, c.spills, s.Spilled())
			require.LessOrEqual(t, budget.Used(), min(c.budget, c.limit))
			requireRows(t, s, want)
			requireRows(t, s, want)
			for range s.All() {
				break
			}

			require.NoError(t, s.Close())
			require.NoError(t, s.Close())
			require.Zero(t, budget.Used())
			require.ErrorIs(t, s.Append(want[0]), os.ErrClosed)
			for _, err := range s.All() {
				require.ErrorIs(t, err, os.ErrClosed)
			}
			left, err := os.ReadDir(dir)
			require.Equal(t, c.spills, err == nil, "the folder is made when needed")
			require.Empty(t, left)
		})
	}
}

// Once a batch has gone to disk, later ones must not overtake it, even if they fit.
func TestSpoolOrder(t *testing.T) {
	alloc := memory.NewCheckedAllocator(memory.NewGoAllocator())
	defer alloc.AssertSize(t, 0)
	small, large := batch(t, alloc, 0, 10), batch(t, alloc, 10, 1000)
	defer small.Release()
	defer large.Release()
	s := NewSpool(NewBudget(1<<30, t.TempDir()), schema, 3*BatchSize(small), alloc)
	defer s.Close()
	order := []arrow.RecordBatch{small, large, small}
	for _, b := range order {
		require.NoError(t, s.Append(b))
	}
	require.Len(t, s.kept, 1)
	requireRows(t, s, order)
}

func TestSpoolReadersSideBySide(t *testing.T) {
	alloc := memory.NewCheckedAllocator(memory.NewGoAllocator())
	defer alloc.AssertSize(t, 0)
	s := NewSpool(NewBudget(1<<30, t.TempDir()), schema, 20_000, alloc)
	defer s.Close()
	for i := range 10 {
		b := batch(t, alloc, i*100, i*100+100)
		require.NoError(t, s.Append(b))
		b.Release()
	}
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			rows := int64(0)
			for b, err := range s.All() {
				if err != nil {
					t.Error(err)
					return
				}
				rows += b.NumRows()
			}
			if rows != s.Rows() {
				t.Errorf("%d rows", rows)
			}
		})
	}
	wg.Wait()
}

// A reader that steps out of the middle must not leak, and one may interleave with another.
func TestSpoolInterleaved(t *testing.T) {
	alloc := memory.NewCheckedAllocator(memory.NewGoAllocator())
	defer alloc.AssertSize(t, 0)
	s := NewSpool(NewBudget(1<<30, t.TempDir()), schema, 0, alloc)
	defer s.Close()
	for i := range 3 {
		b := batch(t, alloc, i*10, i*10+10)
		require.NoError(t, s.Append(b))
		b.Release()
	}
	next, stop := iter.Pull2(s.All())
	other, stopOther := iter.Pull2(s.All())
	for i := range 2 {
		a, err, _ := next()
		require.NoError(t, err)
		b, err, _ := other()
		require.NoError(t, err)
		require.True(t, array.RecordEqual(a, b))
		require.Equal(t, int64(i*10), a.Column(0).(*array.Int64).Value(0))
	}
	stop()
	stopOther()
}

func TestSpoolErrors(t *testing.T) {
	alloc := memory.NewCheckedAllocator(memory.NewGoAllocator())
	defer alloc.AssertSize(t, 0)
	b := batch(t, alloc, 0, 10)
	defer b.Release()

	t.Run("schema", func(t *testing.T) {
		s := NewSpool(NewBudget(1<<30, t.TempDir()), arrow.NewSchema(nil, nil), 1<<20, alloc)
		defer s.Close()
		require.ErrorIs(t, s.Append(b), base.ErrInvalid)
	})
	t.Run("folder", func(t *testing.T) {
		file := filepath.Join(t.TempDir(), "a file")
		require.NoError(t, os.WriteFile(file, nil, 0o644))
		s := NewSpool(NewBudget(1<<30, file), schema, 0, alloc)
		defer s.Close()
		err := s.Append(b)
		require.ErrorContains(t, err, file)
		require.ErrorContains(t, err, "--spill-dir")
		require.Equal(t, err, s.Append(b), "the spool has failed for good")
		for _, again := range s.All() {
			require.Equal(t, err, again)
		}
	})
	for name, damage := range map[string]func(*spillFile) error{
		"cut between batches": func(f *spillFile) error { return f.file.Truncate(f.size - f.size/3) },
		"emptied":             func(f *spillFile) error { return f.file.Truncate(0) },
		"closed":              func(f *spillFile) error { return f.file.Close() },
		"overwritten": func(f *spillFile) error {
			_, err := f.file.WriteAt(make([]byte, f.size/2), f.size/2)
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := NewSpool(NewBudget(1<<30, t.TempDir()), schema, 0, alloc)
			defer s.Close()
			for range 3 {
				require.NoError(t, s.Append(b))
			}
			require.NoError(t, s.file.flush())
			require.NoError(t, damage(s.file))
			var last error
			for _, err := range s.All() {
				last = err
			}
			require.ErrorContains(t, last, s.file.name)
		})
	}
}

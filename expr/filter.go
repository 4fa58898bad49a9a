package expr

import (
	"context"
	"math/bits"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/bitutil"
	"github.com/apache/arrow-go/v18/arrow/compute"
	"github.com/apache/arrow-go/v18/arrow/memory"
)

// sliceShare is the least share of a batch (one in so many rows) that is worth returning as a
// view of a run of rows. A view keeps the whole batch in memory.
const sliceShare = 4

// Select evaluates the condition on the batch, which must have the columns of Columns with
// the types of the schema given to Bind. It returns a bitmap with a set bit for each matching
// row, least significant bit first, and their number. Bits beyond the last row are undefined.
// Errors wrap base.ErrInvalid.
func (b *Bound) Select(batch arrow.RecordBatch) (bitmap []byte, matches int, err error) {
	r := rows{batch: batch, n: int(batch.NumRows())}
	bitmap = r.scratch()
	if err := b.root.eval(r, bitmap); err != nil {
		return nil, 0, err
	}
	return bitmap, bitutil.CountSetBits(bitmap, 0, r.n), nil
}

// Filter returns the matching rows with all their columns, in their order; the caller
// releases the result. When all rows match, or a large run of neighbours, the result shares
// the batch's memory. Errors are those of Select, or of allocation.
func (b *Bound) Filter(batch arrow.RecordBatch, alloc memory.Allocator) (arrow.RecordBatch, error) {
	bitmap, matches, err := b.Select(batch)
	if err != nil {
		return nil, err
	}
	n := int(batch.NumRows())
	switch {
	case matches == n:
		batch.Retain()
		return batch, nil
	case matches == 0:
		return batch.NewSlice(0, 0), nil
	case matches >= n/sliceShare:
		if first, ok := run(bitmap, matches, n); ok {
			return batch.NewSlice(int64(first), int64(first+matches)), nil
		}
	}
	data := array.NewData(arrow.FixedWidthTypes.Boolean, n, []*memory.Buffer{nil, memory.NewBufferBytes(bitmap)}, nil, 0, 0)
	defer data.Release()
	mask := array.NewBooleanData(data)
	defer mask.Release()
	// Batches are filtered in parallel by those who read them, not column by column here.
	exec := compute.DefaultExecCtx()
	exec.NumParallel = 1
	ctx := compute.WithAllocator(compute.SetExecCtx(context.Background(), exec), alloc)
	return compute.FilterRecordBatch(ctx, batch, mask, compute.DefaultFilterOptions())
}

// run reports whether the matches among n rows are neighbours, and where they begin.
func run(bitmap []byte, matches, n int) (first int, ok bool) {
	for bitmap[first/8] == 0 {
		first += 8
	}
	first += bits.TrailingZeros8(bitmap[first/8])
	return first, first+matches <= n && bitutil.CountSetBits(bitmap, first, matches) == matches
}

//go:build cgo && (linux || darwin) && (amd64 || arm64)

package sql

/*
#include <stdlib.h>
#include "bridge.h"
*/
import "C"

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"math"
	"sync"
	"unsafe"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/cdata"
	"github.com/apache/arrow-go/v18/arrow/memory"
	bind "github.com/duckdb/duckdb-go-bindings"

	"github.com/hudi-go/hudi-go/schema"
)

// Rows is the answer to a statement, which may still be at work.
type Rows struct {
	db       *DB
	prepared bind.PreparedStatement
	result   bind.Result
	options  bind.ArrowOptions
	raw      *arrow.Schema // as DuckDB converts it
	schema   *schema.Schema
	stop     func() // waits for an interrupt that is on its way
}

// run starts a statement.
func (db *DB) run(ctx context.Context, statement string) (_ *Rows, err error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	r := &Rows{db: db}
	db.eachScan(func(s *scan) { s.ctx = ctx })
	interrupted := make(chan struct{})
	stop := context.AfterFunc(ctx, func() { bind.Interrupt(db.conn); close(interrupted) })
	r.stop = sync.OnceFunc(func() {
		if !stop() {
			<-interrupted
		}
	})
	defer func() {
		if err != nil {
			if ctx.Err() != nil {
				err = ctx.Err()
			}
			r.Close()
		}
	}()
	if bind.Prepare(db.conn, statement, &r.prepared) != bind.StateSuccess {
		return nil, refused("%s", bind.PrepareError(r.prepared))
	}
	if bind.ExecutePreparedStreaming(r.prepared, &r.result) != bind.StateSuccess {
		return nil, refused("%s", bind.ResultError(&r.result))
	}
	r.options = bind.ResultGetArrowOptions(&r.result)
	return r, r.describe()
}

// Close ends the statement.
func (r *Rows) Close() {
	r.stop()
	bind.DestroyArrowOptions(&r.options)
	bind.DestroyResult(&r.result)
	bind.DestroyPrepare(&r.prepared)
}

// Schema is that of the answer. Its columns have the names of the statement, which need not
// be names of Avro.
func (r *Rows) Schema() *schema.Schema { return r.schema }

// describe derives the schema of the answer.
func (r *Rows) describe() error {
	n := int(bind.ColumnCount(&r.result))
	types := (*[1 << 20]unsafe.Pointer)(C.calloc(C.size_t(max(n, 1)), C.size_t(unsafe.Sizeof(uintptr(0)))))
	names := (*[1 << 20]*C.char)(C.calloc(C.size_t(max(n, 1)), C.size_t(unsafe.Sizeof(uintptr(0)))))
	whole := make([]bool, n)
	for i := range n {
		t := bind.ColumnLogicalType(&r.result, bind.IdxT(i))
		types[i] = t.Ptr
		names[i] = C.CString(bind.ColumnName(&r.result, bind.IdxT(i)))
		switch bind.GetTypeId(t) {
		case bind.TypeHugeInt, bind.TypeUHugeInt, bind.TypeUBigInt:
			whole[i] = true
		}
	}
	defer func() {
		for i := range n {
			t := bind.LogicalType{Ptr: types[i]}
			bind.DestroyLogicalType(&t)
			C.free(unsafe.Pointer(names[i]))
		}
		C.free(unsafe.Pointer(types))
		C.free(unsafe.Pointer(names))
	}()
	var c cdata.CArrowSchema
	if err := failure(C.hudi_answer_schema(r.options.Ptr, &types[0], &names[0], C.uint64_t(n), unsafe.Pointer(&c))); err != nil {
		return err
	}
	var err error
	if r.raw, err = cdata.ImportCArrowSchema(&c); err != nil {
		return fmt.Errorf("sql: %w: cast the column to VARCHAR", err)
	}
	fields := make([]arrow.Field, n)
	seen := map[string]bool{}
	for i, f := range r.raw.Fields() {
		for name, k := f.Name, 1; seen[f.Name]; k++ {
			f.Name = fmt.Sprintf("%s_%d", name, k)
		}
		seen[f.Name] = true
		f.Nullable = true
		switch {
		case whole[i]:
			f.Type = arrow.PrimitiveTypes.Int64
		case f.Type.ID() == arrow.NULL:
			f.Type = arrow.PrimitiveTypes.Int32
		}
		fields[i] = f
	}
	r.schema, err = schema.OfRows(arrow.NewSchema(fields, nil))
	return err
}

// Batches yields the rows; a batch is valid until the next step. It can be called once.
func (r *Rows) Batches(ctx context.Context) iter.Seq2[arrow.RecordBatch, error] {
	return func(yield func(arrow.RecordBatch, error) bool) {
		for {
			chunk := bind.FetchChunk(r.result)
			if chunk.Ptr == nil {
				break
			}
			batch, err := r.convert(chunk)
			bind.DestroyDataChunk(&chunk)
			if err != nil {
				yield(nil, err)
				return
			}
			more := batch.NumRows() == 0 || yield(batch, nil)
			batch.Release()
			if !more {
				return
			}
		}
		err := ctx.Err()
		if message := bind.ResultError(&r.result); err == nil && message != "" {
			err = errors.New("sql: " + message)
		}
		if err != nil {
			yield(nil, err)
		}
	}
}

// convert makes a batch of a chunk. The caller releases it.
func (r *Rows) convert(chunk bind.DataChunk) (arrow.RecordBatch, error) {
	var c cdata.CArrowArray
	if err := failure(C.hudi_answer(r.options.Ptr, chunk.Ptr, unsafe.Pointer(&c))); err != nil {
		return nil, err
	}
	raw, err := cdata.ImportCRecordBatchWithSchema(&c, r.raw)
	if err != nil {
		return nil, fmt.Errorf("sql: %w", err)
	}
	defer raw.Release()
	columns := make([]arrow.Array, raw.NumCols())
	defer func() {
		for _, c := range columns {
			if c != nil {
				c.Release()
			}
		}
	}()
	fields := make([]arrow.Field, raw.NumCols())
	for i, from := range raw.Columns() {
		want := r.schema.Arrow().Field(i)
		switch {
		case want.Type.ID() == arrow.INT64 && (from.DataType().ID() == arrow.DECIMAL128 || from.DataType().ID() == arrow.UINT64):
			if columns[i], err = longs(from, r.db.alloc); err != nil {
				return nil, fmt.Errorf("sql: column %s: %w", want.Name, err)
			}
		case from.DataType().ID() == arrow.NULL:
			columns[i] = array.MakeArrayOfNull(r.db.alloc, want.Type, from.Len())
		default:
			from.Retain()
			columns[i] = from
		}
		fields[i] = arrow.Field{Name: want.Name, Type: columns[i].DataType(), Nullable: true}
	}
	named := array.NewRecordBatch(arrow.NewSchema(fields, nil), columns, raw.NumRows())
	defer named.Release()
	return schema.Conform(named, r.schema, r.db.alloc)
}

// longs makes whole numbers of 128 bits, which sums are in DuckDB, numbers of 64, which they
// are in Hudi and in Spark.
func longs(a arrow.Array, alloc memory.Allocator) (arrow.Array, error) {
	b := array.NewInt64Builder(alloc)
	defer b.Release()
	b.Reserve(a.Len())
	for i := range a.Len() {
		if a.IsNull(i) {
			b.AppendNull()
			continue
		}
		switch a := a.(type) {
		case *array.Uint64:
			if a.Value(i) > math.MaxInt64 {
				return nil, errTooLarge(fmt.Sprint(a.Value(i)))
			}
			b.Append(int64(a.Value(i)))
		case *array.Decimal128:
			v := a.Value(i)
			if v.HighBits() != int64(v.LowBits())>>63 {
				return nil, errTooLarge(v.BigInt().String())
			}
			b.Append(int64(v.LowBits()))
		}
	}
	return b.NewArray(), nil
}

func errTooLarge(number string) error {
	return refused("%s is no number of 64 bits: cast the column to DECIMAL(38, 0)", number)
}

// eachScan visits the tables as they are now.
func (db *DB) eachScan(visit func(*scan)) {
	db.mu.Lock()
	defer db.mu.Unlock()
	for _, s := range db.scans {
		visit(s)
	}
}

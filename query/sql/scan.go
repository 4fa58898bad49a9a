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
	"runtime/cgo"
	"slices"
	"strings"
	"sync"
	"unsafe"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/cdata"
	bind "github.com/duckdb/duckdb-go-bindings"

	"github.com/hudi-go/hudi-go/query"
	"github.com/hudi-go/hudi-go/schema"
)

// scan is a table at one moment: the files that DuckDB reads itself, and the plan of what it
// reads through us.
type scan struct {
	db    *DB
	ctx   context.Context // of the statement that runs
	plan  *query.Plan
	files []string
	where string // a condition that all rows meet that the statement can need, "" for none
}

// view is the statement behind the view of the table. Columns are named, as those of the
// files may stand in another order.
func (s *scan) view(id int64) string {
	var columns []string
	for _, f := range s.plan.Schema.Fields() {
		columns = append(columns, identifier(f.Name))
	}
	var parts []string
	list := strings.Join(columns, ", ")
	if len(s.files) > 0 {
		var files []string
		for _, f := range s.files {
			files = append(files, literal(f))
		}
		parts = append(parts, "SELECT "+list+" FROM read_parquet(["+strings.Join(files, ", ")+"], hive_partitioning = false)")
	}
	if len(s.plan.Tasks) > 0 || len(parts) == 0 {
		parts = append(parts, fmt.Sprintf("SELECT %s FROM hudi_scan(%d)", list, id))
	}
	return strings.Join(parts, " UNION ALL ")
}

// converted are columns in the form in which DuckDB gets them.
type converted struct{ ptr unsafe.Pointer }

func (c converted) free() { C.hudi_free_schema(c.ptr) }

// convert has DuckDB derive its types from those of columns. The caller frees the result.
func (db *DB) convert(s *schema.Schema) (converted, error) {
	fields := make([]arrow.Field, len(s.Fields()))
	for i, f := range s.Fields() {
		fields[i] = withUUIDs(s.Arrow().Field(i), f.Type)
	}
	var c cdata.CArrowSchema
	cdata.ExportArrowSchema(arrow.NewSchema(fields, nil), &c)
	defer cdata.ReleaseCArrowSchema(&c)
	out := (*unsafe.Pointer)(C.calloc(1, C.size_t(unsafe.Sizeof(uintptr(0)))))
	defer C.free(unsafe.Pointer(out))
	if err := failure(C.hudi_schema(db.types.Ptr, unsafe.Pointer(&c), out)); err != nil {
		return converted{}, err
	}
	return converted{*out}, nil
}

// uuidMark is how Arrow tells that fixed bytes are a UUID.
var uuidMark = arrow.NewMetadata([]string{"ARROW:extension:name", "ARROW:extension:metadata"}, []string{"arrow.uuid", ""})

// withUUIDs marks the UUIDs in a column: DuckDB has a type for them.
func withUUIDs(f arrow.Field, t *schema.Type) arrow.Field {
	switch {
	case t.Kind == schema.Fixed && t.Logical == schema.UUID:
		f.Metadata = uuidMark
	case t.Kind == schema.Array:
		f.Type = arrow.ListOfField(withUUIDs(f.Type.(*arrow.ListType).ElemField(), t.Elem))
	case t.Kind == schema.Map:
		m := f.Type.(*arrow.MapType)
		f.Type = arrow.MapOfFields(m.KeyField(), withUUIDs(m.ItemField(), t.Elem))
	case t.Kind == schema.Record:
		fields := slices.Clone(f.Type.(*arrow.StructType).Fields())
		for i := range fields {
			fields[i] = withUUIDs(fields[i], t.Fields[i].Type)
		}
		f.Type = arrow.StructOf(fields...)
	}
	return f
}

// chunk shows a batch to DuckDB, which refers to its memory. The caller destroys the chunk,
// and frees the batch when DuckDB is done with all vectors.
func (db *DB) chunk(batch arrow.RecordBatch, types converted) (bind.DataChunk, *exported, error) {
	e := &exported{(*C.struct_ArrowArray)(C.calloc(1, C.sizeof_struct_ArrowArray))}
	cdata.ExportArrowRecordBatch(batch, (*cdata.CArrowArray)(unsafe.Pointer(e.array)), nil)
	out := (*unsafe.Pointer)(C.calloc(1, C.size_t(unsafe.Sizeof(uintptr(0)))))
	defer C.free(unsafe.Pointer(out))
	if err := failure(C.hudi_chunk(db.types.Ptr, e.array, types.ptr, out)); err != nil {
		e.free()
		return bind.DataChunk{}, nil, err
	}
	return bind.DataChunk{Ptr: *out}, e, nil
}

// exported is a batch that DuckDB refers to.
type exported struct{ array *C.struct_ArrowArray }

func (e *exported) free() {
	if e != nil {
		cdata.ReleaseCArrowArray((*cdata.CArrowArray)(unsafe.Pointer(e.array)))
		C.free(unsafe.Pointer(e.array))
	}
}

// failure takes over an error of DuckDB.
func failure(p unsafe.Pointer) error {
	if p == nil {
		return nil
	}
	data := bind.ErrorData{Ptr: p}
	defer bind.DestroyErrorData(&data)
	if !bind.ErrorDataHasError(data) {
		return nil
	}
	return fmt.Errorf("sql: DuckDB: %s", bind.ErrorDataMessage(data))
}

// cursor is one read of a scan, by several threads of DuckDB.
type cursor struct {
	db      *DB
	columns []int // of the output, the column of the batches, -1 for none
	types   converted
	batches chan result
	cancel  context.CancelFunc
	done    sync.WaitGroup
}

type result struct {
	batch arrow.RecordBatch
	err   error
}

// open begins to read columns of the scan, by their positions; those beyond the last are of
// DuckDB's own and need only the number of rows.
func (s *scan) open(positions []uint64) (*cursor, error) {
	fields := s.plan.Schema.Fields()
	var names []string
	c := &cursor{db: s.db}
	for _, at := range positions {
		if at >= uint64(len(fields)) {
			c.columns = append(c.columns, -1)
			continue
		}
		c.columns = append(c.columns, len(names))
		names = append(names, fields[at].Name)
	}
	if len(names) == 0 {
		names = []string{cheapest(fields)}
	}
	plan, err := s.plan.Narrow(s.ctx, names, s.where)
	if err != nil {
		return nil, err
	}
	if c.types, err = s.db.convert(plan.Schema); err != nil {
		return nil, err
	}
	var ctx context.Context
	ctx, c.cancel = context.WithCancel(s.ctx)
	c.batches = make(chan result, s.db.threads)
	c.done.Go(func() {
		defer close(c.batches)
		for batch, err := range plan.Rows(ctx) {
			if batch != nil {
				batch.Retain()
			}
			select {
			case c.batches <- result{batch, err}:
			case <-ctx.Done():
				if batch != nil {
					batch.Release()
				}
				return
			}
		}
	})
	return c, nil
}

// cheapest is a column to count rows by.
func cheapest(fields []schema.Field) string {
	for _, f := range fields {
		if k := f.Type.Kind; k == schema.Boolean || k == schema.Int || k == schema.Long {
			return f.Name
		}
	}
	return fields[0].Name
}

func (c *cursor) close() {
	c.cancel()
	for r := range c.batches {
		if r.batch != nil {
			r.batch.Release()
		}
	}
	c.done.Wait()
	c.types.free()
}

// reader is the part of one of DuckDB's threads in a cursor.
type reader struct {
	batch arrow.RecordBatch
	at    int64
	// What DuckDB refers to: the chunk that it has got last, and the one before.
	held [2]*exported
}

func (r *reader) close() {
	if r.batch != nil {
		r.batch.Release()
	}
	r.held[0].free()
	r.held[1].free()
}

// vectorRows is how many rows DuckDB takes at a time.
var vectorRows = int64(bind.VectorSize())

// fill gives DuckDB the next rows, none at the end.
func (c *cursor) fill(r *reader, out bind.DataChunk) error {
	for r.batch == nil || r.at >= r.batch.NumRows() {
		if r.batch != nil {
			r.batch.Release()
			r.batch = nil
		}
		next, ok := <-c.batches
		if !ok {
			bind.DataChunkSetSize(out, 0)
			return nil
		}
		if next.err != nil {
			return next.err
		}
		r.batch, r.at = next.batch, 0
	}
	n := min(vectorRows, r.batch.NumRows()-r.at)
	rows := r.batch.NewSlice(r.at, r.at+n)
	defer rows.Release()
	chunk, held, err := c.db.chunk(rows, c.types)
	if err != nil {
		return err
	}
	defer bind.DestroyDataChunk(&chunk)
	r.held[0].free()
	r.held[0], r.held[1] = r.held[1], held
	r.at += n
	for i, from := range c.columns {
		if from >= 0 {
			bind.VectorReferenceVector(bind.DataChunkGetVector(out, bind.IdxT(i)), bind.DataChunkGetVector(chunk, bind.IdxT(from)))
		}
	}
	bind.DataChunkSetSize(out, bind.IdxT(n))
	return nil
}

// The functions below are called by DuckDB. A panic must not pass through it.

// guard makes a panic an error.
func guard(step func() error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("sql: %v", p)
		}
	}()
	return step()
}

//export hudiBind
func hudiBind(p unsafe.Pointer, handle C.uintptr_t) {
	info := bind.BindInfo{Ptr: p}
	err := guard(func() error {
		db := cgo.Handle(handle).Value().(*DB)
		value := bind.BindGetParameter(info, 0)
		defer bind.DestroyValue(&value)
		s := db.find(bind.GetInt64(value))
		if s == nil {
			return errors.New("hudi_scan is for the views of tables")
		}
		if err := s.describe(info); err != nil {
			return err
		}
		C.hudi_bind_data(p, C.uintptr_t(cgo.NewHandle(s)))
		return nil
	})
	if err != nil {
		bind.BindSetError(info, err.Error())
	}
}

// describe tells DuckDB the columns: it shows it no rows of them.
func (s *scan) describe(info bind.BindInfo) error {
	types, err := s.db.convert(s.plan.Schema)
	if err != nil {
		return err
	}
	defer types.free()
	b := array.NewRecordBuilder(s.db.alloc, s.plan.Schema.Arrow())
	defer b.Release()
	none := b.NewRecordBatch()
	defer none.Release()
	chunk, held, err := s.db.chunk(none, types)
	if err != nil {
		return err
	}
	defer held.free()
	defer bind.DestroyDataChunk(&chunk)
	for i, f := range s.plan.Schema.Fields() {
		t := bind.VectorGetColumnType(bind.DataChunkGetVector(chunk, bind.IdxT(i)))
		bind.BindAddResultColumn(info, f.Name, t)
		bind.DestroyLogicalType(&t)
	}
	return nil
}

//export hudiInit
func hudiInit(p unsafe.Pointer, handle C.uintptr_t) {
	info := bind.InitInfo{Ptr: p}
	err := guard(func() error {
		s := cgo.Handle(handle).Value().(*scan)
		positions := make([]uint64, bind.InitGetColumnCount(info))
		for i := range positions {
			positions[i] = uint64(bind.InitGetColumnIndex(info, bind.IdxT(i)))
		}
		c, err := s.open(positions)
		if err != nil {
			return err
		}
		bind.InitSetMaxThreads(info, bind.IdxT(s.db.threads))
		C.hudi_init_data(p, C.uintptr_t(cgo.NewHandle(c)))
		return nil
	})
	if err != nil {
		bind.InitSetError(info, err.Error())
	}
}

//export hudiLocalInit
func hudiLocalInit(p unsafe.Pointer) { C.hudi_init_data(p, C.uintptr_t(cgo.NewHandle(&reader{}))) }

//export hudiScan
func hudiScan(p, output unsafe.Pointer, shared, local C.uintptr_t) {
	err := guard(func() error {
		return cgo.Handle(shared).Value().(*cursor).fill(cgo.Handle(local).Value().(*reader), bind.DataChunk{Ptr: output})
	})
	if err != nil {
		bind.FunctionSetError(bind.FunctionInfo{Ptr: p}, err.Error())
	}
}

// hudiDrop ends what DuckDB has got by a handle.
//
//export hudiDrop
func hudiDrop(handle C.uintptr_t) {
	h := cgo.Handle(handle)
	switch v := h.Value().(type) {
	case *cursor:
		v.close()
	case *reader:
		v.close()
	}
	h.Delete()
}

//go:build cgo && (linux || darwin) && (amd64 || arm64)

package sql

/*
#cgo linux LDFLAGS: -Wl,--unresolved-symbols=ignore-in-object-files
#cgo darwin LDFLAGS: -Wl,-undefined,dynamic_lookup
#include "bridge.h"
*/
import "C"

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"runtime"
	"runtime/cgo"
	"slices"
	"sync"
	"unsafe"

	"github.com/apache/arrow-go/v18/arrow/memory"
	bind "github.com/duckdb/duckdb-go-bindings"
	"github.com/google/uuid"

	"github.com/hudi-go/hudi-go/internal/mem"
	"github.com/hudi-go/hudi-go/query"
)

// Available reports whether the program was built with SQL.
const Available = true

// DB is a DuckDB with tables. One statement runs at a time, and its Rows must be closed
// before the next; Progress and Complete may be called meanwhile.
type DB struct {
	alloc   memory.Allocator
	threads int

	db    bind.Database
	conn  bind.Connection // runs statements
	aside bind.Connection // plans and completes them
	types bind.Connection // converts rows while the others are at work
	self  cgo.Handle

	tables []*registered

	planning sync.Mutex // of aside

	mu    sync.Mutex // of what follows
	scans map[int64]*scan
	last  int64
}

// registered is a table that statements may name.
type registered struct {
	name  string
	table Table
	scan  int64 // of the view that the table has now, 0 for none
}

// Open starts a DuckDB in memory.
func Open(o Options) (*DB, error) {
	db := &DB{alloc: o.Alloc, threads: o.Threads, scans: map[int64]*scan{}}
	if db.alloc == nil {
		db.alloc = memory.DefaultAllocator
	}
	if db.threads <= 0 {
		db.threads = runtime.GOMAXPROCS(0)
	}
	spill := mem.NewBudget(o.Memory, o.SpillDir).SpillDir()
	settings := [][2]string{
		{"threads", fmt.Sprint(db.threads)},
		{"temp_directory", filepath.Join(spill, "hudi-sql-"+uuid.NewString())}, // DuckDB makes and removes it
		{"autoinstall_known_extensions", "false"},                              // nothing is downloaded
		{"preserve_insertion_order", "false"},                                  // tables have none, and it costs memory
	}
	if o.Memory > 0 {
		settings = append(settings, [2]string{"memory_limit", fmt.Sprintf("%dB", o.Memory)})
	}
	var config bind.Config
	if bind.CreateConfig(&config) != bind.StateSuccess {
		return nil, errors.New("sql: DuckDB has no memory for its configuration")
	}
	defer bind.DestroyConfig(&config)
	for _, s := range settings {
		if bind.SetConfig(config, s[0], s[1]) != bind.StateSuccess {
			return nil, fmt.Errorf("sql: DuckDB refuses %s=%s", s[0], s[1])
		}
	}
	var message string
	if bind.OpenExt("", &db.db, config, &message) != bind.StateSuccess {
		return nil, fmt.Errorf("sql: open DuckDB: %s", message)
	}
	for _, c := range []*bind.Connection{&db.conn, &db.aside, &db.types} {
		if bind.Connect(db.db, c) != bind.StateSuccess {
			return nil, errors.Join(errors.New("sql: connect to DuckDB"), db.Close())
		}
		for _, s := range []string{
			"SET TimeZone = 'UTC'", "SET enable_progress_bar = true", "SET enable_progress_bar_print = false",
			"SET parquet_metadata_cache = true", // else footers are read for the view, for its plan and for the rows
		} {
			if err := db.exec(*c, s); err != nil {
				return nil, errors.Join(err, db.Close())
			}
		}
	}
	db.self = cgo.NewHandle(db)
	if !C.hudi_register(db.conn.Ptr, C.uintptr_t(db.self)) {
		return nil, errors.Join(errors.New("sql: DuckDB refuses the table function hudi_scan"), db.Close())
	}
	return db, nil
}

// Close ends DuckDB and removes its temporary files.
func (db *DB) Close() error {
	bind.Disconnect(&db.conn)
	bind.Disconnect(&db.aside)
	bind.Disconnect(&db.types)
	bind.Close(&db.db)
	for id := range db.scans {
		db.drop(id)
	}
	if db.self != 0 {
		db.self.Delete()
		db.self = 0
	}
	return nil
}

// Add makes a table known under a name. Another table of that name is replaced.
func (db *DB) Add(name string, t Table) error {
	if name == "" {
		return refused("a table needs a name")
	}
	db.tables = slices.DeleteFunc(db.tables, func(r *registered) bool { return r.name == name })
	db.tables = append(db.tables, &registered{name: name, table: t})
	return nil
}

// Prepare plans all tables, so that Complete knows their columns.
func (db *DB) Prepare(ctx context.Context) error {
	for _, r := range db.tables {
		if err := db.refresh(ctx, r); err != nil {
			return err
		}
	}
	return nil
}

// refresh plans a table as it is now, and makes its view.
func (db *DB) refresh(ctx context.Context, r *registered) error {
	plan, err := r.table(ctx)
	if err != nil {
		return err
	}
	s, err := db.newScan(ctx, plan)
	if err != nil {
		return fmt.Errorf("sql: table %s: %w", r.name, err)
	}
	before := r.scan
	r.scan = db.keep(s)
	if err := db.exec(db.conn, "CREATE OR REPLACE VIEW "+identifier(r.name)+" AS "+s.view(r.scan)); err != nil {
		return fmt.Errorf("sql: table %s: %w", r.name, err)
	}
	db.drop(before)
	return nil
}

// Query runs one statement. The tables are planned as they are now; the
// answer is complete for that moment however long it takes. The rows must be closed.
// Errors of the statement wrap ErrStatement.
func (db *DB) Query(ctx context.Context, statement string) (*Rows, error) {
	for _, r := range db.tables { // what a statement names may be a view of another
		if err := db.refresh(ctx, r); err != nil {
			return nil, err
		}
	}
	db.pushConditions(statement)
	return db.run(ctx, statement)
}

// exec runs a statement without an answer.
func (db *DB) exec(c bind.Connection, statement string) error {
	var r bind.Result
	defer bind.DestroyResult(&r)
	if bind.Query(c, statement, &r) != bind.StateSuccess {
		return refused("%s", bind.ResultError(&r))
	}
	return nil
}

// texts are the first columns of a statement's answer, which are texts, row by row.
func (db *DB) texts(statement string, columns int) ([][]string, error) {
	db.planning.Lock()
	defer db.planning.Unlock()
	var r bind.Result
	defer bind.DestroyResult(&r)
	if bind.Query(db.aside, statement, &r) != bind.StateSuccess {
		return nil, refused("%s", bind.ResultError(&r))
	}
	var out [][]string
	for {
		chunk := bind.FetchChunk(r)
		if chunk.Ptr == nil {
			return out, nil
		}
		for row := range uint64(bind.DataChunkGetSize(chunk)) {
			cells := make([]string, columns)
			for i := range cells {
				data := bind.VectorGetData(bind.DataChunkGetVector(chunk, bind.IdxT(i)))
				cells[i] = bind.StringTData((*bind.StringT)(unsafe.Add(data, row*16)))
			}
			out = append(out, cells)
		}
		bind.DestroyDataChunk(&chunk)
	}
}

// Complete proposes ways to go on with the text of a statement: keywords, tables, columns,
// functions.
func (db *DB) Complete(text string) []Suggestion {
	rows, err := db.texts("SELECT suggestion, suggestion_start::VARCHAR FROM sql_auto_complete("+literal(text)+")", 2)
	if err != nil {
		return nil
	}
	out := make([]Suggestion, len(rows))
	for i, row := range rows {
		out[i].Text = row[0]
		_, _ = fmt.Sscan(row[1], &out[i].From)
	}
	return out
}

// Progress tells how much of the running statement is done, from 0 to 1; ok is false when
// nobody knows.
func (db *DB) Progress() (done float64, ok bool) {
	p := bind.QueryProgress(db.conn)
	percent, _, _ := bind.QueryProgressTypeMembers(&p)
	return percent / 100, percent >= 0
}

// keep gives a scan the number by which statements name it.
func (db *DB) keep(s *scan) int64 {
	db.mu.Lock()
	defer db.mu.Unlock()
	db.last++
	db.scans[db.last] = s
	return db.last
}

func (db *DB) find(id int64) *scan {
	db.mu.Lock()
	defer db.mu.Unlock()
	return db.scans[id]
}

func (db *DB) drop(id int64) {
	db.mu.Lock()
	defer db.mu.Unlock()
	delete(db.scans, id)
}

// newScan splits a plan between DuckDB and us.
func (db *DB) newScan(ctx context.Context, plan *query.Plan) (*scan, error) {
	s := &scan{db: db, ctx: context.WithoutCancel(ctx), plan: plan}
	if root, local := localFolder(plan.Root()); local {
		files, rest, err := plan.SplitPlain(ctx)
		if err != nil {
			return nil, err
		}
		s.plan = rest
		for _, f := range files {
			s.files = append(s.files, filepath.Join(root, filepath.FromSlash(f)))
		}
	}
	return s, nil
}

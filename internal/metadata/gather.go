package metadata

import (
	"context"
	"fmt"
	"path"
	"sync"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/hudi-go/hudi-go/internal/base"
	"github.com/hudi-go/hudi-go/internal/basefile"
	"github.com/hudi-go/hudi-go/schema"
)

// Gathered is what the writers of an instant's files know of them while they have them in
// memory: statistics of columns, and filters of keys. Under the table's lock nothing has to be
// read again then. It is safe for concurrent use; nil gathers nothing.
type Gathered struct {
	of indexed

	mu    sync.Mutex
	files map[string]*facts // by path
}

// facts are what the metadata table has of one file.
type facts struct {
	stats []*Stats     // by column, nil for one that the file lacks
	bloom *BloomFilter // nil for none
}

// Gather prepares for the files of an instant whose rows have that schema, nil if the metadata
// table has nothing of files but their names.
func (s Source) Gather(ctx context.Context, rows *schema.Schema) (*Gathered, error) {
	x, err := s.indexed(ctx, rows)
	if err != nil || !x.stats && !x.blooms {
		return nil, err
	}
	return &Gathered{of: x, files: map[string]*facts{}}, nil
}

// Footer notes a Parquet file by the end of it, from its footer on, as its writer has it.
func (g *Gathered) Footer(ctx context.Context, file string, footer []byte, size int64) error {
	if g == nil {
		return nil
	}
	r, err := basefile.OpenFooter(ctx, footer, size, file, memory.DefaultAllocator)
	if err != nil {
		return err
	}
	defer r.Close()
	f, err := g.of.footerFacts(r, path.Base(file))
	if err != nil {
		return err
	}
	g.put(file, f)
	return nil
}

// Rows begins with a log file: add takes its rows, and done notes it. add is nil if there are no
// statistics to keep.
func (g *Gathered) Rows() (add func(arrow.RecordBatch) error, done func(file string) error) {
	if g == nil || !g.of.stats {
		return nil, func(string) error { return nil }
	}
	rows := newRowStats(&g.of)
	return rows.Add, func(file string) error {
		stats, err := rows.Stats(path.Base(file))
		if err == nil {
			g.put(file, &facts{stats: stats})
		}
		return err
	}
}

func (g *Gathered) put(file string, f *facts) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.files[file] = f
}

// get returns what was gathered of a file, nil if that does not do for x.
func (g *Gathered) get(file string, x *indexed) *facts {
	if g == nil || !g.of.covers(x) {
		return nil
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.files[file]
}

// factsOf reads what the metadata table has of a file of the table.
func (s Source) factsOf(ctx context.Context, x *indexed, ref FileRef) (*facts, error) {
	file := base.Join(ref.Partition, ref.Name)
	fail := func(err error) (*facts, error) {
		return nil, fmt.Errorf("metadata: statistics of %s of %s: %w", file, s.Store.URI(), err)
	}
	if _, isLog := base.ParseLogFileName(ref.Name); isLog {
		if !x.stats {
			return &facts{}, nil
		}
		stats, err := x.logStats(ctx, s.Store, file)
		if err != nil {
			return fail(err)
		}
		return &facts{stats: stats}, nil
	}
	in, err := s.Store.Open(ctx, file)
	if err != nil {
		return fail(err)
	}
	r, err := basefile.Open(ctx, in, file, memory.DefaultAllocator)
	if err != nil {
		return fail(err)
	}
	defer r.Close()
	f, err := x.footerFacts(r, ref.Name)
	if err != nil {
		return fail(err)
	}
	return f, nil
}

package hudi_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/stretchr/testify/require"

	"github.com/hudi-go/hudi-go/hudi"
	"github.com/hudi-go/hudi-go/internal/goldentest"
	"github.com/hudi-go/hudi-go/query"
	"github.com/hudi-go/hudi-go/storage"
	"github.com/hudi-go/hudi-go/storage/intercept"
	"github.com/hudi-go/hudi-go/storage/local"
)

// TestHostileMetadata plants payloads in the metadata of golden tables on disk that name files
// outside of the table, and does everything that reads or changes a table. Nothing but what
// lies below the table's folder may be opened, listed, written or deleted; operations that
// meet the payload say in which file it stands. HUDI_GO_CRASH=more tries all payloads.
func TestHostileMetadata(t *testing.T) {
	payloads := hostilePayloads()
	require.GreaterOrEqual(t, len(payloads), 300)
	allowed := map[string]map[string]bool{} // by table, the operations that the table as it was allows
	for i, p := range payloads {
		const stride = 5 // of the plain run, through forms and places alike
		if !more && !everything && i%stride != 0 && !strings.HasPrefix(p.name, "link/") {
			continue
		}
		t.Run(p.name, func(t *testing.T) {
			if allowed[p.table] == nil {
				allowed[p.table] = map[string]bool{}
				newSandbox(t, p.table, nil).each(t, func(o hostileOp, err error) { allowed[p.table][o.name] = err == nil })
			}
			caught := false
			newSandbox(t, p.table, p.plant).each(t, func(o hostileOp, err error) {
				if err == nil || !allowed[p.table][o.name] {
					return
				}
				require.True(t, slices.ContainsFunc([]error{
					hudi.ErrCorrupt, hudi.ErrUnsupported, hudi.ErrCleaned, hudi.ErrConflict, hudi.ErrInvalid, fs.ErrNotExist,
				}, func(kind error) bool { return errors.Is(err, kind) }), "%s: an error without a kind: %v", o.name, err)
				if errors.Is(err, hudi.ErrCorrupt) {
					require.ErrorContains(t, err, p.file, "%s", o.name)
					caught = true
				}
			})
			require.Equal(t, p.caught, caught, "whether an operation finds the payload")
		})
	}
}

// hostileOp is something that users do to a table, to the same copy of it if it only reads.
type hostileOp struct {
	name   string
	writes bool
	do     func(ctx context.Context, s *sandbox, tab *hudi.Table) error
}

var hostileOps = []hostileOp{
	{"snapshot", false, answer(query.Options{})},
	{"read-optimized", false, answer(query.Options{View: query.ReadOptimized})},
	{"incremental", false, answer(query.Options{View: query.Incremental, Begin: "earliest"})},
	{"cdc", false, answer(query.Options{View: query.CDC, Begin: "earliest"})},
	{"as of", false, func(ctx context.Context, s *sandbox, tab *hudi.Table) error {
		tl, err := tab.Timeline(ctx)
		if err != nil {
			return err
		}
		last, _ := tl.LastCompletedWrite()
		return answer(query.Options{AsOf: last.Time})(ctx, s, tab)
	}},
	{"key", false, answer(query.Options{Where: "_hoodie_record_key = 'id:1'"})},
	{"splits", false, func(ctx context.Context, _ *sandbox, tab *hudi.Table) error {
		plan, err := tab.Query(ctx, query.Options{})
		if err != nil {
			return err
		}
		for _, task := range plan.Tasks {
			split, err := plan.Split(task)
			if err == nil {
				_, err = tab.OpenSplit(ctx, split)
			}
			if err != nil {
				return err
			}
		}
		return nil
	}},
	{"check", false, func(ctx context.Context, _ *sandbox, tab *hudi.Table) error { _, err := tab.Check(ctx); return err }},
	{"timeline", false, func(ctx context.Context, _ *sandbox, tab *hudi.Table) error {
		tl, err := tab.Timeline(ctx)
		if err != nil {
			return err
		}
		var errs []error
		for _, i := range tl.Instants() {
			_, err := tl.Document(ctx, i)
			errs = append(errs, err)
		}
		archived, err := tl.Archived(ctx)
		errs = append(errs, err)
		for _, i := range archived {
			_, err := tl.ArchivedDocuments(ctx, i.Time)
			errs = append(errs, err)
		}
		_, err = tl.ArchivedWrites(ctx, "")
		return errors.Join(append(errs, err)...)
	}},
	{"groups", false, func(ctx context.Context, _ *sandbox, tab *hudi.Table) error {
		view, err := tab.View(ctx)
		if err != nil {
			return err
		}
		partitions, err := view.Partitions(ctx)
		for _, p := range partitions {
			_, e := view.Groups(ctx, p)
			err = errors.Join(err, e)
		}
		return err
	}},
	{"upsert", true, rewrite(hudi.Upsert)},
	{"insert", true, rewrite(hudi.Insert)},
	{"bulk-insert", true, rewrite(hudi.BulkInsert)},
	{"delete", true, rewrite(hudi.Delete)},
	{"compact", true, func(ctx context.Context, _ *sandbox, tab *hudi.Table) error { _, err := tab.Compact(ctx); return err }},
	{"clean", true, func(ctx context.Context, _ *sandbox, tab *hudi.Table) error { _, err := tab.Clean(ctx); return err }},
	{"recover", true, func(ctx context.Context, _ *sandbox, tab *hudi.Table) error { _, err := tab.Recover(ctx); return err }},
	{"rollback", true, func(ctx context.Context, _ *sandbox, tab *hudi.Table) error {
		return rollbackLast(nil).do(ctx, tab)
	}},
}

// answer asks a question and reads the rows.
func answer(o query.Options) func(context.Context, *sandbox, *hudi.Table) error {
	return func(ctx context.Context, _ *sandbox, tab *hudi.Table) error {
		plan, err := tab.Query(ctx, o)
		if err != nil {
			return err
		}
		for _, err := range plan.Rows(ctx) {
			if err != nil {
				return err
			}
		}
		return nil
	}
}

// rewrite puts the table's own rows into it once more.
func rewrite(op hudi.Operation) func(context.Context, *sandbox, *hudi.Table) error {
	return func(ctx context.Context, s *sandbox, tab *hudi.Table) error {
		rows, err := s.rows(ctx)
		if err != nil {
			return err
		}
		_, err = tab.Write(ctx, op, rows, hudi.WriteOptions{})
		return err
	}
}

// sandbox is a golden table on disk, as <root>/base/table, with a copy of it beside it that
// nobody may touch.
type sandbox struct {
	name, root, table string
	plant             func(t *testing.T, dir string)

	mu      sync.Mutex
	outside []string // operations that went there
}

func newSandbox(t *testing.T, name string, plant func(t *testing.T, dir string)) *sandbox {
	t.Helper()
	s := &sandbox{name: name, root: t.TempDir(), plant: plant}
	s.table = filepath.Join(s.root, "base", "table")
	require.NoError(t, os.MkdirAll(filepath.Dir(s.table), 0o755))
	require.NoError(t, os.Rename(goldentest.Unpack(t, name), filepath.Join(s.root, "base", "outside")))
	return s
}

// unpack gives the table its first state, with the payload.
func (s *sandbox) unpack(t *testing.T) {
	t.Helper()
	require.NoError(t, os.RemoveAll(s.table))
	require.NoError(t, os.Rename(goldentest.Unpack(t, s.name), s.table))
	if s.plant != nil {
		s.plant(t, s.table)
	}
}

// each runs all operations, and makes sure that they have touched nothing outside.
func (s *sandbox) each(t *testing.T, did func(o hostileOp, err error)) {
	t.Helper()
	s.unpack(t)
	for _, o := range hostileOps {
		did(o, s.run(t, o))
		require.Empty(t, s.outside, o.name)
		if o.writes {
			s.unpack(t)
		}
	}
	for _, dir := range []string{s.root, filepath.Dir(s.table)} {
		entries, err := os.ReadDir(dir)
		require.NoError(t, err)
		for _, e := range entries {
			require.Contains(t, []string{"base", "table", "outside"}, e.Name())
		}
	}
	require.Equal(t, contents(t, goldentest.Unpack(t, s.name)), contents(t, filepath.Join(s.root, "base", "outside")))
}

func (s *sandbox) run(t *testing.T, o hostileOp) error {
	t.Helper()
	disk, err := local.OpenWith(s.table, local.Options{NoSync: true})
	require.NoError(t, err)
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	tab, err := hudi.OpenStore(ctx, intercept.Wrap(disk, s.watch), hudi.WithZone(time.UTC),
		hudi.WithProperty("hoodie.clean.commits.retained", "1"), hudi.WithProperty("hoodie.compact.inline", "false"))
	if err != nil {
		return err
	}
	return o.do(ctx, s, tab)
}

// watch notes operations that reach anything outside of the table.
func (s *sandbox) watch(c *intercept.Call, next func() error) error {
	err := next()
	inside := storage.CheckPath(c.Path) == nil
	if inside {
		if real, e := filepath.EvalSymlinks(filepath.Join(s.table, c.Path)); e == nil {
			inside = real == s.table || strings.HasPrefix(real, s.table+"/")
		}
	}
	if !inside && !errors.Is(err, fs.ErrInvalid) {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.outside = append(s.outside, fmt.Sprintf("%s %q: %v", c.Op, c.Path, err))
	}
	return err
}

// contents are the files below a folder.
func contents(t *testing.T, root string) map[string]string {
	t.Helper()
	out := map[string]string{}
	require.NoError(t, filepath.WalkDir(root, func(p string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := os.ReadFile(p)
		out[strings.TrimPrefix(p, root)] = string(data)
		return err
	}))
	return out
}

// rows are those of the table as it was before somebody planted something.
func (s *sandbox) rows(ctx context.Context) (hudi.Rows, error) {
	tab, err := hudi.Open(ctx, filepath.Join(s.root, "base", "outside"), hudi.WithZone(time.UTC))
	if err != nil {
		return hudi.Rows{}, err
	}
	plan, err := tab.Query(ctx, query.Options{})
	if err != nil {
		return hudi.Rows{}, err
	}
	return hudi.Rows{Schema: plan.Schema, Batches: func(yield func(arrow.RecordBatch, error) bool) {
		for batch, err := range plan.Rows(ctx) {
			if err != nil || !yield(batch, nil) {
				yield(nil, err)
				return
			}
		}
	}}, nil
}

package hudi_test

import (
	"bytes"
	"errors"
	"path"
	"strings"
	"testing"
	"time"

	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/stretchr/testify/require"

	"github.com/hudi-go/hudi-go/hudi"
	"github.com/hudi-go/hudi-go/internal/base"
	"github.com/hudi-go/hudi-go/internal/goldentest"
	"github.com/hudi-go/hudi-go/query"
	"github.com/hudi-go/hudi-go/storage"
	"github.com/hudi-go/hudi-go/storage/mem"
)

// FuzzLogFile reads tables in which a log file, of each kind that there is, has other bytes: as
// a snapshot, and the changes.
func FuzzLogFile(f *testing.F) {
	tables := []struct{ name, log string }{
		{"v6_mor_avro_logs", ""}, {"v9_mor_avro_logs", ""}, {"v9_mor_parquet_logs", ""}, {"v9_cdc_mor_before_after", base.CDCSuffix},
		{"v6_mor_rollback", ""}, {"v9_mor_log_compaction", ""}, {"v9_merge_into_partial_mor", ""}, {"v9_mdt_secondary_cow", ".hoodie/metadata/files"},
	}
	var logs []string
	var stores []*mem.Store
	for i, of := range tables {
		st := goldentest.Store(f, of.name)
		at, data := smallestLog(f, st, of.log)
		logs, stores = append(logs, at), append(stores, st)
		f.Add(byte(i), data)
		if next := bytes.Index(data[1:], []byte("#HUDI#")); next > 0 {
			f.Add(byte(i), data[:next+1])
		}
	}
	f.Fuzz(func(t *testing.T, which byte, data []byte) {
		i := int(which) % len(tables)
		st := stores[i].Clone()
		require.NoError(t, st.Put(t.Context(), logs[i], data))
		alloc := memory.NewCheckedAllocator(memory.NewGoAllocator())
		defer alloc.AssertSize(t, 0)
		tab, err := hudi.OpenStore(t.Context(), st, hudi.WithZone(time.UTC), hudi.WithAllocator(alloc), hudi.WithMemory(1<<24))
		require.NoError(t, err)
		for _, o := range []query.Options{{}, {View: query.CDC, Begin: "earliest"}} {
			if o.View == query.CDC && !tab.Config().CDC {
				continue
			}
			plan, err := tab.Query(t.Context(), o)
			if err == nil {
				for _, err = range plan.Rows(t.Context()) {
					if err != nil {
						break
					}
				}
			}
			if err != nil {
				require.True(t, errors.Is(err, hudi.ErrCorrupt) || errors.Is(err, hudi.ErrUnsupported) || errors.Is(err, hudi.ErrInvalid) || errors.Is(err, hudi.ErrCleaned), err)
			}
		}
	})
}

// smallestLog finds a log file in a folder, or with a suffix.
func smallestLog(f *testing.F, st storage.Store, where string) (name string, data []byte) {
	var walk func(dir string)
	walk = func(dir string) {
		entries, err := st.List(f.Context(), dir)
		require.NoError(f, err)
		for _, e := range entries {
			if e.Dir {
				walk(e.Path)
				continue
			}
			n, ok := base.ParseLogFileName(e.Name)
			in := where == path.Dir(e.Path) || where == "" && !strings.HasPrefix(e.Path, base.MetaFolder) && !n.CDC || where == base.CDCSuffix && n.CDC
			if !ok || !in || name != "" && e.Size >= int64(len(data)) {
				continue
			}
			name = e.Path
			data, err = storage.ReadFile(f.Context(), st, e.Path)
			require.NoError(f, err)
		}
	}
	walk("")
	require.NotEmpty(f, name)
	return name, data
}

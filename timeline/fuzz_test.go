package timeline

import (
	"bytes"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/hudi-go/hudi-go/internal/base"
	"github.com/hudi-go/hudi-go/internal/goldentest"
	"github.com/hudi-go/hudi-go/storage"
	"github.com/hudi-go/hudi-go/storage/mem"
)

// seedBytes is the size up to which real files are seeds: the fuzzer is slow with large ones.
const seedBytes = 16 << 10

// FuzzDocument reads files of every action and state of the timeline: commits, plans, results.
func FuzzDocument(f *testing.F) {
	actions := []Action{Commit, DeltaCommit, Compaction, LogCompaction, ReplaceCommit, Clustering, Clean, Rollback, Restore, Savepoint, Indexing}
	for _, name := range goldentest.Cases(f) {
		st := goldentest.Store(f, name)
		for _, l := range []Layout{Layout1, Layout2} {
			entries, err := st.List(f.Context(), l.Dir())
			require.NoError(f, err)
			for _, e := range entries {
				i, ok := l.ParseFileName(e.Name)
				if !ok || e.Dir || e.Size == 0 || e.Size > seedBytes {
					continue
				}
				for at, a := range actions {
					data, err := storage.ReadFile(f.Context(), st, e.Path)
					require.NoError(f, err)
					// Of plain writes, which all tables have, two tables give enough.
					plain := i.Action == Commit || i.Action == DeltaCommit
					if a == i.Action && (!plain || strings.HasSuffix(name, "_cdc_mor_before_after")) {
						f.Add(byte(at), byte(i.State), data)
					}
				}
			}
		}
	}
	f.Fuzz(func(t *testing.T, action, state byte, data []byte) {
		i := Instant{Time: "1", Action: actions[int(action)%len(actions)], State: State(state % 3)}
		v, err := decode(i, data)
		if err != nil {
			require.True(t, errors.Is(err, base.ErrCorrupt) || errors.Is(err, base.ErrUnsupported), err)
			return
		}
		encodeJSON(v)
		if c, ok := v.(checked); ok {
			if err := c.check(); err != nil {
				require.ErrorIs(t, err, base.ErrCorrupt)
				return
			}
		}
		if p, ok := v.(*RequestedReplace); ok && p.Plan != nil {
			for range p.Plan.Groups {
			}
		}
	})
}

// archiveOf reads everything that an archive has.
func archiveOf(t *testing.T, st storage.Store, l Layout) {
	t.Helper()
	known := func(err error) {
		if err != nil && !errors.Is(err, base.ErrCorrupt) && !errors.Is(err, base.ErrUnsupported) {
			t.Fatalf("unexpected error: %v", err)
		}
	}
	tl, err := Load(t.Context(), st, l, time.UTC)
	require.NoError(t, err)
	all, err := tl.Archived(t.Context())
	known(err)
	if len(all) > 0 {
		_, err = tl.ArchivedDocuments(t.Context(), all[0].Time)
		known(err)
	}
	_, err = tl.ArchivedWrites(t.Context(), "")
	known(err)
}

// FuzzArchiveLog reads a log file of Layout1's archive.
func FuzzArchiveLog(f *testing.F) {
	for _, data := range archiveFiles(f, "v6_cow_archived", Layout1, ".commits_.archive.") {
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		st := mem.New(time.Now)
		require.NoError(t, st.Put(t.Context(), Layout1.ArchiveDir()+"/.commits_.archive.1_1-0-1", data))
		archiveOf(t, st, Layout1)
	})
}

// FuzzHistory reads the archive of Layout2: the version, the manifest and a file.
func FuzzHistory(f *testing.F) {
	const file = "20261123090231322_20261123090242153_0.parquet"
	for _, data := range archiveFiles(f, "v9_cow_archived", Layout2, "2026") {
		f.Add("1", []byte(`{"files":[{"fileName":"`+file+`","fileLen":1}]}`), data)
	}
	f.Add("../1", []byte(`{"files":[{"fileName":"../x"}]}`), []byte("PAR1"))
	f.Fuzz(func(t *testing.T, version string, manifest, data []byte) {
		st := mem.New(time.Now)
		for name, content := range map[string][]byte{historyVersion: []byte(version), historyManifest + "1": manifest, file: data} {
			require.NoError(t, st.Put(t.Context(), Layout2.ArchiveDir()+"/"+name, content))
		}
		tl, err := Load(t.Context(), st, Layout2, time.UTC)
		require.NoError(t, err)
		files, err := tl.historyFiles(t.Context())
		if err != nil || len(files) != 1 || files[0] != file {
			for _, name := range files {
				require.True(t, base.IsName(name))
			}
			return
		}
		archiveOf(t, st, Layout2)
	})
}

// archiveFiles are the files of a golden table's archive whose names begin as told, small ones
// and the beginnings of others.
func archiveFiles(f *testing.F, name string, l Layout, prefix string) (out [][]byte) {
	st := goldentest.Store(f, name)
	entries, err := st.List(f.Context(), l.ArchiveDir())
	require.NoError(f, err)
	for _, e := range entries {
		if !strings.HasPrefix(e.Name, prefix) {
			continue
		}
		data, err := storage.ReadFile(f.Context(), st, e.Path)
		require.NoError(f, err)
		if l == Layout1 && len(data) > seedBytes {
			if next := bytes.Index(data[1:], []byte("#HUDI#")); next > 0 {
				data = data[:next+1]
			}
		}
		out = append(out, data)
	}
	require.NotEmpty(f, out)
	return out
}

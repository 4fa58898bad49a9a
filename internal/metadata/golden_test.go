package metadata

import (
	"bufio"
	"bytes"
	"encoding/json"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/hudi-go/hudi-go/internal/base"
	"github.com/hudi-go/hudi-go/internal/goldentest"
	"github.com/hudi-go/hudi-go/storage"
	"github.com/hudi-go/hudi-go/table"
	"github.com/hudi-go/hudi-go/timeline"
)

// each runs a test on every golden table that has a metadata table.
func each(t *testing.T, test func(t *testing.T, name string, st storage.Store, m *Table)) {
	tables := 0
	for _, name := range goldentest.Cases(t) {
		st := goldentest.Store(t, name)
		c, err := table.LoadConfig(t.Context(), st)
		require.NoError(t, err)
		if !slices.Contains(c.MetadataPartitions, Files) {
			continue
		}
		tables++
		t.Run(name, func(t *testing.T) {
			m := open(t, st, c)
			test(t, name, st, m)
			require.NoError(t, m.Close())
		})
	}
	require.GreaterOrEqual(t, tables, 4)
}

func open(t *testing.T, st storage.Store, c *table.Config) *Table {
	t.Helper()
	m, err := Open(t.Context(), st, c, load(t, st, c))
	require.NoError(t, err)
	return m
}

func load(t *testing.T, st storage.Store, c *table.Config) *timeline.Timeline {
	t.Helper()
	tl, err := c.Timeline(t.Context(), st, time.UTC)
	require.NoError(t, err)
	return tl
}

// lines decodes the lines of one of a golden table's answers.
func lines[T any](t *testing.T, name, file string) (out []T) {
	t.Helper()
	data, ok := goldentest.Expected(t, name, file)
	require.True(t, ok)
	s := bufio.NewScanner(bytes.NewReader(data))
	s.Buffer(nil, 1<<24)
	for s.Scan() {
		var row T
		require.NoError(t, json.Unmarshal(s.Bytes(), &row))
		out = append(out, row)
	}
	require.NoError(t, s.Err())
	return out
}

// The metadata table names the partitions and data files that are in the folders, with
// their sizes.
func TestListsWhatIsThere(t *testing.T) {
	each(t, func(t *testing.T, _ string, st storage.Store, m *Table) {
		folders := table.StorageLister(st)
		want, err := folders.Partitions(t.Context())
		require.NoError(t, err)
		require.NotEmpty(t, want)
		got, err := m.Partitions(t.Context())
		require.NoError(t, err)
		require.Equal(t, want, got)
		for _, p := range want {
			there, err := folders.Files(t.Context(), p)
			require.NoError(t, err)
			there = slices.DeleteFunc(there, func(e storage.Entry) bool {
				return strings.HasPrefix(e.Name, base.PartitionMetafile) || strings.HasSuffix(e.Name, ".crc")
			})
			for i := range there {
				there[i].ModTime = time.Time{}
			}
			require.NotEmpty(t, there)
			listed, err := m.Files(t.Context(), p)
			require.NoError(t, err)
			require.Equal(t, there, listed)
		}
	})
}

type metaRow struct {
	Key       string           `json:"key"`
	Type      int32            `json:"type"`
	Files     [][2]any         `json:"filesystemMetadata"`
	Location  *json.RawMessage `json:"recordIndexMetadata"`
	Secondary *json.RawMessage `json:"SecondaryIndexMetadata"`
}

// All partitions together have the records that real Hudi reads, of the same types.
func TestRecordsOfRealHudi(t *testing.T) {
	each(t, func(t *testing.T, name string, _ storage.Store, m *Table) {
		want, got := map[string]int{}, map[string]int{}
		label := func(key string, typ int32) string { return key + " " + string('0'+typ) }
		for _, row := range lines[metaRow](t, name, "metadata_table.jsonl") {
			want[label(row.Key, row.Type)]++
		}
		for _, p := range m.config.MetadataPartitions {
			recs, err := m.prefix(t.Context(), p, "", math.MaxInt)
			require.NoError(t, err)
			for key, rec := range recs {
				got[label(key, rec.Type)]++
			}
		}
		require.Equal(t, want, got)
	})
}

type snapshotRow struct {
	Key       string  `json:"_hoodie_record_key"`
	Partition string  `json:"_hoodie_partition_path"`
	File      string  `json:"_hoodie_file_name"`
	Customer  *string `json:"customer"`
}

// The record index knows of every row of the snapshot where it is, and of no other.
func TestRecordIndex(t *testing.T) {
	each(t, func(t *testing.T, name string, _ storage.Store, m *Table) {
		if !m.Has(RecordIndex) {
			_, err := m.Locations(t.Context(), []string{"k"})
			require.ErrorIs(t, err, base.ErrInvalid)
			return
		}
		keys := []string{"no such key"}
		rows := lines[snapshotRow](t, name, "snapshot.jsonl")
		require.NotEmpty(t, rows)
		for _, row := range rows {
			keys = append(keys, row.Key)
		}
		got, err := m.Locations(t.Context(), keys)
		require.NoError(t, err)
		require.Len(t, got, len(rows))
		for _, row := range rows {
			require.Equal(t, row.Partition, got[row.Key].Partition, row.Key)
			require.True(t, strings.HasPrefix(row.File, got[row.Key].FileID()+"_"), "%s: %s in %s", row.Key, row.File, got[row.Key].FileID())
		}
		all, err := m.prefix(t.Context(), RecordIndex, "", math.MaxInt)
		require.NoError(t, err)
		require.Len(t, all, len(rows))
	})
}

func TestSecondaryIndex(t *testing.T) {
	const index = "secondary_index_by_customer"
	tables := 0
	each(t, func(t *testing.T, name string, _ storage.Store, m *Table) {
		if !m.Has(index) {
			return
		}
		tables++
		want, values := map[string][]string{}, map[string]*string{}
		for _, row := range lines[snapshotRow](t, name, "snapshot.jsonl") {
			prefix := secondaryPrefix(row.Customer)
			want[prefix], values[prefix] = append(want[prefix], row.Key), row.Customer
		}
		require.Greater(t, len(want), 1)
		require.Contains(t, values, secondaryPrefix(nil))
		for prefix, keys := range want {
			slices.Sort(keys)
			got, err := m.KeysOf(t.Context(), index, values[prefix], 100)
			if values[prefix] == nil && m.config.Version == 8 {
				require.ErrorIs(t, err, base.ErrUnsupported)
				continue
			}
			require.NoError(t, err)
			require.Equal(t, keys, got)
			_, err = m.KeysOf(t.Context(), index, values[prefix], len(keys)-1)
			require.ErrorIs(t, err, ErrMany)
		}
		nobody := "customer"
		got, err := m.KeysOf(t.Context(), index, &nobody, 100)
		require.NoError(t, err)
		require.Empty(t, got)
	})
	require.NotZero(t, tables)
}

// A write that completed in the metadata table and not in the table is not seen: its files
// are those of a writer that may have died.
func TestPendingWriteIsNotSeen(t *testing.T) {
	each(t, func(t *testing.T, _ string, st storage.Store, m *Table) {
		tl := load(t, st, m.config)
		last, ok := tl.LastCompletedWrite()
		require.True(t, ok)
		before := names(t, m)
		for _, e := range list(t, st, m.config.TimelineDir()) {
			if !strings.HasPrefix(e.Name, last.Time) || strings.HasSuffix(e.Name, ".inflight") || strings.HasSuffix(e.Name, ".requested") {
				continue
			}
			require.NoError(t, st.Delete(t.Context(), e.Path))
		}
		after := names(t, open(t, st, m.config))
		require.NotEmpty(t, after)
		require.Less(t, len(after), len(before))
		for _, name := range after {
			require.NotContains(t, name, last.Time)
		}
	})
}

// A savepoint that is being made has the time of a write that is completed.
func TestPendingSavepointHidesNothing(t *testing.T) {
	each(t, func(t *testing.T, _ string, st storage.Store, m *Table) {
		want := names(t, m)
		tl := load(t, st, m.config)
		last, ok := tl.LastCompletedWrite()
		require.True(t, ok)
		file := tl.Layout().Dir() + "/" + tl.Layout().FileName(last.Time, timeline.Savepoint, timeline.Inflight, "")
		require.NoError(t, st.Put(t.Context(), file, nil))
		require.NotEmpty(t, load(t, st, m.config).Pending())
		after := open(t, st, m.config)
		require.Equal(t, want, names(t, after))
		require.NoError(t, after.Close())
	})
}

func list(t *testing.T, st storage.Store, dir string) []storage.Entry {
	entries, err := st.List(t.Context(), dir)
	require.NoError(t, err)
	return entries
}

func names(t *testing.T, m *Table) (out []string) {
	partitions, err := m.Partitions(t.Context())
	require.NoError(t, err)
	for _, p := range partitions {
		files, err := m.Files(t.Context(), p)
		require.NoError(t, err)
		for _, f := range files {
			out = append(out, f.Name)
		}
	}
	return out
}

// Real Hudi lists folders when there is no metadata table, and fails when it is broken.
func TestNone(t *testing.T) {
	each(t, func(t *testing.T, _ string, st storage.Store, m *Table) {
		tl := load(t, st, m.config)
		without := *m.config
		without.MetadataPartitions = []string{RecordIndex}
		_, err := Open(t.Context(), st, &without, tl)
		require.ErrorIs(t, err, ErrNone)

		for _, e := range list(t, st, Folder+"/files") {
			require.NoError(t, st.Put(t.Context(), e.Path, []byte("#HUDI#")))
		}
		_, err = open(t, st, m.config).Partitions(t.Context())
		require.ErrorIs(t, err, base.ErrCorrupt)

		require.NoError(t, st.DeleteDir(t.Context(), Folder))
		_, err = Open(t.Context(), st, m.config, tl)
		require.ErrorIs(t, err, ErrNone)
	})
}

func TestMergeOfFileLists(t *testing.T) {
	live, gone := func(n int64) FileState { return FileState{Size: n} }, FileState{Deleted: true}
	older := &Record{Files: map[string]FileState{"a": live(1), "b": live(5), "c": live(1), "d": gone, "e": gone}}
	newer := &Record{Files: map[string]FileState{"b": live(3), "c": gone, "d": gone, "e": live(2), "f": gone, "g": live(9)}}
	require.Equal(t, map[string]FileState{"a": live(1), "b": live(5), "d": gone, "e": live(2), "f": gone, "g": live(9)}, merge(older, newer).Files)
	require.Len(t, older.Files, 5)
}

func TestSecondaryKeys(t *testing.T) {
	value := `a$\` + "\x00"
	require.Equal(t, `a\$\\`+"\\\x00$", secondaryPrefix(&value))
	require.Equal(t, "\x00$", secondaryPrefix(nil))
	require.Equal(t, `k$1\`, unescape(`k\$1\\`))
}

package metadata

import (
	"bytes"
	"path"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/hudi-go/hudi-go/internal/base"
	"github.com/hudi-go/hudi-go/internal/hfile"
	"github.com/hudi-go/hudi-go/internal/logfile"
	"github.com/hudi-go/hudi-go/storage"
	"github.com/hudi-go/hudi-go/table"
	"github.com/hudi-go/hudi-go/timeline"
)

// eachHFile calls f with the HFiles, alone and in log blocks, of a partition of real metadata tables.
func eachHFile(t *testing.T, st storage.Store, partition string, f func(h *hfile.Reader)) {
	for _, e := range list(t, st, Folder+"/"+partition) {
		data, err := storage.ReadFile(t.Context(), st, e.Path)
		require.NoError(t, err)
		if _, ok := base.ParseBaseFileName(e.Name); ok {
			h, err := hfile.Open(e.Path, bytes.NewReader(data), int64(len(data)))
			require.NoError(t, err)
			f(h)
			continue
		}
		if _, ok := base.ParseLogFileName(e.Name); !ok {
			continue
		}
		r := logfile.NewReader(e.Path, bytes.NewReader(data), int64(len(data)))
		for {
			b, err := r.Next()
			if b == nil || err != nil {
				break
			}
			if b.Type == logfile.HFileData {
				h, err := b.HFile()
				require.NoError(t, err)
				f(h)
			}
		}
	}
}

// Records are the bytes that real Hudi writes, under its schemas, but for the order of maps.
func TestRecordsAreThoseOfRealHudi(t *testing.T) {
	each(t, func(t *testing.T, _ string, st storage.Store, m *Table) {
		version := m.config.Version
		schema, err := recordSchema(version)
		require.NoError(t, err)
		records, exact := 0, 0
		eachHFile(t, st, Files, func(h *hfile.Reader) {
			require.Equal(t, h.Schema(), schema)
			for e, err := range h.All(t.Context()) {
				require.NoError(t, err)
				rec, err := decode(h.Schema(), e.Value)
				require.NoError(t, err)
				records++
				ours := appendFiles(nil, version, int64(rec.Type), rec.Files)
				again, err := decode(schema, ours)
				require.NoError(t, err)
				require.Equal(t, rec, again)
				if e.Value[4] != null { // Hudi 0.15 and 1.0 name base files in them
					continue
				}
				require.Len(t, ours, len(e.Value))
				if len(rec.Files) < 2 {
					require.Equal(t, e.Value, ours)
					exact++
				}
			}
		})
		require.Greater(t, records, 3)
		require.NotZero(t, exact)
	})
}

// Commits of metadata tables have the schema without meta columns.
func TestSchemaOfCommits(t *testing.T) {
	each(t, func(t *testing.T, _ string, st storage.Store, m *Table) {
		schema, err := recordSchema(m.config.Version)
		require.NoError(t, err)
		own, err := table.LoadConfig(t.Context(), m.store)
		require.NoError(t, err)
		tl := load(t, m.store, own)
		for _, i := range tl.CompletedWrites() {
			meta, err := tl.CommitMetadata(t.Context(), i)
			require.NoError(t, err)
			require.Equal(t, meta.ExtraMetadata[timeline.SchemaKey], withoutMeta(schema))
		}
	})
}

// The metadata table's update for a real commit is what real Hudi wrote for it.
func TestUpdatesOfRealCommits(t *testing.T) {
	each(t, func(t *testing.T, name string, st storage.Store, m *Table) {
		tl := load(t, st, m.config)
		written := map[string]map[string]*Record{} // by instant and key
		for _, e := range list(t, st, Folder+"/"+Files) {
			if _, ok := base.ParseLogFileName(e.Name); !ok {
				continue
			}
			data, err := storage.ReadFile(t.Context(), st, e.Path)
			require.NoError(t, err)
			r := logfile.NewReader(path.Base(e.Path), bytes.NewReader(data), int64(len(data)))
			for b, err := r.Next(); b != nil && err == nil; b, err = r.Next() {
				if b.Type != logfile.HFileData {
					continue
				}
				h, err := b.HFile()
				require.NoError(t, err)
				recs := map[string]*Record{}
				for entry, err := range h.All(t.Context()) {
					require.NoError(t, err)
					recs[string(entry.Key)], err = decode(h.Schema(), entry.Value)
					require.NoError(t, err)
				}
				written[b.Instant()] = recs
			}
		}
		compared := 0
		for _, i := range tl.CompletedWrites() {
			want, ok := written[i.Time]
			if !ok {
				continue // noted by the beginning
			}
			meta, err := tl.CommitMetadata(t.Context(), i)
			require.NoError(t, err)
			u, err := Commit(m.config.Version, meta)
			require.NoError(t, err)
			got := map[string]*Record{}
			schema, err := recordSchema(m.config.Version)
			require.NoError(t, err)
			for _, e := range u.parts[Files].puts {
				got[e.key], err = decode(schema, e.value)
				require.NoError(t, err)
			}
			require.Equal(t, want, got, "%s %s", name, i.Time)
			compared++
		}
		require.NotZero(t, compared)
	})
}

package timeline

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/hudi-go/hudi-go/internal/base"
	"github.com/hudi-go/hudi-go/internal/goldentest"
	"github.com/hudi-go/hudi-go/storage"
	"github.com/hudi-go/hudi-go/storage/mem"
)

// TestGoldenArchives compares the archive with what Hudi listed of it. Hudi lists every state
// that version 6 archives; an instant counts once here, in its highest state.
func TestGoldenArchives(t *testing.T) {
	type row struct {
		Action, State, Requested, Completion string
	}
	seen := 0
	for _, name := range goldentest.Cases(t) {
		var listed []struct {
			Action     string `json:"action"`
			State      string `json:"state"`
			Requested  string `json:"requested_time"`
			Completion string `json:"completion_time"`
			Timeline   string `json:"timeline"`
		}
		goldentest.ExpectedJSON(t, name, "timeline.json", &listed)
		var want, got []row
		for _, l := range listed {
			if l.Timeline == "archived" && l.State == "COMPLETED" {
				want = append(want, row{l.Action, l.State, l.Requested, l.Completion})
			}
		}
		tl := loadGolden(t, name)
		archived, err := tl.Archived(t.Context())
		require.NoError(t, err)
		for _, i := range archived {
			got = append(got, row{string(i.Action), strings.ToUpper(i.State.String()), i.Time, i.Completion})
		}
		require.Equal(t, want, got, name)
		seen += len(got)
	}
	require.NotZero(t, seen, "no golden table has an archive")
}

// archivedTables are golden tables with an archive, one of each layout.
var archivedTables = []string{"v6_cow_archived", "v9_cow_archived"}

func TestArchivedWrites(t *testing.T) {
	for _, name := range archivedTables {
		t.Run(name, func(t *testing.T) {
			tl := loadGolden(t, name)
			all, err := tl.ArchivedWrites(t.Context(), "")
			require.NoError(t, err)
			require.NotEmpty(t, all)
			for _, w := range all {
				require.Equal(t, OpUpsert, w.Commit.OperationType)
				require.Len(t, w.Commit.Stats(), 1)
				require.NotEmpty(t, w.Commit.ExtraMetadata[SchemaKey])
			}
			later, err := tl.ArchivedWrites(t.Context(), all[2].Time)
			require.NoError(t, err)
			require.Equal(t, all[2:], later)

			times, err := tl.ArchivedCompletions(t.Context())
			require.NoError(t, err)
			require.Len(t, times, len(all))
			require.Equal(t, all[1].Completion, times[all[1].Time])
		})
	}
}

func TestArchivedDocuments(t *testing.T) {
	for _, name := range archivedTables {
		t.Run(name, func(t *testing.T) {
			tl := loadGolden(t, name)
			all, err := tl.Archived(t.Context())
			require.NoError(t, err)
			for _, i := range all {
				texts, err := tl.ArchivedDocuments(t.Context(), i.Time)
				require.NoError(t, err)
				var last map[string]any
				require.NoError(t, json.Unmarshal(texts[len(texts)-1], &last))
				switch i.Action {
				case Clean:
					require.Len(t, texts, 2, "plan and result")
					require.Contains(t, last, "totalFilesDeleted")
				default:
					require.Len(t, texts, 1)
					require.Equal(t, "UPSERT", last["operationType"])
				}
			}
			texts, err := tl.ArchivedDocuments(t.Context(), "20000101000000000")
			require.NoError(t, err)
			require.Empty(t, texts)
		})
	}
}

// TestArchiveWhileItIsRewritten covers what a reader meets while a writer compacts the archive:
// the version file is gone for a moment, and a manifest lists files that were removed.
func TestArchiveWhileItIsRewritten(t *testing.T) {
	st := goldentest.Store(t, "v9_cow_archived")
	load := func() ([]Instant, error) {
		tl, err := Load(t.Context(), st, Layout2, time.UTC)
		require.NoError(t, err)
		return tl.Archived(t.Context())
	}
	want, err := load()
	require.NoError(t, err)
	require.Len(t, want, 9)

	require.NoError(t, st.Delete(t.Context(), ".hoodie/timeline/history/_version_"))
	got, err := load()
	require.NoError(t, err)
	require.Equal(t, want, got, "the highest manifest counts")

	files, err := st.List(t.Context(), ".hoodie/timeline/history")
	require.NoError(t, err)
	for _, f := range files {
		if strings.HasSuffix(f.Name, base.ParquetExt) {
			require.NoError(t, st.Delete(t.Context(), f.Path))
		}
	}
	_, err = load()
	require.ErrorContains(t, err, ".hoodie/timeline/history", "a file that stays away is an error that names the folder")
}

// TestArchiveHidesNothingActive: an instant that is archived while a picture is taken is in
// both, and counts once.
func TestArchiveHidesNothingActive(t *testing.T) {
	for _, name := range archivedTables {
		st := goldentest.Store(t, name)
		layout := Layout2
		if strings.HasPrefix(name, "v6_") {
			layout = Layout1
		}
		before, err := Load(t.Context(), st, layout, time.UTC)
		require.NoError(t, err)
		archived, err := before.Archived(t.Context())
		require.NoError(t, err)
		i := archived[len(archived)-1]
		require.NoError(t, st.Put(t.Context(), base.Join(layout.Dir(), layout.FileName(i.Time, i.Action, Completed, i.Completion)), nil))
		after, err := Load(t.Context(), st, layout, time.UTC)
		require.NoError(t, err)
		left, err := after.Archived(t.Context())
		require.NoError(t, err)
		require.Equal(t, archived[:len(archived)-1], left)
	}
}

func TestNoArchive(t *testing.T) {
	for _, layout := range []Layout{Layout1, Layout2} {
		tl, err := Load(t.Context(), mem.New(time.Now), layout, time.UTC)
		require.NoError(t, err)
		archived, err := tl.Archived(t.Context())
		require.NoError(t, err)
		require.Empty(t, archived)
		writes, err := tl.ArchivedWrites(t.Context(), "")
		require.NoError(t, err)
		require.Empty(t, writes)
	}
}

func TestBrokenArchives(t *testing.T) {
	for name, file := range map[string]string{
		"v6_cow_archived": ".hoodie/archived/.commits_.archive.2_1-0-1",
		"v9_cow_archived": ".hoodie/timeline/history/manifest_4",
	} {
		st := goldentest.Store(t, name)
		data, err := storage.ReadFile(t.Context(), st, file)
		require.NoError(t, err)
		data[0] = '!'
		require.NoError(t, st.Put(t.Context(), file, data))
		layout := Layout2
		if strings.HasPrefix(name, "v6_") {
			layout = Layout1
		}
		tl, err := Load(t.Context(), st, layout, time.UTC)
		require.NoError(t, err)
		_, err = tl.Archived(t.Context())
		require.ErrorIs(t, err, base.ErrCorrupt)
	}
}

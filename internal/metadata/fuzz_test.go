package metadata

import (
	"errors"
	"io"
	"path"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/hudi-go/hudi-go/internal/base"
	"github.com/hudi-go/hudi-go/internal/goldentest"
	"github.com/hudi-go/hudi-go/internal/hfile"
	"github.com/hudi-go/hudi-go/internal/logfile"
	"github.com/hudi-go/hudi-go/storage"
)

// FuzzRecord decodes records of all partitions in the schemas of the three releases.
func FuzzRecord(f *testing.F) {
	var schemas []string
	seen := map[string]byte{}
	add := func(name string, h *hfile.Reader, schemaJSON string) {
		partition := path.Base(path.Dir(name))
		at, known := seen[schemaJSON]
		if !known {
			at = byte(len(schemas))
			schemas, seen[schemaJSON] = append(schemas, schemaJSON), at
		}
		n := 0
		for e, err := range h.All(f.Context()) {
			require.NoError(f, err)
			if n++; n > 2 {
				break
			}
			f.Add(at, partition, string(e.Key), e.Value)
		}
	}
	for _, name := range []string{"v6_mdt_full", "v8_mdt_secondary_cow", "v9_mdt_full"} {
		st := goldentest.Store(f, name)
		partitions, err := st.List(f.Context(), Folder)
		require.NoError(f, err)
		for _, p := range partitions {
			files, err := st.List(f.Context(), p.Path)
			require.NoError(f, err)
			for _, e := range files {
				if e.Dir || e.Size == 0 || strings.HasSuffix(e.Name, ".crc") {
					continue
				}
				data, err := st.Open(f.Context(), e.Path)
				require.NoError(f, err)
				if strings.HasSuffix(e.Name, ".hfile") {
					h, err := hfile.Open(e.Path, data, data.Size())
					require.NoError(f, err)
					add(e.Path, h, h.Schema())
				} else if _, log := base.ParseLogFileName(e.Name); log {
					addLog(f, e.Path, data, add)
				}
			}
		}
	}
	require.NotEmpty(f, schemas)
	f.Fuzz(func(t *testing.T, which byte, partition, key string, value []byte) {
		rec, err := decode(schemas[int(which)%len(schemas)], value)
		if err != nil {
			require.True(t, errors.Is(err, base.ErrCorrupt) || errors.Is(err, base.ErrUnsupported), err)
			return
		}
		merge(merge(nil, rec), rec)
		if rec.Location != nil {
			rec.Location.FileID()
		}
		unescape(key)
		require.Less(t, groupOf(key, 7), 7)
	})
}

// addLog adds records of the HFiles in a log file.
func addLog(f *testing.F, name string, data storage.File, add func(name string, h *hfile.Reader, schemaJSON string)) {
	for r := logfile.NewReader(name, data, data.Size()); ; {
		b, err := r.Next()
		if errors.Is(err, io.EOF) {
			return
		}
		require.NoError(f, err)
		if b.Type == logfile.HFileData {
			h, err := b.HFile()
			require.NoError(f, err)
			add(name, h, b.Schema())
		}
	}
}

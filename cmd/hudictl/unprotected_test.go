package main

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/hudi-go/hudi-go/internal/goldentest"
	"github.com/hudi-go/hudi-go/internal/logfile"
)

// What the answers to the golden tables do not show by themselves: tables of real Hudi are
// changed by hand so that a reader which takes the wrong bytes is found out.

// snapshotIs compares the snapshot of a changed golden table with the recorded one.
func snapshotIs(t *testing.T, uri, name string) {
	t.Helper()
	want, found := goldentest.Expected(t, name, "snapshot.jsonl")
	require.True(t, found)
	goldentest.RequireRows(t, string(want), ok(t, "", "query", uri, "--meta"), "region")
}

// spoil overwrites the content of the log blocks that pick chooses, so that whoever decodes
// them fails, and returns how many it found.
func spoil(t *testing.T, uri string, pick func(*logfile.Block) bool) (spoiled int) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(uri, ".*.log.*"))
	require.NoError(t, err)
	for _, file := range files {
		data, err := os.ReadFile(file)
		require.NoError(t, err)
		r := logfile.NewReader(file, bytes.NewReader(bytes.Clone(data)), int64(len(data)))
		for {
			b, err := r.Next()
			if errors.Is(err, io.EOF) {
				break
			}
			require.NoError(t, err)
			if !pick(b) {
				continue
			}
			content, err := b.Content(t.Context())
			require.NoError(t, err)
			at := bytes.LastIndex(data[:b.Offset+b.Size], content)
			require.Greater(t, at, int(b.Offset))
			for i := range content {
				data[at+i] = 0xff
			}
			spoiled++
		}
		require.NoError(t, os.WriteFile(file, data, 0o644))
	}
	return spoiled
}

// Blocks that a log compaction has merged (COMPACTED_BLOCK_TIMES) are not read, in tables of 0.15.0,
// which names them newest first, and of 1.2.0, which names them oldest first.
func TestCompactedBlocksAreNotRead(t *testing.T) {
	for _, name := range []string{"v6_mor_log_compaction", "v9_mor_log_compaction"} {
		t.Run(name, func(t *testing.T) {
			merged := map[string]bool{}
			spoil(t, goldentest.Unpack(t, name), func(b *logfile.Block) bool {
				for instant := range strings.SplitSeq(b.Header[logfile.HeaderCompacted], ",") {
					merged[instant] = instant != ""
				}
				return false
			})
			require.NotEmpty(t, merged)
			uri := goldentest.Unpack(t, name)
			require.NotZero(t, spoil(t, uri, func(b *logfile.Block) bool { return merged[b.Instant()] }))
			snapshotIs(t, uri, name)

			uri = goldentest.Unpack(t, name)
			require.NotZero(t, spoil(t, uri, func(b *logfile.Block) bool { return b.Header[logfile.HeaderCompacted] != "" }))
			require.NotZero(t, hudictl("", "query", uri).code, "their replacement is")
		})
	}
}

// Log blocks of 1.2.0 have the positions of their rows in the base file. Rows are found by key
// all the same, to the same answer.
func TestRecordPositionsAreNotNeeded(t *testing.T) {
	const name = "v9_merge_event_time_mor"
	uri := goldentest.Unpack(t, name)
	found := 0
	spoil(t, uri, func(b *logfile.Block) bool {
		if b.Header[logfile.HeaderPositions] != "" {
			found++
		}
		return false
	})
	require.NotZero(t, found, "the table has positions")
	snapshotIs(t, uri, name)
}

// Hadoop's checksum files lie beside every file of the table. They are no data, and are not believed.
func TestChecksumFiles(t *testing.T) {
	const name = "v9_cow_special_partitions"
	uri := goldentest.Unpack(t, name)
	found := 0
	require.NoError(t, filepath.WalkDir(uri, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(path, ".crc") {
			return err
		}
		found++
		return os.WriteFile(path, []byte("wrong"), 0o644)
	}))
	require.NotZero(t, found)
	snapshotIs(t, uri, name)
}

// 1.0.2 loses fields of records in log blocks from before they were renamed; its other answers are golden.
func TestRenamedFieldsInLogs(t *testing.T) {
	uri := goldentest.Unpack(t, "v8_mor_evolve_on_read")
	require.ElementsMatch(t, []string{
		`{"id":"e0","full_name":"N0","qty":10,"s":{"bb":"B0"},"ts":200,"name":null}`,
		`{"id":"e1","full_name":"N1","qty":11,"s":{"bb":"B1"},"ts":200,"name":null}`,
		`{"id":"e2","full_name":"n2","qty":2,"s":{"bb":"b2"},"ts":100,"name":null}`,
		`{"id":"e3","full_name":"n3","qty":3,"s":{"bb":"b3"},"ts":100,"name":null}`,
		`{"id":"e4","full_name":"n4","qty":4,"s":{"bb":"b4"},"ts":100,"name":null}`,
		`{"id":"e5","full_name":"n5","qty":5,"s":{"bb":"b5"},"ts":100,"name":null}`,
	}, linesOf(ok(t, "", "query", uri)))
	require.Len(t, linesOf(ok(t, "", "query", uri, "--where", "s.bb = 'b2' or full_name = 'n3'")), 2, "a condition by the names of now")
	require.Equal(t, 8, hudictl(`{"id":"e9"}`, "commit", uri, "--op", "upsert").code, "and writing is not supported")
}

// Ranges reach into the archive as far as the files are there.
func TestRangesInTheArchive(t *testing.T) {
	for _, name := range []string{"v6_cow_archived", "v9_cow_archived"} {
		t.Run(name, func(t *testing.T) {
			uri := goldentest.Unpack(t, name)
			want, _ := goldentest.Expected(t, name, "snapshot.jsonl")
			goldentest.RequireRows(t, string(want), ok(t, "", "query", uri, "--view", "incremental", "--begin", "000", "--meta"), "")
			archived := objects(t, ok(t, "", "timeline", uri, "--archived"))[0]["completed"].(string)
			r := hudictl("", "query", uri, "--view", "incremental", "--begin", "000", "--end", archived)
			require.Equal(t, exitFailed, r.code)
			require.Contains(t, r.stderr, "removed by the cleaner")
			require.Len(t, linesOf(r.stderr), 1)
		})
	}
}

package hudi_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/apache/arrow-go/v18/parquet"
	"github.com/apache/arrow-go/v18/parquet/file"
	"github.com/apache/arrow-go/v18/parquet/pqarrow"
	"github.com/stretchr/testify/require"

	"github.com/hudi-go/hudi-go/internal/hfile"
	"github.com/hudi-go/hudi-go/internal/logfile"
	"github.com/hudi-go/hudi-go/storage/local"
	"github.com/hudi-go/hudi-go/table"
	"github.com/hudi-go/hudi-go/timeline"
)

// payload is a golden table with something planted in its metadata.
type payload struct {
	name, table string
	plant       func(t *testing.T, dir string)
	// file is in the errors of operations that find the payload; caught says that one does.
	// Names that are none outside of the table, and parts that are not read, are passed over.
	file   string
	caught bool
}

// The forms of names that lead out of a table, and of those that would if somebody decoded
// them or took them for another system's. The latter are names like others.
var (
	leading = []string{
		"../outside", "eu/../../outside", "/outside", "//host/outside", "file:///outside", "s3://bucket/outside", "..", "a\x00/../b",
	}
	literal = []string{"%2e%2e/outside", "..%2foutside", "%252e%252e%252foutside", `..\outside`, "file:outside", "C:outside"}
)

// nextInstant is later than everything in the golden tables.
const nextInstant = "20261124000000000"

func hostilePayloads() []payload {
	return slices.Concat(commitPayloads(), planPayloads(), archivePayloads(), metadataPayloads(), folderPayloads(), linkPayloads())
}

// commitPayloads are in what a completed write says of itself.
func commitPayloads() []payload {
	var out []payload
	commit := func(name, golden string, caught bool, change func(m *timeline.CommitMetadata)) {
		out = append(out, payload{"commit/" + name, golden, func(t *testing.T, dir string) { changeCommit(t, dir, change) }, lastCommit[golden], caught})
	}
	each := func(change func(s *timeline.WriteStat)) func(m *timeline.CommitMetadata) {
		return func(m *timeline.CommitMetadata) {
			for _, s := range m.Stats() {
				change(s)
			}
		}
	}
	for _, golden := range slices.Sorted(maps.Keys(lastCommit)) {
		for _, form := range leading {
			commit("path "+form+" "+golden, golden, true, each(func(s *timeline.WriteStat) { s.Path = form + "/" + s.Path[strings.LastIndex(s.Path, "/")+1:] }))
		}
		for _, form := range literal {
			commit("path "+form+" "+golden, golden, false, each(func(s *timeline.WriteStat) { s.Path = form + "/" + s.Path[strings.LastIndex(s.Path, "/")+1:] }))
		}
		commit("partition "+golden, golden, true, each(func(s *timeline.WriteStat) { s.PartitionPath = "../outside" }))
		commit("file id "+golden, golden, true, each(func(s *timeline.WriteStat) { s.FileID = "../../outside/x" }))
		commit("base file "+golden, golden, true, each(func(s *timeline.WriteStat) {
			s.BaseFile, s.PrevBaseFile, s.TempPath = "../../outside/b", "/outside/b", "/outside/t"
			s.LogFiles = []string{"../../outside/l"}
		}))
		commit("partitions "+golden, golden, true, func(m *timeline.CommitMetadata) {
			for _, form := range append(slices.Clone(leading), literal...) {
				m.PartitionToWriteStats[form] = []*timeline.WriteStat{{FileID: "f", PartitionPath: form, PrevCommit: form}}
			}
		})
	}
	for _, form := range leading {
		commit("cdc "+form, "v9_cdc_mor_before_after", true, each(func(s *timeline.WriteStat) { s.CDCStats = map[string]int64{form + "/x.cdc": 1} }))
	}
	return out
}

// lastCommit has the file of the last write of tables.
var lastCommit = map[string]string{
	"v6_mor_compaction_pending": "20261123095027823.deltacommit",
	"v9_mor_compaction_pending": "20261123092411616_20261123092416681.deltacommit",
	"v9_cdc_mor_before_after":   "20261123085704250_20261123085710680.deltacommit",
}

// layoutOf is that of a golden table by its name.
func layoutOf(dir string) timeline.Layout {
	if _, err := os.Stat(filepath.Join(dir, ".hoodie", "timeline")); err == nil {
		return timeline.Layout2
	}
	return timeline.Layout1
}

func timelineDir(dir string) string {
	return filepath.Join(dir, filepath.FromSlash(layoutOf(dir).Dir()))
}

// changeCommit changes what the last completed write of a table says of itself.
func changeCommit(t *testing.T, dir string, change func(m *timeline.CommitMetadata)) {
	t.Helper()
	st, err := local.Open(dir)
	require.NoError(t, err)
	tl, err := timeline.Load(t.Context(), st, layoutOf(dir), time.UTC)
	require.NoError(t, err)
	last, ok := tl.LastCompletedWrite()
	require.True(t, ok)
	name := filepath.Join(timelineDir(dir), last.File)
	data, err := os.ReadFile(name)
	require.NoError(t, err)
	m, err := timeline.DecodeCommit(data)
	require.NoError(t, err)
	change(m)
	data, err = m.Encode(layoutOf(dir))
	require.NoError(t, err)
	overwrite(t, name, data)
}

// overwrite puts a file in place of another, without the checksum of the old one.
func overwrite(t *testing.T, name string, data []byte) {
	t.Helper()
	require.NoError(t, os.MkdirAll(filepath.Dir(name), 0o755))
	_ = os.Remove(filepath.Join(filepath.Dir(name), "."+filepath.Base(name)+".crc"))
	require.NoError(t, os.WriteFile(name, data, 0o644))
}

// planPayloads are in the plans of services that somebody finds pending and carries out, and
// in the results of those that are done.
func planPayloads() []payload {
	var out []payload
	const cow, mor6, mor9 = "v9_cow_clean_commits", "v6_mor_compaction_pending", "v9_mor_compaction_pending"
	add := func(name, golden, file string, caught bool, encode func(l timeline.Layout) ([]byte, error), more ...string) {
		out = append(out, payload{name, golden, func(t *testing.T, dir string) {
			data, err := encode(layoutOf(dir))
			require.NoError(t, err)
			overwrite(t, filepath.Join(timelineDir(dir), file), data)
			for _, also := range more {
				overwrite(t, filepath.Join(timelineDir(dir), also), nil)
			}
		}, file, caught})
	}
	const base, log = "f_0-0-0_20261123092351944.parquet", ".f_20261123092351944.log.1_0-0-0"
	for i, form := range leading {
		clean := func(files map[string][]timeline.CleanFile, legacy map[string][]string, gone []string) func(timeline.Layout) ([]byte, error) {
			return func(timeline.Layout) ([]byte, error) {
				return (&timeline.CleanerPlan{Files: files, LegacyFiles: legacy, PartitionsToDelete: gone, Policy: "KEEP_LATEST_COMMITS", Version: 2}).Encode()
			}
		}
		golden := []string{cow, mor6}[i%2]
		add("clean/partition "+form, golden, nextInstant+".clean.requested", true, clean(map[string][]timeline.CleanFile{form: {{Path: form + "/" + base}}}, nil, nil))
		add("clean/file "+form, golden, nextInstant+".clean.requested", true, clean(map[string][]timeline.CleanFile{"eu": {{Path: form + "/../passwd"}}}, nil, nil))
		add("clean/whole partition "+form, golden, nextInstant+".clean.requested", true, clean(nil, map[string][]string{form: {form + "/" + base}}, []string{form}))

		compaction := func(op timeline.CompactionOperation) func(timeline.Layout) ([]byte, error) {
			return func(l timeline.Layout) ([]byte, error) {
				return (&timeline.CompactionPlan{Operations: []timeline.CompactionOperation{op}, Version: 2}).Encode(l)
			}
		}
		mor := []string{mor9, mor6}[i%2]
		add("compaction/partition "+form, mor, nextInstant+".compaction.requested", true, compaction(timeline.CompactionOperation{
			BaseInstant: "20261123092351944", FileID: "f", Partition: form, DataFile: base, DeltaFiles: []string{log}}))
		add("compaction/files "+form, mor, nextInstant+".compaction.requested", true, compaction(timeline.CompactionOperation{
			BaseInstant: "20261123092351944", FileID: "f", Partition: "eu", DataFile: form + "/x", DeltaFiles: []string{form + "/y"}, Bootstrap: form}))

		rollback := func(of timeline.InstantInfo, r timeline.RollbackRequest) func(timeline.Layout) ([]byte, error) {
			return func(timeline.Layout) ([]byte, error) {
				return (&timeline.RollbackPlan{Instant: &of, Requests: []timeline.RollbackRequest{r}, Version: 1}).Encode()
			}
		}
		last := timeline.InstantInfo{Time: "20261123092411616", Action: "deltacommit"}
		add("rollback/partition "+form, mor, nextInstant+".rollback.requested", true, rollback(last, timeline.RollbackRequest{Partition: form, FilesToDelete: []string{form + "/f_0-0-0_20261123092411616.parquet"}}))
		add("rollback/file "+form, mor, nextInstant+".rollback.requested", true, rollback(last, timeline.RollbackRequest{Partition: "eu", FilesToDelete: []string{form + "/passwd"}}))
		add("rollback/block "+form, mor6, nextInstant+".rollback.requested", true, rollback(last, timeline.RollbackRequest{
			Partition: "eu", FileID: form, LatestBaseInstant: form, LogBlocksToDelete: map[string]int64{form: 1}}))
		add("rollback/instant "+form, mor, nextInstant+".rollback.requested", true, rollback(timeline.InstantInfo{Time: form, Action: "deltacommit"}, timeline.RollbackRequest{Partition: "eu"}))
		add("rollback/action "+form, mor, nextInstant+".rollback.requested", true, rollback(timeline.InstantInfo{Time: "20261123092411616", Action: "x/" + form}, timeline.RollbackRequest{Partition: "eu"}))

		add("clustering/slices "+form, cow, nextInstant+".clustering.requested", true, func(timeline.Layout) ([]byte, error) {
			return (&timeline.RequestedReplace{OperationType: timeline.OpCluster, Plan: &timeline.ClusteringPlan{InputGroups: []timeline.ClusteringGroup{{
				Slices: []timeline.SliceInfo{{DataFile: form + "/x", DeltaFiles: []string{form}, FileID: form, Partition: form, Bootstrap: form}}}}}}).Encode()
		})
		add("savepoint/files "+form, mor6, "20261123095027823.savepoint", false, func(timeline.Layout) ([]byte, error) {
			return (&timeline.SavepointMetadata{Partitions: map[string]timeline.SavepointPartition{form: {Partition: form, Files: []string{form}}}}).Encode()
		})
		add("restore/plan "+form, mor6, nextInstant+".restore.requested", false, func(timeline.Layout) ([]byte, error) {
			return (&timeline.RestorePlan{Instants: []timeline.InstantInfo{{Time: form, Action: form}}, Savepoint: form}).Encode()
		})
		add("rolled back/results "+form, mor6, nextInstant+".rollback", false, func(timeline.Layout) ([]byte, error) {
			return (&timeline.RollbackMetadata{Instants: []timeline.InstantInfo{{Time: form, Action: "commit"}}, CommitsRollback: []string{form},
				Partitions: map[string]timeline.RollbackPartition{form: {Partition: form, Deleted: []string{form}}}}).Encode()
		})
		add("cleaned/results "+form, mor6, nextInstant+".clean", false, func(timeline.Layout) ([]byte, error) {
			return (&timeline.CleanMetadata{EarliestCommitToRetain: form, Partitions: map[string]timeline.CleanPartition{form: {Partition: form, Deleted: []string{form}}}}).Encode()
		})
		add("replaced/groups "+form, mor6, nextInstant+".replacecommit", true, func(l timeline.Layout) ([]byte, error) {
			return (&timeline.CommitMetadata{PartitionToReplaceFileIDs: map[string][]string{form: {form}}, OperationType: timeline.OpInsertOverwrite,
				PartitionToWriteStats: map[string][]*timeline.WriteStat{form: {{Path: form + "/" + base, FileID: "f", PartitionPath: form}}}}).Encode(l)
		})
	}
	return out
}

// archivePayloads are in the timeline's archive.
func archivePayloads() []payload {
	const v6, v9 = "v6_cow_archived", "v9_cow_archived"
	var out []payload
	history := func(name string) string { return ".hoodie/timeline/history/" + name }
	text := func(name, file, content string, caught bool) {
		out = append(out, payload{"archive/" + name, v9, func(t *testing.T, dir string) {
			overwrite(t, filepath.Join(dir, history(file)), []byte(content))
		}, file, caught})
	}
	for _, form := range leading {
		manifest, err := json.Marshal(map[string]any{"files": []any{map[string]any{"fileName": form, "fileLen": 1}}})
		if err != nil {
			panic(err)
		}
		text("manifest "+form, "manifest_4", string(manifest), true)
		text("version "+form, "_version_", form, false)
	}
	const id6, id9 = "d436b42f-1c49-4718-840e-b5bf108f9fed-0_0-", "4d52c84d-160a-43f6-921f-e7f2b32c5ca2-0_0-"
	out = append(out,
		payload{"archive/log", v6, func(t *testing.T, dir string) {
			changeFiles(t, filepath.Join(dir, ".hoodie", "archived"), func(data []byte) []byte {
				require.Contains(t, string(data), id6)
				return bytes.ReplaceAll(data, []byte(id6), []byte("../outside/"+id6[:len(id6)-11]))
			})
		}, ".commits_.archive", true},
		payload{"archive/history", v9, func(t *testing.T, dir string) {
			changeFiles(t, filepath.Join(dir, ".hoodie", "timeline", "history"), func(data []byte) []byte {
				if !bytes.HasPrefix(data, []byte("PAR1")) {
					return data
				}
				return changeParquet(t, data, []byte(id9), []byte("../outside/"+id9[:len(id9)-11]))
			})
		}, "history", true},
	)
	return out
}

// changeFiles changes the files of a folder.
func changeFiles(t *testing.T, dir string, change func(data []byte) []byte) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	require.NoError(t, err)
	changed := 0
	for _, e := range entries {
		if e.IsDir() || strings.HasSuffix(e.Name(), ".crc") {
			continue
		}
		name := filepath.Join(dir, e.Name())
		data, err := os.ReadFile(name)
		require.NoError(t, err)
		now := change(bytes.Clone(data))
		if !bytes.Equal(now, data) {
			changed++
			overwrite(t, name, now)
		}
	}
	require.NotZero(t, changed)
}

// changeParquet replaces texts of equal length in the binary columns of a Parquet file.
func changeParquet(t *testing.T, data, from, to []byte) []byte {
	t.Helper()
	r, err := file.NewParquetReader(bytes.NewReader(data))
	require.NoError(t, err)
	reader, err := pqarrow.NewFileReader(r, pqarrow.ArrowReadProperties{}, memory.DefaultAllocator)
	require.NoError(t, err)
	tab, err := reader.ReadTable(t.Context())
	require.NoError(t, err)
	defer tab.Release()
	var columns []arrow.Array
	for i := range int(tab.NumCols()) {
		column, err := array.Concatenate(tab.Column(i).Data().Chunks(), memory.DefaultAllocator)
		require.NoError(t, err)
		if b, ok := column.(*array.Binary); ok {
			builder := array.NewBinaryBuilder(memory.DefaultAllocator, arrow.BinaryTypes.Binary)
			for row := range b.Len() {
				if b.IsNull(row) {
					builder.AppendNull()
				} else {
					builder.Append(bytes.ReplaceAll(b.Value(row), from, to))
				}
			}
			column = builder.NewArray()
		}
		columns = append(columns, column)
	}
	var out bytes.Buffer
	batch := array.NewRecordBatch(tab.Schema(), columns, tab.NumRows())
	w, err := pqarrow.NewFileWriter(tab.Schema(), &out, parquet.NewWriterProperties(), pqarrow.DefaultWriterProps())
	require.NoError(t, err)
	require.NoError(t, w.Write(batch))
	require.NoError(t, w.Close())
	return out.Bytes()
}

// metadataPayloads are in the records of metadata tables, and in the definitions of indexes.
func metadataPayloads() []payload {
	var out []payload
	records := func(name, golden, partition string, caught bool, from, to string) {
		out = append(out, payload{"metadata/" + name, golden, func(t *testing.T, dir string) {
			changeFiles(t, filepath.Join(dir, ".hoodie", "metadata", partition), func(data []byte) []byte { return changeHFiles(t, data, from, to) })
		}, "metadata", caught})
	}
	const v6, v9 = "v6_mdt_full", "v9_mdt_full"
	for _, golden := range []string{v6, v9} {
		records("partition .. "+golden, golden, "files", true, "region=eu", "../outsid")
		records("partition / "+golden, golden, "files", true, "region=eu", "/region/x")
		records("partition nul "+golden, golden, "files", true, "region=eu", "region\x00eu")
		records("file "+golden, golden, "files", true, "-0_", "/..")
		records("file nul "+golden, golden, "files", true, "-0_", "\x00._")
		records("record index "+golden, golden, "record_index", false, "region=eu", "../outsid")
	}
	for _, form := range leading {
		definition, err := json.Marshal(map[string]any{"indexDefinitions": map[string]any{form: map[string]any{
			"indexName": form, "indexType": "column_stats", "sourceFields": []string{form}, "version": "V1"}}})
		if err != nil {
			panic(err)
		}
		out = append(out, payload{"index definitions/" + form, v9, func(t *testing.T, dir string) {
			overwrite(t, filepath.Join(dir, ".hoodie", ".index_defs", "index.json"), definition)
		}, "index.json", false})
	}
	return out
}

// changeHFiles replaces texts of equal length in the keys and values of an HFile, or of those
// in a log file.
func changeHFiles(t *testing.T, data []byte, from, to string) []byte {
	t.Helper()
	require.Len(t, to, len(from))
	if !bytes.HasPrefix(data, []byte("#HUDI#")) {
		if !bytes.HasPrefix(data, []byte("DATABLK*")) {
			return data
		}
		return changeHFile(t, data, from, to)
	}
	var out []byte
	for r := logfile.NewReader("log", bytes.NewReader(data), int64(len(data))); ; {
		b, err := r.Next()
		if errors.Is(err, io.EOF) {
			return out
		}
		require.NoError(t, err)
		content, err := b.Content(t.Context())
		require.NoError(t, err)
		if b.Type == logfile.HFileData {
			content = changeHFile(t, content, from, to)
		}
		out = logfile.AppendBlock(out, b.Type, b.Header, content)
	}
}

func changeHFile(t *testing.T, data []byte, from, to string) []byte {
	t.Helper()
	f, err := hfile.Open("f", bytes.NewReader(data), int64(len(data)))
	require.NoError(t, err)
	changed := map[string][]byte{}
	for e, err := range f.All(t.Context()) {
		require.NoError(t, err)
		key := strings.ReplaceAll(string(e.Key), from, to)
		changed[key] = bytes.ReplaceAll(e.Value, []byte(from), []byte(to))
	}
	var out bytes.Buffer
	w := hfile.NewWriter(&out, f.Codec(), time.UnixMilli(1))
	w.SetInfo(hfile.InfoSchema, []byte(f.Schema()))
	for _, key := range slices.Sorted(maps.Keys(changed)) {
		require.NoError(t, w.Add([]byte(key), changed[key]))
	}
	require.NoError(t, w.Close())
	return out.Bytes()
}

// folderPayloads are in properties, the metafiles of partitions, markers, heartbeats, the
// bootstrap index, the schema's history and the headers of log blocks.
func folderPayloads() []payload {
	var out []payload
	put := func(name, golden, path, content string, caught bool) {
		out = append(out, payload{name, golden, func(t *testing.T, dir string) { overwrite(t, filepath.Join(dir, path), []byte(content)) }, filepath.Base(path), caught})
	}
	property := func(golden, key, value string, caught bool) {
		out = append(out, payload{"properties/" + key + " " + value, golden, func(t *testing.T, dir string) {
			name := filepath.Join(dir, ".hoodie", "hoodie.properties")
			data, err := os.ReadFile(name)
			require.NoError(t, err)
			p, err := table.ParseProperties(data)
			require.NoError(t, err)
			p.Set(key, value)
			overwrite(t, name, p.Bytes())
		}, "hoodie.properties", caught})
	}
	const v6, v9 = "v6_mor_compaction_pending", "v9_mor_compaction_pending"
	for _, form := range leading {
		property(v9, "hoodie.timeline.path", form, true)
		property(v9, "hoodie.timeline.history.path", form, true)
		property(v6, "hoodie.archivelog.folder", form, true)
		property(v9, "hoodie.table.index.defs.path", form, false)
		property(v9, "hoodie.bootstrap.base.path", form, false)
		property(v9, "hoodie.table.metadata.partitions", "files,"+form, false)
		put("metafile/"+form, v9, "eu/.hoodie_partition_metadata", "commitTime="+form+"\npartitionDepth=9999999999999\n", false)
		put("markers/"+form, v9, ".hoodie/.temp/"+nextInstant+"/MARKERS0", form+"/x_0-0-0_"+nextInstant+".parquet.marker.CREATE\n", true)
		put("bootstrap/"+form, v9, ".hoodie/.aux/.bootstrap/.partitions/00000000-0000-0000-0000-000000000000-0_1-0-1_00000000000001.hfile", form, false)
		put("schema history/"+form, "v9_evolve_rename_drop", ".hoodie/.schema/20261123092408443_20261123092408535.schemacommit",
			fmt.Sprintf(`{"schemas":[{"version_id":%q,"max_column_id":1,"type":"record","fields":[]}]}`, form), true)
	}
	for i := range out {
		if strings.HasPrefix(out[i].name, "markers/") {
			plant := out[i].plant
			out[i].plant = func(t *testing.T, dir string) {
				plant(t, dir)
				overwrite(t, filepath.Join(dir, ".hoodie", ".temp", nextInstant, "MARKERS.type"), []byte("TIMELINE_SERVER_BASED"))
				overwrite(t, filepath.Join(timelineDir(dir), nextInstant+".deltacommit.requested"), nil)
				overwrite(t, filepath.Join(timelineDir(dir), nextInstant+".deltacommit.inflight"), nil)
				overwrite(t, filepath.Join(dir, ".hoodie", ".heartbeat", nextInstant), nil)
				old := time.Now().Add(-24 * time.Hour)
				require.NoError(t, os.Chtimes(filepath.Join(dir, ".hoodie", ".heartbeat", nextInstant), old, old))
			}
		}
	}
	for _, form := range leading {
		header := func(name string, kind logfile.BlockType, h map[logfile.HeaderKey]string, content []byte) {
			out = append(out, payload{"log block/" + name + " " + form, v6, func(t *testing.T, dir string) {
				overwrite(t, filepath.Join(dir, "eu", ".f92f8059-a367-4795-a14f-3a63f0fa35fa-0_20261123095025127.log.2_9-9-9"), logfile.AppendBlock(nil, kind, h, content))
			}, ".log.2", false})
		}
		header("instant", logfile.AvroData, map[logfile.HeaderKey]string{logfile.HeaderInstant: form, logfile.HeaderSchema: form}, []byte(form))
		header("command", logfile.Command, map[logfile.HeaderKey]string{logfile.HeaderInstant: form, logfile.HeaderTarget: form, logfile.HeaderCommand: form}, nil)
	}
	return out
}

// linkPayloads are symbolic links in the table's folders that lead out of them.
func linkPayloads() []payload {
	var out []payload
	link := func(name, golden, path, to string, caught bool) {
		out = append(out, payload{"link/" + name, golden, func(t *testing.T, dir string) {
			at := filepath.Join(dir, path)
			require.NoError(t, os.RemoveAll(at))
			require.NoError(t, os.MkdirAll(filepath.Dir(at), 0o755))
			require.NoError(t, os.Symlink(filepath.Join(dir, "..", to), at))
		}, filepath.Base(path), caught})
	}
	const v6, v9 = "v6_mor_compaction_pending", "v9_mor_compaction_pending"
	link("partition", v9, "eu", "outside/eu", true)
	link("partition beside", v9, "new", "outside/eu", true)
	link("partition above", v9, "new", ".", true)
	link("base file", v9, "eu/bd665bcf-1391-4089-81de-ac59c736a8a1-0_0-19-24_20261123092351944.parquet",
		"outside/eu/bd665bcf-1391-4089-81de-ac59c736a8a1-0_0-19-24_20261123092351944.parquet", true)
	link("log file", v6, "eu/.f92f8059-a367-4795-a14f-3a63f0fa35fa-0_20261123095025127.log.1_0-115-107",
		"outside/eu/.f92f8059-a367-4795-a14f-3a63f0fa35fa-0_20261123095025127.log.1_0-115-107", true)
	link("timeline", v9, ".hoodie/timeline", "outside/.hoodie/timeline", true)
	link("commit", v9, ".hoodie/timeline/20261123092411616_20261123092416681.deltacommit", "outside/.hoodie/timeline/20261123092411616_20261123092416681.deltacommit", true)
	link("meta folder", v9, ".hoodie", "outside/.hoodie", true)
	link("properties", v9, ".hoodie/hoodie.properties", "outside/.hoodie/hoodie.properties", true)
	link("archive", "v9_cow_archived", ".hoodie/timeline/history", "outside/.hoodie/timeline/history", true)
	link("metadata table", "v9_mdt_full", ".hoodie/metadata", "outside/.hoodie/metadata", true)
	link("metadata partition", "v9_mdt_full", ".hoodie/metadata/files", "outside/.hoodie/metadata/files", true)
	link("temp", v9, ".hoodie/.temp", "outside", true)
	link("markers", v9, ".hoodie/.temp/"+nextInstant, "outside/eu", true)
	link("heartbeats", v9, ".hoodie/.heartbeat", "outside/new", false)
	link("locks", v9, ".hoodie/.locks", "outside/new", false)
	link("lock that is not there", v9, ".hoodie/.locks/hudi-go.flock", "outside/made", false)
	link("schema history", "v9_evolve_rename_drop", ".hoodie/.schema", "outside/.hoodie/.schema", true)
	return out
}

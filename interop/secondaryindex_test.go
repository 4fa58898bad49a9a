package interop_test

import (
	"cmp"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/hudi-go/hudi-go/hudi"
	"github.com/hudi-go/hudi-go/interop"
	"github.com/hudi-go/hudi-go/query"
	"github.com/hudi-go/hudi-go/table"
)

// TestSecondaryIndex keeps a secondary index of the column v in step with Spark in turns, one that we
// have begun and one that Spark has. Both engines find rows by it.
func TestSecondaryIndex(t *testing.T) {
	interop.Need(t, interop.EngineSpark)
	shapes := []recordShape{{interop.Hudi120, table.MOR, false}}
	if interop.Whole() {
		shapes = append(shapes, recordShape{interop.Hudi120, table.COW, false}, recordShape{interop.Hudi102, table.COW, false}, recordShape{interop.Hudi102, table.MOR, false})
	}
	for _, s := range shapes {
		for _, who := range []actor{other, we} {
			if who == we && !interop.Whole() {
				continue // as long again
			}
			t.Run(fmt.Sprint(s, " begun by ", who), func(t *testing.T) { secondaryTurns(t, s, who) })
		}
	}
}

func secondaryTurns(t *testing.T, s recordShape, who actor) {
	m := &secondary{recordTurns: newRecordTurns(t, s)}
	theirs := m.theirs
	m.theirs = func() map[string]string {
		o := theirs()
		maps.Copy(o, serverOptions)
		return o
	}
	m.check = m.compare
	m.write(we, "insert", 0, 12)
	m.write(other, "upsert", 8, 16)
	m.write(we, "delete", 3, 5)
	m.begin(who)
	m.write(other, "upsert", 0, 6)
	m.write(we, "upsert", 4, 20)
	m.write(other, "delete", 6, 8)
	m.write(we, "delete", 9, 11)
	m.undone("upsert", 10, 24)
	m.write(other, "insert", 30, 34)
	if s.typ == table.MOR {
		_, err := m.ours.open(t).Compact(t.Context())
		require.NoError(t, err)
		m.check()
	}
	m.shift = 1 // rows move between partitions
	m.write(we, "upsert", 0, 10)
	m.write(other, "upsert", 8, 12)
	if interop.Whole() {
		m.options = map[string]string{"hoodie.metadata.compact.max.delta.commits": "1"}
		m.write(other, "upsert", 1, 3) // which compacts the metadata table
		m.write(other, "insert", 40, 43)
		m.options = nil
		check := m.check
		m.check = func() {}
		for i := range 12 { // and so do we
			m.write(we, "upsert", 41+i, 43+i)
		}
		m.check = check
		m.write(other, "upsert", 0, 60)
	}
	m.used()
}

// serverOptions let Hudi 1.2.0 list files when it changes secondary indexes.
var serverOptions = map[string]string{
	"hoodie.embed.timeline.server": "true",
	"hoodie.write.lock.provider":   "org.apache.hudi.client.transaction.lock.InProcessLockProvider",
}

// secondary are turns on a table with a secondary index.
type secondary struct {
	*recordTurns
	index string // its partition of the metadata table, "" before it begins
}

// begin gives the table the index.
func (m *secondary) begin(who actor) {
	m.t.Helper()
	m.index = "secondary_index_by_v"
	if who == we {
		name, err := m.ours.open(m.t).CreateSecondaryIndex(m.t.Context(), hudi.SecondaryIndexOptions{Column: "v", Name: "by_v", FileGroups: 3})
		require.NoError(m.t, err)
		require.Equal(m.t, m.index, name)
	} else {
		options := map[string]string{"hoodie.metadata.enable": "true"}
		maps.Copy(options, m.theirs())
		m.spark.SQL(m.t, "CREATE INDEX by_v ON turns (v)", map[string]string{"turns": m.ours.path}, options)
	}
	m.check()
}

// compare has both engines read the table, whole and by values, and compares the indexes with the files.
func (m *secondary) compare() {
	m.t.Helper()
	if m.index == "" {
		return
	}
	tab := m.ours.open(m.t)
	require.Contains(m.t, tab.Config().MetadataPartitions, m.index)
	problems, err := tab.Check(m.t.Context())
	require.NoError(m.t, err)
	require.Empty(m.t, problems)
	m.same("hudi-go", m.ours.read(m.t, query.Options{}))
	m.same("Spark", m.byValue(m.ours.path, "true", "true"))
	ids := map[string][]int{"nosuch": nil}
	for id, v := range m.rows {
		ids[v] = append(ids[v], id)
	}
	values := slices.Sorted(maps.Keys(ids))
	for _, v := range values {
		where := fmt.Sprintf("v = '%s'", v)
		slices.Sort(ids[v])
		require.Equal(m.t, ids[v], m.ids(m.ours.read(m.t, query.Options{Where: where})), "hudi-go, %s", where)
	}
	latest := slices.MaxFunc(values, func(a, b string) int { return cmp.Compare(turnOf(a), turnOf(b)) })
	for _, v := range []string{latest, "nosuch"} {
		where := fmt.Sprintf("v = '%s'", v)
		require.Equal(m.t, ids[v], m.ids(m.byValue(m.ours.path, where, "true")), "Spark, %s", where)
	}
	where := fmt.Sprintf("v IN ('%s')", strings.Join(slices.Sorted(maps.Keys(ids)), "', '"))
	require.Len(m.t, m.byValue(m.ours.path, where, "true"), len(m.rows), "Spark, %s", where)
}

// turnOf is the number of the turn that wrote a value, 0 for none.
func turnOf(value string) int {
	n, err := strconv.Atoi(strings.TrimLeft(value, "abcdefghijklmnopqrstuvwxyz"))
	if err != nil {
		return 0
	}
	return n
}

func (m *secondary) byValue(path, where, skipping string) []map[string]any {
	options := map[string]string{"hoodie.metadata.enable": "true", "hoodie.enable.data.skipping": skipping}
	maps.Copy(options, m.indexOptions(false))
	return m.spark.Read(m.t, interop.Read{Path: path, Options: options, Where: where}).Rows
}

func (m *secondary) ids(rows []map[string]any) (ids []int) {
	for _, row := range rows {
		ids = append(ids, idOf(m.t, row["id"]))
	}
	slices.Sort(ids)
	return ids
}

// used makes sure that Spark finds rows by the index: in a copy of the table whose index is emptied it
// finds none, and only with data skipping.
func (m *secondary) used() {
	m.t.Helper()
	path := filepath.Join(m.t.TempDir(), "emptied")
	require.NoError(m.t, os.CopyFS(path, os.DirFS(m.ours.path)))
	folder := filepath.Join(path, ".hoodie", "metadata", m.index)
	files, err := os.ReadDir(folder)
	require.NoError(m.t, err)
	for _, f := range files {
		isFirst := strings.Contains(f.Name(), "_0000000") && strings.HasSuffix(f.Name(), ".log.1_0-0-0") // without records
		if !isFirst && f.Name() != ".hoodie_partition_metadata" {
			require.NoError(m.t, os.Remove(filepath.Join(folder, f.Name())))
		}
	}
	for _, v := range m.rows {
		where := fmt.Sprintf("v = '%s'", v)
		require.NotEmpty(m.t, m.byValue(path, where, "false"))
		require.Empty(m.t, m.byValue(path, where, "true"), "Spark does not ask the index")
		return
	}
}

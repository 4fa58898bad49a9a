package interop_test

import (
	"archive/zip"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/hudi-go/hudi-go/hudi"
	"github.com/hudi-go/hudi-go/query"
)

// rustTables are the tables of the tests of apache/hudi-rs with the rows that these expect (crates/core/tests/table_read_tests.rs,
// crates/test/src/v9_verification.rs), sorted, in the columns that they look at: * is any value, as is what is not there.
var rustTables = []struct {
	tables  string // below crates/test/data, without .zip
	view    query.View
	columns string
	rows    string
}{
	{"sample_table/*/v8_empty", query.Snapshot, "", ""},
	{"sample_table/cow/v6_empty", query.Snapshot, "", ""},
	{"sample_table/mor/parquet/v6_empty", query.Snapshot, "", ""},
	{"sample_table/*/v[68]_nonpartitioned", query.Snapshot, sampleColumns, samples},
	{"sample_table/*/*/v6_nonpartitioned", query.Snapshot, sampleColumns, samples},
	{"sample_table/mor/parquet/v6_nonpartitioned", query.ReadOptimized, sampleColumns,
		"1 Alice true|2 Bob false|3 Carol true|4 Diana true"},
	{"sample_table/*/v[68]_*keygen_hivestyle", query.Snapshot, sampleColumns, samples},
	{"sample_table/*/*/v6_*keygen_hivestyle", query.Snapshot, sampleColumns, samples},
	{"sample_table/*/v[68]_*_no_metafields", query.Snapshot, sampleColumns, samples},
	{"sample_table/*/*/v6_*_no_metafields", query.Snapshot, sampleColumns, samples},
	{"sample_table/*/v[68]_*keygen_nonhivestyle", query.Snapshot, sampleColumns, samples},
	{"sample_table/*/*/v6_*keygen_nonhivestyle", query.Snapshot, sampleColumns, samples},
	{"sample_table/cow/v6_*_overwritetable", query.Snapshot, sampleColumns, "4 Diana false"},
	{"sample_table/mor/parquet/v6_*_overwritetable", query.Snapshot, sampleColumns, "4 Diana false"},
	{"sample_table/mor/parquet/v6_nonpartitioned_rollback", query.Snapshot, sampleColumns, "1 Alice true|2 Bob true|3 Carol true"},

	{"sample_table/cow/v9_timebasedkeygen_epochmillis", query.Snapshot, timeColumns, times},
	{"sample_table/cow/v9_timebasedkeygen_unixtimestamp", query.Snapshot, timeColumns, times},
	{"sample_table/cow/v9_timebasedkeygen_nonhivestyle", query.Snapshot, timeColumns, "TXN-001 debit 1700000000001|" +
		"TXN-001 reversal 1700100000001|TXN-003 debit 1700200000003|TXN-004 transfer 1700000000004|TXN-005 debit 1700100000005"},
	{"sample_table/mor/avro/v9_timebasedkeygen_nonhivestyle", query.ReadOptimized, timeColumns, "TXN-001 debit 1700000000001|" +
		"TXN-001 reversal 1700100000001|TXN-002 debit 1700000000002|TXN-003 debit 1700000000003|TXN-004 transfer 1700000000004|" +
		"TXN-005 debit 1700100000005|TXN-006 debit 1700300000006"},
	{"sample_table/mor/avro/v9_nonpartitioned_rollback", query.Snapshot, timeColumns, "TXN-001 debit 1700000000001|" +
		"TXN-002 debit 1700000000002|TXN-002 debit 1700200000002|TXN-003 debit 1700000000003"},
	{"sample_table/cow/v9_txns_simple_overwrite", query.Snapshot, timeColumns, overwritten},
	{"sample_table/mor/avro/v9_txns_simple_overwrite", query.ReadOptimized, timeColumns, overwritten},
	{"sample_table/cow/v9_txns_[sc]*_*meta", query.Snapshot, "region," + txnColumns, txns},
	{"sample_table/mor/avro/v9_txns_[sc]*_*meta", query.Snapshot, "region," + txnColumns, txns},
	{"sample_table/mor/avro/v9_txns_[sc]*_*meta", query.ReadOptimized, "region," + txnColumns, txns},
	{"sample_table/cow/v9_txns_nonpart_*meta", query.Snapshot, txnColumns, wholeTxns},
	{"sample_table/mor/avro/v9_txns_nonpart_*meta", query.Snapshot, txnColumns, wholeTxns},
	{"sample_table/mor/avro/v9_txns_nonpart_*meta", query.ReadOptimized, txnColumns, wholeTxns},

	{"quickstart_trips_table/mor/avro/v6_trips_8i1u", query.Snapshot, "rider,fare", "rider-A 19.1|rider-C 27.7|rider-D 25|" +
		"rider-E 93.5|rider-F 34.15|rider-G 43.4|rider-I 41.06|rider-J 17.85"},
	{"quickstart_trips_table/mor/avro/v6_trips_8i3d", query.Snapshot, "rider,fare", "rider-E 93.5|rider-F 34.15|rider-G 43.4|" +
		"rider-I 41.06|rider-J 17.85"},
	{"quickstart_trips_table/mor/avro/v8_trips_8i3u1d", query.Snapshot, "rider,fare", "rider-A 0|rider-C 27.7|rider-D 33.9|" +
		"rider-E 93.5|rider-G 0|rider-I 41.06"},
}

const (
	sampleColumns = "id,name,isActive"
	samples       = "1 Alice false|2 Bob false|3 Carol true|4 Diana true"

	timeColumns = "txn_id,txn_type,txn_ts"
	times       = "TXN-001 debit 1700000000001|TXN-001 reversal 1700100000001|TXN-002 debit 1700000000002|" +
		"TXN-003 debit 1700200000003|TXN-005 debit 1700100000005|TXN-006 transfer 1700100000006"
	overwritten = "TXN-101 debit 1700500000001|TXN-102 debit 1700500000002|TXN-103 debit 1700500000003"

	txnColumns = "txn_id,txn_type,fee_amount"
	txns       = "apac TXN-007 * 75.00|apac TXN-008|apac TXN-015|apac TXN-016|eu TXN-011|eu TXN-012|eu TXN-018|us TXN-001 reversal|" +
		"us TXN-003|us TXN-013|us TXN-014|us TXN-017"
	// tables without partitions were not overwritten
	wholeTxns = "TXN-001 reversal|TXN-003|TXN-004|TXN-006|TXN-007 * 75.00|TXN-008|TXN-009|TXN-010|TXN-011|TXN-012|TXN-013|" +
		"TXN-014|TXN-015|TXN-016"
)

// The public tables of apache/hudi-rs are read as its own tests expect. HUDI_GO_HUDI_RS is the folder of a clone. Tables whose base
// files are Lance's have to be refused.
func TestTablesOfHudiRs(t *testing.T) {
	root := os.Getenv("HUDI_GO_HUDI_RS")
	if root == "" {
		t.Skip("interop: needs the folder of a clone of apache/hudi-rs in HUDI_GO_HUDI_RS, whose tables are not ours to copy")
	}
	root = filepath.Join(root, "crates", "test", "data")
	met := map[string]bool{}
	for _, r := range rustTables {
		files, err := filepath.Glob(filepath.Join(root, r.tables+".zip"))
		require.NoError(t, err)
		for _, file := range files {
			met[file] = true
			name, err := filepath.Rel(root, file)
			require.NoError(t, err)
			t.Run(fmt.Sprintf("%s/%s", strings.TrimSuffix(name, ".zip"), r.view), func(t *testing.T) {
				o := query.Options{View: r.view}
				if r.columns != "" {
					o.Columns = strings.Split(r.columns, ",")
				}
				requireRows(t, r.rows, o.Columns, unzipped(t, file).read(t, o))
			})
		}
	}
	require.NoError(t, filepath.WalkDir(root, func(file string, _ os.DirEntry, err error) error {
		if err != nil || filepath.Ext(file) != ".zip" || met[file] {
			return err
		}
		require.Contains(t, file, "lance", "a table without an expectation")
		t.Run(filepath.Base(file), func(t *testing.T) {
			_, err := hudi.Open(t.Context(), unzipped(t, file).path)
			require.ErrorIs(t, err, hudi.ErrUnsupported)
		})
		return nil
	}))
}

func requireRows(t *testing.T, want string, columns []string, got []map[string]any) {
	t.Helper()
	var rows [][]string
	for _, row := range got {
		var cells []string
		for _, c := range columns {
			cells = append(cells, fmt.Sprint(row[c]))
		}
		rows = append(rows, cells)
	}
	slices.SortFunc(rows, slices.Compare)
	var expected []string
	if want != "" {
		expected = strings.Split(want, "|")
	}
	require.Len(t, rows, len(expected), "%v", rows)
	for i, line := range expected {
		for k, cell := range strings.Fields(line) {
			if cell != "*" {
				require.Equal(t, cell, rows[i][k], "row %v, wanted %s", rows[i], line)
			}
		}
	}
}

// unzipped is a table out of an archive.
func unzipped(t *testing.T, file string) ours {
	t.Helper()
	archive, err := zip.OpenReader(file)
	require.NoError(t, err)
	defer archive.Close()
	dir := t.TempDir()
	require.NoError(t, os.CopyFS(dir, archive))
	return ours{path: filepath.Join(dir, strings.TrimSuffix(filepath.Base(file), ".zip"))}
}

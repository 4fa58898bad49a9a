package timeline

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/hudi-go/hudi-go/internal/base"
)

func TestJSONForm(t *testing.T) {
	m := &CommitMetadata{
		PartitionToWriteStats: map[string][]*WriteStat{
			"b": {{FileID: "f-0", PrevCommit: NoPrevCommit}},
			"a": nil,
		},
		ExtraMetadata: map[string]string{},
		OperationType: OpUpsert,
	}
	data, err := m.Encode(Layout1)
	require.NoError(t, err)
	require.Equal(t, `{
  "partitionToWriteStats" : {
    "a" : null,
    "b" : [ {
      "fileId" : "f-0",
      "path" : null,
      "prevCommit" : "null",
      "numWrites" : 0,
      "numDeletes" : 0,
      "numUpdateWrites" : 0,
      "totalWriteBytes" : 0,
      "totalWriteErrors" : 0,
      "partitionPath" : "",
      "totalLogRecords" : 0,
      "totalUpdatedRecordsCompacted" : 0,
      "numInserts" : 0,
      "totalLogBlocks" : 0,
      "totalCorruptLogBlock" : 0,
      "totalRollbackBlocks" : 0,
      "fileSizeInBytes" : 0,
      "cdcStats" : null,
      "minEventTime" : null,
      "maxEventTime" : null,
      "runtimeStats" : null,
      "totalLogFilesCompacted" : 0,
      "totalLogSizeCompacted" : 0,
      "tempPath" : null
    } ]
  },
  "compacted" : false,
  "extraMetadata" : { },
  "operationType" : "UPSERT"
}`, string(data))
}

func TestLogStatsKeepTheirZeroes(t *testing.T) {
	m := &CommitMetadata{PartitionToWriteStats: map[string][]*WriteStat{"": {
		{FileID: "f-0", LogVersion: 1, LogFiles: []string{"x"}},
	}}}
	data, err := m.Encode(Layout1)
	require.NoError(t, err)
	require.Contains(t, string(data), `"logOffset" : 0,
      "baseFile" : "",
      "logFiles" : [ "x" ],`)
}

func TestStatsOfTheArchiveHaveNoLogVersion(t *testing.T) {
	require.True(t, (&WriteStat{Path: "p=1/.f-0_20240101000000000.log.2_0-315-485"}).IsLog())
	require.False(t, (&WriteStat{Path: "p=1/f-0_0-1-2_20240101000000000.parquet"}).IsLog())
	require.False(t, (&WriteStat{}).IsLog())
}

func TestUnknownPropertiesAreKept(t *testing.T) {
	in := `{"operationType":"UPSERT","novel":{"a":[1.50,true]},"partitionToWriteStats":{"p":[{"fileId":"f","recordsStats":{"val":null}}]}}`
	m, err := DecodeCommit([]byte(in))
	require.NoError(t, err)
	data, err := m.Encode(Layout1)
	require.NoError(t, err)
	require.Contains(t, string(data), `"novel" : {
    "a" : [ 1.50, true ]
  }`)
	require.Contains(t, string(data), `"recordsStats" : {
        "val" : null
      }`)
	back, err := DecodeCommit(data)
	require.NoError(t, err)
	require.Len(t, back.unknown, 1)
}

func TestEncodingIsDeterministic(t *testing.T) {
	m := &CommitMetadata{
		PartitionToWriteStats: map[string][]*WriteStat{"c": {{FileID: "3"}}, "a": {{FileID: "1"}}, "b": {{FileID: "2"}}},
		ExtraMetadata:         map[string]string{"z": "1", "y": "2", "x": "3"},
	}
	for _, layout := range []Layout{Layout1, Layout2} {
		first, err := m.Encode(layout)
		require.NoError(t, err)
		for range 20 {
			again, err := m.Encode(layout)
			require.NoError(t, err)
			require.Equal(t, first, again)
		}
	}
	require.Equal(t, []string{"1", "2", "3"}, []string{m.Stats()[0].FileID, m.Stats()[1].FileID, m.Stats()[2].FileID})
}

func TestDecodeCommitOfDamagedFiles(t *testing.T) {
	m, err := DecodeCommit(nil)
	require.NoError(t, err)
	require.Equal(t, OpUnknown, m.OperationType)
	for _, bad := range []string{"x", "{", "[]", `{"compacted":"no"}`, "Obj\x01", "Obj\x01\x02", `{"partitionToWriteStats":{"p":[null]}}`} {
		_, err := DecodeCommit([]byte(bad))
		require.ErrorIs(t, err, base.ErrCorrupt, bad)
	}
}

func FuzzDecodeCommit(f *testing.F) {
	m := &CommitMetadata{PartitionToWriteStats: map[string][]*WriteStat{"p": {{FileID: "f", LogVersion: 1}}}}
	for _, l := range []Layout{Layout1, Layout2} {
		data, err := m.Encode(l)
		require.NoError(f, err)
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		m, err := DecodeCommit(data)
		if err != nil {
			return
		}
		_, err = m.Encode(Layout1)
		require.NoError(t, err)
	})
}

package table

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/hudi-go/hudi-go/internal/base"
)

func TestSetProperty(t *testing.T) {
	c := NewConfig("t")
	for key, value := range map[string]string{
		"hoodie.datasource.write.recordkey.field":                   "a, b",
		"hoodie.table.partition.fields":                             "c:simple,d:timestamp",
		"hoodie.datasource.write.precombine.field":                  "ts",
		"hoodie.datasource.write.keygenerator.class":                "org.apache.hudi.keygen.CustomKeyGenerator",
		"hoodie.record.merge.mode":                                  "COMMIT_TIME_ORDERING",
		"hoodie.record.merge.property.hoodie.x":                     "y",
		"hoodie.populate.meta.fields":                               "false",
		"hoodie.datasource.write.hive_style_partitioning":           "true",
		"hoodie.table.cdc.enabled":                                  "true",
		"hoodie.table.cdc.supplemental.logging.mode":                "op_key_only",
		"hoodie.table.timeline.timezone":                            "LOCAL",
		"hoodie.index.type":                                         "bucket",
		"hoodie.bucket.index.num.buckets":                           "4",
		"hoodie.parquet.max.file.size":                              "1000",
		"hoodie.datasource.write.drop.partition.columns":            "FALSE",
		"hoodie.datasource.write.partitionpath.urlencode":           "true",
		"hoodie.datasource.write.slash.separated.date.partitioning": "false",
	} {
		require.NoError(t, c.SetProperty(key, value), key)
	}
	want := NewConfig("t")
	want.Keys, want.Ordering = []string{"a", "b"}, []string{"ts"}
	want.PartitionBy, want.PartitionKinds = []string{"c", "d"}, []string{"SIMPLE", "TIMESTAMP"}
	want.KeyGen, want.MergeMode = KeyGenCustom, CommitTimeOrdering
	want.MergeProps = map[string]string{"hoodie.x": "y"}
	want.MetaFields, want.HiveStyle, want.URLEncode, want.UTC = false, true, true, false
	want.CDC, want.CDCMode = true, CDCKeys
	want.Index = IndexConfig{Kind: IndexBucket, Buckets: 4}
	want.Extra = map[string]string{"hoodie.parquet.max.file.size": "1000"}
	require.Equal(t, want, c)

	require.NoError(t, c.SetProperty("hoodie.table.recordkey.fields", "a,b"), "the same again")
	for key, value := range map[string]string{
		"hoodie.table.recordkey.fields":   "a",
		"hoodie.table.partition.fields":   "d",
		"hoodie.record.merge.mode":        EventTimeOrdering,
		"hoodie.bucket.index.num.buckets": "5",
		"hoodie.index.type":               "simple",
		"hoodie.populate.meta.fields":     "maybe",
	} {
		err := c.SetProperty(key, value)
		require.ErrorIs(t, err, base.ErrInvalid, key)
		require.ErrorContains(t, err, key)
	}
	require.ErrorIs(t, c.SetProperty("hoodie.bucket.index.num.buckets", "x"), base.ErrInvalid)
}

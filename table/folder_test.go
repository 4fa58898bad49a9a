package table

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestFolderValues(t *testing.T) {
	for _, c := range []struct {
		config Config
		path   string
		want   map[string]string
	}{
		{Config{PartitionBy: []string{"a"}}, "x%2Fy", map[string]string{"a": "x%2Fy"}},
		{Config{PartitionBy: []string{"a"}, URLEncode: true}, "x%2Fy", map[string]string{"a": "x/y"}},
		{Config{PartitionBy: []string{"a", "b"}, HiveStyle: true}, "a=1/b=b=2", map[string]string{"a": "1", "b": "b=2"}},
		{Config{PartitionBy: []string{"day"}, SlashDates: true}, "2024/01/31", map[string]string{"day": "2024-01-31"}},
		{Config{PartitionBy: []string{"at"}}, "2024/01/31", nil},
	} {
		got, ok := c.config.FolderValues(c.path)
		require.Equal(t, c.want, got, c.path)
		require.Equal(t, c.want != nil, ok, c.path)
	}
}

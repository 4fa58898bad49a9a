package table

import (
	"strings"

	"github.com/hudi-go/hudi-go/internal/base"
)

// FolderValues are the texts that the path of a partition has of the partition columns; ok is false when it is not made of
// one folder for each. A key generator may have made them of other values; base.DefaultPartition stands for null.
func (c *Config) FolderValues(path string) (values map[string]string, ok bool) {
	parts := strings.Split(path, "/")
	if c.SlashDates && len(c.PartitionBy) == 1 {
		parts = []string{strings.ReplaceAll(path, "/", "-")}
	}
	if len(parts) != len(c.PartitionBy) {
		return nil, false
	}
	values = map[string]string{}
	for i, field := range c.PartitionBy {
		value := parts[i]
		if rest, ok := strings.CutPrefix(value, field+"="); ok && c.HiveStyle {
			value = rest
		}
		if c.URLEncode {
			value = base.UnescapePartition(value)
		}
		values[field] = value
	}
	return values, true
}

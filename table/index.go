package table

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/hudi-go/hudi-go/internal/base"
)

// ParseIndex reads an index as users name it: a kind in any case, for buckets with their
// number behind a colon ("bucket:4") or given apart. hashFields is a comma-separated list.
func ParseIndex(kind string, buckets int, hashFields string) (IndexConfig, error) {
	name, number, counted := strings.Cut(kind, ":")
	c := IndexConfig{Kind: strings.ToUpper(strings.ReplaceAll(name, "-", "_")), Buckets: buckets, HashField: list(hashFields)}
	if counted {
		n, err := strconv.Atoi(number)
		if err != nil {
			return c, fmt.Errorf("index %q: %q is not a number of buckets: %w", kind, number, base.ErrInvalid)
		}
		c.Buckets = n
	}
	switch {
	case !slices.Contains(indexKinds, c.Kind):
		return c, fmt.Errorf("index %q: %s: %w", kind, otherKind(c.Kind), base.ErrInvalid)
	case c.Kind == IndexBucket && c.Buckets < 1:
		return c, fmt.Errorf("index %q: say how many buckets, for example bucket:4: %w", kind, base.ErrInvalid)
	case c.Kind != IndexBucket && c.Buckets != 0:
		return c, fmt.Errorf("index %q: only the bucket index has buckets: %w", kind, base.ErrInvalid)
	}
	return c, nil
}

// otherKind says what to do about a kind of index that writers here do not have.
func otherKind(kind string) string {
	use := "use one of " + strings.ToLower(strings.Join(indexKinds, ", "))
	switch kind {
	case "INMEMORY", "FLINK_STATE":
		return "it keeps the places of rows in the memory of one job, which no other writer knows; " + use
	case "HBASE":
		return "it keeps the places of rows in HBase, which is not supported; " + use
	}
	return use
}

// ParseBucketEngine reads hoodie.index.bucket.engine.
func ParseBucketEngine(value string) (consistent bool, err error) {
	switch strings.ToUpper(strings.TrimSpace(value)) {
	case "", "SIMPLE":
		return false, nil
	case consistentHashing:
		return true, nil
	}
	return false, fmt.Errorf("bucket engine %q: use SIMPLE or %s: %w", value, consistentHashing, base.ErrInvalid)
}

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
		return c, fmt.Errorf("index %q: use one of %s: %w", kind, strings.ToLower(strings.Join(indexKinds, ", ")), base.ErrInvalid)
	case c.Kind == IndexBucket && c.Buckets < 1:
		return c, fmt.Errorf("index %q: say how many buckets, for example bucket:4: %w", kind, base.ErrInvalid)
	case c.Kind != IndexBucket && c.Buckets != 0:
		return c, fmt.Errorf("index %q: only the bucket index has buckets: %w", kind, base.ErrInvalid)
	}
	return c, nil
}

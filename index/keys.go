package index

import (
	"fmt"
	"sync"

	"github.com/apache/arrow-go/v18/arrow/array"

	"github.com/hudi-go/hudi-go/internal/base"
	"github.com/hudi-go/hudi-go/internal/basefile"
	"github.com/hudi-go/hudi-go/merge"
)

// keys are the record keys of a part that are looked for.
type keys struct {
	changes   *merge.Reducer
	files     int64  // that are looked at
	low, high string // in the order of their bytes
	// sorted puts them in order when that is first needed.
	sorted func() basefile.KeySet
}

func newKeys(changes *merge.Reducer, files int) *keys {
	k := &keys{changes: changes, files: int64(files)}
	for i := range changes.Len() {
		switch key := changes.Key(i); {
		case i == 0:
			k.low, k.high = string(key), string(key)
		case string(key) < k.low:
			k.low = string(key)
		case string(key) > k.high:
			k.high = string(key)
		}
	}
	k.sorted = sync.OnceValue(func() basefile.KeySet {
		all := make([][]byte, changes.Len())
		for i := range all {
			all[i] = changes.Key(i)
		}
		return basefile.NewKeySet(all)
	})
	return k
}

// mayBeIn reports whether rows with these statistics may have a key of the range.
func (k *keys) mayBeIn(rows basefile.Statistics) bool { return basefile.Between(rows, k.low, k.high) }

// Files are looked at by their filters and pages if they have this many rows for each key, and
// so many that they take longer to read than a filter. To sort the keys takes less time than to
// read the files then.
const (
	rowsForKey    = 32
	rowsForFilter = 8 << 10
)

func (k *keys) few(rows int64) bool { return int64(k.changes.Len())*rowsForKey <= rows }

// someBetween reports whether there may be keys from low to high: precisely if they may be put
// in order, else by the range of all.
func (k *keys) someBetween(low, high string, precise bool) bool {
	if low > k.high || high < k.low {
		return false
	}
	return !precise || k.sorted().HasBetween(low, high)
}

// in adds the entries whose keys are in a column.
func (k *keys) in(column *array.String, hits []int32) ([]int32, error) {
	for row := range column.Len() {
		if column.IsNull(row) {
			return nil, fmt.Errorf("row without record key: %w", base.ErrCorrupt)
		}
		if e := k.changes.Find(column.Value(row)); e >= 0 {
			hits = append(hits, int32(e))
		}
	}
	return hits, nil
}

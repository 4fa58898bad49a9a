package basefile

import (
	"bytes"
	"slices"
	"strings"

	"github.com/hudi-go/hudi-go/schema"
)

// KeySet are record keys that are looked for, in the order of their bytes, which is that of
// Parquet's statistics.
type KeySet [][]byte

// NewKeySet sorts keys, which it takes over.
func NewKeySet(keys [][]byte) KeySet {
	slices.SortFunc(keys, bytes.Compare)
	return keys
}

// MayBeIn reports whether rows with these statistics may have one of the keys.
func (k KeySet) MayBeIn(rows Statistics) bool {
	low, high, ok := keyRange(rows)
	return !ok || len(k.between(low, high)) > 0
}

// Count is how many of the keys may be in rows with these statistics.
func (k KeySet) Count(rows Statistics) int {
	low, high, ok := keyRange(rows)
	if !ok {
		return len(k)
	}
	return len(k.between(low, high))
}

// Between reports whether rows with these statistics may have a key from low to high.
func Between(rows Statistics, low, high string) bool {
	from, to, ok := keyRange(rows)
	return !ok || from <= high && to >= low
}

// HasBetween reports whether there is a key from low to high.
func (k KeySet) HasBetween(low, high string) bool { return len(k.between(low, high)) > 0 }

// between are the keys from low to high.
func (k KeySet) between(low, high string) KeySet {
	from, _ := slices.BinarySearchFunc(k, low, compareText)
	to, found := slices.BinarySearchFunc(k[from:], high, compareText)
	if to += from; found {
		to++
	}
	return k[from:to]
}

func compareText(key []byte, text string) int {
	switch {
	case string(key) < text:
		return -1
	case string(key) > text:
		return 1
	}
	return 0
}

// keyRange are the bounds of the record keys of some rows; ok is false if they are not known.
func keyRange(rows Statistics) (low, high string, ok bool) {
	l, h, _, _, ok := rows.Range(schema.MetaRecordKey, &schema.Type{Kind: schema.String})
	if !ok || l == nil {
		return "", "", false
	}
	return l.(string), h.(string), true
}

// enough is the number of keys that a file has by its filter from which on it is not asked for
// the others: the file is read, and only in one that is in the order of keys are there pages
// that need not be.
const enough = 16

// Candidates are those of the keys that the file may have, by the bounds of its row groups and
// its filter; none is certain.
func (r *Reader) Candidates(keys KeySet) KeySet {
	within := keys
	if spans, ok := keySpans(r.groups); ok {
		within = nil
		for _, s := range spans {
			within = append(within, keys.between(s.low, s.high)...)
		}
	}
	if len(within) == 0 {
		return nil
	}
	if int64(len(within)) > r.Rows() { // to ask takes as long as to read
		return within
	}
	filter := r.codedBloom()
	if filter == nil {
		return within
	}
	// The keys are asked for in strides, so that it soon shows if the file has many.
	const strides = 16
	var found KeySet
	for first := range strides {
		for i := first; i < len(within); i += strides {
			if !filter.Contains(within[i]) {
				continue
			}
			if found = append(found, within[i]); len(found) == enough {
				return within
			}
		}
	}
	return NewKeySet(found)
}

// codedBloom is the filter of the record keys, nil if there is none that can be asked: whatever
// is wrong with it, the pages are right.
func (r *Reader) codedBloom() *Bloom {
	text := r.f.bytes(footerBloom)
	if text == nil {
		text = r.f.bytes(footerBloomOld)
	}
	b, err := parseCoded(text, string(r.f.bytes(footerBloomType)))
	if err != nil {
		return nil
	}
	return b
}

// keySpan is a range of keys.
type keySpan struct{ low, high string }

// keySpans are the ranges in which the keys of row groups lie, in order and apart from each
// other; ok is false if they are not known.
func keySpans(groups []RowGroup) (out []keySpan, ok bool) {
	var all []keySpan
	for i := range groups {
		if groups[i].Rows == 0 {
			continue
		}
		low, high, ok := keyRange(&groups[i])
		if !ok {
			return nil, false
		}
		all = append(all, keySpan{low, high})
	}
	slices.SortFunc(all, func(a, b keySpan) int { return strings.Compare(a.low, b.low) })
	for _, s := range all {
		if n := len(out); n > 0 && s.low <= out[n-1].high {
			out[n-1].high = max(out[n-1].high, s.high)
		} else {
			out = append(out, s)
		}
	}
	return out, true
}

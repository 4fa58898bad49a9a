package schema

import "strings"

// nearest returns the name of the field that name most likely means, "" when none is near.
func nearest(name string, fields []Field) string {
	limit := max(2, len(name)/3)
	best, at := limit+1, ""
	for _, f := range fields {
		if d := distance(strings.ToLower(name), strings.ToLower(f.Name), limit); d < best {
			best, at = d, f.Name
		}
	}
	return at
}

// distance counts the insertions, deletions and replacements of bytes between a and b, and
// gives up with limit+1 when the lengths alone differ by more than limit.
func distance(a, b string, limit int) int {
	if len(a)-len(b) > limit || len(b)-len(a) > limit {
		return limit + 1
	}
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost = 1 + min(diagonal, row[j], row[j+1])
			}
			diagonal, row[j+1] = row[j+1], cost
		}
	}
	return row[len(b)]
}

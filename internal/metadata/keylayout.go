package metadata

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/hudi-go/hudi-go/internal/base"
	"github.com/hudi-go/hudi-go/table"
)

// recordPrefix begins the file ids of the record index.
const recordPrefix = "record-index-"

// KeyLayout is how the keys of a record index, or of a secondary one, are spread over its file
// groups. In a partitioned record index, which tables of version 9 may have, a key is unique
// within a partition of the table only, and each of those has file groups of its own.
type KeyLayout struct {
	Partitioned bool
	// PerPartition is how many file groups a partition of the table gets that has none yet.
	PerPartition int

	index   string // its partition of the metadata table
	byValue bool   // of a secondary index: keys of one value lie in one group
	groups  []keyGroup
	of      map[string][]int32 // the groups by partition of the table; those of "" if there is one index for all
}

// keyGroup is a file group of an index.
type keyGroup struct {
	fileID string
	number int  // among all groups, which tells the files of an instant apart
	begun  bool // by the instant that is being made
}

// recordFileID names a file group; a partition's path is in it in a partitioned index.
func recordFileID(partitioned bool, partition string, number int) string {
	if !partitioned {
		return fmt.Sprintf("%s%04d-0", recordPrefix, number)
	}
	return fmt.Sprintf("%s%s-%04d-0", recordPrefix, escapeFileID(partition), number)
}

// escapeFileID escapes a partition's path as real Hudi does in file ids, in which an underscore
// ends and a hyphen divides.
func escapeFileID(partition string) string {
	return strings.NewReplacer("_", "%5F", "-", "%2D").Replace(base.EscapePartition(partition))
}

// parseRecordFileID takes a file id apart.
func parseRecordFileID(id string) (partition string, partitioned bool, number int, ok bool) {
	rest, ok := strings.CutPrefix(id, recordPrefix)
	if !ok {
		return "", false, 0, false
	}
	parts := strings.Split(rest, "-")
	switch len(parts) {
	case 2:
	case 3:
		partitioned, partition = true, base.UnescapePartition(parts[0])
	default:
		return "", false, 0, false
	}
	number, err := strconv.Atoi(parts[len(parts)-2])
	return partition, partitioned, number, err == nil && parts[len(parts)-1] == "0"
}

// NewRecordLayout is the layout of a record index that begins. perPartition is how many file
// groups a partition of the table gets that comes later, in a partitioned one.
func NewRecordLayout(partitioned bool, perPartition int) *KeyLayout {
	return &KeyLayout{Partitioned: partitioned, PerPartition: perPartition, index: RecordIndex, of: map[string][]int32{}}
}

// Begin gives a partition of the table a number of file groups; "" stands for the whole table
// in an index for all partitions.
func (l *KeyLayout) Begin(partition string, groups int) {
	for number := range groups {
		l.of[partition] = append(l.of[partition], int32(len(l.groups)))
		l.groups = append(l.groups, keyGroup{fileID: recordFileID(l.Partitioned, partition, number), number: len(l.groups)})
	}
}

// layoutOf reads the layout from the slices of the index. Within one partition of the table
// their order must be that of the numbers.
func layoutOf(slices []table.FileSlice, partitioned bool, perPartition int) (*KeyLayout, error) {
	l := NewRecordLayout(partitioned, perPartition)
	for i, s := range slices {
		partition, itsOwn, number, ok := parseRecordFileID(s.FileID)
		if !ok || itsOwn != partitioned || number != len(l.of[partition]) {
			return nil, fmt.Errorf("metadata: file group %s is not the next one of a record index (partitioned: %v): %w", s.FileID, partitioned, base.ErrCorrupt)
		}
		l.of[partition] = append(l.of[partition], int32(i))
		l.groups = append(l.groups, keyGroup{fileID: s.FileID, number: i})
	}
	if len(slices) == 0 && !partitioned {
		return nil, fmt.Errorf("metadata: the record index has no file groups: %w", base.ErrCorrupt)
	}
	return l, nil
}

// route is the group that a key in a partition of the table belongs to.
func (l *KeyLayout) route(partition, key string) int32 {
	if !l.Partitioned {
		partition = ""
	}
	if len(l.of[partition]) == 0 {
		from := len(l.groups)
		l.Begin(partition, l.PerPartition)
		for i := range l.groups[from:] {
			l.groups[from+i].begun = true
		}
	}
	groups := l.of[partition]
	return groups[groupOf(key, len(groups))]
}

// NewSecondaryLayout is the layout of a secondary index that begins with a number of file groups.
func NewSecondaryLayout(d Definition, groups int) *KeyLayout {
	l := &KeyLayout{index: d.Name, byValue: d.byValue(), of: map[string][]int32{}}
	for number := range groups {
		l.groups = append(l.groups, keyGroup{fileID: secondaryFileID(d.Name, number), number: number})
	}
	return l
}

// secondaryFileID names a file group of a secondary index.
func secondaryFileID(index string, number int) string {
	return fmt.Sprintf("%s-%04d-0", strings.ReplaceAll(index, "_", "-"), number)
}

// secondaryLayoutOf reads the layout of a secondary index from its slices, in the order of their
// numbers.
func secondaryLayoutOf(d Definition, slices []table.FileSlice) (*KeyLayout, error) {
	if len(slices) == 0 {
		return nil, fmt.Errorf("metadata: %s has no file groups: %w", d.Name, base.ErrCorrupt)
	}
	l := NewSecondaryLayout(d, len(slices))
	for i, s := range slices {
		if s.FileID != l.groups[i].fileID {
			return nil, fmt.Errorf("metadata: file group %s is not number %d of %s: %w", s.FileID, i, d.Name, base.ErrCorrupt)
		}
	}
	return l, nil
}

// routeSecondary is the group that a key of a secondary index belongs to, whose value and "$" end
// at a position: by all of it, or since version 2 of that index by these.
func (l *KeyLayout) routeSecondary(key []byte, value int) int32 {
	if l.byValue {
		key = key[:value]
	}
	return int32(groupOf(key, len(l.groups)))
}

// EstimateGroups is how many file groups real Hudi gives a record index of so many records, by
// default between 10 and 10,000, or between 1 and 10 for a partition of a partitioned one. 0
// stands for the default.
func EstimateGroups(records int64, partitioned bool, least, most int64) int {
	const growth, groupBytes, recordBytes = 2, 1 << 30, 48
	defaults := [2]int64{10, 10_000}
	if partitioned {
		defaults = [2]int64{1, 10}
	}
	if least == 0 {
		least = defaults[0]
	}
	if most == 0 {
		most = max(defaults[1], least)
	}
	return int(max(1, least, min(most, growth*records/(groupBytes/recordBytes))))
}

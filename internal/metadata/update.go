package metadata

import (
	"context"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/hudi-go/hudi-go/internal/base"
	"github.com/hudi-go/hudi-go/storage"
	"github.com/hudi-go/hudi-go/table"
	"github.com/hudi-go/hudi-go/timeline"
)

// Undoable tells whether what a write has noted in a partition can be taken back after a
// compaction has taken it in.
func Undoable(partition string) bool {
	switch partition {
	case Files, ColumnStats, PartitionStats, BloomFilters:
		return true
	}
	return OfKeys(partition)
}

// HasPartitionStats tells whether a table may have statistics of partitions: real Hudi keeps none
// before version 8, nor of tables without partitions.
func HasPartitionStats(c *table.Config) bool {
	return c.Version >= definedFrom && len(c.PartitionBy) > 0
}

// Unkept names the partitions of a table's metadata table that a change of the table would leave
// behind, and says what they are of. Of those that another writer is building, it is all but the listing.
func Unkept(ctx context.Context, st storage.Store, c *table.Config) ([]string, error) {
	building := slices.DeleteFunc(slices.Clone(c.MetadataInflight()), func(p string) bool { return p == Files })
	open := slices.DeleteFunc(slices.Clone(c.MetadataPartitions), func(p string) bool { return keeps(c, nil, p) })
	if len(open) == 0 {
		return building, nil
	}
	all, err := Definitions(ctx, st, c)
	if err != nil {
		return nil, err
	}
	for _, p := range open {
		if keeps(c, all, p) {
			continue
		}
		if d, ok := all[p]; ok {
			p = fmt.Sprintf("%s (%s of %s)", p, d.Function, strings.Join(d.Fields, ", "))
		}
		building = append(building, p)
	}
	return building, nil
}

// keeps tells whether this library keeps a complete partition in step, given the definitions.
func keeps(c *table.Config, all map[string]Definition, partition string) bool {
	switch {
	case partition == PartitionStats:
		return slices.Contains(c.MetadataPartitions, ColumnStats)
	case partition == Files, partition == ColumnStats, partition == BloomFilters:
		return true
	case strings.HasPrefix(partition, SecondaryIndex):
		d, ok := all[partition]
		return c.MetaFields && ok && d.OfColumn()
	}
	return partition == RecordIndex && c.MetaFields
}

// GoesWith tells whether a partition is one of those that go: named, or a secondary index
// that goes with the record index, without which it finds nothing.
func GoesWith(going []string, partition string) bool {
	return slices.Contains(going, partition) || strings.HasPrefix(partition, SecondaryIndex) && slices.Contains(going, RecordIndex)
}

// Update is what one instant changes in a metadata table: records to put and keys to
// delete, by partition of the metadata table.
type Update struct {
	version int
	parts   map[string]*changes
	sorted  []*sortedIndex // the changes of indexes of keys
}

type changes struct {
	puts    []entry
	deletes []string
}

// entry is a record as HFiles have it.
type entry struct {
	key   string
	value []byte
}

// NewUpdate begins an update of the metadata table of a table of a version.
func NewUpdate(version int) *Update {
	return &Update{version: version, parts: map[string]*changes{}}
}

// Partitions are the partitions of the metadata table that the update changes, sorted.
func (u *Update) Partitions() []string {
	names := sortedKeys(u.parts)
	for _, x := range u.sorted {
		names = append(names, x.layout.index)
	}
	slices.Sort(names)
	return names
}

// AddRecords adds what the instant changes in the record index, prepared as log files.
func (u *Update) AddRecords(r *Records) { u.addSorted(&r.sortedIndex) }

// AddSecondary adds what the instant changes in a secondary index, prepared as log files.
func (u *Update) AddSecondary(s *Secondary) { u.addSorted(&s.sortedIndex) }

func (u *Update) addSorted(x *sortedIndex) {
	if len(x.prepared) > 0 {
		u.sorted = append(u.sorted, x)
	}
}

func (u *Update) part(name string) *changes {
	p, ok := u.parts[name]
	if !ok {
		p = &changes{}
		u.parts[name] = p
	}
	return p
}

func (u *Update) put(partition, key string, value []byte) {
	p := u.part(partition)
	p.puts = append(p.puts, entry{key, value})
}

// FileChanges are what an instant changes in the listing: by partition of the table, the
// files that it made, with their sizes, and those that it removed.
type FileChanges map[string]map[string]FileState

func (c FileChanges) of(partition string) map[string]FileState {
	if c[partition] == nil {
		c[partition] = map[string]FileState{}
	}
	return c[partition]
}

// grown notes a file. One that several writes of an instant made longer has its last size.
func grown(files map[string]FileState, name string, size int64) {
	if size <= 0 { // of a writer that died; nobody reads it
		return
	}
	files[name] = FileState{Size: max(size, files[name].Size)}
}

// putFiles puts a record for each partition of the table, and one that lists partitions.
func (u *Update) putFiles(c FileChanges) {
	for _, partition := range sortedKeys(c) {
		u.put(Files, partitionKey(partition), appendFiles(nil, u.version, typeFiles, c[partition]))
	}
}

func (u *Update) putPartitions(partitions []string, deleted bool) {
	list := make(map[string]FileState, len(partitions))
	for _, p := range partitions {
		list[partitionKey(p)] = FileState{Deleted: deleted}
	}
	u.put(Files, allPartitions, appendFiles(nil, u.version, typePartitions, list))
}

// partitionKey names a partition of the table in keys and lists.
func partitionKey(partition string) string {
	if partition == "" {
		return noPartition
	}
	return partition
}

// Commit returns the update for a commit of any kind.
func Commit(version int, meta *timeline.CommitMetadata) (*Update, error) {
	c := FileChanges{}
	for partition, stats := range meta.PartitionToWriteStats {
		files := c.of(partition)
		for _, s := range stats {
			if s.Path == "" {
				continue // a file group that lost all its rows
			}
			name, err := fileIn(partition, s.Path)
			if err != nil {
				return nil, err
			}
			grown(files, name, s.FileSizeInBytes)
			for cdc, size := range s.CDCStats {
				if name, err = fileIn(partition, cdc); err != nil {
					return nil, err
				}
				grown(files, name, size)
			}
		}
	}
	u := NewUpdate(version)
	u.putPartitions(sortedKeys(c), false)
	u.putFiles(c)
	return u, nil
}

// fileIn returns the name of a file that a write statistic has in a partition.
func fileIn(partition, file string) (string, error) {
	clean, err := base.CleanRelative(file)
	if err != nil {
		return "", err
	}
	name := path.Base(clean)
	if base.Join(partition, name) != clean {
		return "", fmt.Errorf("metadata: %s is not a file of partition %q: %w", file, partition, base.ErrCorrupt)
	}
	return name, nil
}

// Clean returns the update for a clean.
func Clean(version int, meta *timeline.CleanMetadata) *Update {
	u := NewUpdate(version)
	c := FileChanges{}
	var gone []string
	for partition, p := range meta.Partitions {
		files := c.of(partition)
		for _, name := range p.DeletePatterns {
			files[path.Base(name)] = FileState{Deleted: true}
		}
		if p.IsDeleted {
			gone = append(gone, partition)
		}
	}
	u.putFiles(c)
	if len(gone) > 0 {
		u.putPartitions(gone, true)
	}
	return u
}

// Rollback returns the update for a rollback: the log files that it made and those that stay
// below them, as in table version 6, and the names of files, by partition, that are gone. What
// else was deleted goes with the delta commit of the write that is rolled back.
func Rollback(version int, meta *timeline.RollbackMetadata, gone map[string][]string) *Update {
	u := NewUpdate(version)
	c := FileChanges{}
	for partition, p := range meta.Partitions {
		for _, logs := range []map[string]int64{p.RollbackLogFiles, p.FailedLogFiles} {
			for file, size := range logs {
				grown(c.of(partition), path.Base(file), size)
			}
		}
	}
	for partition, names := range gone {
		for _, name := range names {
			c.of(partition)[name] = FileState{Deleted: true}
		}
	}
	u.putFiles(c)
	return u
}

// Listing returns the update that begins the partition files: everything that is there.
func Listing(version int, c FileChanges) *Update {
	u := NewUpdate(version)
	u.putPartitions(sortedKeys(c), false)
	u.putFiles(c)
	return u
}

// split gives each of n file groups its records, in the order of HFiles.
func (c *changes) split(n int) []changes {
	groups := make([]changes, n)
	for _, e := range c.puts {
		g := &groups[groupOf(e.key, n)]
		g.puts = append(g.puts, e)
	}
	for _, key := range c.deletes {
		g := &groups[groupOf(key, n)]
		g.deletes = append(g.deletes, key)
	}
	for _, g := range groups {
		slices.SortFunc(g.puts, func(a, b entry) int { return strings.Compare(a.key, b.key) })
		slices.Sort(g.deletes)
	}
	return groups
}

package table

import (
	"cmp"
	"slices"

	"github.com/hudi-go/hudi-go/internal/base"
	"github.com/hudi-go/hudi-go/storage"
)

// GroupID identifies a file group: all versions of the files that hold one set of keys.
type GroupID struct {
	Partition string
	FileID    string
}

// FileGroup is a file group with its committed slices, the newest first.
type FileGroup struct {
	GroupID
	Slices []FileSlice
	// ReplacedAt is the requested time of the replace commit that hides the group, ""
	// for none.
	ReplacedAt string
}

// FileSlice is one version of a file group: a base file and the log files on top of it,
// either of which may be absent.
type FileSlice struct {
	Partition string
	FileID    string
	// BaseInstant is the instant of the base file, of the first log file of a slice
	// without one, or of the pending compaction that will write it.
	BaseInstant string
	Base        *BaseFile
	// Logs are in log order; CDC are the change logs that writers left beside them.
	Logs []LogFile
	CDC  []LogFile
}

// Empty reports whether the slice has no data: no base file and no log.
func (s *FileSlice) Empty() bool { return s.Base == nil && len(s.Logs) == 0 }

// Size is the bytes of the slice's base and log files.
func (s *FileSlice) Size() int64 {
	var n int64
	if s.Base != nil {
		n = s.Base.Size
	}
	for _, l := range s.Logs {
		n += l.Size
	}
	return n
}

// BaseFile is a columnar file. Path is relative to the table.
type BaseFile struct {
	Path    string
	Name    string
	Instant string
	Size    int64
}

// LogFile is a log file. Path is relative to the table.
type LogFile struct {
	Path string
	Name base.LogFileName
	Size int64
}

// files are the parsed files of one file group.
type files struct {
	bases []BaseFile
	logs  []LogFile // in log order, .cdc files included
}

// parseFiles groups a partition's listing by file id, leaving everything else out: other
// extensions, .crc and temporary files, partition metadata.
func parseFiles(entries []storage.Entry, baseExt string) map[string]*files {
	groups := make(map[string]*files)
	of := func(id string) *files {
		if groups[id] == nil {
			groups[id] = &files{}
		}
		return groups[id]
	}
	for _, e := range entries {
		if e.Dir {
			continue
		}
		if n, ok := base.ParseLogFileName(e.Name); ok {
			g := of(n.FileID)
			g.logs = append(g.logs, LogFile{Path: e.Path, Name: n, Size: e.Size})
		} else if n, ok := base.ParseBaseFileName(e.Name); ok && n.Ext == baseExt {
			g := of(n.FileID)
			g.bases = append(g.bases, BaseFile{Path: e.Path, Name: e.Name, Instant: n.Instant, Size: e.Size})
		}
	}
	for _, g := range groups {
		slices.SortFunc(g.logs, func(a, b LogFile) int { return a.Name.Compare(b.Name) })
		// Of two files of one instant, of which one is left by a failed attempt, the last
		// name is taken.
		slices.SortFunc(g.bases, func(a, b BaseFile) int {
			return cmp.Or(cmp.Compare(a.Instant, b.Instant), cmp.Compare(a.Name, b.Name))
		})
	}
	return groups
}

// slicer builds the slices of one file group.
type slicer struct {
	id     GroupID
	slices map[string]*FileSlice
	keys   []string // base instants, ascending
}

func newSlicer(id GroupID) *slicer {
	return &slicer{id: id, slices: make(map[string]*FileSlice)}
}

// at returns the slice of a base instant, made if absent.
func (s *slicer) at(instant string) *FileSlice {
	if found, ok := s.slices[instant]; ok {
		return found
	}
	made := &FileSlice{Partition: s.id.Partition, FileID: s.id.FileID, BaseInstant: instant}
	s.slices[instant] = made
	i, _ := slices.BinarySearch(s.keys, instant)
	s.keys = slices.Insert(s.keys, i, instant)
	return made
}

func (s *FileSlice) addLog(l LogFile) {
	if l.Name.CDC {
		s.CDC = append(s.CDC, l)
		return
	}
	s.Logs = append(s.Logs, l)
}

// byName puts the files together as table version 6 does: a log belongs to the slice that
// its name says. marker is the instant of a pending compaction of the group, or "".
func (s *slicer) byName(f *files, marker string) {
	for _, b := range f.bases {
		s.at(b.Instant).Base = &b
	}
	if marker != "" {
		s.at(marker)
	}
	for _, l := range f.logs {
		s.at(l.Name.Time).addLog(l)
	}
}

// byCompletion puts the files together as table versions from 8 on do: a log belongs to
// the newest slice whose base instant is not after the log's completion.
func (s *slicer) byCompletion(f *files, marker string, completion func(instant string) (string, bool)) {
	for _, b := range f.bases {
		s.at(b.Instant).Base = &b
	}
	if marker != "" {
		s.at(marker)
	}
	for _, l := range f.logs {
		s.at(s.keyOf(l.Name.Time, completion)).addLog(l)
	}
}

func (s *slicer) keyOf(instant string, completion func(string) (string, bool)) string {
	if len(s.keys) == 0 {
		return instant
	}
	done, ok := completion(instant)
	if !ok {
		return s.keys[len(s.keys)-1]
	}
	for _, k := range slices.Backward(s.keys) {
		if done >= k {
			return k
		}
	}
	return instant
}

// newestFirst returns the slices, the newest first.
func (s *slicer) newestFirst() []FileSlice {
	out := make([]FileSlice, 0, len(s.keys))
	for _, k := range slices.Backward(s.keys) {
		out = append(out, *s.slices[k])
	}
	return out
}

// merged joins a pending compaction's slice with the one before it: what a reader sees
// until the compaction is done.
func merged(newer, older FileSlice) FileSlice {
	older.Logs = append(slices.Clone(older.Logs), newer.Logs...)
	older.CDC = append(slices.Clone(older.CDC), newer.CDC...)
	return older
}

package txn

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strings"

	"github.com/hudi-go/hudi-go/internal/base"
	"github.com/hudi-go/hudi-go/storage"
)

// MarkerKind says what a writer is about to do to a data file.
type MarkerKind string

// The kinds of markers. Log files have Create from table version 8 on.
const (
	MarkCreate MarkerKind = "CREATE"
	MarkMerge  MarkerKind = "MERGE"
	MarkAppend MarkerKind = "APPEND"
)

const (
	markerInfix = ".marker."
	// Files of the timeline server's own markers, which Spark writes and we read.
	markerTypeFile = "MARKERS.type"
	markerFiles    = "MARKERS"
)

const tempDir = base.MetaFolder + "/.temp"

func markerDir(instant string) string { return tempDir + "/" + instant }

// Mark announces a data file, whose path is relative to the table, before it is written.
func (t *Txn) Mark(ctx context.Context, path string, kind MarkerKind) error {
	marker := markerDir(t.Instant) + "/" + path + markerInfix + string(kind)
	if err := t.table.Store.Put(ctx, marker, nil); err != nil {
		return fmt.Errorf("txn: marker of %s: %w", path, err)
	}
	return nil
}

// Marked returns the paths of the data files that an instant's writer has announced.
func Marked(ctx context.Context, st storage.Store, instant string) ([]string, error) {
	dir := markerDir(instant)
	if _, err := st.Stat(ctx, dir+"/"+markerTypeFile); err == nil {
		return serverMarkers(ctx, st, dir)
	} else if !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("txn: markers of %s: %w", instant, err)
	}
	var paths []string
	err := walk(ctx, st, dir, func(e storage.Entry) {
		if at := strings.LastIndex(e.Path, markerInfix); at >= 0 {
			paths = append(paths, strings.TrimPrefix(e.Path[:at], dir+"/"))
		}
	})
	if err != nil {
		return nil, fmt.Errorf("txn: markers of %s: %w", instant, err)
	}
	if err := cleanPaths(paths); err != nil {
		return nil, fmt.Errorf("txn: markers in %s: %w", dir, err)
	}
	return paths, nil
}

// serverMarkers reads markers as the timeline server keeps them: a few files with one
// marker a line.
func serverMarkers(ctx context.Context, st storage.Store, dir string) ([]string, error) {
	entries, err := st.List(ctx, dir)
	if err != nil {
		return nil, fmt.Errorf("txn: markers in %s: %w", dir, err)
	}
	var paths []string
	for _, e := range entries {
		number, ok := strings.CutPrefix(e.Name, markerFiles)
		if !ok || !base.IsDigits(number) {
			continue
		}
		data, err := storage.ReadFile(ctx, st, e.Path)
		if err != nil {
			return nil, fmt.Errorf("txn: markers in %s: %w", e.Path, err)
		}
		found := len(paths)
		for line := range strings.Lines(string(data)) {
			if at := strings.LastIndex(line, markerInfix); at >= 0 {
				paths = append(paths, line[:at])
			}
		}
		if err := cleanPaths(paths[found:]); err != nil {
			return nil, fmt.Errorf("txn: markers in %s: %w", e.Path, err)
		}
	}
	return paths, nil
}

// cleanPaths holds the paths to the table: they come from files that anybody can write,
// and what they name is deleted.
func cleanPaths(paths []string) error {
	for i, p := range paths {
		clean, err := base.CleanRelative(p)
		if err != nil {
			return err
		}
		paths[i] = clean
	}
	return nil
}

// RemoveMarkers deletes an instant's markers.
func RemoveMarkers(ctx context.Context, st storage.Store, instant string) error {
	if err := st.DeleteDir(ctx, markerDir(instant)); err != nil {
		return fmt.Errorf("txn: remove markers of %s: %w", instant, err)
	}
	return nil
}

func walk(ctx context.Context, st storage.Store, dir string, visit func(storage.Entry)) error {
	entries, err := st.List(ctx, dir)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if !e.Dir {
			visit(e)
			continue
		}
		if err := walk(ctx, st, e.Path, visit); err != nil {
			return err
		}
	}
	return nil
}

package storage

import (
	"fmt"
	"io/fs"
	"path"
	"strings"
)

// TempPrefix begins the name of a file that a store writes under before it gives the file
// its own name. List hides such files, and CheckFile keeps callers from making any. No data
// file, log file or instant of Hudi has such a name, so engines that meet a leftover pass it by.
const TempPrefix = ".hudi-go-tmp-"

// CheckPath checks the path of a file or folder by the rules of the package; backends call
// it before they touch anything. "" is the root. The error wraps fs.ErrInvalid.
func CheckPath(p string) error {
	if p == "" {
		return nil
	}
	if !fs.ValidPath(p) || p == "." || strings.ContainsRune(p, 0) {
		return fmt.Errorf("storage: path %q: want slash-separated names in UTF-8 below the root, "+
			`without ".", ".." and empty ones: %w`, p, fs.ErrInvalid)
	}
	return nil
}

// CheckFile checks the path of something that is about to be written or deleted. Beyond
// CheckPath it refuses the root and the names of temporary files.
func CheckFile(p string) error {
	if err := CheckPath(p); err != nil {
		return err
	}
	if p == "" {
		return fmt.Errorf("storage: the root is not a file that can be written or deleted: %w", fs.ErrInvalid)
	}
	if IsTemp(path.Base(p)) {
		return fmt.Errorf("storage: path %q: names that begin with %s are reserved: %w", p, TempPrefix, fs.ErrInvalid)
	}
	return nil
}

// IsTemp reports whether name, the last element of a path, is that of a temporary file.
func IsTemp(name string) bool { return strings.HasPrefix(name, TempPrefix) }

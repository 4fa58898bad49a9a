//go:build !linux

package local

// renameExclusive renames a file unless the new name is taken, which wraps fs.ErrExist.
func renameExclusive(from, to string) error { return linkExclusive(from, to) }

package local

import (
	"errors"
	"os"

	"golang.org/x/sys/unix"
)

// renameExclusive renames a file unless the new name is taken, which wraps fs.ErrExist.
func renameExclusive(from, to string) error {
	err := unix.Renameat2(unix.AT_FDCWD, from, unix.AT_FDCWD, to, unix.RENAME_NOREPLACE)
	switch {
	case err == nil:
		return nil
	case errors.Is(err, errors.ErrUnsupported) || err == unix.EINVAL:
		// The file system (NFS is one) or an old kernel does not know the flag.
		return linkExclusive(from, to)
	}
	return &os.LinkError{Op: "rename", Old: from, New: to, Err: err}
}

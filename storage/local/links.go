package local

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/hudi-go/hudi-go/internal/base"
)

// inside makes sure that no symbolic link on the way from the root to a name leads out of the
// root, or back to a folder on the way, where a walk would not end. The root itself may be
// reached through links. A table comes from anywhere, in an archive for instance, and must not
// make its readers read, and its writers change, other files. A name behind which nothing lies
// is inside.
func (s *store) inside(name string) error {
	rest, below := strings.CutPrefix(name, s.root+string(filepath.Separator))
	if !below {
		return nil
	}
	at := s.root
	for element := range strings.SplitSeq(rest, string(filepath.Separator)) {
		at = filepath.Join(at, element)
		info, err := os.Lstat(at)
		if errors.Is(absent(err), fs.ErrNotExist) {
			return nil
		}
		if err != nil {
			return err
		}
		if info.Mode()&fs.ModeSymlink == 0 {
			continue
		}
		if err := s.leads(at); err != nil {
			return err
		}
	}
	return nil
}

// leads checks where a symbolic link leads. One that leads nowhere wraps fs.ErrNotExist.
func (s *store) leads(link string) error {
	to, err := filepath.EvalSymlinks(link)
	if err != nil {
		return fmt.Errorf("local: follow the symbolic link %s: %w", link, err)
	}
	root, err := filepath.EvalSymlinks(s.root)
	if err != nil {
		return err
	}
	from, err := filepath.EvalSymlinks(filepath.Dir(link))
	if err != nil {
		return err
	}
	if !within(to, root) || within(from, to) {
		return fmt.Errorf("local: the symbolic link %s leads out of the table, to %s: %w: %w", link, to, fs.ErrInvalid, base.ErrCorrupt)
	}
	return nil
}

// within reports whether a name is a folder or lies below it.
func within(name, dir string) bool {
	return name == dir || strings.HasPrefix(name, strings.TrimSuffix(dir, string(filepath.Separator))+string(filepath.Separator))
}

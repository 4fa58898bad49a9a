//go:build !(darwin || dragonfly || freebsd || linux || netbsd || openbsd)

package local

import (
	"context"
	"fmt"
	"os"
	"runtime"

	"github.com/hudi-go/hudi-go/internal/base"
)

const canLock = false

// flock does nothing here.
func flock(*os.File) (held bool, err error) { return false, nil }

// Lock implements storage.Locker where the system has no flock(2): it always fails.
func (s *store) Lock(context.Context, string) (func() error, error) {
	return nil, fmt.Errorf("local: file locks on %s: %w", runtime.GOOS, base.ErrUnsupported)
}

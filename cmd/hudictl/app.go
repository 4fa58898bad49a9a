package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"golang.org/x/term"

	"github.com/hudi-go/hudi-go/hudi"
)

// streams are what a command reads and writes. Results go to out, everything else to err.
type streams struct {
	in       io.Reader
	out, err io.Writer
	// The streams that a person is looking at or typing into.
	inTerminal, outTerminal, errTerminal bool
	// width is how many characters wide out is, 0 for no limit.
	width int
}

func standardStreams() streams {
	terminal := func(f *os.File) bool { return term.IsTerminal(int(f.Fd())) }
	s := streams{
		in: os.Stdin, out: os.Stdout, err: os.Stderr,
		inTerminal: terminal(os.Stdin), outTerminal: terminal(os.Stdout), errTerminal: terminal(os.Stderr),
	}
	if width, _, err := term.GetSize(int(os.Stdout.Fd())); err == nil {
		s.width = width
	}
	return s
}

// app is one run of hudictl: what its commands share.
type app struct {
	streams
	globals globals
	begun   bool // the command line is understood and a command is at work
	restore func()
}

// open opens the table that a command works on.
func (a *app) open(ctx context.Context, uri string, more ...hudi.Option) (*hudi.Table, error) {
	t, err := hudi.Open(ctx, uri, append(a.tableOptions(), more...)...)
	if errors.Is(err, hudi.ErrNotTable) {
		return nil, fmt.Errorf("%w: check the path, or make a table with hudictl create", err)
	}
	return t, err
}

// tableOptions are the global flags as the library takes them.
func (a *app) tableOptions() []hudi.Option {
	o := []hudi.Option{
		hudi.WithMemory(int64(a.globals.memory)),
		hudi.WithProperties(a.globals.options),
		hudi.WithLogger(a.logger()),
	}
	if a.globals.spillDir != "" {
		o = append(o, hudi.WithSpillDir(a.globals.spillDir))
	}
	return o
}

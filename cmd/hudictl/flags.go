package main

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/hudi-go/hudi-go/internal/mem"
)

// globals are the flags that every command has.
type globals struct {
	memory   byteSize
	spillDir string
	options  properties
	quiet    bool
	verbose  bool
	progress string
}

func (g *globals) register(f *pflag.FlagSet) {
	g.memory = byteSize(mem.DefaultBytes())
	g.options = properties{}
	f.Var(&g.memory, "memory", "memory that the command may take")
	f.StringVar(&g.spillDir, "spill-dir", "", "`folder` for what does not fit into memory (default the system's temporary folder)")
	f.Var(g.options, "option", "option of real Hudi, hoodie.x=y (repeatable)")
	f.BoolVarP(&g.quiet, "quiet", "q", false, "no warnings and no progress")
	f.BoolVarP(&g.verbose, "verbose", "v", false, "tell more")
	choiceVar(f, &g.progress, "progress", progressAuto, "how to report progress", []string{progressAuto, progressPlain, progressJSON, progressNone})
}

// properties is a flag key=value that may be repeated.
type properties map[string]string

func (p properties) Type() string { return "key=value" }

func (p properties) String() string {
	var pairs []string
	for _, k := range slices.Sorted(maps.Keys(p)) {
		pairs = append(pairs, k+"="+p[k])
	}
	return strings.Join(pairs, " ")
}

func (p properties) Set(text string) error {
	key, value, ok := strings.Cut(text, "=")
	if key = strings.TrimSpace(key); !ok || key == "" {
		return fmt.Errorf("want key=value, such as hoodie.clean.commits.retained=5")
	}
	p[key] = strings.TrimSpace(value)
	return nil
}

// byteSize is a flag for an amount of memory: 536870912, 512MiB, 1GiB, 500MB.
type byteSize int64

// units are the suffixes of a byteSize, the largest first among those of one kind.
var units = []struct {
	name  string
	bytes int64
}{
	{"TiB", 1 << 40}, {"GiB", 1 << 30}, {"MiB", 1 << 20}, {"KiB", 1 << 10},
	{"TB", 1e12}, {"GB", 1e9}, {"MB", 1e6}, {"kB", 1e3}, {"B", 1},
}

func (b *byteSize) Type() string { return "size" }

// String writes the size with the largest unit that divides it.
func (b *byteSize) String() string {
	for _, u := range units[:4] {
		if n := int64(*b); n != 0 && n%u.bytes == 0 {
			return strconv.FormatInt(n/u.bytes, 10) + u.name
		}
	}
	return strconv.FormatInt(int64(*b), 10)
}

func (b *byteSize) Set(text string) error {
	number, unit := strings.TrimSpace(text), int64(1)
	for _, u := range units {
		if at := len(number) - len(u.name); at > 0 && strings.EqualFold(number[at:], u.name) {
			number, unit = strings.TrimSpace(number[:at]), u.bytes
			break
		}
	}
	n, err := strconv.ParseInt(number, 10, 64)
	if err != nil || n <= 0 || n > math.MaxInt64/unit {
		return fmt.Errorf("want a size such as 512MiB or 1GiB")
	}
	*b = byteSize(n * unit)
	return nil
}

// humanBytes writes a number of bytes for people.
func humanBytes(n int64) string {
	for _, u := range units[:4] {
		if n >= u.bytes {
			return fmt.Sprintf("%.1f %s", float64(n)/float64(u.bytes), u.name)
		}
	}
	return fmt.Sprintf("%d B", n)
}

// choice is a flag that takes one of a few words, and of later ones that are not proposed.
type choice struct {
	value          *string
	allowed, later []string
}

func (c choice) Type() string   { return "name" }
func (c choice) String() string { return *c.value }

func (c choice) Set(text string) error {
	if !slices.Contains(c.allowed, text) && !slices.Contains(c.later, text) {
		return fmt.Errorf("use %s", alternatives(c.allowed))
	}
	*c.value = text
	return nil
}

// alternatives lists words: "a, b or c".
func alternatives(words []string) string {
	last := len(words) - 1
	if last == 0 {
		return words[0]
	}
	return strings.Join(words[:last], ", ") + " or " + words[last]
}

// choiceVar defines a flag that takes one of the allowed words, and adds them to its usage.
// Those of later are taken as well, for the command to refuse them as not supported.
func choiceVar(f *pflag.FlagSet, value *string, name, preset, usage string, allowed []string, later ...string) {
	*value = preset
	f.Var(choice{value, allowed, later}, name, usage+": "+alternatives(allowed))
}

// tableArg is for commands that take a table and nothing else.
func tableArg(_ *cobra.Command, args []string) error { return tableArgs(args, 0) }

// tableAndInstant is for commands that take a table and, if wanted, an instant.
func tableAndInstant(_ *cobra.Command, args []string) error { return tableArgs(args, 1) }

func tableArgs(args []string, more int) error {
	switch {
	case len(args) == 0:
		return fmt.Errorf("which table? give its path or URI")
	case len(args) > 1+more:
		return fmt.Errorf("%q is one argument too many", args[1+more])
	}
	return nil
}

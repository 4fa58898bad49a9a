package interop_test

import (
	"bufio"
	"cmp"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/hudi-go/hudi-go/interop"
	"github.com/hudi-go/hudi-go/table"
)

// shape is a kind of table.
type shape struct {
	release   interop.Release // whose table version it is
	kind      string          // interop.COW or interop.MOR
	buckets   int             // 0 for another index than bucket
	rings     bool            // the buckets are nodes of rings: consistent hashing
	index     string          // which one, "" for simple
	partition string          // "", "hive" or "plain"
	// smallFiles lets new rows go into base files that are there; then the model does not know which rows logs have, and
	// changes are such that it does not matter
	smallFiles bool
	sparkFirst bool // Spark creates the table
}

var shapes = []shape{
	{kind: interop.COW, partition: "hive", smallFiles: true},
	{kind: interop.COW, partition: "plain", buckets: 3, sparkFirst: true},
	{kind: interop.COW, buckets: 4, smallFiles: true},
	{kind: interop.COW, sparkFirst: true},
	{kind: interop.MOR, partition: "hive"},
	{kind: interop.MOR, sparkFirst: true, smallFiles: true},
	{kind: interop.MOR, buckets: 4},
	{kind: interop.MOR, partition: "hive", buckets: 2, sparkFirst: true},
	{kind: interop.MOR, partition: "plain", smallFiles: true},
	{kind: interop.MOR, partition: "hive", buckets: 3},
	{kind: interop.COW, partition: "hive", index: table.IndexBloom, sparkFirst: true},
	{kind: interop.COW, partition: "plain", index: table.IndexGlobalSimple},
	{kind: interop.COW, partition: "hive", index: table.IndexGlobalBloom, smallFiles: true, sparkFirst: true},
	{kind: interop.MOR, partition: "plain", index: table.IndexBloom},
	{kind: interop.MOR, partition: "hive", index: table.IndexGlobalSimple, sparkFirst: true},
	{kind: interop.MOR, partition: "plain", index: table.IndexGlobalBloom, smallFiles: true},
	{kind: interop.MOR, partition: "hive", buckets: 3, rings: true, sparkFirst: true},
	{kind: interop.MOR, partition: "plain", buckets: 2, rings: true},
}

// shortRun are the places in shapes of what runs when no seeds are asked for.
var shortRun = map[interop.Release][]int{
	interop.Hudi015: {16},
	interop.Hudi102: {12},
	interop.Hudi120: {3, 15},
}

func (s shape) String() string {
	index := strings.ToLower(s.kindOfIndex())
	switch {
	case s.rings:
		index = "rings"
	case s.buckets > 0:
		index = "bucket"
	}
	name := map[string]string{interop.COW: "cow", interop.MOR: "mor"}[s.kind] + "-" + index
	if s.partition != "" {
		name += "-" + s.partition
	}
	if s.smallFiles {
		name += "-smallfiles"
	}
	if s.sparkFirst {
		name += "-sparkfirst"
	}
	return fmt.Sprintf("v%d-%s", s.release.TableVersion(), name)
}

// turn tells whether the seed is for this kind: one of each table type has the turn.
func (s shape) turn(seed int) bool {
	at, of := 0, 0
	for _, other := range shapes {
		if other.kind == s.kind {
			if other.release = s.release; other == s {
				at = of
			}
			of++
		}
	}
	return seed%of == at
}

func (s shape) kindOfIndex() string { return cmp.Or(s.index, table.IndexSimple) }

// global tells whether a key has one row in all partitions.
func (s shape) global() bool { return table.IndexConfig{Kind: s.index}.Global() }

// exact tells whether the model knows what logs have. With a global index it knows the rows alone: a key that is written
// again goes to a new file group, beside the one in whose logs it was deleted.
func (s shape) exact() bool {
	return s.kind == interop.COW || s.buckets > 0 || !s.smallFiles && !s.global()
}

// blindDeletes tells whether a delete in a log counts whatever its ordering value, and is forgotten when a row of the key
// follows: Hudi 0.15 compares it with other log records only.
func (s shape) blindDeletes() bool { return s.release == interop.Hudi015 && s.kind == interop.MOR }

// seedLog is the file of HUDI_GO_SEED_FILE; nil without one.
type seedLog struct {
	t      *testing.T
	file   *os.File
	commit string
	done   map[string]bool
}

func openSeedLog(t *testing.T) *seedLog {
	name := os.Getenv("HUDI_GO_SEED_FILE")
	if name == "" {
		return nil
	}
	head, err := exec.Command("git", "rev-parse", "--short=12", "HEAD").Output()
	require.NoError(t, err)
	l := &seedLog{t: t, commit: strings.TrimSpace(string(head)), done: map[string]bool{}}
	l.file, err = os.OpenFile(name, os.O_RDWR|os.O_CREATE|os.O_APPEND, 0o644)
	require.NoError(t, err)
	t.Cleanup(func() { _ = l.file.Close() })
	for lines := bufio.NewScanner(l.file); lines.Scan(); {
		l.done[lines.Text()] = true
	}
	return l
}

func (l *seedLog) line(kind string, seed int, verdict string) string {
	return fmt.Sprintf("%s %d %s %s", kind, seed, l.commit, verdict)
}

func (l *seedLog) passed(kind string, seed int) bool {
	return l != nil && l.done[l.line(kind, seed, "passed")]
}

func (l *seedLog) note(kind string, seed int, passed bool) {
	if l == nil {
		return
	}
	verdict := "failed"
	if passed {
		verdict = "passed"
	}
	_, err := fmt.Fprintln(l.file, l.line(kind, seed, verdict))
	require.NoError(l.t, err)
}

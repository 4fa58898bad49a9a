package main

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// result is what a command line came to.
type result struct {
	stdout, stderr string
	code           int
}

// hudictl runs a command line in this process, with a pipe for standard input.
func hudictl(stdin string, args ...string) result {
	var out, err bytes.Buffer
	code := run(context.Background(), args, streams{in: struct{ io.Reader }{strings.NewReader(stdin)}, out: &out, err: &err})
	return result{out.String(), err.String(), code}
}

// ok runs a command line that must succeed without a word on stderr, and returns stdout.
func ok(t *testing.T, stdin string, args ...string) string {
	t.Helper()
	r := hudictl(stdin, args...)
	require.Equal(t, result{r.stdout, "", 0}, r, "hudictl %s", strings.Join(args, " "))
	return r.stdout
}

// linesOf returns the lines of a text, sorted.
func linesOf(text string) []string {
	lines := strings.Split(strings.TrimSuffix(text, "\n"), "\n")
	slices.Sort(lines)
	return lines
}

// objects reads JSON lines.
func objects(t *testing.T, text string) []map[string]any {
	t.Helper()
	var out []map[string]any
	d := json.NewDecoder(strings.NewReader(text))
	for d.More() {
		var o map[string]any
		require.NoError(t, d.Decode(&o))
		out = append(out, o)
	}
	return out
}

// write makes a file and returns its path.
func write(t *testing.T, name, content string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	require.NoError(t, os.WriteFile(path, []byte(content), 0o644))
	return path
}

const tripSchema = `{"type":"record","name":"trip","fields":[
	{"name":"id","type":"long"},
	{"name":"city","type":["null","string"],"default":null},
	{"name":"fare","type":["null",{"type":"bytes","logicalType":"decimal","precision":8,"scale":2}],"default":null},
	{"name":"ts","type":["null","long"],"default":null}]}`

// newTrips makes an empty table of trips.
func newTrips(t *testing.T, more ...string) string {
	t.Helper()
	uri := filepath.Join(t.TempDir(), "trips")
	args := []string{"create", uri, "--name", "trips", "--keys", "id", "--partition-by", "city", "--ordering", "ts", "--schema", write(t, "trips.avsc", tripSchema)}
	require.Equal(t, "created file://"+uri+"\n", ok(t, "", append(args, more...)...))
	return uri
}

const (
	oslo = `{"id":1,"city":"Oslo","fare":"1.50","ts":1}`
	rome = `{"id":2,"city":"Rome","fare":"2.00","ts":1}`
)

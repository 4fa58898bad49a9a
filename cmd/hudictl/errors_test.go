package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/stretchr/testify/require"

	"github.com/hudi-go/hudi-go/hudi"
)

// Errors are one line on stderr, say what is wrong and what to do, and have the exit code
// of their kind.
func TestErrors(t *testing.T) {
	uri := newTrips(t)
	ok(t, oslo, "commit", uri)
	missing := filepath.Join(t.TempDir(), "missing")
	for line, want := range map[string]struct {
		code int
		text string
	}{
		"nosuch":                                              {2, `there is no command "nosuch"; see 'hudictl --help'`},
		"qeury TABLE":                                         {2, `there is no command "qeury", did you mean "query"?`},
		"query":                                               {2, "which table? give its path or URI; see 'hudictl query --help'"},
		"query TABLE x":                                       {2, `"x" is one argument too many`},
		"query TABLE --foo":                                   {2, "unknown flag: --foo"},
		"query TABLE --memory lots":                           {2, "want a size such as 512MiB"},
		"query TABLE --option hoodie.x":                       {2, "want key=value"},
		"query TABLE --progress loud":                         {2, "use auto, plain, json or none"},
		"query TABLE --output xml":                            {2, "use table, jsonl, csv, parquet or arrow"},
		"query TABLE --begin 000":                             {2, "--begin and --end need --view incremental or cdc"},
		"query TABLE --as-of yesterday":                       {2, `--as-of: time "yesterday": write an instant`},
		"query TABLE --limit -1":                              {2, "--limit -1 is negative"},
		"query TABLE --where id=":                             {2, "--where: expr: position 4: expected a column or a literal"},
		"query TABLE --where idd=1":                           {1, `no column "idd", did you mean "id"?`},
		"query TABLE --columns idd":                           {1, `query file://TABLE: schema: no column "idd", did you mean "id"?`},
		"query TABLE --view cdc":                              {1, "the table logs no changes (hoodie.table.cdc.enabled is false)"},
		"query TABLE --view cdc --as-of 2026-01-01":           {2, "--as-of does not go with --view cdc"},
		"query TABLE --sql x --limit 1":                       {2, "--sql does not go with --where, --columns, --limit and --explain"},
		"sql -t trips x":                                      {2, "-t trips: want NAME="},
		"sql -t trips=TABLE?when=now x":                       {2, `"when" is nothing to see of a table`},
		"query MISSING":                                       {1, "not a hudi table: check the path, or make a table with hudictl create"},
		"query hdfs://host/trips":                             {8, `no backend for scheme "hdfs"`},
		"query TABLE --view incremental --as-of 2026-01-01":   {2, "--as-of does not go with --view incremental"},
		"create TABLE --name x --keys id":                     {1, "holds a table already"},
		"create MISSING --keys id":                            {2, "give --name"},
		"create MISSING --name x":                             {2, "give --keys"},
		"create MISSING --name x --keys id --table-version 7": {2, "use one of [6 8 9]"},
		"create MISSING --name x --keys id --index hash":      {2, `--index: index "hash": use one of`},
		"create MISSING --name x --keys id --option hoodie.table.recordkey.fields=k": {2, "leave one out"},
		"create MISSING --name x --keys id --schema MISSING.avsc":                    {1, "no such file"},
		"commit TABLE rows.txt":                   {2, "rows.txt: its name does not say its format: give --input"},
		"commit TABLE MISSING.jsonl":              {1, "no such file"},
		"commit TABLE --partition x":              {2, "use it with --op delete-partition"},
		"delete TABLE":                            {2, "which rows? --where CONDITION, or --all"},
		"delete TABLE --all --where id=1":         {2, "exclude each other"},
		"update TABLE --all":                      {2, "which columns?"},
		"commit TABLE --input parquet":            {1, "read from its end: give a file, not a pipe"},
		"commit TABLE":                            {1, `standard input: line 1: schema: no column "x"`},
		"compact TABLE":                           {1, "the table is copy-on-write and has no log files"},
		"clean TABLE --dry-run --schedule-only":   {2, "exclude each other"},
		"clean TABLE --instant 20200101000000000": {1, "no clean 20200101000000000"},
		"rollback TABLE 20200101000000000":        {1, "no write 20200101000000000 is on the active timeline"},
		"timeline TABLE 20200101000000000":        {1, "no instant 20200101000000000"},
		"version now":                             {2, "see 'hudictl version --help'"},
	} {
		t.Run(line, func(t *testing.T) {
			if strings.HasPrefix(line, "sql ") {
				needSQL(t)
			}
			r := hudictl(`{"x":1}`, strings.Fields(strings.NewReplacer("TABLE", uri, "MISSING", missing).Replace(line))...)
			require.Equal(t, want.code, r.code, r.stderr)
			require.Empty(t, r.stdout)
			require.Equal(t, 1, strings.Count(r.stderr, "\n"), r.stderr)
			require.True(t, strings.HasPrefix(r.stderr, "hudictl: "))
			require.Contains(t, r.stderr, strings.ReplaceAll(want.text, "TABLE", uri))
			require.NotContains(t, r.stderr, "invalid argument:")
		})
	}
}

func TestExitCodes(t *testing.T) {
	for code, err := range map[int]error{
		0:  nil,
		1:  errors.New("disk full"),
		2:  usagef("no"),
		3:  partly(1, hudi.ErrConflict),
		5:  fmt.Errorf("check: %w", errFound),
		6:  fmt.Errorf("commit: %w", hudi.ErrConflict),
		7:  hudi.ErrLockTimeout,
		8:  unsupportedf("no"),
		10: hudi.ErrUnreachable,
	} {
		var out bytes.Buffer
		a := &app{streams: streams{err: &out}}
		require.Equal(t, code, a.exit(err))
		require.Equal(t, err != nil, out.Len() > 0)
	}
	require.NoError(t, partly(1, nil))
	require.Equal(t, hudi.ErrConflict, partly(0, hudi.ErrConflict))
}

func TestMessage(t *testing.T) {
	require.Equal(t, "a; b: c", message(errors.Join(errors.New("a"), errors.New("b:\tc"))))
	require.Equal(t, `no column "x", did you mean "y"?`, message(fmt.Errorf(`no column "x", did you mean "y"? %w`, hudi.ErrInvalid)))
	require.Equal(t, "a: not supported", message(fmt.Errorf("a: %w", hudi.ErrUnsupported)))
	require.Equal(t, "interrupted: query: context canceled", message(fmt.Errorf("query: %w", context.Canceled)))
}

func TestPanicIsABug(t *testing.T) {
	var out bytes.Buffer
	run := func(args ...string) int {
		out.Reset()
		a := &app{streams: streams{err: &out}}
		root := newRoot(a)
		root.AddCommand(&cobra.Command{Use: "boom", Run: func(*cobra.Command, []string) { panic("went\noff") }})
		return a.run(context.Background(), root, args)
	}
	require.Equal(t, 70, run("boom"))
	require.Equal(t, 1, strings.Count(out.String(), "\n"))
	require.Contains(t, out.String(), "this is a bug: went off; please report it")
	require.Equal(t, 70, run("boom", "--verbose"))
	require.Contains(t, out.String(), "goroutine")
}

func TestInterrupt(t *testing.T) {
	uri := newTrips(t)
	ok(t, oslo, "commit", uri)
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	var out, err bytes.Buffer
	require.Equal(t, 1, run(ctx, []string{"query", uri}, streams{out: &out, err: &err}))
	require.True(t, strings.HasPrefix(err.String(), "hudictl: interrupted: "), err.String())
}

// A signal ends a command that waits for rows.
func TestInterruptWhileWaiting(t *testing.T) {
	uri := newTrips(t)
	waiting, feed := io.Pipe()
	defer feed.Close()
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	go func() {
		_, _ = io.WriteString(feed, oslo+"\n")
		cancel()
	}()
	var out, err bytes.Buffer
	require.Equal(t, 1, run(ctx, []string{"commit", uri}, streams{in: waiting, out: &out, err: &err}))
	require.True(t, strings.HasPrefix(err.String(), "hudictl: interrupted: "), err.String())
	require.Empty(t, ok(t, "", "query", uri))
}

package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"runtime/debug"
	"strings"
	"time"

	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/spf13/cobra"

	"github.com/hudi-go/hudi-go/hudi"
	"github.com/hudi-go/hudi-go/internal/mem"
	"github.com/hudi-go/hudi-go/internal/rowio"
	"github.com/hudi-go/hudi-go/query"
	"github.com/hudi-go/hudi-go/query/sql"
)

// sqlFlags are the flags of sql.
type sqlFlags struct {
	tables  []string
	command string
	meta    bool
	output  string
}

func newSQL(a *app) *cobra.Command {
	var f sqlFlags
	c := &cobra.Command{
		Use:   "sql -t NAME=TABLE [-t …] ['SELECT …']",
		Short: "SQL over one or several tables",
		Long: "SQL, in DuckDB's dialect, over one or several tables. Without a statement it is read from standard\n" +
			"input, or typed at a prompt; .help lists what the prompt knows besides SQL.\n" +
			"A table may be followed by ? and what to see of it: view, as-of, begin, end, meta, as of query.",
		Example: "  hudictl sql -t trips=./trips -t cities=s3://bucket/cities \\\n" +
			"      'SELECT c.country, sum(t.fare) FROM trips t JOIN cities c USING (city) GROUP BY ALL'\n" +
			"  hudictl sql -t now=./trips -t then='./trips?as-of=-1h' 'FROM now EXCEPT FROM then'\n" +
			"  hudictl sql -t trips=./trips",
		Args: cobra.MaximumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			if len(args) == 1 {
				f.command = args[0]
			}
			return a.sql(c.Context(), f)
		},
	}
	c.Flags().SortFlags = false
	c.Flags().StringArrayVarP(&f.tables, "table", "t", nil, "`NAME=TABLE`: a name in statements, and the path or URI of its table (repeatable)")
	c.Flags().StringVarP(&f.command, "command", "c", "", "`statements` to run, separated by semicolons")
	c.Flags().BoolVar(&f.meta, "meta", false, "with the _hoodie_ columns")
	choiceVar(c.Flags(), &f.output, "output", "", "format of the rows (table on a terminal, else jsonl)", rowFormats)
	return c
}

// rowFormats are the values of --output of commands that print rows.
var rowFormats = []string{outputTable, string(rowio.JSONL), string(rowio.CSV), string(rowio.Parquet), string(rowio.Arrow)}

// rowOutput resolves --output of commands that print rows.
func (a *app) rowOutput(format string) (string, error) {
	switch {
	case format == "" && a.outTerminal:
		return outputTable, nil
	case format == "":
		return string(rowio.JSONL), nil
	case a.outTerminal && (format == string(rowio.Parquet) || format == string(rowio.Arrow)):
		return "", usagef("--output %s is not for terminals: redirect it to a file", format)
	}
	return format, nil
}

func (a *app) sql(ctx context.Context, f sqlFlags) error {
	output, err := a.rowOutput(f.output)
	if err != nil {
		return err
	}
	s, err := a.openSQL(max(1, len(f.tables)))
	if err != nil {
		return err
	}
	defer s.close()
	s.output = rowio.Format(output)
	for _, text := range f.tables {
		if err := s.addNamed(ctx, text, f.meta); err != nil {
			return err
		}
	}
	if f.command != "" {
		return s.runAll(ctx, f.command)
	}
	if a.inTerminal {
		return s.prompt(ctx)
	}
	text, err := io.ReadAll(a.in)
	if err != nil {
		return fmt.Errorf("read statements: %w", err)
	}
	return s.runAll(ctx, string(text))
}

// sqlSession is a DuckDB with tables, and how its answers are printed.
type sqlSession struct {
	app    *app
	db     *sql.DB
	names  []string
	share  int64 // of the memory, for the readers of one table
	output rowio.Format
	timer  bool

	interrupts chan os.Signal // of the prompt
}

// openSQL opens DuckDB for so many tables. Half of the memory is DuckDB's, the other half
// that of the tables' readers, which may all be at work in one statement.
func (a *app) openSQL(tables int) (*sqlSession, error) {
	half := int64(a.globals.memory) / 2
	db, err := sql.Open(sql.Options{Memory: half, SpillDir: a.globals.spillDir})
	if err != nil {
		return nil, err
	}
	mem.SetGoLimit(mem.NewBudget(half, a.globals.spillDir))
	return &sqlSession{app: a, db: db, share: half / int64(tables)}, nil
}

func (s *sqlSession) close() {
	_ = s.db.Close() // it is in memory
	debug.FreeOSMemory()
}

// addNamed adds a table as a flag names it: NAME=TABLE or NAME=TABLE?view=….
func (s *sqlSession) addNamed(ctx context.Context, text string, meta bool) error {
	name, uri, ok := strings.Cut(text, "=")
	if !ok || name == "" || uri == "" {
		return usagef("-t %s: want NAME=TABLE, such as trips=./trips", text)
	}
	uri, options, err := tableView(uri)
	if err != nil {
		return usagef("-t %s: %w", text, err)
	}
	options.Meta = options.Meta || meta
	t, err := s.open(ctx, uri)
	if err != nil {
		return err
	}
	return s.add(name, t, options)
}

func (s *sqlSession) open(ctx context.Context, uri string) (*hudi.Table, error) {
	return s.app.open(ctx, uri, hudi.WithMemory(s.share))
}

func (s *sqlSession) add(name string, t *hudi.Table, o query.Options) error {
	s.names = append(s.names, name)
	return s.db.Add(name, func(ctx context.Context) (*query.Plan, error) { return t.Query(ctx, o) })
}

// tableView parses what follows the ? behind a table.
func tableView(text string) (uri string, o query.Options, err error) {
	uri, rest, ok := strings.Cut(text, "?")
	if !ok {
		return uri, o, nil
	}
	for pair := range strings.SplitSeq(rest, "&") {
		key, value, _ := strings.Cut(pair, "=")
		switch key {
		case "view":
			o.View = query.View(value)
		case "as-of":
			o.AsOf = value
		case "begin":
			o.Begin = value
		case "end":
			o.End = value
		case "meta":
			o.Meta = value == "" || value == "true"
		default:
			return "", o, fmt.Errorf("%q is nothing to see of a table: use view, as-of, begin, end or meta", key)
		}
	}
	if o.View == "" && (o.Begin != "" || o.End != "") {
		o.View = query.Incremental
	}
	if o.AsOf != "" {
		if _, err := query.ParseTime(o.AsOf, time.Now(), time.UTC); err != nil {
			return "", o, err
		}
	}
	return uri, o, nil
}

// runAll runs statements, one after the other.
func (s *sqlSession) runAll(ctx context.Context, text string) error {
	statements, _ := sql.Split(text)
	if len(statements) == 0 {
		return usagef("there is no statement: give one, or type them at a terminal")
	}
	if len(statements) > 1 && (s.output == rowio.Parquet || s.output == rowio.Arrow) {
		return usagef("--output %s holds the answer to one statement, and there are %d", s.output, len(statements))
	}
	for _, statement := range statements {
		if err := s.run(ctx, statement); err != nil {
			return err
		}
	}
	return nil
}

// run runs a statement and prints its answer.
func (s *sqlSession) run(ctx context.Context, statement string) error {
	begun := time.Now()
	stop := s.watch()
	defer stop()
	rows, err := s.db.Query(ctx, statement)
	if err != nil {
		return err
	}
	defer rows.Close()
	out := bufio.NewWriterSize(s.app.out, 64<<10)
	w, err := rowio.NewWriter(out, s.output, rows.Schema(), rowio.WriteOptions{Width: s.app.width, Alloc: memory.DefaultAllocator})
	if err != nil {
		return err
	}
	for batch, err := range rows.Batches(ctx) {
		stop()
		if err == nil {
			err = w.Write(batch)
		}
		if err != nil {
			_ = w.Close() // the first error counts
			return err
		}
	}
	stop()
	if err := w.Close(); err != nil {
		return err
	}
	if err := out.Flush(); err != nil {
		return err
	}
	if s.timer {
		fmt.Fprintf(s.app.err, "%.3f s\n", time.Since(begun).Seconds())
	}
	return nil
}

// watch tells how far a statement is, until the function that it returns is called.
func (s *sqlSession) watch() (stop func()) {
	p := s.app.progress()
	done, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		tick := time.NewTicker(everyOnTerminal)
		defer tick.Stop()
		for {
			select {
			case <-done:
				p.end()
				return
			case <-tick.C:
				p.tell(s.howFar)
			}
		}
	}()
	return func() {
		select {
		case <-done:
		default:
			close(done)
		}
		<-ended
	}
}

// howFar is a progress bar, or the time alone when DuckDB does not know.
func (s *sqlSession) howFar(since time.Duration) (line string, object any) {
	type told struct {
		Seconds float64  `json:"seconds"`
		Done    *float64 `json:"done,omitempty"`
	}
	part, ok := s.db.Progress()
	if !ok {
		return fmt.Sprintf("running, %.0f s", since.Seconds()), told{Seconds: since.Seconds()}
	}
	const width = 30
	full := min(width, int(part*width))
	return fmt.Sprintf("[%s%s] %3.0f %%, %.0f s", strings.Repeat("#", full), strings.Repeat("-", width-full), part*100, since.Seconds()),
		told{since.Seconds(), &part}
}

package lint

import (
	"go/ast"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// order is the order of the packages: each imports only packages of the lines before it.
// ARCHITECTURE.md has the same order, with what each is for.
var order = [][]string{
	{"internal/base"},
	{"internal/conf", "internal/mem"},
	{"storage"},
	{"storage/intercept"},
	{"storage/local", "storage/blob", "storage/mem", "storage/fault", "storage/record"},
	{"internal/avroio"},
	{"schema"},
	{"expr"},
	{"internal/avroarrow"},
	{"internal/hfile"},
	{"internal/logfile", "internal/basefile"},
	{"internal/rowio"},
	{"timeline"},
	{"table"},
	{"internal/metadata"},
	{"keygen", "merge"},
	{"internal/fileslice"},
	{"internal/recordindex"},
	{"index"},
	{"lock"},
	{"internal/txn"},
	{"recovery"},
	{"cow", "mor"},
	{"internal/writer"},
	{"compaction", "cleaner", "archiver"},
	{"query"},
	{"hudi"},
	{"query/sql"},
	{"cdc"},
	{"internal/recorded"},
	{"ingest"},
	{"cmd/hudictl"},
}

// place is a package's line in the order, -1 for packages beside it.
func place(pkg string) int {
	return slices.IndexFunc(order, func(line []string) bool { return slices.Contains(line, pkg) })
}

func TestImportOrder(t *testing.T) {
	tr := load(t)
	for _, s := range tr.code() {
		mine := place(s.pkg)
		if mine < 0 {
			if !below(s.pkg, "examples") {
				t.Errorf("%s: package %s has no place in the order of the packages (internal/lint, ARCHITECTURE.md)", s.path, s.pkg)
			}
			continue
		}
		for _, target := range s.imports {
			pkg, ours := strings.CutPrefix(target, module+"/")
			if !ours {
				continue
			}
			switch its := place(pkg); {
			case its < 0:
				t.Errorf("%s imports %s, which is for tests, tools or examples", s.path, pkg)
			case its >= mine:
				t.Errorf("%s imports %s, which does not stand above %s", s.path, pkg, s.pkg)
			}
		}
	}
}

func TestOrderIsDocumented(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(root, "ARCHITECTURE.md"))
	require.NoError(t, err)
	_, table, found := strings.Cut(string(text), "## The order of the packages")
	require.True(t, found, "ARCHITECTURE.md has a section with the order of the packages")
	for _, line := range order {
		for _, pkg := range line {
			at := strings.Index(table, "`"+pkg+"`")
			require.GreaterOrEqual(t, at, 0, "ARCHITECTURE.md has no %s after the package above it", pkg)
		}
		at := strings.Index(table, "`"+line[0]+"`")
		table = table[at:]
	}
}

// exclusive are imports that only some packages may have, by the beginning of their paths;
// those of the standard library stand for themselves alone.
var exclusive = []struct {
	path string
	pkgs []string
	why  string
}{
	{"github.com/hamba/avro", []string{"internal/avroio"}, "the Avro library is no longer maintained, and one package hides it"},
	{"github.com/twmb/franz-go", []string{"ingest", "internal/recorded", "cmd/hudictl", "interop", "bench"}, "only ingest talks to Kafka"},
	{"github.com/spf13/cobra", []string{"cmd"}, "the library has no command line"},
	{"C", []string{"query/sql"}, "everything but SQL builds without cgo"},
	{"github.com/duckdb", []string{"query/sql"}, "DuckDB is for SQL alone"},
	{"github.com/hudi-go/hudi-go/query/sql", []string{"query/sql", "cmd/hudictl", "interop"}, "programs that need no SQL do not link DuckDB"},
	{"log", []string{"cmd/hudictl"}, "return an error, or tell it to the caller's logger"},
}

func TestExclusiveImports(t *testing.T) {
	for _, s := range load(t).files {
		for _, target := range s.imports {
			for _, e := range exclusive {
				if target != e.path && !(strings.Contains(e.path, ".") && below(target, e.path)) {
					continue
				}
				if !slices.ContainsFunc(e.pkgs, func(p string) bool { return below(s.pkg, p) }) {
					t.Errorf("%s imports %s: %s", s.path, target, e.why)
				}
			}
		}
	}
}

// harmless are the names of package os that touch no file of a table.
var harmless = []string{"Hostname", "Getpid"}

func TestFileAccess(t *testing.T) {
	tr := load(t)
	for _, s := range tr.code() {
		if below(s.pkg, "storage/local") || s.pkg == "internal/mem" || isCommand(s.pkg) {
			continue
		}
		ast.Inspect(s.file, func(n ast.Node) bool {
			e, ok := n.(*ast.SelectorExpr)
			if !ok {
				return true
			}
			target, name, ok := s.selects(e)
			if ok && (target == "os" && !slices.Contains(harmless, name) || target == "io/ioutil" || target == "syscall") {
				t.Errorf("%s: %s.%s: files are reached through a storage.Store, spill files through internal/mem", tr.at(n), target, name)
			}
			return true
		})
	}
}

func TestWallClock(t *testing.T) {
	tr := load(t)
	// These hand time.Now on as the default of an injected clock.
	defaults := []string{"hudi", "ingest"}
	for _, s := range tr.code() {
		if below(s.pkg, "storage") || isCommand(s.pkg) {
			continue
		}
		called := map[ast.Expr]bool{}
		ast.Inspect(s.file, func(n ast.Node) bool {
			if c, ok := n.(*ast.CallExpr); ok {
				called[c.Fun] = true
			}
			e, ok := n.(*ast.SelectorExpr)
			if !ok {
				return true
			}
			target, name, ok := s.selects(e)
			if !ok || target != "time" || name != "Now" && name != "Since" && name != "Until" {
				return true
			}
			if name == "Now" && !called[e] && slices.Contains(defaults, s.pkg) {
				return true
			}
			t.Errorf("%s: time.%s: take the time from an injected clock", tr.at(n), name)
			return true
		})
	}
}

func TestNoPrintsNoGlobalLogger(t *testing.T) {
	tr := load(t)
	global := []string{"Debug", "Info", "Warn", "Error", "Log", "DebugContext", "InfoContext", "WarnContext", "ErrorContext", "LogAttrs", "Default", "SetDefault"}
	for _, s := range tr.code() {
		ast.Inspect(s.file, func(n ast.Node) bool {
			c, ok := n.(*ast.CallExpr)
			if !ok {
				return true
			}
			if id, ok := c.Fun.(*ast.Ident); ok && id.Obj == nil && (id.Name == "print" || id.Name == "println") {
				t.Errorf("%s: %s", tr.at(n), id.Name)
			}
			e, ok := c.Fun.(*ast.SelectorExpr)
			if !ok {
				return true
			}
			target, name, _ := s.selects(e)
			switch {
			case target == "fmt" && strings.HasPrefix(name, "Print") && !below(s.pkg, "examples"):
				t.Errorf("%s: fmt.%s: results go to the writer that a command was given", tr.at(n), name)
			case target == "log/slog" && slices.Contains(global, name):
				t.Errorf("%s: slog.%s: use the logger that the caller gave", tr.at(n), name)
			}
			return true
		})
	}
}

// TestPanicsSayWhy wants a comment that says panic with every panic: on the function, or
// just above the call.
func TestPanicsSayWhy(t *testing.T) {
	tr := load(t)
	for _, s := range tr.code() {
		said := map[int]bool{} // last lines of comments that say so
		for _, g := range s.file.Comments {
			if strings.Contains(g.Text(), "panic") {
				said[tr.fset.Position(g.End()).Line] = true
			}
		}
		for _, d := range s.file.Decls {
			f, ok := d.(*ast.FuncDecl)
			if !ok || strings.Contains(f.Doc.Text(), "panic") {
				continue
			}
			ast.Inspect(f, func(n ast.Node) bool {
				c, ok := n.(*ast.CallExpr)
				if !ok {
					return true
				}
				if id, ok := c.Fun.(*ast.Ident); ok && id.Name == "panic" {
					line := tr.fset.Position(n.Pos()).Line
					if !said[line] && !said[line-1] {
						t.Errorf("%s: panic without a comment that says why it must", tr.at(n))
					}
				}
				return true
			})
		}
	}
}

// globals are the package-level variables that change while the program runs, and why.
var globals = map[string]string{
	"storage.registry":      "backends register when they are imported",
	"internal/avroio.cache": "compiled codecs by schema and Go type, at most 128: a memory of a pure function",
	"timeline.jsonFields":   "fields by Go type: a memory of a pure function",
}

// TestNoGlobalState finds package-level variables that are assigned to, whose parts are, or
// that have locks and counters in them. Tables that nobody changes, and errors, are no state.
func TestNoGlobalState(t *testing.T) {
	tr := load(t)
	type variable struct{ pkg, name string }
	declared := map[variable]*ast.ValueSpec{}
	for _, s := range tr.code() {
		for _, d := range s.file.Decls {
			g, ok := d.(*ast.GenDecl)
			if !ok || g.Tok != token.VAR {
				continue
			}
			for _, spec := range g.Specs {
				v := spec.(*ast.ValueSpec)
				for _, name := range v.Names {
					declared[variable{s.pkg, name.Name}] = v
				}
				if synchronized(s, v) {
					for _, name := range v.Names {
						if globals[s.pkg+"."+name.Name] == "" {
							t.Errorf("%s: %s is state of the whole program", tr.at(v), name.Name)
						}
					}
				}
			}
		}
	}
	for _, s := range tr.code() {
		// target finds the variable at the root of an expression such as v[i].f.
		var target func(e ast.Expr) (variable, bool)
		target = func(e ast.Expr) (variable, bool) {
			switch e := e.(type) {
			case *ast.ParenExpr:
				return target(e.X)
			case *ast.IndexExpr:
				return target(e.X)
			case *ast.StarExpr:
				return target(e.X)
			case *ast.SelectorExpr:
				if pkg, name, ok := s.selects(e); ok {
					return variable{strings.TrimPrefix(pkg, module+"/"), name}, true
				}
				return target(e.X)
			case *ast.Ident:
				v := variable{s.pkg, e.Name}
				return v, e.Obj == nil || e.Obj.Decl == declared[v] && declared[v] != nil
			}
			return variable{}, false
		}
		changed := func(e ast.Expr, n ast.Node) {
			v, ok := target(e)
			if ok && v.name != "_" && declared[v] != nil && globals[v.pkg+"."+v.name] == "" {
				t.Errorf("%s: package-level variable %s of %s is changed", tr.at(n), v.name, v.pkg)
			}
		}
		ast.Inspect(s.file, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.AssignStmt:
				if n.Tok != token.DEFINE {
					for _, e := range n.Lhs {
						changed(e, n)
					}
				}
			case *ast.IncDecStmt:
				changed(n.X, n)
			case *ast.CallExpr:
				if id, ok := n.Fun.(*ast.Ident); ok && (id.Name == "delete" || id.Name == "clear") && len(n.Args) > 0 {
					changed(n.Args[0], n)
				}
			}
			return true
		})
	}
}

// synchronized tells whether a variable has something of sync in its type or value, and is
// no function.
func synchronized(s *source, v *ast.ValueSpec) (found bool) {
	look := func(n ast.Node) {
		ast.Inspect(n, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.FuncLit, *ast.FuncType:
				return false
			case *ast.SelectorExpr:
				if target, name, ok := s.selects(n); ok && (target == "sync" || target == "sync/atomic") && !strings.HasPrefix(name, "OnceValue") {
					found = true
				}
			}
			return true
		})
	}
	if v.Type != nil {
		look(v.Type)
	}
	for _, e := range v.Values {
		look(e)
	}
	return found
}

// Lines that a file should have at most, and must.
const (
	wantLines = 600
	mostLines = 700
)

func TestFileSize(t *testing.T) {
	for _, s := range load(t).files {
		switch {
		case s.lines > mostLines:
			t.Errorf("%s has %d lines: give each of its subjects a file", s.path, s.lines)
		case s.lines > wantLines:
			t.Logf("%s has %d lines", s.path, s.lines)
		}
	}
}

var (
	docName = regexp.MustCompile(`docs/[a-z0-9/-]+\.md`)
	mdLink  = regexp.MustCompile(`\]\(([^)#\s]+)(?:#[^)]*)?\)`)
)

// TestDocumentsExist follows the documents that comments name and the links of documents.
func TestDocumentsExist(t *testing.T) {
	tr := load(t)
	for _, s := range tr.files {
		for _, g := range s.file.Comments {
			for _, name := range docName.FindAllString(g.Text(), -1) {
				if _, err := os.Stat(filepath.Join(root, name)); err != nil {
					t.Errorf("%s: a comment names %s, which does not exist", tr.at(g), name)
				}
			}
		}
	}
	require.NoError(t, walk(func(p string) error {
		if !strings.HasSuffix(p, ".md") {
			return nil
		}
		text, err := os.ReadFile(filepath.Join(root, p))
		if err != nil {
			return err
		}
		for _, m := range mdLink.FindAllStringSubmatch(string(text), -1) {
			if strings.Contains(m[1], ":") { // a URL
				continue
			}
			if _, err := os.Stat(filepath.Join(root, filepath.Dir(p), m[1])); err != nil {
				t.Errorf("%s: link to %s, which does not exist", p, m[1])
			}
		}
		return nil
	}))
}

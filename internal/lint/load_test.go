// Package lint holds the project to its own rules: the order of the packages, what public
// signatures may name, who may touch files and clocks. It consists of tests only, which
// parse the sources and run with every go test ./... .
package lint

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
)

const module = "github.com/hudi-go/hudi-go"

// root is the module's folder, seen from this one.
const root = "../.."

// source is a parsed Go file.
type source struct {
	path    string // slash-separated, below the module
	pkg     string // folder of path
	test    bool
	lines   int
	file    *ast.File
	imports map[string]string // import path by the name that the file uses
}

// tree is every Go file of the module.
type tree struct {
	fset  *token.FileSet
	files []*source
}

var loadOnce = sync.OnceValues(parseAll)

func load(t *testing.T) *tree {
	t.Helper()
	tr, err := loadOnce()
	require.NoError(t, err)
	return tr
}

// parseAll parses the module's Go files. Files that vanish meanwhile, as those of a test
// that is under way in another package may, are left out.
func parseAll() (*tree, error) {
	tr := &tree{fset: token.NewFileSet()}
	err := walk(func(p string) error {
		if !strings.HasSuffix(p, ".go") {
			return nil
		}
		text, err := os.ReadFile(filepath.Join(root, p))
		if os.IsNotExist(err) {
			return nil
		}
		if err != nil {
			return err
		}
		f, err := parser.ParseFile(tr.fset, p, text, parser.ParseComments)
		if err != nil {
			return err
		}
		s := &source{
			path: p, pkg: path.Dir(p), test: strings.HasSuffix(p, "_test.go"),
			lines: strings.Count(string(text), "\n"), file: f, imports: map[string]string{},
		}
		for _, i := range f.Imports {
			target, err := strconv.Unquote(i.Path.Value)
			if err != nil {
				return err
			}
			name := path.Base(target)
			if len(name) > 1 && name[0] == 'v' && strings.Trim(name[1:], "0123456789") == "" {
				name = path.Base(path.Dir(target)) // a major version
			}
			if i.Name != nil {
				name = i.Name.Name
			}
			s.imports[name] = target
		}
		tr.files = append(tr.files, s)
		return nil
	})
	return tr, err
}

// walk calls visit with the module's files, in the order of their names. Hidden folders,
// build output and what .gitignore names are no part of the module.
func walk(visit func(p string) error) error {
	ignored := []string{"bin", "spark-warehouse", "metastore_db", "__pycache__"}
	return filepath.WalkDir(root, func(p string, d fs.DirEntry, err error) error {
		if err != nil {
			if os.IsNotExist(err) {
				return nil
			}
			return err
		}
		rel, err := filepath.Rel(root, p)
		if err != nil {
			return err
		}
		rel = filepath.ToSlash(rel)
		if d.IsDir() {
			if rel != "." && rel != ".ci" && (strings.HasPrefix(d.Name(), ".") || slices.Contains(ignored, d.Name())) {
				return fs.SkipDir
			}
			return nil
		}
		return visit(rel)
	})
}

// code returns the files that are no tests and not part of a package for tests.
func (tr *tree) code() []*source {
	return slices.DeleteFunc(slices.Clone(tr.files), func(s *source) bool { return s.test || forTests(s.pkg) })
}

// forTests tells whether a package exists for tests only: it may do what tests may do.
func forTests(pkg string) bool {
	switch pkg {
	case "storage/storagetest", "internal/goldentest", "internal/lint":
		return true
	}
	return below(pkg, "interop") || below(pkg, "bench")
}

// isCommand tells whether a package is a program or an example of one.
func isCommand(pkg string) bool { return below(pkg, "cmd") || below(pkg, "examples") }

// isPublic tells whether users of the library can import a package.
func isPublic(pkg string) bool {
	return !strings.Contains("/"+pkg+"/", "/internal/") && !isCommand(pkg) && !below(pkg, "interop") && !below(pkg, "bench")
}

// below tells whether a path is a folder or lies in it.
func below(p, dir string) bool { return p == dir || strings.HasPrefix(p, dir+"/") }

// at is the place of a node, for messages.
func (tr *tree) at(n ast.Node) string {
	p := tr.fset.Position(n.Pos())
	return p.Filename + ":" + strconv.Itoa(p.Line)
}

// selects tells which package and name a selector expression means; ok is false for fields
// and methods.
func (s *source) selects(e *ast.SelectorExpr) (target, name string, ok bool) {
	id, isName := e.X.(*ast.Ident)
	if !isName || id.Obj != nil { // a local name hides the import
		return "", "", false
	}
	target, ok = s.imports[id.Name]
	return target, e.Sel.Name, ok
}

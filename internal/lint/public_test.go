package lint

import (
	"go/ast"
	"go/token"
	"strings"
	"testing"
)

// leaks are exported signatures that name an internal type all the same, and why.
var leaks = map[string]string{
	"table.LogFile.Name": "base.LogFileName; to become a public type",
}

// types has, by package, the names of types, and those of constants and variables with
// the type expressions that they were declared with.
type types struct {
	names  map[string]map[string]*ast.TypeSpec
	values map[string]map[string]ast.Expr
}

func typesOf(tr *tree) types {
	ty := types{names: map[string]map[string]*ast.TypeSpec{}, values: map[string]map[string]ast.Expr{}}
	for _, s := range tr.files {
		if s.test {
			continue
		}
		if ty.names[s.pkg] == nil {
			ty.names[s.pkg], ty.values[s.pkg] = map[string]*ast.TypeSpec{}, map[string]ast.Expr{}
		}
		for _, d := range s.file.Decls {
			g, ok := d.(*ast.GenDecl)
			if !ok {
				continue
			}
			for _, spec := range g.Specs {
				switch spec := spec.(type) {
				case *ast.TypeSpec:
					ty.names[s.pkg][spec.Name.Name] = spec
				case *ast.ValueSpec:
					for _, name := range spec.Names {
						ty.values[s.pkg][name.Name] = spec.Type
					}
				}
			}
		}
	}
	return ty
}

// signature checks what the exported signatures of a file name.
type signature struct {
	t     *testing.T
	tr    *tree
	s     *source
	types types
}

// TestPublicSignatures makes sure that nobody needs an internal type to use the library:
// no exported function, method, field, constant, variable or type of a public package
// names one. Aliases are followed within a package.
func TestPublicSignatures(t *testing.T) {
	tr := load(t)
	ty := typesOf(tr)
	for _, s := range tr.code() {
		if !isPublic(s.pkg) {
			continue
		}
		c := signature{t, tr, s, ty}
		for _, d := range s.file.Decls {
			switch d := d.(type) {
			case *ast.FuncDecl:
				if name, ok := exportedFunc(d); ok {
					c.expr(name, d.Type)
				}
			case *ast.GenDecl:
				for _, spec := range d.Specs {
					switch spec := spec.(type) {
					case *ast.TypeSpec:
						if spec.Name.IsExported() {
							c.typ(spec.Name.Name, spec.Type)
						}
					case *ast.ValueSpec:
						c.value(spec)
					}
				}
			}
		}
	}
}

// exportedFunc is the name of a function, or type and name of a method, that users can call.
func exportedFunc(d *ast.FuncDecl) (name string, ok bool) {
	if !d.Name.IsExported() {
		return "", false
	}
	if d.Recv == nil {
		return d.Name.Name, true
	}
	r := receiver(d)
	return r + "." + d.Name.Name, ast.IsExported(r)
}

// receiver is the name of a method's type.
func receiver(d *ast.FuncDecl) string {
	e := d.Recv.List[0].Type
	for {
		switch x := e.(type) {
		case *ast.StarExpr:
			e = x.X
		case *ast.IndexExpr:
			e = x.X
		case *ast.IndexListExpr:
			e = x.X
		case *ast.Ident:
			return x.Name
		default:
			return ""
		}
	}
}

// typ checks a type declaration; of structs only the exported fields count.
func (c signature) typ(name string, e ast.Expr) {
	s, ok := e.(*ast.StructType)
	if !ok {
		c.expr(name, e)
		return
	}
	for _, f := range s.Fields.List {
		if len(f.Names) == 0 {
			c.expr(name, f.Type) // embedded: its methods and fields are promoted
		}
		for _, n := range f.Names {
			if n.IsExported() {
				c.typ(name+"."+n.Name, f.Type)
			}
		}
	}
}

// value checks constants and variables. Those that are declared without a type have that
// of a literal, of a conversion, or of the value that they are made equal to.
func (c signature) value(v *ast.ValueSpec) {
	for i, n := range v.Names {
		switch {
		case !n.IsExported():
		case v.Type != nil:
			c.expr(n.Name, v.Type)
		case i < len(v.Values):
			e := v.Values[i]
			if u, ok := e.(*ast.UnaryExpr); ok && u.Op == token.AND {
				e = u.X
			}
			switch e := e.(type) {
			case *ast.CompositeLit:
				c.expr(n.Name, e.Type)
			case *ast.CallExpr:
				c.expr(n.Name, e.Fun)
			case *ast.SelectorExpr:
				if target, name, ok := c.s.selects(e); ok && isInternal(target) {
					if typ := c.types.values[strings.TrimPrefix(target, module+"/")][name]; typ != nil {
						c.report(n.Name, target+"."+name, e)
					}
				}
			}
		}
	}
}

// expr reports the internal types that a type expression names.
func (c signature) expr(name string, e ast.Node) {
	ast.Inspect(e, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.StructType:
			c.typ(name, n)
			return false
		case *ast.SelectorExpr:
			target, typ, ok := c.s.selects(n)
			if !ok || !isInternal(target) {
				return true
			}
			if c.types.names[strings.TrimPrefix(target, module+"/")][typ] != nil {
				c.report(name, target+"."+typ, n)
			}
		case *ast.Ident:
			spec := c.types.names[c.s.pkg][n.Name]
			if spec != nil && spec.Assign.IsValid() && !spec.Name.IsExported() {
				c.alias(name, spec)
			}
		}
		return true
	})
}

// alias follows a package's own name for another type.
func (c signature) alias(name string, spec *ast.TypeSpec) {
	for _, s := range c.tr.files {
		if s.pkg == c.s.pkg && s.file.FileStart <= spec.Pos() && spec.Pos() < s.file.FileEnd {
			signature{c.t, c.tr, s, c.types}.expr(name, spec.Type)
		}
	}
}

func (c signature) report(name, typ string, n ast.Node) {
	full := c.s.pkg + "." + name
	if leaks[full] == "" {
		c.t.Errorf("%s: %s names the internal type %s", c.tr.at(n), full, strings.TrimPrefix(typ, module+"/"))
	}
}

func isInternal(target string) bool {
	return strings.HasPrefix(target, module+"/") && strings.Contains(target+"/", "/internal/")
}

// known are methods whose names say everything: those of interfaces that every Go
// programmer knows.
var known = map[string]bool{"Error": true, "String": true, "Unwrap": true, "Is": true, "As": true, "Len": true, "Less": true, "Swap": true}

// TestDocumented wants a comment on every exported identifier, internal ones too, and on
// every package.
func TestDocumented(t *testing.T) {
	tr := load(t)
	packages := map[string]bool{}
	for _, s := range tr.files {
		if s.test {
			continue
		}
		packages[s.pkg] = packages[s.pkg] || s.file.Doc != nil
		if s.file.Name.Name == "main" {
			continue
		}
		for _, d := range s.file.Decls {
			switch d := d.(type) {
			case *ast.FuncDecl:
				name, ok := exportedFunc(d)
				if ok && d.Doc == nil && !(d.Recv != nil && known[d.Name.Name]) {
					t.Errorf("%s: %s has no comment", tr.at(d), name)
				}
			case *ast.GenDecl:
				documented(t, tr, d)
			}
		}
	}
	for pkg, ok := range packages {
		if !ok {
			t.Errorf("package %s has no comment", pkg)
		}
	}
}

// documented checks a declaration of types, constants or variables. The comment of a group
// stands for all of it.
func documented(t *testing.T, tr *tree, d *ast.GenDecl) {
	for _, spec := range d.Specs {
		switch spec := spec.(type) {
		case *ast.TypeSpec:
			if spec.Name.IsExported() && spec.Doc == nil && d.Doc == nil {
				t.Errorf("%s: %s has no comment", tr.at(spec), spec.Name.Name)
			}
		case *ast.ValueSpec:
			for _, n := range spec.Names {
				if n.IsExported() && spec.Doc == nil && spec.Comment == nil && d.Doc == nil {
					t.Errorf("%s: %s has no comment", tr.at(spec), n.Name)
				}
			}
		}
	}
}

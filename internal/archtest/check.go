package archtest

import (
	"context"
	"fmt"
	"go/ast"
	"go/token"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// checker collects what the rules find.
type checker struct {
	house House
	fset  *token.FileSet
	found []Violation
	// usedEdges and usedExceptions are those that something needed.
	usedEdges      map[Edge]bool
	usedExceptions map[Exception]bool
}

// Check holds the module in dir to the house and gives the violations, sorted
// by file and line. The error says that the module could not be read at all.
func Check(ctx context.Context, dir string, h House) ([]Violation, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, fmt.Errorf("check %s: %w", dir, err)
	}
	units, fset, err := load(ctx, dir, h.Module)
	if err != nil {
		return nil, err
	}
	c := &checker{house: h, fset: fset, usedEdges: map[Edge]bool{}, usedExceptions: map[Exception]bool{}}
	for _, u := range units {
		c.placed(u)
		c.documented(u)
		for _, f := range u.files {
			c.imports(u, f)
			if f.generated {
				continue
			}
			c.sizes(f)
			if f.test {
				continue
			}
			c.inits(f)
			c.goroutines(u, f)
			if f.typed {
				c.uses(u, f)
				c.revisions(u, f)
			}
		}
		c.globals(u)
	}
	c.stale()
	slices.SortFunc(c.found, compareViolations)
	return slices.Compact(c.found), nil
}

// report adds a violation at a node, unless an exception frees its file.
func (c *checker) report(rule string, f *file, n ast.Node, format string, args ...any) {
	for _, e := range c.house.Exceptions {
		if e.Rule == rule && (e.Path == f.name || covers(e.Path, filepath.ToSlash(filepath.Dir(f.name)))) {
			c.usedExceptions[e] = true
			return
		}
	}
	c.found = append(c.found, Violation{rule, f.name, c.fset.Position(n.Pos()).Line, fmt.Sprintf(format, args...)})
}

// placed wants every package in the table.
func (c *checker) placed(u *unit) {
	if _, ok := c.house.Packages[u.path]; ok || len(u.files) == 0 {
		return
	}
	c.report("layer", u.files[0], u.files[0].syntax.Name, "package %s stands in no layer; place it in internal/archtest/table.go", u.path)
}

// documented wants exactly one package comment, of the usual form.
func (c *checker) documented(u *unit) {
	var docs, code []*file
	for _, f := range u.files {
		if f.test {
			continue
		}
		code = append(code, f)
		if f.syntax.Doc.Text() != "" {
			docs = append(docs, f)
		}
	}
	if len(code) == 0 {
		return
	}
	want := "Package " + u.name + " "
	if u.name == "main" {
		want = "Command "
	}
	switch {
	case len(docs) == 0:
		c.report("doc", code[0], code[0].syntax.Name, "package %s has no package comment", u.path)
	case len(docs) > 1:
		c.report("doc", docs[1], docs[1].syntax.Name, "package %s has a second package comment; the first is in %s", u.path, docs[0].name)
	case !strings.HasPrefix(docs[0].syntax.Doc.Text(), want):
		c.report("doc", docs[0], docs[0].syntax.Name, "package comment does not begin with %q", want)
	}
}

// imports holds a file to the layers and to the rules about single imports.
func (c *checker) imports(u *unit, f *file) {
	for _, spec := range f.syntax.Imports {
		path, err := strconv.Unquote(spec.Path.Value)
		if err != nil {
			continue
		}
		if own, ok := strings.CutPrefix(path, c.house.Module+"/"); ok && !f.test {
			c.edge(u, f, spec, own)
		}
		for _, r := range c.house.Imports {
			if (!f.test || r.Tests) && r.matches(path) && !r.allows(u.path) {
				c.report("import", f, spec, "%s may not import %s: %s", u.path, path, r.Why)
			}
		}
	}
}

func (r ImportRule) matches(path string) bool {
	return slices.ContainsFunc(r.Paths, func(p string) bool {
		return path == p || !r.Exact && strings.HasPrefix(path, p+"/")
	})
}

func (r ImportRule) allows(pkg string) bool {
	if len(r.Not) > 0 {
		return !coveredBy(r.Not, pkg)
	}
	return coveredBy(r.In, pkg)
}

// edge judges one import of our own.
func (c *checker) edge(u *unit, f *file, spec ast.Node, to string) {
	from, ok := c.house.Packages[u.path]
	target, known := c.house.Packages[to]
	if !ok || !known {
		return // said by placed
	}
	if target < from && target != Test || from == Test {
		return
	}
	for _, e := range c.house.Edges {
		if e.From == u.path && e.To == to {
			c.usedEdges[e] = true
			return
		}
	}
	direction := "up"
	switch target {
	case from:
		direction = "sideways"
	case Test:
		direction = "into test code"
	}
	c.report("layer", f, spec, "import points %s: %s (%s) imports %s (%s)", direction, u.path, from, to, target)
}

// inits wants no init functions.
func (c *checker) inits(f *file) {
	for _, d := range f.syntax.Decls {
		if fn, ok := d.(*ast.FuncDecl); ok && fn.Recv == nil && fn.Name.Name == "init" {
			c.report("init", f, fn, "func init runs before main for everybody who imports this; make it a value or a constructor")
		}
	}
}

// goroutines wants none in the vocabulary.
func (c *checker) goroutines(u *unit, f *file) {
	if c.house.Packages[u.path] != Vocabulary {
		return
	}
	ast.Inspect(f.syntax, func(n ast.Node) bool {
		if g, ok := n.(*ast.GoStmt); ok {
			c.report("layer", f, g, "the vocabulary starts no goroutine")
		}
		return true
	})
}

// sizes bounds files, functions and parameter lists.
func (c *checker) sizes(f *file) {
	if f.lines > c.house.FileLines {
		c.report("size", f, f.syntax.Name, "file has %d lines, more than %d", f.lines, c.house.FileLines)
	}
	for _, d := range f.syntax.Decls {
		fn, ok := d.(*ast.FuncDecl)
		if !ok {
			continue
		}
		if n := c.fset.Position(fn.End()).Line - c.fset.Position(fn.Pos()).Line + 1; n > c.house.FunctionLines {
			c.report("size", f, fn, "func %s has %d lines, more than %d; name its phases", fn.Name.Name, n, c.house.FunctionLines)
		}
		if n := fn.Type.Params.NumFields(); n > c.house.Params {
			c.report("size", f, fn, "func %s has %d parameters, more than %d; make it an options struct", fn.Name.Name, n, c.house.Params)
		}
	}
}

// stale wants every edge and every exception to be needed.
func (c *checker) stale() {
	const table = "internal/archtest/table.go"
	for _, e := range c.house.Edges {
		if !c.usedEdges[e] {
			c.found = append(c.found, Violation{"stale", table, 1, fmt.Sprintf("no import needs the edge %s -> %s any more", e.From, e.To)})
		}
		if e.Why == "" {
			c.found = append(c.found, Violation{"stale", table, 1, fmt.Sprintf("edge %s -> %s has no reason", e.From, e.To)})
		}
	}
	for _, e := range c.house.Exceptions {
		if !c.usedExceptions[e] {
			c.found = append(c.found, Violation{"stale", table, 1, fmt.Sprintf("nothing needs the exception %s for %s any more", e.Path, e.Rule)})
		}
		if e.Why == "" {
			c.found = append(c.found, Violation{"stale", table, 1, fmt.Sprintf("exception %s for %s has no reason", e.Path, e.Rule)})
		}
	}
}

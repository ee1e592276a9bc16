package archtest

import (
	"context"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"go/types"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/tools/go/packages"
)

// unit is one package as the rules see it: its files, those that this machine
// would not build included, and the types of those that it would.
type unit struct {
	path  string // relative to the module
	name  string
	files []*file
	info  *types.Info
	pkg   *types.Package
}

type file struct {
	name      string // relative to the checked directory
	syntax    *ast.File
	lines     int
	test      bool
	generated bool
	typed     bool
}

// load reads every package of the module in dir. A package that does not
// compile is an error: nothing can be said about it.
func load(ctx context.Context, dir, module string) ([]*unit, *token.FileSet, error) {
	fset := token.NewFileSet()
	cfg := &packages.Config{
		Context: ctx, Dir: dir, Fset: fset, Tests: true, BuildFlags: []string{"-tags=interop"},
		Mode: packages.NeedName | packages.NeedFiles | packages.NeedCompiledGoFiles | packages.NeedImports |
			packages.NeedTypes | packages.NeedTypesSizes | packages.NeedSyntax | packages.NeedTypesInfo | packages.NeedForTest,
	}
	loaded, err := packages.Load(cfg, "./...")
	if err != nil {
		return nil, nil, fmt.Errorf("load packages: %w", err)
	}
	withTests := map[string]bool{} // packages that also come in a variant with their tests
	for _, p := range loaded {
		if p.ForTest != "" && p.PkgPath == p.ForTest {
			withTests[p.PkgPath] = true
		}
	}
	var units []*unit
	for _, p := range loaded {
		if strings.HasSuffix(p.PkgPath, ".test") || p.ForTest == "" && withTests[p.PkgPath] {
			continue
		}
		if len(p.Errors) > 0 {
			return nil, nil, fmt.Errorf("load %s: %w", p.PkgPath, p.Errors[0])
		}
		u, err := newUnit(p, dir, module, fset)
		if err != nil {
			return nil, nil, err
		}
		units = append(units, u)
	}
	slices.SortFunc(units, func(a, b *unit) int { return strings.Compare(a.path, b.path) })
	return units, fset, nil
}

func newUnit(p *packages.Package, dir, module string, fset *token.FileSet) (*unit, error) {
	path := strings.TrimPrefix(strings.TrimPrefix(p.PkgPath, module), "/")
	u := &unit{path: strings.TrimSuffix(path, "_test"), name: p.Name, info: p.TypesInfo, pkg: p.Types}
	for _, s := range p.Syntax {
		u.files = append(u.files, newFile(s, dir, fset, true))
	}
	for _, name := range p.IgnoredFiles {
		if filepath.Ext(name) != ".go" {
			continue
		}
		s, err := parser.ParseFile(fset, name, nil, parser.ParseComments|parser.SkipObjectResolution)
		if err != nil {
			return nil, fmt.Errorf("parse: %w", err)
		}
		u.files = append(u.files, newFile(s, dir, fset, false))
	}
	return u, nil
}

func newFile(s *ast.File, dir string, fset *token.FileSet, typed bool) *file {
	name := fset.Position(s.Package).Filename
	lines := fset.File(s.Package).LineCount()
	if rel, err := filepath.Rel(dir, name); err == nil {
		name = filepath.ToSlash(rel)
	}
	return &file{
		name: name, syntax: s, lines: lines, typed: typed,
		test: strings.HasSuffix(name, "_test.go"), generated: ast.IsGenerated(s),
	}
}

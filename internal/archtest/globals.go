package archtest

import (
	"go/ast"
	"go/token"
	"go/types"
	"slices"
	"strings"
)

// immutable are types that hold a pointer or an interface and have no method
// that changes what can be seen of them.
func immutable() []string {
	return []string{"*regexp.Regexp", "*strings.Replacer", "time.Time", "*time.Location", "net/netip.Addr", "net/netip.Prefix", "reflect.Type"}
}

// globals wants no mutable package state; the package comment says what that is.
func (c *checker) globals(u *unit) {
	written := writes(u)
	for _, f := range u.files {
		if f.test || f.generated || !f.typed {
			continue
		}
		for _, d := range f.syntax.Decls {
			gen, ok := d.(*ast.GenDecl)
			if !ok || gen.Tok != token.VAR {
				continue
			}
			for _, s := range gen.Specs {
				spec := s.(*ast.ValueSpec)
				embedded := isEmbed(spec.Doc) || isEmbed(gen.Doc)
				for _, name := range spec.Names {
					c.global(u, f, global{name, u.info.Defs[name], embedded, len(spec.Values) > 0, written[u.info.Defs[name]]})
				}
			}
		}
	}
}

type global struct {
	name                           *ast.Ident
	obj                            types.Object
	embedded, initialized, written bool
}

func (c *checker) global(u *unit, f *file, g global) {
	if g.obj == nil || g.name.Name == "_" {
		return
	}
	switch {
	case g.written:
		c.report("global", f, g.name, "%s is written after its declaration; package state belongs in a value that somebody owns", g.name.Name)
	case g.embedded, isError(g.obj.Type()), slices.Contains(immutable(), g.obj.Type().String()):
	case !g.initialized:
		c.report("global", f, g.name, "%s has no value in its declaration, so somebody is meant to set it", g.name.Name)
	case g.obj.Exported():
		c.report("global", f, g.name, "%s is exported, so any package may write to it; make it a function", g.name.Name)
	case stateful(g.obj.Type(), nil):
		c.report("global", f, g.name, "%s of type %s can change behind its name", g.name.Name, types.TypeString(g.obj.Type(), types.RelativeTo(u.pkg)))
	}
}

func isEmbed(doc *ast.CommentGroup) bool {
	return doc != nil && slices.ContainsFunc(doc.List, func(c *ast.Comment) bool { return strings.HasPrefix(c.Text, "//go:embed ") })
}

func isError(t types.Type) bool {
	return types.Identical(t, types.Universe.Lookup("error").Type())
}

// stateful tells whether a value of the type can change without being assigned.
func stateful(t types.Type, seen []types.Type) bool {
	if slices.Contains(immutable(), t.String()) || isError(t) || slices.Contains(seen, t) {
		return false
	}
	seen = append(seen, t)
	if named, ok := t.(*types.Named); ok && named.Obj().Pkg() != nil {
		if p := named.Obj().Pkg().Path(); p == "sync" || p == "sync/atomic" {
			return true
		}
	}
	switch t := t.Underlying().(type) {
	case *types.Chan, *types.Pointer, *types.Interface:
		return true
	case *types.Slice:
		return stateful(t.Elem(), seen)
	case *types.Array:
		return stateful(t.Elem(), seen)
	case *types.Map:
		return stateful(t.Key(), seen) || stateful(t.Elem(), seen)
	case *types.Struct:
		for v := range t.Fields() {
			if stateful(v.Type(), seen) {
				return true
			}
		}
	}
	return false
}

// writes gives the package-level variables that something in the package
// writes to, tests included.
func writes(u *unit) map[types.Object]bool {
	written := map[types.Object]bool{}
	mark := func(e ast.Expr) {
		if id := root(e); id != nil {
			if v, ok := u.info.Uses[id].(*types.Var); ok && v.Parent() == u.pkg.Scope() {
				written[v] = true
			}
		}
	}
	for _, f := range u.files {
		ast.Inspect(f.syntax, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.AssignStmt:
				for _, e := range n.Lhs {
					mark(e)
				}
			case *ast.IncDecStmt:
				mark(n.X)
			case *ast.RangeStmt:
				mark(n.Key)
				mark(n.Value)
			case *ast.UnaryExpr:
				if n.Op == token.AND {
					mark(n.X)
				}
			case *ast.CallExpr:
				if len(n.Args) > 0 && changesArgument(u, n) {
					mark(n.Args[0])
				}
			case *ast.SelectorExpr:
				if takesAddress(u, n) {
					mark(n.X)
				}
			}
			return true
		})
	}
	return written
}

// root gives the variable that an expression is a part of.
func root(e ast.Expr) *ast.Ident {
	for {
		switch x := e.(type) {
		case *ast.Ident:
			return x
		case *ast.ParenExpr:
			e = x.X
		case *ast.IndexExpr:
			e = x.X
		case *ast.SliceExpr:
			e = x.X
		case *ast.StarExpr:
			e = x.X
		case *ast.SelectorExpr:
			e = x.X
		default:
			return nil
		}
	}
}

// changesArgument knows the calls that write to what their first argument
// refers to.
func changesArgument(u *unit, call *ast.CallExpr) bool {
	switch fn := call.Fun.(type) {
	case *ast.Ident:
		_, builtin := u.info.Uses[fn].(*types.Builtin)
		return builtin && slices.Contains([]string{"delete", "clear", "copy"}, fn.Name)
	case *ast.SelectorExpr:
		obj := u.info.Uses[fn.Sel]
		if obj == nil || obj.Pkg() == nil {
			return false
		}
		switch obj.Pkg().Path() {
		case "sort":
			return !strings.HasPrefix(obj.Name(), "Search") && !strings.HasSuffix(obj.Name(), "Sorted")
		case "slices":
			return obj.Name() == "Sort" || obj.Name() == "SortFunc" || obj.Name() == "SortStableFunc" || obj.Name() == "Reverse" ||
				strings.HasPrefix(obj.Name(), "Delete") || strings.HasPrefix(obj.Name(), "Compact")
		case "maps":
			return obj.Name() == "Copy" || obj.Name() == "DeleteFunc" || obj.Name() == "Insert"
		}
	}
	return false
}

// takesAddress tells whether a selector calls a method that gets a pointer to
// what stands before the dot.
func takesAddress(u *unit, sel *ast.SelectorExpr) bool {
	s := u.info.Selections[sel]
	if s == nil || s.Kind() != types.MethodVal {
		return false
	}
	if _, isPointer := s.Recv().Underlying().(*types.Pointer); isPointer {
		return false
	}
	fn, ok := s.Obj().(*types.Func)
	if !ok {
		return false
	}
	_, byPointer := fn.Signature().Recv().Type().(*types.Pointer)
	return byPointer
}

package archtest

import (
	"go/ast"
	"go/constant"
	"go/token"
	"go/types"
	"regexp"
	"strings"
)

// uses holds a file to the rules about what it may use of other packages.
func (c *checker) uses(u *unit, f *file) {
	ast.Inspect(f.syntax, func(n ast.Node) bool {
		id, ok := n.(*ast.Ident)
		if !ok {
			return true
		}
		obj := u.info.Uses[id]
		if obj == nil || obj.Pkg() == nil || obj.Parent() != obj.Pkg().Scope() {
			return true
		}
		name := obj.Pkg().Path() + "." + obj.Name()
		for _, r := range c.house.Uses {
			if r.matches(name) && !coveredBy(r.In, u.path) {
				c.report("use", f, id, "%s may not use %s: %s", u.path, name, r.Why)
			}
		}
		return true
	})
}

func (r UseRule) matches(name string) bool {
	for _, o := range r.Objects {
		if prefix, ok := strings.CutSuffix(o, "*"); ok && strings.HasPrefix(name, prefix) || o == name {
			return true
		}
	}
	return false
}

// date is the shape of a revision.
var date = regexp.MustCompile(`^\d{4}-\d\d-\d\d$`)

// revisions wants no package but the one that has the table to decide anything
// by a revision: no order, no comparison with a particular one, not by way of
// strings either. Whether two that came from outside are equal, and whether
// there is one at all, anybody may ask.
func (c *checker) revisions(u *unit, f *file) {
	home, _, _ := strings.Cut(c.house.Revision, ".")
	if u.path == home {
		return
	}
	ast.Inspect(f.syntax, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.BinaryExpr:
			if c.decidesByRevision(u, n.Op, n.X, n.Y) {
				c.report("revision", f, n, "only package %s compares revisions; ask its table", home)
			}
		case *ast.SwitchStmt:
			if n.Tag == nil {
				return true
			}
			for _, clause := range n.Body.List {
				for _, e := range clause.(*ast.CaseClause).List {
					if c.decidesByRevision(u, token.EQL, n.Tag, e) {
						c.report("revision", f, e, "only package %s compares revisions; ask its table", home)
					}
				}
			}
		}
		return true
	})
}

func (c *checker) decidesByRevision(u *unit, op token.Token, x, y ast.Expr) bool {
	ordered := false
	switch op {
	case token.LSS, token.LEQ, token.GTR, token.GEQ:
		ordered = true
	case token.EQL, token.NEQ:
	default:
		return false
	}
	for _, e := range []ast.Expr{x, y} {
		tv := u.info.Types[e]
		if ordered && c.isRevision(tv.Type) {
			return true
		}
		if tv.Value != nil && tv.Value.Kind() == constant.String && date.MatchString(constant.StringVal(tv.Value)) {
			return true
		}
	}
	return false
}

func (c *checker) isRevision(t types.Type) bool {
	named, ok := t.(*types.Named)
	if !ok || named.Obj().Pkg() == nil {
		return false
	}
	return named.Obj().Pkg().Path()+"."+named.Obj().Name() == c.house.Module+"/"+c.house.Revision
}

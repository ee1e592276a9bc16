package scaffold

import (
	"cmp"
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/mod/modfile"
)

// GoProject is how a Go server is built.
type GoProject struct {
	Version string // of Go: 1.26
	Main    string // the package to build: ./cmd/weather
	Sum     bool   // there is a go.sum
}

func goLibrary(name string) bool {
	return name == "github.com/modelcontextprotocol/go-sdk" || name == "github.com/mark3labs/mcp-go"
}

func goCandidates(t *tree) ([]Candidate, error) {
	var out []Candidate
	for _, name := range t.names {
		if path.Base(name) != "go.mod" {
			continue
		}
		mod, err := readGoMod(t, name)
		if err != nil {
			return nil, err
		}
		i := slices.IndexFunc(mod.Require, func(r *modfile.Require) bool { return goLibrary(r.Mod.Path) })
		if i < 0 {
			continue
		}
		mains, err := goMains(t, path.Dir(name))
		if err != nil {
			return nil, err
		}
		for _, dir := range mains {
			out = append(out, Candidate{Path: dir, Language: Go, dir: path.Dir(name), About: "package main; go.mod requires " + mod.Require[i].Mod.Path})
		}
	}
	return out, nil
}

func readGoMod(t *tree, name string) (*modfile.File, error) {
	src, err := t.get(name)
	if err != nil {
		return nil, err
	}
	mod, err := modfile.ParseLax(name, []byte(src), nil)
	if err == nil {
		return mod, nil
	}
	bad := &Problem{File: name, Line: 1, Message: "not readable: " + err.Error()}
	if list, ok := errors.AsType[modfile.ErrorList](err); ok && len(list) > 0 {
		bad.Line, bad.Message = list[0].Pos.Line, "not readable: "+list[0].Err.Error()
	}
	return nil, bad
}

// goFiles gives the files of a module that are no tests.
func goFiles(t *tree, dir string) []string {
	return slices.DeleteFunc(t.below(dir, ".go"), func(n string) bool {
		own := t.nearest(n, "go.mod")
		return strings.HasSuffix(n, "_test.go") || own != dir
	})
}

// goMains gives the folders with a package main: of several, those that import
// an MCP library themselves, if any does.
func goMains(t *tree, dir string) ([]string, error) {
	mains := map[string]bool{}
	for _, name := range goFiles(t, dir) {
		f, err := parseGo(t, name)
		if err != nil {
			return nil, err
		}
		if f.Name.Name == "main" {
			mains[path.Dir(name)] = mains[path.Dir(name)] || importsMCP(f)
		}
	}
	var all, direct []string
	for folder, mcp := range mains {
		all = append(all, folder)
		if mcp {
			direct = append(direct, folder)
		}
	}
	if len(direct) > 0 {
		all = direct
	}
	slices.Sort(all)
	return all, nil
}

func importsMCP(f *ast.File) bool {
	return slices.ContainsFunc(f.Imports, func(i *ast.ImportSpec) bool {
		name, err := strconv.Unquote(i.Path.Value)
		return err == nil && (strings.HasPrefix(name, "github.com/modelcontextprotocol/go-sdk/") || strings.HasPrefix(name, "github.com/mark3labs/mcp-go/"))
	})
}

func parseGo(t *tree, name string) (*ast.File, error) {
	src, err := t.get(name)
	if err != nil {
		return nil, err
	}
	fset := token.NewFileSet()
	f, err := parser.ParseFile(fset, name, src, parser.SkipObjectResolution)
	if err != nil {
		return nil, &Problem{name, lineAt(src, fset.Position(f.End()).Offset), "not readable: " + strings.TrimPrefix(err.Error(), name+":")}
	}
	return f, nil
}

func describeGo(p *Project, t *tree, opts Options) error {
	mod, err := readGoMod(t, path.Join(p.Dir, "go.mod"))
	if err != nil {
		return err
	}
	main := beside(p.Dir, p.Candidate.Path)
	p.Go = &GoProject{Version: "1.26", Main: "./" + strings.TrimPrefix(main, "./"), Sum: t.has(path.Join(p.Dir, "go.sum"))}
	if main == "." || p.Candidate.Path == p.Dir {
		p.Go.Main = "."
	}
	if mod.Go != nil {
		p.Go.Version = goMinor.FindString(mod.Go.Version)
	}
	if mod.Module != nil {
		p.Name = mod.Module.Mod.Path
	}
	if p.Go.Main != "." {
		p.Name = path.Base(p.Go.Main)
	}
	if !p.Go.Sum {
		p.advise("there is no go.sum: run `go mod tidy` and commit it, or the build cannot check what it downloads")
	}
	if err := p.goSources(t); err != nil {
		return err
	}
	p.Transport = cmp.Or(opts.Transport, p.Transport)
	if len(p.Command) == 0 {
		p.Command = []string{"/usr/local/bin/server"}
	}
	return nil
}

var (
	goMinor   = regexp.MustCompile(`^1\.\d+`)
	goAddress = regexp.MustCompile(`^[\w.]*:(\d{2,5})$`)
)

// goUse is what a module's code shows of its server.
type goUse struct {
	stdio, http, sse, stateless bool
	port                        int
	portEnv, path               string
}

// goSources reads transport, port and path out of the module's code.
func (p *Project) goSources(t *tree) error {
	var use goUse
	for _, name := range goFiles(t, p.Dir) {
		f, err := parseGo(t, name)
		if err != nil {
			return err
		}
		if f.Name.Name == "main" && path.Dir(name) != p.Candidate.Path {
			continue // another program of the module
		}
		ast.Inspect(f, use.look)
	}
	p.Port, p.PortEnv, p.Stateless = cmp.Or(p.Port, use.port), use.portEnv, use.stateless
	p.Path = cmp.Or(use.path, p.Path)
	switch {
	case use.stdio && !use.http && !use.sse:
		p.Transport = Stdio
	case use.http && !use.stdio:
		p.Transport = StreamableHTTP
	case use.sse && !use.stdio:
		p.Transport, p.Path = SSE, cmp.Or(use.path, "/sse")
	}
	return nil
}

func (u *goUse) look(n ast.Node) bool {
	switch n := n.(type) {
	case *ast.SelectorExpr:
		switch n.Sel.Name {
		case "StdioTransport", "ServeStdio", "NewStdioServer":
			u.stdio = true
		case "NewStreamableHTTPHandler", "NewStreamableHTTPServer":
			u.http = true
		case "NewSSEHandler", "NewSSEServer":
			u.sse = true
		}
	case *ast.KeyValueExpr:
		if key, ok := n.Key.(*ast.Ident); ok && key.Name == "Stateless" {
			value, isName := n.Value.(*ast.Ident)
			u.stateless = u.stateless || isName && value.Name == "true"
		}
	case *ast.CallExpr:
		u.lookCall(n)
	case *ast.BasicLit:
		if s, err := strconv.Unquote(n.Value); err == nil && n.Kind == token.STRING {
			if m := goAddress.FindStringSubmatch(s); m != nil && u.port == 0 {
				u.port, _ = strconv.Atoi(m[1])
			}
		}
	}
	return true
}

func (u *goUse) lookCall(c *ast.CallExpr) {
	sel, ok := c.Fun.(*ast.SelectorExpr)
	if !ok || len(c.Args) == 0 {
		return
	}
	lit, ok := c.Args[0].(*ast.BasicLit)
	if !ok || lit.Kind != token.STRING {
		return
	}
	arg, err := strconv.Unquote(lit.Value)
	if err != nil {
		return
	}
	switch sel.Sel.Name {
	case "Getenv", "LookupEnv":
		if arg == "PORT" || strings.HasSuffix(arg, "_PORT") {
			u.portEnv = arg
		}
	case "Handle", "HandleFunc", "WithEndpointPath":
		arg = arg[strings.LastIndexByte(arg, ' ')+1:]
		if strings.HasPrefix(arg, "/") && strings.Contains(arg, "mcp") {
			u.path = strings.TrimSuffix(arg, "/")
		}
	}
}

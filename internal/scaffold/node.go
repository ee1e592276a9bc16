package scaffold

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"path"
	"regexp"
	"slices"
	"strings"
)

// NodeProject is how a Node server is installed and built.
type NodeProject struct {
	Version string // major version of Node
	Manager string // npm, pnpm or yarn
	Locked  bool
	Build   bool // there is a build script
	Test    bool // there is a test script that tests
}

type packageJSON struct {
	Name         string            `json:"name"`
	Main         string            `json:"main"`
	Bin          json.RawMessage   `json:"bin"`
	Scripts      map[string]string `json:"scripts"`
	Dependencies map[string]string `json:"dependencies"`
	Engines      map[string]string `json:"engines"`
}

// nodeLibraries are packages by which a server speaks MCP.
func nodeLibrary(name string) bool {
	return name == "@modelcontextprotocol/sdk" || name == "@modelcontextprotocol/server" || name == "fastmcp" || name == "mcp-framework"
}

func nodeCandidates(t *tree) ([]Candidate, error) {
	var out []Candidate
	for _, name := range t.names {
		if path.Base(name) != "package.json" {
			continue
		}
		doc, err := readPackage(t, name)
		if err != nil {
			return nil, err
		}
		for _, lib := range slices.Sorted(maps.Keys(doc.Dependencies)) {
			if nodeLibrary(lib) {
				out = append(out, Candidate{Path: name, Language: Node, dir: path.Dir(name), About: "it depends on " + lib})
				break
			}
		}
	}
	return out, nil
}

func readPackage(t *tree, name string) (packageJSON, error) {
	var doc packageJSON
	src, err := t.get(name)
	if err != nil {
		return doc, err
	}
	err = json.Unmarshal([]byte(src), &doc)
	if err == nil {
		return doc, nil
	}
	bad := &Problem{File: name, Line: 1, Message: "not readable: " + err.Error()}
	if at, ok := errors.AsType[*json.SyntaxError](err); ok {
		bad.Line = lineAt(src, int(at.Offset)-1)
	}
	if at, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		bad.Line = lineAt(src, int(at.Offset)-1)
	}
	return doc, bad
}

var (
	major      = regexp.MustCompile(`\d+`)
	plainNode  = regexp.MustCompile(`^node\s+([\w@./=: -]+)$`)
	tsStdio    = regexp.MustCompile(`\bStdioServerTransport\b|transportType:\s*["']stdio["']`)
	tsHTTP     = regexp.MustCompile(`\b(?:Node|WebStandard)?StreamableHTTP(?:Server)?Transport\b|\bcreateMcp\w*Handler\b|transportType:\s*["']httpStream["']`)
	tsSSE      = regexp.MustCompile(`\bSSEServerTransport\b`)
	tsListen   = regexp.MustCompile(`\.listen\(`)
	tsPort     = regexp.MustCompile(`\bport:\s*([^,\n}]+)`)
	tsPath     = regexp.MustCompile(`\.(?:post|all|use)\(\s*["'](/[\w/-]+)["']`)
	tsTest     = regexp.MustCompile(`\.(?:test|spec|d|config)\.[cm]?[jt]s$`)
	tsNoID     = regexp.MustCompile(`sessionIdGenerator:\s*undefined|stateless:\s*true`)
	noTestYet  = regexp.MustCompile(`no test specified`)
	nodeSource = []string{".ts", ".mts", ".cts", ".js", ".mjs", ".cjs"}
)

func describeNode(p *Project, t *tree, opts Options) error {
	doc, err := readPackage(t, p.Candidate.Path)
	if err != nil {
		return err
	}
	p.Name = doc.Name
	p.Node = &NodeProject{Version: "24", Build: doc.Scripts["build"] != "", Test: doc.Scripts["test"] != "" && !noTestYet.MatchString(doc.Scripts["test"])}
	if v := major.FindString(doc.Engines["node"]); v != "" && !strings.ContainsAny(doc.Engines["node"], "><") {
		p.Node.Version = v
	}
	p.nodeManager(t)
	if err := p.nodeSources(t); err != nil {
		return err
	}
	p.Transport = cmp.Or(opts.Transport, p.Transport)
	if len(p.Command) > 0 {
		return nil
	}
	p.Command, err = startOf(doc)
	if err != nil {
		src, _ := t.get(p.Candidate.Path)
		return &Problem{p.Candidate.Path, lineAt(src, strings.Index(src, `"start"`)), err.Error()}
	}
	return nil
}

// nodeManager decides by the lock file who installs.
func (p *Project) nodeManager(t *tree) {
	p.Node.Manager = "npm"
	for _, lock := range []struct{ file, manager string }{{"package-lock.json", "npm"}, {"npm-shrinkwrap.json", "npm"}, {"pnpm-lock.yaml", "pnpm"}, {"yarn.lock", "yarn"}} {
		if t.has(path.Join(p.Dir, lock.file)) {
			p.Node.Manager, p.Node.Locked = lock.manager, true
			return
		}
	}
	p.advise("there is no lock file, so the image cannot be built: run `npm install --package-lock-only` and commit package-lock.json")
}

// nodeSources reads transport, port and path out of the project's own code.
func (p *Project) nodeSources(t *tree) error {
	var stdio, http, sse bool
	for _, name := range t.below(p.Dir, nodeSource...) {
		if tsTest.MatchString(name) {
			continue
		}
		if dir := t.nearest(name, "package.json"); dir != p.Dir {
			continue
		}
		src, err := t.get(name)
		if err != nil {
			return err
		}
		src = uncommented(src, "//", "*")
		stdio, http, sse = stdio || tsStdio.MatchString(src), http || tsHTTP.MatchString(src), sse || tsSSE.MatchString(src)
		p.Stateless = p.Stateless || tsNoID.MatchString(src)
		p.nodeListener(src)
	}
	switch {
	case stdio && !http && !sse:
		p.Transport = Stdio
	case http && !stdio:
		p.Transport = StreamableHTTP
	case sse && !stdio:
		p.Transport, p.Path = SSE, "/sse"
	}
	return nil
}

func (p *Project) nodeListener(src string) {
	exprs := []string{}
	for _, c := range calls(src, tsListen) {
		exprs = append(exprs, append(split(c.args), "")[0])
	}
	if tsHTTP.MatchString(src) {
		for _, m := range tsPort.FindAllStringSubmatch(src, -1) {
			exprs = append(exprs, m[1])
		}
	}
	for _, expr := range exprs {
		v := evaluate(src, expr)
		if n, ok := v.int(); ok && p.Port == 0 {
			p.Port = n
		}
		p.PortEnv = cmp.Or(p.PortEnv, v.env)
	}
	for _, m := range tsPath.FindAllStringSubmatch(src, -1) {
		if strings.Contains(m[1], "mcp") {
			p.Path = m[1]
		}
	}
}

// startOf finds the command line that starts the server without npm, which
// would keep SIGTERM to itself.
func startOf(doc packageJSON) ([]string, error) {
	if start := doc.Scripts["start"]; start != "" {
		if m := plainNode.FindStringSubmatch(strings.TrimSpace(start)); m != nil {
			return append([]string{"node"}, strings.Fields(m[1])...), nil
		}
		return nil, fmt.Errorf("the start script is %q, which is no plain `node FILE`: give the command line behind --, such as -- node dist/index.js", oneLine(start))
	}
	var one string
	var several map[string]string
	if json.Unmarshal(doc.Bin, &one) != nil {
		_ = json.Unmarshal(doc.Bin, &several) // neither: there is none
		for _, name := range slices.Sorted(maps.Keys(several)) {
			one = cmp.Or(one, several[name])
		}
	}
	if file := cmp.Or(one, doc.Main); file != "" {
		return []string{"node", path.Clean(file)}, nil
	}
	return nil, errors.New("there is no start script, bin or main: give the command line behind --, such as -- node dist/index.js")
}

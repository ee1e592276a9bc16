package lint

import (
	"path"
	"regexp"
	"slices"
	"strings"

	"golang.org/x/mod/modfile"
	"golang.org/x/mod/semver"
)

func dependencyRules() []Rule {
	return []Rule{
		{Name: "deps.python_unpinned", Reads: "requirements.txt, pyproject.toml, locks", Check: pythonUnpinned},
		{Name: "deps.python_unhashed", Reads: "requirements.txt, locks", Check: pythonUnhashed},
		{Name: "deps.npm_unlocked", Reads: "package.json, locks, Dockerfiles", Check: npmUnlocked},
		{Name: "deps.go_replaced", Reads: "go.mod", Check: goReplaced},
		{Name: "deps.no_such_version", Reads: "requirements.txt, pyproject.toml", Check: noSuchVersion},
		{Name: "deps.vulnerable", Reads: "requirements.txt, pyproject.toml, locks, package.json, go.mod", Check: vulnerable},
		{Name: "deps.missing", Reads: "Python, requirements.txt, pyproject.toml", Heuristic: true, Check: depsMissing},
	}
}

// hasBeside tells whether a file of a kind lies in the same folder.
func (x *Index) hasBeside(f *File, kind FileKind) bool {
	return slices.ContainsFunc(x.files, func(g *File) bool { return g.Kind == kind && g.Dir() == f.Dir() })
}

// mcpDeps gives the dependency files of a kind that belong to an MCP server.
func (p *Pass) mcpDeps(kind FileKind) []*File {
	return slices.DeleteFunc(p.ofKind(kind), func(f *File) bool {
		own := slices.ContainsFunc(f.deps, func(d dependency) bool { return isMCPLibrary(d.name) })
		return !own && !p.opts.All && !slices.ContainsFunc(p.entries(), func(g *File) bool { return within(g.Path, f.Dir()) })
	})
}

// locked tells whether a lock file lies in the folder of a dependency file or
// above it, as in workspaces.
func (x *Index) locked(f *File, kind FileKind) bool {
	return slices.ContainsFunc(x.files, func(g *File) bool { return g.Kind == kind && within(f.Path, g.Dir()) })
}

func pythonUnpinned(p *Pass) {
	for _, kind := range []FileKind{Requirements, PyProject} {
		for _, f := range p.mcpDeps(kind) {
			if p.locked(f, PyLock) || kind == PyProject && p.hasBeside(f, Requirements) {
				continue
			}
			for _, d := range f.deps {
				if d.version == "" && !d.url || strings.Contains(d.version, "*") {
					spec := d.spec
					if spec == "" {
						spec = "any version"
					}
					p.ReportLine(f, d.line, d.name, nil, d.name+" asks for "+spec+", and there is no lock file")
				}
			}
		}
	}
}

func pythonUnhashed(p *Pass) {
	for _, f := range p.mcpDeps(Requirements) {
		if p.locked(f, PyLock) || len(f.deps) == 0 {
			continue
		}
		pinnedAll := !slices.ContainsFunc(f.deps, func(d dependency) bool { return d.version == "" })
		hashed := !slices.ContainsFunc(f.deps, func(d dependency) bool { return !d.hashed })
		if pinnedAll && !hashed {
			p.ReportLine(f, f.deps[0].line, "hashes", nil, "the requirements are pinned without hashes, and what they pull in is not listed or locked")
		}
	}
}

func npmUnlocked(p *Pass) {
	for _, f := range p.ofKind(PackageJSON) {
		for _, o := range f.objects {
			deps := o.root.Get("dependencies")
			if !usesMCP(deps) || p.locked(f, PackageLock) {
				continue
			}
			for name, v := range deps.Fields() {
				if !exactVersion.MatchString(v.Str()) {
					p.Report(v, "%s asks for %s, and there is no lock file", name, v.Str())
				}
			}
		}
	}
	for _, f := range p.serverDockerfiles() {
		for _, in := range f.docker.instructions {
			if in.Name == "RUN" && npmInstall.MatchString(in.Args+"\n"+in.Body) {
				p.ReportLine(f, in.Line, "npm install", nil, "the image is built with npm install, which may change what the lock file says")
			}
		}
	}
}

var (
	exactVersion = regexp.MustCompile(`^v?\d+\.\d+\.\d+[\w.+-]*$|^(?:file|link|workspace):`)
	npmInstall   = regexp.MustCompile(`\bnpm (?:install|i)(?:\s+--?[\w=-]+)*\s*(?:$|&&|;|\|)`)
)

func usesMCP(deps Value) bool {
	for name := range deps.Fields() {
		if isMCPLibrary(name) || name == "mcp-framework" || name == "mcp-remote" {
			return true
		}
	}
	return false
}

func goReplaced(p *Pass) {
	for _, f := range p.ofKind(GoMod) {
		if !slices.ContainsFunc(f.deps, func(d dependency) bool { return isMCPLibrary(d.name) }) && !p.opts.All {
			continue
		}
		mod, err := modfile.Parse(f.Path, f.src, nil) // ParseLax leaves replace out
		if err != nil {
			continue
		}
		for _, r := range mod.Replace {
			local := strings.HasPrefix(r.New.Path, "../") || strings.HasPrefix(r.New.Path, "/")
			if r.New.Version == "" && local {
				p.ReportLine(f, r.Syntax.Start.Line, r.Old.Path, nil, r.Old.Path+" is replaced by "+r.New.Path)
			}
		}
	}
}

// gap is a range of versions that was never released: after one, before the
// next, by the index of PyPI on 2026-11-22.
type gap struct{ ecosystem, name, after, before string }

func gaps() []gap {
	return []gap{{"pypi", "fastmcp", "0.4.1", "1.0"}, {"pypi", "fastmcp", "1.0", "2.0.0"}, {"pypi", "mcp", "", "0.9.1"}}
}

func noSuchVersion(p *Pass) {
	for _, f := range append(p.ofKind(Requirements), p.ofKind(PyProject)...) {
		for _, d := range f.deps {
			for _, g := range gaps() {
				if d.name == g.name && d.version != "" && (g.after == "" || older(g.after, d.version)) && older(d.version, g.before) {
					next := g.before
					seen := d.name + " " + d.version + " was never released"
					if g.after != "" {
						seen += ": " + g.after + " was followed by " + next
					}
					p.ReportLine(f, d.line, d.name, nil, seen)
				}
			}
		}
	}
}

// older compares versions of any ecosystem by semver's rules.
func older(a, b string) bool { return semver.Compare(asSemver(a), asSemver(b)) < 0 }

var leadingNumbers = regexp.MustCompile(`^v?(\d+)(?:\.(\d+))?(?:\.(\d+))?`)

// asSemver keeps the numbers and turns what follows into a pre-release where it
// is one: 1.10.0rc1, 2.0.0-beta.
func asSemver(s string) string {
	m := leadingNumbers.FindStringSubmatch(s)
	if m == nil {
		return ""
	}
	var out strings.Builder
	out.WriteString("v" + m[1])
	for _, part := range m[2:] {
		if part == "" {
			part = "0"
		}
		out.WriteString("." + part)
	}
	rest := s[len(m[0]):]
	if rest != "" && !strings.HasPrefix(rest, ".post") && !strings.HasPrefix(rest, "+") {
		out.WriteString("-0")
	}
	return out.String()
}

// hole is a published vulnerability of an MCP library.
type hole struct {
	name  string // as isMCPLibrary and the dependency files write it
	since string // first bad version, "" for all
	fixed string
	id    string
	what  string
}

// holes lists what concerns servers and their clients, with the first version
// that is good. Sources: the Go vulnerability database (2026-08-21), OSV and the
// projects' advisories; docs/findings.md names the ids.
func holes() []hole {
	return []hole{
		{"mcp", "", "1.23.0", "CVE-2025-66416", "a web page can reach a local server by DNS rebinding"},
		{"@modelcontextprotocol/sdk", "", "1.24.0", "CVE-2025-66414", "a web page can reach a local server by DNS rebinding"},
		{"@modelcontextprotocol/sdk", "1.10.0", "1.26.0", "CVE-2026-25536", "answers of a reused transport reach another client"},
		{"fastmcp", "", "3.2.0", "CVE-2026-32871", "OpenAPI bridges send credentials to paths that a caller chooses"},
		{"github.com/modelcontextprotocol/go-sdk", "", "1.4.1", "CVE-2026-33252", "a web page can call tools across sites"},
		{"mcp-remote", "0.0.5", "0.1.16", "CVE-2025-6514", "a malicious server runs commands on the client"},
		{"mcp-framework", "", "0.2.22", "CVE-2026-39313", "the limit of request bodies is not enforced"},
		{"mcp-server-kubernetes", "", "3.6.0", "CVE-2026-46519", "tools hidden by read-only mode still run"},
	}
}

func vulnerable(p *Pass) {
	for _, f := range p.files {
		for _, d := range f.deps {
			if h, bad := holeIn(d.name, d.version); bad {
				p.ReportLine(f, d.line, d.name, nil, d.name+" "+d.version+" has "+h.id+": "+h.what+"; mended in "+h.fixed)
			}
		}
		if f.Kind != PackageJSON {
			continue
		}
		for _, o := range f.objects {
			for name, v := range o.root.Get("dependencies").Fields() {
				if h, bad := holeIn(name, v.Str()); bad && exactVersion.MatchString(v.Str()) {
					p.Report(v, "%s %s has %s: %s; mended in %s", name, v.Str(), h.id, h.what, h.fixed)
				}
			}
		}
	}
}

func holeIn(name, version string) (hole, bool) {
	if version == "" || asSemver(version) == "" {
		return hole{}, false
	}
	for _, h := range holes() {
		if h.name == name && (h.since == "" || !older(version, h.since)) && older(version, h.fixed) {
			return h, true
		}
	}
	return hole{}, false
}

var (
	importLine = regexp.MustCompile(`^\s*(?:from\s+([A-Za-z_]\w*)[\w.]*\s+import|import\s+([A-Za-z_]\w*))`)
)

// distributions gives the packages that bring an import, the first of them the
// one to name; the MCP libraries bring some of the others with them. Only what
// is listed is judged.
func distributions() map[string][]string {
	return map[string][]string{
		"fastapi": {"fastapi"}, "httpx": {"httpx", "mcp", "fastmcp"}, "requests": {"requests"}, "uvicorn": {"uvicorn", "mcp", "fastmcp"},
		"starlette": {"starlette", "fastapi", "mcp", "fastmcp"}, "jwt": {"pyjwt"}, "jose": {"python-jose"}, "redis": {"redis"},
		"pydantic": {"pydantic", "fastapi", "mcp", "fastmcp"}, "fastmcp": {"fastmcp"}, "mcp": {"mcp", "fastmcp"}, "aiohttp": {"aiohttp"},
		"yaml": {"pyyaml"}, "dotenv": {"python-dotenv", "fastmcp"}, "psycopg": {"psycopg", "psycopg-binary"}, "authlib": {"authlib", "fastmcp"},
		"flask": {"flask"}, "boto3": {"boto3"}, "kubernetes": {"kubernetes"},
	}
}

func depsMissing(p *Pass) {
	known := distributions()
	for _, code := range p.ofKind(Python) {
		required, where := p.requiredFor(code)
		if where == "" {
			continue
		}
		for i, line := range code.code.lines {
			m := importLine.FindStringSubmatch(line)
			if m == nil {
				continue
			}
			name := m[1] + m[2]
			names, judged := known[name]
			if !judged || slices.ContainsFunc(names, func(n string) bool { return required[n] }) {
				continue
			}
			p.ReportLine(code, i+1, name, nil, name+" is imported, and "+where+" does not name "+names[0])
		}
	}
}

// requiredFor gives the packages that the dependency files of the nearest
// folder name, and one of those files.
func (p *Pass) requiredFor(code *File) (map[string]bool, string) {
	required, where, depth := map[string]bool{}, "", -1
	for _, f := range p.files {
		if f.Kind != Requirements && f.Kind != PyProject && f.Kind != PyLock || len(f.deps) == 0 || !within(code.Path, f.Dir()) {
			continue
		}
		switch n := len(path.Clean(f.Dir())); {
		case n > depth:
			required, where, depth = map[string]bool{}, f.Path, n
		case n < depth:
			continue
		}
		for _, d := range f.deps {
			required[d.name] = true
		}
	}
	return required, where
}

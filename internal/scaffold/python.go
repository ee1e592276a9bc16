package scaffold

import (
	"cmp"
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"
)

// PythonProject is how a Python server's dependencies are installed.
type PythonProject struct {
	Version      string // of Python: 3.13
	Requirements string // file name, if that is what is installed
	Hashed       bool   // every requirement carries hashes
	Locked       bool   // uv.lock
	Package      bool   // the project itself is installed
	Dev          string // requirements file of the tests
	Pytest       bool
	// HostEnv is the variable that opens the listener where the code names no
	// host.
	HostEnv string
	Readme  string // a file that the build of the package reads
}

// pythonEntry is a Python file that builds a server.
type pythonEntry struct {
	object  string // the server's variable
	library string // fastmcp or mcp
	starts  bool   // the file runs it
}

var (
	pyImport = regexp.MustCompile(`(?m)^\s*(?:from\s+(fastmcp|mcp)\b[\w.]*\s+import|import\s+(fastmcp|mcp)\b)`)
	pyServer = regexp.MustCompile(`(?m)^[ \t]*(\w+)\s*(?::[^=\n]+)?=\s*(?:\w+\.)*(?:FastMCP|MCPServer|Server)\(`)
	pyRun    = regexp.MustCompile(`(?m)^[^\S\n]*[^#\n]*?\b(\w+)\.run(?:_async)?\(`)
	pyAsync  = regexp.MustCompile(`\.run_(stdio|streamable_http|http|sse)_async\(`)
	pyStdio  = regexp.MustCompile(`\bstdio_server\(`)
	pyApp    = regexp.MustCompile(`(?m)^(\w+)\s*(?::[^=\n]+)?=\s*\w+\.(http_app|streamable_http_app|sse_app)\(`)
	pyRoot   = regexp.MustCompile(`(?m)^(\w+)\s*(?::[^=\n]+)?=\s*(?:FastAPI|Starlette)\(`)
	uvicorn  = regexp.MustCompile(`\buvicorn\.run\(`)
	pyTest   = regexp.MustCompile(`(?:^|/)(?:test_[^/]*|[^/]*_test|conftest|setup|noxfile)\.py$`)
)

func pythonCandidates(t *tree) ([]Candidate, error) {
	var out []Candidate
	for _, name := range t.below(".", ".py") {
		if pyTest.MatchString(name) {
			continue
		}
		src, err := t.get(name)
		if err != nil {
			return nil, err
		}
		src = uncommented(src, "#")
		lib, object := pyImport.FindStringSubmatch(src), pyServer.FindStringSubmatch(src)
		if lib == nil || object == nil {
			continue
		}
		e := &pythonEntry{object: object[1], library: lib[1] + lib[2]}
		e.starts = len(runsOf(src, e)) > 0 || uvicorn.MatchString(src) || pyStdio.MatchString(src) || pyApp.MatchString(src)
		dir := t.nearest(name, "pyproject.toml", "requirements.txt", "uv.lock", "setup.py")
		out = append(out, Candidate{Path: name, Language: Python, dir: dir, python: e,
			About: fmt.Sprintf("%s is a server of %s", e.object, e.library)})
	}
	// Within one project, files that only build a part do not compete with the
	// one that starts it.
	starts := func(dir string) bool {
		return slices.ContainsFunc(out, func(c Candidate) bool { return c.dir == dir && c.python.starts })
	}
	out = slices.DeleteFunc(slices.Clone(out), func(c Candidate) bool { return !c.python.starts && starts(c.dir) })
	packages, err := packageCandidates(t, out)
	return append(out, packages...), err
}

// runsOf finds the calls of run on the server's object.
func runsOf(src string, e *pythonEntry) []call {
	return slices.DeleteFunc(calls(src, pyRun), func(c call) bool { return c.name != e.object })
}

func describePython(p *Project, t *tree, opts Options) error {
	py := &PythonProject{Version: "3.13"}
	p.Python = py
	src, err := t.get(p.Candidate.Path)
	if err != nil {
		return err
	}
	src = uncommented(src, "#")
	script, err := p.readPyProject(t)
	if err != nil {
		return err
	}
	if err := p.readRequirements(t); err != nil {
		return err
	}
	py.Pytest = t.hasDir(path.Join(p.Dir, "tests")) || slices.ContainsFunc(t.below(p.Dir, ".py"), pyTest.MatchString)
	if src, err := t.get(path.Join(p.Dir, ".python-version")); err == nil {
		if v := pyMinor.FindString(src); v != "" {
			py.Version = v
		}
	}
	if p.python.object == "" {
		return p.startPackage(t, script, opts)
	}
	p.Stateless = regexp.MustCompile(`\bstateless(?:_http)?\s*=\s*True\b`).MatchString(src)
	return p.startPython(t, script, opts)
}

// startPackage starts a package by its script.
func (p *Project) startPackage(t *tree, script string, opts Options) error {
	if len(p.Command) == 0 && script == "" {
		return &Problem{File: p.Candidate.Path, Message: "cannot tell which of the project's scripts starts the server: give the command line behind --"}
	}
	if len(p.Command) == 0 {
		p.Command = []string{script}
	}
	if opts.Transport != "" {
		return nil
	}
	return p.packageTransport(t)
}

// startPython finds transport, port and command line.
func (p *Project) startPython(t *tree, script string, opts Options) error {
	src, err := t.get(p.Candidate.Path)
	if err != nil {
		return err
	}
	src = uncommented(src, "#")
	e := p.python
	file := beside(p.Dir, p.Candidate.Path)
	command := []string{"python", file}
	if script != "" {
		command = []string{script}
	}
	runs, app := runsOf(src, e), pyApp.FindStringSubmatch(src)
	served := calls(src, uvicorn)
	switch {
	case opts.Transport != "":
		p.detectPython(src, runs, served)
		p.Transport = opts.Transport
	case len(runs) > 0, len(served) > 0, pyAsync.MatchString(src), pyStdio.MatchString(src):
		p.detectPython(src, runs, served)
		if p.Transport == "" && len(opts.Command) == 0 && len(runs) > 0 {
			return &Problem{p.Candidate.Path, runs[0].line, fmt.Sprintf("cannot tell the transport from %s.run(%s): say --transport stdio or --transport streamable-http", e.object, oneLine(runs[0].args))}
		}
	case app != nil:
		p.Transport = StreamableHTTP
		if app[2] == "sse_app" {
			p.Transport = SSE
		}
		p.Port = cmp.Or(p.Port, 8000)
		name := app[1]
		if outer := pyRoot.FindStringSubmatch(src); outer != nil {
			name = outer[1]
		}
		command = uvicornCommand(module(file)+":"+name, p.Port)
	case script != "":
		return p.startPackage(t, script, opts)
	case e.library == "fastmcp":
		p.Transport = StreamableHTTP
		p.Port = cmp.Or(p.Port, 8000)
		command = []string{"fastmcp", "run", file + ":" + e.object, "--transport", "http", "--host", "0.0.0.0", "--port", fmt.Sprint(p.Port)}
	default:
		return &Problem{p.Candidate.Path, lineAt(src, strings.Index(src, e.object)), "nothing here runs " + e.object + ": add " + e.object + `.run(transport="streamable-http") under if __name__ == "__main__", or give the command line behind --`}
	}
	if len(p.Command) == 0 {
		p.Command = command
	}
	return nil
}

// detectPython reads transport, port and path out of the calls that start it.
func (p *Project) detectPython(src string, runs, served []call) {
	transport := ""
	take := func(name string) value { return value{} }
	switch {
	case len(runs) > 0:
		args := keywords(src, runs[len(runs)-1].args)
		take = func(name string) value { return args[name] }
		v, given := args["transport"]
		switch {
		case pyStdio.MatchString(src) && !v.known:
			transport = Stdio // run takes the streams
		case !given && !strings.Contains(runs[len(runs)-1].args, "*"):
			transport = Stdio // the default of both libraries
		case v.known:
			transport = v.text
		}
	case len(served) > 0:
		transport = StreamableHTTP
		args := keywords(src, served[len(served)-1].args)
		take = func(name string) value { return args[name] }
		p.Python.HostEnv = "UVICORN_HOST"
	case pyStdio.MatchString(src):
		transport = Stdio
	default:
		transport = strings.ReplaceAll(pyAsync.FindStringSubmatch(src)[1], "_", "-")
	}
	if transport == "http" {
		transport = StreamableHTTP
	}
	p.Transport = transport
	port := take("port")
	if !port.known && port.env == "" { // the SDK of 2025 takes it in the constructor
		if made := calls(src, pyServer); len(made) > 0 {
			port = keywords(src, made[0].args)["port"]
		}
	}
	p.PortEnv = port.env
	if n, ok := port.int(); ok && p.Port == 0 {
		p.Port = n
	}
	for _, name := range []string{"path", "streamable_http_path"} {
		if v := take(name); v.known && strings.HasPrefix(v.text, "/") {
			p.Path = strings.TrimSuffix(v.text, "/")
		}
	}
	switch host := take("host"); {
	case transport == Stdio:
	case host.env != "":
		p.Python.HostEnv = host.env
	case host.known:
		p.Python.HostEnv = ""
	case len(runs) > 0:
		p.loopback(runs[len(runs)-1].line, src)
	}
	if transport == SSE && p.Path == "/mcp" {
		p.Path = "/sse"
	}
}

// loopback deals with a server that names no host: fastmcp takes it from the
// environment, the SDK does not.
func (p *Project) loopback(line int, src string) {
	if p.python.library == "fastmcp" {
		p.Python.HostEnv = "FASTMCP_HOST"
		return
	}
	if made := calls(src, pyServer); len(made) == 0 || !keywords(src, made[0].args)["host"].known {
		p.advise("%s:%d: no host is given, so it listens on this machine only: the front in the same pod reaches it, nobody else does; pass host=\"0.0.0.0\"", p.Candidate.Path, line)
	}
}

// keywords reads keyword arguments; a first positional one is the transport.
func keywords(src, args string) map[string]value {
	out := map[string]value{}
	for i, a := range split(args) {
		name, expr, ok := strings.Cut(a, "=")
		if name = strings.TrimSpace(name); ok && nameOnly.MatchString(name) {
			out[name] = evaluate(src, expr)
		} else if i == 0 && !strings.HasPrefix(a, "*") {
			out["transport"] = evaluate(src, a)
		}
	}
	return out
}

// uvicornCommand starts an ASGI application so that it ends in time and keeps
// idle connections longer than proxies do.
func uvicornCommand(target string, port int) []string {
	return []string{"python", "-m", "uvicorn", target, "--host", "0.0.0.0", "--port", fmt.Sprint(port),
		"--timeout-graceful-shutdown", "30", "--timeout-keep-alive", "75", "--forwarded-allow-ips", "127.0.0.1"}
}

func module(file string) string {
	return strings.ReplaceAll(strings.TrimPrefix(strings.TrimSuffix(file, ".py"), "src/"), "/", ".")
}

func oneLine(s string) string {
	s = strings.Join(strings.Fields(s), " ")
	if len(s) > 60 {
		s = s[:60] + "…"
	}
	return s
}

package lint

import (
	"regexp"
	"slices"
	"strings"
)

// The rules of this file read program text. They match patterns and understand
// nothing, so each is marked as a heuristic and stays silent where the text
// leaves it in doubt.

func entryRules() []Rule {
	return []Rule{
		{Name: "probe.route_shadowed", Reads: "Python", Heuristic: true, Check: routeShadowed},
		{Name: "lifecycle.lifespan_missing", Reads: "Python", Heuristic: true, Check: lifespanMissing},
		{Name: "lifecycle.sigterm_ignored", Reads: "TypeScript", Heuristic: true, Check: sigtermIgnored},
		{Name: "route.transport_mismatch", Reads: "Python, TypeScript, server pods, routes", Heuristic: true, Check: transportMismatch},
		{Name: "entry.old_transport_only", Reads: "Python, TypeScript, server pods", Heuristic: true, Check: oldTransportOnly},
		{Name: "listen.loopback", Reads: "server pods, Dockerfiles, compose, Python, TypeScript", Heuristic: true, Check: listenLoopback},
		{Name: "stdio.stray_output", Reads: "Python, TypeScript", Heuristic: true, Check: strayOutput},
	}
}

var (
	mountRoot   = regexp.MustCompile(`(?:\.mount|\bMount)\(\s*["']/?["']`)
	anyMount    = regexp.MustCompile(`(?:\.mount|\bMount)\(`)
	healthRoute = regexp.MustCompile(`(?:@\w+\.(?:get|head|route|api_route)|\bRoute|\.add_(?:api_)?route)\(\s*["'](/[^"']*(?:health|live|ready|ping|status)[^"']*)["']`)
)

func routeShadowed(p *Pass) {
	for _, f := range p.ofKind(Python) {
		mount, _ := f.code.find(mountRoot)
		if mount == 0 {
			continue
		}
		var hidden []string
		for _, line := range f.code.lines[mount-1:] {
			if m := healthRoute.FindStringSubmatch(line); m != nil {
				hidden = append(hidden, m[1])
			}
		}
		if len(hidden) > 0 {
			p.ReportLine(f, mount, "mount", nil, "an application is mounted at / before "+strings.Join(hidden, " and ")+" is registered")
		}
	}
}

var (
	streamableApp = regexp.MustCompile(`\.(?:http_app|streamable_http_app)\(([^)]*)`)
	lifespanGiven = regexp.MustCompile(`\blifespan\b|session_manager\.run`)
)

func lifespanMissing(p *Pass) {
	for _, f := range p.ofKind(Python) {
		app, m := f.code.find(streamableApp)
		mount, _ := f.code.find(anyMount)
		if app == 0 || mount == 0 || strings.Contains(m[1], `"sse"`) || f.code.has(lifespanGiven) {
			continue
		}
		p.ReportLine(f, mount, "mount", nil, "a streamable HTTP application is mounted, and no lifespan is passed on")
	}
}

var (
	listens       = regexp.MustCompile(`\.listen\(`)
	handlesSignal = regexp.MustCompile(`SIGTERM|terminus|close-with-grace|graceful`)
)

func sigtermIgnored(p *Pass) {
	for _, f := range p.ofKind(TypeScript) {
		line, _ := f.code.find(listens)
		if line == 0 || f.code.has(handlesSignal) || p.hasInit(f) {
			continue
		}
		p.ReportLine(f, line, "listen", nil, "the server listens, and nothing in this file handles SIGTERM")
	}
}

// hasInit tells whether the image of the code starts an init that forwards
// signals and lets them act.
func (p *Pass) hasInit(code *File) bool {
	for _, f := range p.ofKind(Dockerfile) {
		words, _, ok := f.docker.command()
		if ok && within(code.Path, f.Dir()) && slices.Contains([]string{"tini", "dumb-init", "catatonit"}, program(words)) {
			return true
		}
	}
	return false
}

var (
	oldPython = regexp.MustCompile(`\.sse_app\(|transport\s*=\s*["']sse["']|\.run_sse_async\(|\bcreate_sse_server\(|\bSseServerTransport\(`)
	newPython = regexp.MustCompile(`streamable|\.http_app\(|transport\s*=\s*["'](?:http|streamable-http)["']|StreamableHTTPSessionManager`)
	oldScript = regexp.MustCompile(`\bSSEServerTransport\b`)
	newScript = regexp.MustCompile(`StreamableHTTPServerTransport|WebStandardStreamableHTTP|transportType:\s*["']httpStream["']`)
	argvSays  = regexp.MustCompile(`add_argument\([^)]*transport|process\.argv|os\.environ|process\.env\.\w*TRANSPORT`)
)

// transports tells which transports over HTTP an entry point serves.
func (f *File) transports() (old, modern int) { return f.code.oldHTTP, f.code.newHTTP }

// entries gives the entry points of both languages.
func (p *Pass) entries() []*File { return append(p.ofKind(Python), p.ofKind(TypeScript)...) }

func oldTransportOnly(p *Pass) {
	for _, f := range p.entries() {
		if old, modern := f.transports(); old > 0 && modern == 0 && !f.code.has(argvSays) && !p.servedBeside(f) {
			p.ReportLine(f, old, "sse", nil, "the server offers HTTP with SSE (/sse and /messages) and no streamable HTTP")
		}
	}
	for _, w := range p.Servers() {
		if at, ok := w.saysSSE(); ok {
			p.Report(at, "container %s is told to serve the transport sse", w.Server().Name)
		}
	}
}

// servedBeside tells whether another file of the same folder serves streamable
// HTTP: one file for each transport is a common layout.
func (p *Pass) servedBeside(f *File) bool {
	return slices.ContainsFunc(p.entries(), func(g *File) bool {
		_, modern := g.transports()
		return g.Dir() == f.Dir() && modern > 0
	})
}

// saysSSE finds a flag or variable that selects the old transport.
func (w *Workload) saysSSE() (Value, bool) {
	c := w.Server()
	if t, ok := c.Flag("--transport", "-t"); ok && t == "sse" {
		return c.Get("args").or(c.Get("command")), true
	}
	for _, e := range c.Get("env").List() {
		if strings.HasSuffix(e.Get("name").Str(), "TRANSPORT") && strings.EqualFold(e.Get("value").Str(), "sse") {
			return e.Get("value"), true
		}
	}
	return Value{}, false
}

func transportMismatch(p *Pass) {
	sseOnly, httpOnly := "", ""
	for _, f := range p.entries() {
		switch old, modern := f.transports(); {
		case old > 0 && modern == 0:
			sseOnly = f.Path
		case modern > 0 && old == 0:
			httpOnly = f.Path
		case old > 0:
			return // it serves both
		}
	}
	for _, e := range p.edges() {
		p.compareTransport(e, sseOnly, httpOnly)
	}
}

func (p *Pass) compareTransport(e Edge, sseOnly, httpOnly string) {
	for _, w := range e.Workloads() {
		if at, ok := w.saysSSE(); ok {
			line, _ := at.pos()
			sseOnly = sprintf("%s:%d", w.file.Path, line)
		}
	}
	var mcp, sse *Route
	for _, r := range p.routes {
		if r.Object != e.Object {
			continue
		}
		switch path := strings.TrimRight(r.Path, "/"); {
		case path == "" || strings.ContainsAny(path, "(*"):
			return // everything is routed
		case isMCPPath(path):
			mcp = r
		case strings.HasSuffix(path, "/sse"):
			sse = r
		}
	}
	switch {
	case sseOnly != "" && mcp != nil && sse == nil:
		p.Report(mcp.PathAt, "%s is routed, and %s serves only /sse and /messages", mcp.Path, sseOnly)
	case httpOnly != "" && sseOnly == "" && sse != nil && mcp == nil:
		p.Report(sse.PathAt, "%s is routed, and %s serves only streamable HTTP", sse.Path, httpOnly)
	}
}

var (
	pythonRun  = regexp.MustCompile(`\b\w+\.run\([^)]*transport\s*=\s*["'](?:http|streamable-http|sse)["']`)
	hostGiven  = regexp.MustCompile(`\bhost\s*=|0\.0\.0\.0|["']::["']|_HOST\b`)
	scriptBind = regexp.MustCompile(`\.listen\([^)]*["'](?:127\.0\.0\.1|localhost)["']`)
	hostFlags  = []string{"--host", "--bind", "--address", "--listen", "-h"}
)

func listenLoopback(p *Pass) {
	for _, l := range p.launches() {
		if l.workload != nil && l.workload.fronted() {
			continue
		}
		host, set := flagOf(l.words, hostFlags...)
		switch {
		case set && loopback(host):
			l.report(nil, "the server is told to bind %s", host)
		case !set && l.runs("uvicorn") && !l.env("UVICORN_HOST") && !slices.ContainsFunc(l.words, func(w string) bool { return strings.HasPrefix(w, "--uds") || strings.HasPrefix(w, "--fd") }):
			l.report(nil, "uvicorn without --host binds 127.0.0.1")
		}
	}
	for _, w := range p.Servers() {
		for _, e := range w.Server().Get("env").List() {
			if name := e.Get("name").Str(); (name == "HOST" || strings.HasSuffix(name, "_HOST")) && ownHost(name) && loopback(e.Get("value").Str()) && !w.fronted() {
				p.ReportFix(e.Get("value"), replaceScalar("bind all addresses", e.Get("value"), `"0.0.0.0"`), "%s is %s", name, e.Get("value").Str())
			}
		}
	}
	p.loopbackInCode()
}

func loopback(host string) bool {
	host, _, _ = strings.Cut(host, ":")
	return host == "127.0.0.1" || host == "localhost"
}

// ownHost leaves out variables that name another service's host.
func ownHost(name string) bool {
	return name == "HOST" || strings.HasPrefix(name, "MCP_") || strings.HasPrefix(name, "FASTMCP_") || strings.HasPrefix(name, "SERVER_") || name == "UVICORN_HOST"
}

func (w *Workload) fronted() bool {
	_, ok := w.Front()
	return ok
}

// loopbackInCode judges entry points that run in a container of the input.
func (p *Pass) loopbackInCode() {
	if slices.ContainsFunc(p.servers, (*Workload).fronted) {
		return
	}
	for _, f := range p.entries() {
		image := p.imageOf(f)
		if image == nil {
			continue
		}
		if f.Kind == TypeScript {
			if line, _ := f.code.find(scriptBind); line > 0 {
				p.ReportLine(f, line, "listen", nil, "the server listens on this machine only")
			}
			continue
		}
		line, _ := f.code.find(pythonRun)
		if line == 0 {
			line, _ = f.code.find(uvicornRun)
		}
		if line > 0 && !f.code.has(hostGiven) && !image.docker.sets("FASTMCP_HOST") && !image.docker.sets("UVICORN_HOST") {
			p.ReportLine(f, line, "run", nil, "no host is given, and the default is 127.0.0.1")
		}
	}
}

// imageOf gives the Dockerfile that packs a source file.
func (p *Pass) imageOf(code *File) *File {
	for _, f := range p.ofKind(Dockerfile) {
		if within(code.Path, f.Dir()) {
			return f
		}
	}
	return nil
}

var (
	pythonStdio = regexp.MustCompile(`transport\s*=\s*["']stdio["']|\bstdio_server\(|\bmcp\.run\(\s*\)`)
	pythonPrint = regexp.MustCompile(`^\s*print\((.*)$`)
	scriptStdio = regexp.MustCompile(`\bStdioServerTransport\b`)
	scriptPrint = regexp.MustCompile(`\bconsole\.(?:log|info|debug)\(|process\.stdout\.write\(`)
)

func strayOutput(p *Pass) {
	for _, f := range p.entries() {
		speaks, prints := pythonStdio, pythonPrint
		if f.Kind == TypeScript {
			speaks, prints = scriptStdio, scriptPrint
		}
		old, modern := f.transports()
		if old > 0 || modern > 0 || !f.code.has(speaks) {
			continue
		}
		for i, line := range f.code.lines {
			if prints.MatchString(line) && !strings.Contains(f.code.call(i+1), "stderr") {
				p.ReportLine(f, i+1, sprintf("print-%s", strings.TrimSpace(clip(line, 60))), nil, "a server that speaks stdio writes to standard output here")
			}
		}
	}
}

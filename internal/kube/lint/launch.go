package lint

import (
	"regexp"
	"slices"
	"strings"
)

// launch is one command line that starts a server, wherever it is written.
type launch struct {
	words    []string
	shell    string    // the script, where a shell is started to run it
	shellIs  string    // sh or bash
	workload *Workload // of a manifest; nil for others
	env      func(name string) bool
	report   func(fix *Fix, format string, args ...any)
	where    string // the file, for messages
}

// launches collects how servers are started: by manifests, by Dockerfiles of
// MCP servers and by compose files.
func (p *Pass) launches() []launch {
	var out []launch
	for _, w := range p.Servers() {
		c := w.Server()
		if len(c.Words()) == 0 {
			continue
		}
		at := c.Get("command").or(c.Get("args"))
		out = append(out, newLaunch(c.Words(), launch{workload: w, where: w.file.Path,
			env:    func(name string) bool { _, ok := c.Env(name); return ok },
			report: func(fix *Fix, format string, args ...any) { p.ReportFix(at, fix, format, args...) }}))
	}
	for _, f := range p.serverDockerfiles() {
		words, at, ok := f.docker.command()
		if !ok {
			continue
		}
		if !at.ExecForm {
			words = []string{f.docker.shell(), "-c", at.Args}
		}
		out = append(out, newLaunch(words, launch{where: f.Path, env: f.docker.sets,
			report: func(fix *Fix, format string, args ...any) {
				p.ReportLine(f, at.Line, at.Name, fix, sprintf(format, args...))
			}}))
	}
	for _, s := range p.composeServers() {
		v := s.Get("entrypoint").or(s.Get("command"))
		words := append(s.Get("entrypoint").Strings(), s.Get("command").Strings()...)
		if len(words) == 1 {
			words = strings.Fields(words[0])
		}
		if len(words) > 0 {
			out = append(out, newLaunch(words, launch{where: s.obj.file.Path, env: s.sets,
				report: func(fix *Fix, format string, args ...any) { p.ReportFix(v, fix, format, args...) }}))
		}
	}
	return out
}

func newLaunch(words []string, l launch) launch {
	l.words = words
	switch name := program(words); name {
	case "sh", "ash", "dash", "bash", "busybox":
		i := slices.IndexFunc(words, func(w string) bool { return strings.HasPrefix(w, "-") && strings.HasSuffix(w, "c") })
		if i >= 0 && i+1 < len(words) {
			l.shell, l.shellIs = words[i+1], name
			l.words = strings.Fields(lastCommand(words[i+1]))
			if len(l.words) > 0 && l.words[0] == "exec" {
				l.words = l.words[1:]
			}
		}
	}
	return l
}

var commandEnd = regexp.MustCompile(`&&|\|\||;|\n`)

// lastCommand is the part of a script that is still running when it serves.
func lastCommand(script string) string {
	parts := commandEnd.Split(strings.TrimSpace(strings.TrimRight(script, "; \n")), -1)
	return strings.TrimSpace(parts[len(parts)-1])
}

// keepsShell tells whether the shell stays between the runtime and the server.
// bash replaces itself by a last simple command; dash, which is sh on Debian,
// does not (tried with 5.2 and 0.5.12).
func (l launch) keepsShell() bool {
	if l.shell == "" || len(l.words) == 0 {
		return false
	}
	last := lastCommand(l.shell)
	if strings.HasPrefix(last, "exec ") {
		return false
	}
	return l.shellIs != "bash" || strings.ContainsAny(last, "|&")
}

// runs tells whether the command line starts a program, directly or as a
// module of an interpreter.
func (l launch) runs(name string) bool {
	for i, w := range l.words {
		base := w[strings.LastIndexByte(w, '/')+1:]
		if base == name && (i == 0 || !strings.HasPrefix(w, "-")) {
			return i < 4 // behind python -m, uv run --
		}
	}
	return false
}

// serverDockerfiles gives the Dockerfiles that build MCP servers: those that
// say so, or that stand beside code or dependencies which do.
func (p *Pass) serverDockerfiles() []*File {
	return slices.DeleteFunc(p.ofKind(Dockerfile), func(f *File) bool { return !p.buildsServer(f) })
}

func (x *Index) ofKind(kind FileKind) []*File {
	var out []*File
	for _, f := range x.files {
		if f.Kind == kind {
			out = append(out, f)
		}
	}
	return out
}

func (p *Pass) buildsServer(f *File) bool {
	if p.opts.All {
		return true
	}
	if mcpInDocker.Match(f.src) {
		return true
	}
	for _, g := range p.files {
		switch {
		case !within(g.Path, f.Dir()):
		case g.Kind == Python, g.Kind == TypeScript, g.Kind == ServerJSON:
			return true
		case slices.ContainsFunc(g.deps, func(d dependency) bool { return isMCPLibrary(d.name) }):
			return true
		}
	}
	return false
}

var mcpInDocker = regexp.MustCompile(`(?im)^\s*(?:FROM|RUN|CMD|ENTRYPOINT|ENV|LABEL|EXPOSE|COPY)\b.*?(?:[^a-z0-9]|\b)(?:fast)?mcp(?:[^a-z0-9]|$)|modelcontextprotocol`)

func isMCPLibrary(name string) bool {
	return name == "mcp" || name == "fastmcp" || strings.HasPrefix(name, "@modelcontextprotocol/") ||
		name == "github.com/modelcontextprotocol/go-sdk" || name == "github.com/mark3labs/mcp-go"
}

// within tells whether a file lies in a folder or below it.
func within(name, dir string) bool { return dir == "." || strings.HasPrefix(name, dir+"/") }

// shell is what runs the shell form of CMD and ENTRYPOINT.
func (d *dockerfile) shell() string {
	if in, ok := d.last("SHELL"); ok && strings.Contains(in.Args, "bash") {
		return "bash"
	}
	return "sh"
}

// sets tells whether the final image sets an environment variable.
func (d *dockerfile) sets(name string) bool {
	for _, in := range d.lineage() {
		if in.Name == "ENV" && regexp.MustCompile(`(?:^|\s)`+regexp.QuoteMeta(name)+`[= ]`).MatchString(in.Args) {
			return true
		}
	}
	return false
}

package lint

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
)

func imageRules() []Rule {
	return []Rule{
		{Name: "image.mutable", Reads: "server and monitor pods, MCPServers, Dockerfiles, compose", Check: imageMutable},
		{Name: "image.run_time_install", Reads: "server pods, MCPServers, Dockerfiles, compose", Check: runTimeInstall},
		{Name: "image.user", Reads: "Dockerfiles, server pods", Check: imageUser},
		{Name: "image.no_resources", Reads: "server and monitor pods", Check: noResources},
		{Name: "image.context_leaks", Reads: "Dockerfiles, .dockerignore", Check: contextLeaks},
		{Name: "image.secret_baked", Reads: "Dockerfiles", Check: secretBaked},
		{Name: "image.entry_missing", Reads: "Dockerfiles, Python", Heuristic: true, Check: entryMissing},
		{Name: "image.pull_policy", Reads: "server and monitor pods", Check: pullPolicy},
	}
}

func pinned(image string) bool { return strings.Contains(image, "@sha256:") }

// unpinned says in words how an image is named without a digest.
func unpinned(image string) string {
	switch tag := parseImage(image).tag; tag {
	case "":
		return image + " names no tag, so latest"
	default:
		return image + " is named by a tag"
	}
}

func imageMutable(p *Pass) {
	for _, w := range p.Judged() {
		for _, c := range w.Containers {
			if at := c.Get("image"); c.Image() != "" && !pinned(c.Image()) {
				p.Report(at, "%s", unpinned(c.Image()))
			}
		}
	}
	for _, o := range p.byKind["MCPServer"] {
		for _, path := range [][]string{{"image"}, {"source", "image"}, {"source", "image", "ref"}, {"source", "containerImage", "ref"}, {"deployment", "image"}} {
			if at := o.root.Get(append([]string{"spec"}, path...)...); at.Str() != "" && !pinned(at.Str()) {
				p.Report(at, "%s", unpinned(at.Str()))
			}
		}
	}
	for _, f := range p.serverDockerfiles() {
		p.floatingBases(f)
	}
	for _, s := range p.composeServers() {
		if at := s.Get("image"); at.Str() != "" && !pinned(at.Str()) && !s.Get("build").OK() {
			p.Report(at, "%s", unpinned(at.Str()))
		}
	}
}

// floatingBases judges every FROM that is an image of somebody else.
func (p *Pass) floatingBases(f *File) {
	for _, s := range f.docker.Stages {
		if _, own := f.docker.stageNamed(s.Image); own || s.Image == "scratch" || s.Image == "" || pinned(s.Image) {
			continue
		}
		if strings.Contains(s.Image, "$") && f.docker.argPinned(s.Image) {
			continue
		}
		p.ReportLine(f, s.From.Line, "FROM "+s.Image, nil, "the base image "+unpinned(s.Image))
	}
}

// argPinned resolves a FROM that is a global ARG with a pinned default.
func (d *dockerfile) argPinned(image string) bool {
	name := strings.Trim(image, "${}")
	return slices.ContainsFunc(d.Args, func(in instruction) bool {
		key, value, _ := strings.Cut(in.Args, "=")
		return in.Name == "ARG" && key == name && pinned(value)
	})
}

var (
	exactNpm  = regexp.MustCompile(`^(?:@[\w.-]+/)?[\w.-]+@v?\d+\.\d+\.\d+(?:[-+][\w.+-]+)?$`)
	exactPy   = regexp.MustCompile(`^[\w.-]+(?:\[[\w,.-]+\])?(?:==|@)v?\d+[\w.!+-]*$`)
	npmRunner = []string{"npx", "bunx", "pnpx"}
	pyRunner  = []string{"uvx", "pipx"}
)

// installs tells whether a command line fetches a package before it serves.
func installs(words []string) bool {
	_, _, found := fetched(words)
	return found
}

// fetched finds the package that a command line fetches at start, and whether
// its version is exact.
func fetched(words []string) (pkg string, exact, found bool) {
	for i, word := range words {
		name := word[strings.LastIndexByte(word, '/')+1:]
		rest := words[i+1:]
		switch {
		case slices.Contains(npmRunner, name), (name == "pnpm" || name == "yarn") && len(rest) > 0 && rest[0] == "dlx":
			if pkg := packageArg(rest, "-p", "--package"); pkg != "" && !slices.Contains(rest, "--no-install") && !slices.Contains(rest, "--no") {
				return pkg, exactNpm.MatchString(pkg), true
			}
		case slices.Contains(pyRunner, name), name == "uv" && len(rest) > 1 && rest[0] == "tool" && rest[1] == "run":
			if pkg := packageArg(rest, "--from"); pkg != "" {
				return pkg, exactPy.MatchString(pkg), true
			}
		case (name == "pip" || name == "pip3") && len(rest) > 0 && rest[0] == "install":
			if pkg := packageArg(rest[1:]); pkg != "" {
				return pkg, exactPy.MatchString(pkg), true
			}
		case name == "npm" && len(rest) > 0 && (rest[0] == "install" || rest[0] == "exec" || rest[0] == "i"):
			if pkg := packageArg(rest[1:], "-p", "--package"); pkg != "" {
				return pkg, exactNpm.MatchString(pkg), true
			}
		}
	}
	return "", false, false
}

// packageArg is the value of one of the flags, else the first word that is no
// flag.
func packageArg(words []string, flags ...string) string {
	if v, ok := flagOf(words, flags...); ok && v != "" {
		return v
	}
	for _, w := range words {
		if w == "run" || w == "tool" || w == "dlx" || strings.HasPrefix(w, "-") {
			continue
		}
		return w
	}
	return ""
}

func runTimeInstall(p *Pass) {
	for _, l := range p.launches() {
		words := l.words
		if l.shell != "" {
			words = strings.Fields(commandEnd.ReplaceAllString(l.shell, " "))
		}
		if pkg, exact, found := fetched(words); found && !exact {
			l.report(nil, "%s is fetched at every start, without an exact version", pkg)
		}
	}
	for _, o := range p.byKind["MCPServer"] {
		deployment := o.root.Get("spec", "deployment")
		words := append(deployment.Get("cmd").Strings(), deployment.Get("args").Strings()...)
		if pkg, exact, found := fetched(words); found && !exact {
			p.Report(deployment.Get("args").or(deployment.Get("cmd")), "%s is fetched at every start, without an exact version", pkg)
		}
	}
}

func imageUser(p *Pass) {
	for _, f := range p.serverDockerfiles() {
		in, set := f.docker.last("USER")
		user, _, _ := strings.Cut(in.Args, ":")
		stage, ok := f.docker.final()
		switch {
		case !ok:
		case !set && strings.Contains(f.docker.base(), "nonroot"):
		case !set:
			p.ReportLine(f, stage.From.Line, "USER", nil, "no USER is set, so the image runs as root")
		case user == "root" || user == "0":
			p.ReportLine(f, in.Line, "USER", nil, "USER is "+user)
		case strings.Contains(user, "$"):
		default:
			p.compareUser(f, in, user)
		}
	}
}

// compareUser holds the Dockerfile's USER against what the pods ask for.
func (p *Pass) compareUser(f *File, in instruction, user string) {
	uid, err := strconv.ParseInt(user, 10, 64)
	if err != nil {
		p.ReportLine(f, in.Line, "USER", nil, "USER is the name "+user+": with runAsNonRoot the kubelet cannot tell that it is not root")
		return
	}
	if len(p.serverDockerfiles()) != 1 {
		return
	}
	for _, w := range p.Servers() {
		c := w.Server()
		at := c.Get("securityContext", "runAsUser")
		if !at.OK() {
			at = w.Pod.Get("securityContext", "runAsUser")
		}
		if want, ok := at.Int(); ok && want != uid && len(p.servers) == 1 {
			p.Report(at, "runAsUser is %d, and the image's USER is %d (%s:%d)", want, uid, f.Path, in.Line)
		}
	}
}

func noResources(p *Pass) {
	for _, w := range p.Judged() {
		for _, c := range w.Serving() {
			request, limit := c.Get("resources", "requests", "memory"), c.Get("resources", "limits", "memory")
			var missing []string
			if !request.OK() && !limit.OK() { // a limit alone is the request too
				missing = append(missing, "request")
			}
			if !limit.OK() {
				missing = append(missing, "limit")
			}
			if len(missing) > 0 {
				p.Report(c.Get("resources").or(c.Get("name").or(c.Value)), "container %s has no memory %s", c.Name, strings.Join(missing, " and no memory "))
			}
		}
	}
}

func contextLeaks(p *Pass) {
	ignores := map[string]bool{}
	for _, f := range p.ofKind(Ignorefile) {
		ignores[f.Dir()] = true
	}
	for _, f := range p.serverDockerfiles() {
		if ignores[f.Dir()] {
			continue
		}
		for _, in := range f.docker.instructions {
			words := withoutFlags(in.Args)
			fromStage := strings.Contains(in.Args, "--from=")
			if (in.Name == "COPY" || in.Name == "ADD") && !fromStage && len(words) > 1 && (words[0] == "." || words[0] == "./") {
				p.ReportLine(f, in.Line, in.Name, nil, in.Name+" "+strings.Join(words, " ")+" takes everything, and there is no .dockerignore beside the Dockerfile")
				break
			}
		}
	}
}

var (
	secretName = regexp.MustCompile(`(?i)(?:^|[_.-])(?:SECRET|TOKEN|PASSWORD|PASSWD|API_?KEY|ACCESS_?KEY|PRIVATE_?KEY|CREDENTIALS?)(?:$|_(?:KEY|VALUE))`)
	dockerPair = regexp.MustCompile(`([A-Za-z_][A-Za-z0-9_]*)=("(?:[^"\\]|\\.)*"|'[^']*'|\S+)`)
)

func secretBaked(p *Pass) {
	for _, f := range p.serverDockerfiles() {
		for _, in := range f.docker.instructions {
			if in.Name != "ENV" && in.Name != "ARG" {
				continue
			}
			for _, m := range dockerPair.FindAllStringSubmatch(in.Args, -1) {
				value := strings.Trim(m[2], `"'`)
				if secretName.MatchString(m[1]) && len(value) >= 6 && !placeholder.MatchString(value) && !strings.HasPrefix(value, "/") && !strings.HasPrefix(value, "$") {
					p.ReportLine(f, in.Line, in.Name+" "+m[1], nil, in.Name+" sets "+m[1])
				}
			}
		}
	}
}

var appTarget = regexp.MustCompile(`^([A-Za-z_][\w.]*):([A-Za-z_]\w*)$`)

// entryMissing looks for the module:name that uvicorn or gunicorn is to start.
func entryMissing(p *Pass) {
	for _, l := range p.launches() {
		if !l.runs("uvicorn") && !l.runs("gunicorn") {
			continue
		}
		for _, word := range l.words {
			m := appTarget.FindStringSubmatch(word)
			if m == nil {
				continue
			}
			module := strings.ReplaceAll(m[1], ".", "/") + ".py"
			for _, f := range p.ofKind(Python) {
				if (f.Path == module || strings.HasSuffix(f.Path, "/"+module)) && !f.code.defines(m[2]) {
					l.report(nil, "%s is started, and %s defines no %s", word, f.Path, m[2])
				}
			}
		}
	}
}

// defines tells whether a module binds a name at its top level, or inside a
// top-level if or try.
func (s *sourceCode) defines(name string) bool {
	q := regexp.QuoteMeta(name)
	return s.has(regexp.MustCompile(`(?m)^\s{0,4}(?:` + q + `\s*(?::[^=\n]+)?=|(?:async\s+)?def\s+` + q + `\b|class\s+` + q + `\b|(?:from\s.*)?import\s.*\b` + q + `\b)`))
}

func pullPolicy(p *Pass) {
	for _, w := range p.Judged() {
		for _, c := range w.Containers {
			at := c.Get("imagePullPolicy")
			if at.Str() == "IfNotPresent" && !pinned(c.Image()) {
				p.Report(at, "%s is a tag, and a node that has it never asks again", c.Image())
			}
		}
	}
}

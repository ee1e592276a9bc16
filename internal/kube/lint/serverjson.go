package lint

import (
	"net/url"
	"regexp"
	"slices"
	"strings"
)

func publishRules() []Rule {
	return []Rule{
		{Name: "serverjson.invalid", Reads: "server.json", Check: serverJSONInvalid},
		{Name: "serverjson.remote_unsafe", Reads: "server.json", Check: remoteUnsafe},
		{Name: "serverjson.version", Reads: "server.json, package.json", Check: serverJSONVersion},
		{Name: "serverjson.sse_remote", Reads: "server.json", Check: sseRemote},
		{Name: "ci.imperative_rollout", Reads: "GitHub and GitLab pipelines", Check: imperativeRollout},
		{Name: "ci.mutable_release", Reads: "GitHub and GitLab pipelines", Check: mutableRelease},
	}
}

// serverDocs visits each server.json.
func (p *Pass) serverDocs(visit func(f *File, root Value)) {
	for _, f := range p.ofKind(ServerJSON) {
		for _, o := range f.objects {
			visit(f, o.root)
		}
	}
}

var (
	serverNamePattern = regexp.MustCompile(`^[a-zA-Z0-9.-]+/[a-zA-Z0-9._-]+$`)
	remoteTypes       = []string{"streamable-http", "sse"}
	transportTypes    = []string{"stdio", "streamable-http", "sse"}
	registryTypes     = []string{"npm", "pypi", "oci", "nuget", "mcpb"}
)

// serverJSONInvalid checks the fields by hand against the schema of 2025-12-11:
// the schema itself is not embedded.
func serverJSONInvalid(p *Pass) {
	p.serverDocs(func(_ *File, root Value) {
		if !root.Map() {
			p.Report(root, "the document is not an object")
			return
		}
		for _, field := range []string{"name", "description", "version"} {
			if root.Get(field).Str() == "" {
				p.Report(root.Get(field).or(root), "%s is missing", field)
			}
		}
		if v := root.Get("name"); v.Str() != "" && (!serverNamePattern.MatchString(v.Str()) || !strings.Contains(strings.Split(v.Str(), "/")[0], ".")) {
			p.Report(v, "name %q is not a reversed domain, one slash and a name", v.Str())
		}
		if v := root.Get("description"); len([]rune(v.Str())) > 100 {
			p.Report(v, "description has %d characters, at most 100 are allowed", len([]rune(v.Str())))
		}
		for _, remote := range root.Get("remotes").List() {
			p.oneOf(remote, "type", remoteTypes)
			if remote.Get("url").Str() == "" {
				p.Report(remote, "a remote without url")
			}
		}
		for _, pkg := range root.Get("packages").List() {
			p.packageFields(pkg)
		}
	})
}

func (p *Pass) packageFields(pkg Value) {
	p.oneOf(pkg, "registryType", registryTypes)
	if pkg.Get("identifier").Str() == "" {
		p.Report(pkg, "a package without identifier")
	}
	transport := pkg.Get("transport")
	if !transport.OK() {
		p.Report(pkg, "package %s names no transport", pkg.Get("identifier").Str())
		return
	}
	p.oneOf(transport, "type", transportTypes)
	if kind := transport.Get("type").Str(); kind != "stdio" && kind != "" && transport.Get("url").Str() == "" {
		p.Report(transport, "transport %s of package %s names no url", kind, pkg.Get("identifier").Str())
	}
}

// oneOf reports a field that is absent or none of the known words.
func (p *Pass) oneOf(v Value, field string, words []string) {
	if at := v.Get(field); !slices.Contains(words, at.Str()) {
		p.Report(at.or(v), "%s is %q, not one of %s", field, at.Str(), strings.Join(words, ", "))
	}
}

var braces = regexp.MustCompile(`\{([^{}]+)\}`)

func remoteUnsafe(p *Pass) {
	p.serverDocs(func(_ *File, root Value) {
		for _, remote := range root.Get("remotes").List() {
			at := remote.Get("url")
			for _, m := range braces.FindAllStringSubmatch(at.Str(), -1) {
				if !remote.Get("variables", m[1]).OK() {
					p.Report(at, "{%s} stands in the URL and not under variables", m[1])
				}
			}
			u, err := url.Parse(braces.ReplaceAllString(at.Str(), "x"))
			switch {
			case at.Str() == "":
			case err != nil || u.Host == "":
				p.Report(at, "%q is not a URL", at.Str())
			case u.Scheme != "https":
				p.Report(at, "the scheme is %s", u.Scheme)
			case privateHost.MatchString(u.Hostname()) && !strings.HasPrefix(at.Str(), "https://{"):
				p.Report(at, "%s is a private host", u.Hostname())
			}
		}
	})
}

var notExact = regexp.MustCompile(`(?i)^(?:latest|next|\*|x)$|[\^~<>=*|]|\.x$|\s-\s`)

func serverJSONVersion(p *Pass) {
	p.serverDocs(func(f *File, root Value) {
		if v := root.Get("version"); notExact.MatchString(v.Str()) {
			p.Report(v, "version is %q", v.Str())
		}
		for _, pkg := range root.Get("packages").List() {
			v := pkg.Get("version")
			kind := pkg.Get("registryType").Str()
			switch {
			case notExact.MatchString(v.Str()):
				p.Report(v, "version of package %s is %q", pkg.Get("identifier").Str(), v.Str())
			case !v.OK() && (kind == "npm" || kind == "pypi" || kind == "nuget"):
				p.Report(pkg, "package %s names no version", pkg.Get("identifier").Str())
			case kind == "npm":
				p.comparePackage(f, pkg)
			}
		}
	})
}

// comparePackage holds a published npm version against the package.json beside
// it.
func (p *Pass) comparePackage(f *File, pkg Value) {
	for _, g := range p.ofKind(PackageJSON) {
		if g.Dir() != f.Dir() {
			continue
		}
		for _, o := range g.objects {
			own := o.root.Get("version").Str()
			if o.root.Get("name").Str() == pkg.Get("identifier").Str() && own != "" && own != pkg.Get("version").Str() {
				p.Report(pkg.Get("version"), "version is %s, and %s says %s", pkg.Get("version").Str(), g.Path, own)
			}
		}
	}
}

func sseRemote(p *Pass) {
	p.serverDocs(func(_ *File, root Value) {
		remotes := root.Get("remotes").List()
		modern := slices.ContainsFunc(remotes, func(r Value) bool { return r.Get("type").Str() == "streamable-http" })
		for _, r := range remotes {
			if r.Get("type").Str() == "sse" && !modern {
				p.Report(r.Get("type"), "the remote is of type sse, and there is no streamable-http remote")
				return
			}
		}
	})
}

var (
	imperative = regexp.MustCompile(`\b(?:kubectl|oc)\s+(?:-\S+\s+\S+\s+)*(?:set\s+(?:image|env|resources)|patch|scale|edit|rollout\s+restart)\b`)
	pushes     = regexp.MustCompile(`docker\s+(?:buildx\s+build\b.*--push|push)\b|docker/build-push-action|\bkaniko\b|buildah\s+push|\bko\s+(?:build|publish)`)
	localOnly  = regexp.MustCompile(`kind\.local|ko\.local|localhost:\d+|kind load|127\.0\.0\.1:\d+`)
	provenance = regexp.MustCompile(`(?i)digest|cosign|attest|sigstore|slsa|provenance|sbom`)
)

// pipelines visits the pipelines that deal with an MCP server.
func (p *Pass) pipelines(visit func(f *File)) {
	for _, f := range p.ofKind(Workflow) {
		if p.opts.All || mcpWord(string(f.src)) || len(p.servers) > 0 {
			visit(f)
		}
	}
}

func imperativeRollout(p *Pass) {
	p.pipelines(func(f *File) {
		for n := range f.lines() {
			line := f.line(n + 1)
			if m := imperative.FindString(line); m != "" && !onlyComment(line) {
				p.ReportLine(f, n+1, strings.Join(strings.Fields(m), " "), nil, "the pipeline runs "+strings.Join(strings.Fields(m), " "))
			}
		}
	})
}

func mutableRelease(p *Pass) {
	p.pipelines(func(f *File) {
		if provenance.Match(f.src) || localOnly.Match(f.src) {
			return
		}
		for n := range f.lines() {
			if line := f.line(n + 1); pushes.MatchString(line) && !onlyComment(line) {
				p.ReportLine(f, n+1, "push", nil, "an image is pushed, and its digest is never used")
				return
			}
		}
	})
}

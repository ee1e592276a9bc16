package lint

import (
	"regexp"
	"slices"
	"strings"
)

var (
	mcpPattern    = regexp.MustCompile(`(?:^|[^a-z0-9])(?:fast)?mcp(?:[-_]?servers?|s|d)?(?:[^a-z0-9]|$)|modelcontextprotocol`)
	clientPattern = regexp.MustCompile(`(?:^|[^a-z0-9])(?:operator|controller|inspector|clients?|webhook|registry|crds?)(?:[^a-z0-9]|$)`)
	// A variable that points at another server: its holder is a client.
	pointsElsewhere = regexp.MustCompile(`(?:URLS?|ENDPOINTS?|ADDR(?:ESS)?|SERVERS|CONFIG)$`)
	ownVariable     = regexp.MustCompile(`^(?:FASTMCP_|MCP_)(?:SERVER_)?(?:HTTP_)?(?:TRANSPORT|PORT|HOST|PATH|MODE|STATELESS|STATELESS_HTTP|SERVER_NAME|NAME|LOG_LEVEL)$`)
	declarations    = []string{"longest-call", "heartbeat", "stateless", "cold-start", "auth"}
)

// mcpWord tells whether a text says mcp as a word of its own.
func mcpWord(s string) bool {
	lower := strings.ToLower(s)
	return (strings.Contains(lower, "mcp") || strings.Contains(lower, "modelcontext")) && mcpPattern.MatchString(lower)
}

// notServer tells whether a name belongs to what manages or calls MCP servers.
func notServer(s string) bool { return clientPattern.MatchString(strings.ToLower(s)) }

// detect decides whether the workload is an MCP server; the package comment
// lists the order.
func (w *Workload) detect(all bool) {
	w.server = w.firstServing()
	if !w.LongLived() || len(w.Containers) == 0 {
		return
	}
	declared := w.annotation("mcp")
	switch {
	case declared.False() || declared.Str() == "false":
	case declared.True() || declared.Str() == "true":
		w.evidence = "holdfast.dev/mcp says so"
		w.byContainer()
	case slices.ContainsFunc(declarations, func(name string) bool { return w.annotation(name).OK() }):
		w.evidence = "it declares holdfast.dev/ numbers"
		w.byContainer()
	case all:
		w.evidence = "every workload was asked for"
	case w.manages():
	default:
		w.evidence = w.guess()
	}
}

// firstServing is the first container that is not init and not the front.
func (w *Workload) firstServing() int {
	for i, c := range w.Containers {
		if !c.Init && !isHoldfast(c) {
			return i
		}
	}
	return max(0, slices.IndexFunc(w.Containers, func(c Container) bool { return !c.Init }))
}

func (w *Workload) manages() bool {
	if notServer(w.Name) || strings.Contains(w.Server().Line(), "--leader-elect") {
		return true
	}
	return notServer(imageName(w.Server().Image()))
}

func (w *Workload) guess() string {
	if why := w.byContainer(); why != "" {
		return why
	}
	if mcpWord(w.Name) {
		return "its name says mcp"
	}
	for _, label := range []string{"app", "app.kubernetes.io/name", "app.kubernetes.io/component"} {
		if mcpWord(w.Labels[label]) {
			return "its label " + label + " says mcp"
		}
	}
	return w.byTraffic()
}

// byContainer looks for the container that speaks MCP and remembers which.
func (w *Workload) byContainer() string {
	for i, c := range w.Containers {
		if c.Init || isHoldfast(c) {
			continue
		}
		if why := containerSaysMCP(c); why != "" {
			w.server = i
			return why
		}
	}
	return ""
}

func containerSaysMCP(c Container) string {
	switch {
	case mcpWord(c.Name) && !notServer(c.Name):
		return "the container is called " + c.Name
	case mcpWord(parseImage(c.Image()).repository) && !notServer(imageName(c.Image())):
		return "the image is called " + imageName(c.Image())
	case slices.ContainsFunc(c.words, commandSaysMCP):
		return "its command says mcp"
	}
	for _, p := range c.Get("ports").List() {
		if mcpWord(p.Get("name").Str()) {
			return "a port is called " + p.Get("name").Str()
		}
	}
	for _, e := range c.Get("env").List() {
		if name := e.Get("name").Str(); ownVariable.MatchString(name) && !pointsElsewhere.MatchString(name) {
			return name + " is set"
		}
	}
	for _, probe := range []string{"readinessProbe", "livenessProbe", "startupProbe"} {
		if isMCPPath(c.Get(probe, "httpGet", "path").Str()) {
			return "a probe asks the path " + c.Get(probe, "httpGet", "path").Str()
		}
	}
	return ""
}

// commandSaysMCP leaves out words that name somebody else's server.
func commandSaysMCP(word string) bool {
	if strings.Contains(word, "://") || len(word) > 512 {
		return false
	}
	if flag, _, _ := strings.Cut(word, "="); strings.HasPrefix(word, "-") && pointsElsewhere.MatchString(strings.ToUpper(flag)) {
		return false
	}
	return mcpWord(word)
}

func (w *Workload) byTraffic() string {
	for _, s := range w.Services {
		if s.saysMCP() {
			return "the Service " + s.Name + " says mcp"
		}
	}
	for _, r := range w.Routes {
		if isMCPPath(r.Path) {
			return r.Object.String() + " sends " + r.Path + " to it"
		}
	}
	return ""
}

// isMCPPath tells whether a path is an MCP endpoint: /mcp, or a path that ends
// in it.
func isMCPPath(path string) bool {
	path = strings.ToLower(strings.TrimRight(path, "/"))
	return path == "/mcp" || strings.HasSuffix(path, "/mcp") || strings.HasPrefix(path, "/mcp/") || strings.HasPrefix(path, "/mcp(")
}

var asksPattern = regexp.MustCompile(`https?://\S*/(?:mcp|sse)\b|tools/list|"method"\s*:\s*"(?:initialize|tools/)|\bholdfast\s+(?:check|scan)\b`)

// asksMCP tells whether the workload is a monitor: a Job or CronJob that asks
// an MCP endpoint.
func (w *Workload) asksMCP() bool {
	if w.Kind != "CronJob" && w.Kind != "Job" {
		return false
	}
	return slices.ContainsFunc(w.Containers, func(c Container) bool {
		return asksPattern.MatchString(c.Line()) || isHoldfast(c)
	})
}

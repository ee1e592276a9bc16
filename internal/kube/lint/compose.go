package lint

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// composeService is one service of a compose file.
type composeService struct {
	Value
	name string
}

// composeServers gives the services of compose files that are MCP servers, by
// the same words as workloads.
func (p *Pass) composeServers() []composeService {
	var out []composeService
	for _, s := range p.composeServices() {
		if s.isServer(p) {
			out = append(out, s)
		}
	}
	return out
}

func (x *Index) composeServices() []composeService {
	var out []composeService
	for _, f := range x.ofKind(Compose) {
		for _, o := range f.objects {
			for name, v := range o.root.Get("services").Fields() {
				v.obj = &Object{file: f, root: o.root, Kind: "compose service", Name: name}
				out = append(out, composeService{Value: v, name: name})
			}
		}
	}
	return out
}

func (s composeService) isServer(p *Pass) bool {
	declared := s.label("holdfast.dev/mcp")
	image := s.Get("image").Str()
	switch {
	case declared == "false":
		return false
	case declared == "true", p.opts.All:
		return true
	case notServer(s.name), notServer(imageName(image)):
		return false
	case s.Get("restart").Str() == "no" && !s.publishes():
		return false // runs once
	case mcpWord(s.name), mcpWord(parseImage(image).repository):
		return true
	}
	words := append(s.Get("entrypoint").Strings(), s.Get("command").Strings()...)
	return slices.ContainsFunc(words, func(w string) bool { return slices.ContainsFunc(strings.Fields(w), commandSaysMCP) })
}

// label reads labels in both of their forms.
func (s composeService) label(name string) string {
	if v := s.Get("labels", name); v.OK() {
		return v.Str()
	}
	for _, text := range s.Get("labels").Strings() {
		if rest, ok := strings.CutPrefix(text, name+"="); ok {
			return rest
		}
	}
	return ""
}

// environment visits the variables in both of their forms.
func (s composeService) environment(visit func(name, value string, at Value)) {
	for name, v := range s.Get("environment").Fields() {
		visit(name, v.Str(), v)
	}
	for _, item := range s.Get("environment").List() {
		name, value, _ := strings.Cut(item.Str(), "=")
		visit(name, value, item)
	}
}

func (s composeService) sets(name string) bool {
	found := false
	s.environment(func(n, _ string, _ Value) { found = found || n == name })
	return found
}

// publishes tells whether a port is open to the outside.
func (s composeService) publishes() bool {
	return len(s.Get("ports").List()) > 0 || len(s.Get("expose").List()) > 0
}

// composeGrace compares stop_grace_period, 10 s unless set, to the longest call.
func (p *Pass) composeGrace(s composeService) {
	at := s.Get("stop_grace_period")
	grace, ok := parseDuration(at.Str())
	if !ok {
		grace = 10 * time.Second
	}
	longest, declared := parseDuration(s.label("holdfast.dev/longest-call"))
	switch {
	case declared && grace < longest:
		need := fmt.Sprintf("%ds", int64((longest+graceMargin)/time.Second))
		p.ReportFix(at.or(s.Value), setKey("set the grace period to the longest call and 5 s", s.Value, need, "stop_grace_period"),
			"service %s is killed %s after SIGTERM, and holdfast.dev/longest-call is %s", s.name, short(grace), short(longest))
	case !declared && !at.OK() && s.publishes():
		p.ReportFix(s.Value, setKey("give running calls a minute", s.Value, "60s", "stop_grace_period"),
			"service %s sets no stop_grace_period: it is killed 10 s after SIGTERM, whatever runs", s.name)
	}
}

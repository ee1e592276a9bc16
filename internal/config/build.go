package config

import (
	"cmp"
	"fmt"
	"net"
	"strconv"
	"strings"
	"time"

	"github.com/holdfast-mcp/holdfast/api/v1alpha1"
	"github.com/holdfast-mcp/holdfast/internal/client"
	"github.com/holdfast-mcp/holdfast/internal/gateway"
	"github.com/holdfast-mcp/holdfast/internal/kube/manifest/strict"
	"github.com/holdfast-mcp/holdfast/internal/probe"
)

// builder makes the front's configuration and collects what is wrong.
type builder struct {
	doc      strict.Document
	dir      string // relative names of files count from here
	env      []string
	problems []strict.Problem
	notes    []strict.Problem
}

// need records a problem at a path unless ok.
func (b *builder) need(ok bool, path, format string, args ...any) {
	if !ok {
		b.problems = append(b.problems, b.doc.Problem(path, fmt.Sprintf(format, args...)))
	}
}

func (b *builder) front(c *content) gateway.Config {
	out := gateway.Config{
		Public: cmp.Or(c.Listen.Public, "127.0.0.1:8080"), Admin: cmp.Or(c.Listen.Admin, "127.0.0.1:9090"),
		ProbeEvery: c.Servers[0].Probe.Every.Duration, ProbeBudget: c.Servers[0].Probe.Budget.Duration,
		Heartbeat:  c.Servers[0].Heartbeat.Duration,
		DrainDelay: c.Drain.Wait.Duration,
	}
	b.address("listen.public", out.Public)
	b.address("listen.admin", out.Admin)
	b.need(out.Public != out.Admin || strings.HasSuffix(out.Public, ":0"), "listen.admin", "must not be the address for clients")
	for i := range c.Servers {
		s, at := &c.Servers[i], fmt.Sprintf("servers[%d]", i)
		out.Servers = append(out.Servers, b.server(at, s))
		b.times(at, s)
		b.rhythm(at, s.Probe, c.Servers[0].Probe)
		out.Heartbeat = min(out.Heartbeat, s.Heartbeat.Duration) // satisfies all
		out.Grace = max(out.Grace, s.LongestCall.Duration)
	}
	if t := c.Drain.Timeout; t != nil {
		b.need(t.Duration >= out.Grace, "drain.timeout", "%s is below the longest longestCall, %s: calls would be cut off", t, v1alpha1.Of(out.Grace))
		out.Grace = max(out.Grace, t.Duration)
	}
	return out
}

// address checks host:port, which net.Listen would take with service names.
func (b *builder) address(path, address string) {
	_, port, err := net.SplitHostPort(address)
	n, numeric := strconv.ParseUint(port, 10, 16)
	b.need(err == nil && numeric == nil && n <= 65535, path, "%.80q is no address: want host:port or :port", address)
}

// times holds the rules that the API server holds an MCPServer to.
func (b *builder) times(at string, s *server) {
	within := func(name string, d v1alpha1.Duration, low, high time.Duration) {
		b.need(d.Duration >= low && d.Duration <= high, at+"."+name, "must be between %s and %s", v1alpha1.Of(low), v1alpha1.Of(high))
	}
	within("longestCall", s.LongestCall, time.Second, 24*time.Hour)
	within("heartbeat", s.Heartbeat, time.Second, 25*time.Second)
	within("probe.every", s.Probe.Every, 10*time.Second, 24*time.Hour)
	b.need(s.Probe.Budget.Duration > 0 && s.Probe.Budget.Duration < s.Probe.Every.Duration, at+".probe.budget", "must be above 0s and below probe.every")
	if len(s.Command) > 0 && s.Probe.Every.Duration < commandProbeEvery {
		b.notes = append(b.notes, b.doc.Problem(at+".probe.every", fmt.Sprintf("%s is taken as %s: each probe of a command starts a process", s.Probe.Every, v1alpha1.Of(commandProbeEvery))))
	}
}

// commandProbeEvery is how often the front probes a command at most.
const commandProbeEvery = 5 * time.Minute

// rhythm: the front probes all its servers alike.
func (b *builder) rhythm(at string, mine, first v1alpha1.Probe) {
	const message = "this version of serve does not support it: %s differs from the %s of servers[0], and all servers of a file are probed alike"
	b.need(mine.Every == first.Every, at+".probe.every", message, mine.Every, first.Every)
	b.need(mine.Budget == first.Budget, at+".probe.budget", message, mine.Budget, first.Budget)
}

func (b *builder) server(at string, s *server) gateway.Server {
	out := gateway.Server{Name: s.Name, Endpoint: client.Endpoint{URL: s.URL}}
	b.need((s.URL != "") != (len(s.Command) > 0), at, "set exactly one of url and command")
	b.need(s.URL == "" || s.Transport != v1alpha1.Stdio, at+".transport", "stdio needs a command, not a url")
	b.need(len(s.Command) == 0 || s.Transport == "" || s.Transport == v1alpha1.Stdio, at+".transport", "a command speaks stdio")
	b.need(len(s.Command) > 0 || len(s.Args) == 0, at+".args", "belongs to a command")
	b.need(len(s.Command) > 0 || len(s.Env) == 0, at+".env", "belongs to a command")
	b.need(len(s.Command) == 0 || s.Credential == nil, at+".credential", "a command takes no headers: hand secrets over in env")
	if s.URL != "" {
		if _, err := client.ParseURL(s.URL); err != nil {
			b.need(false, at+".url", "%v", err)
		}
	}
	switch s.Transport {
	case v1alpha1.StreamableHTTP:
		out.Transport = client.StreamableHTTP
	case v1alpha1.SSE:
		out.Transport = client.HTTPSSE
	}
	if len(s.Command) > 0 {
		b.need(s.Command[0] != "", at+".command[0]", "must not be empty")
		out.Transport = client.Stdio
		out.Endpoint.Command = append(b.words(at+".command", s.Command), b.words(at+".args", s.Args)...)
		out.Endpoint.Env = b.variables(at, s)
	}
	out.Endpoint.Header = b.header(at+".credential", s.Credential)
	for _, c := range s.Checks {
		call := probe.Call{Tool: c.Tool, Critical: c.Critical == nil || *c.Critical}
		if c.Args != nil {
			call.Args = c.Args.Raw
		}
		out.Calls = append(out.Calls, call)
	}
	return out
}

// words are those of a command, which everybody on the machine can read.
func (b *builder) words(at string, words []string) []string {
	for i, w := range words {
		b.need(!strings.Contains(w, envOpen), fmt.Sprintf("%s[%d]", at, i), "a command line is no place for secrets: set a variable in env")
		b.need(!strings.Contains(w, "\x00"), fmt.Sprintf("%s[%d]", at, i), "has a NUL in it")
	}
	return words
}

// variables are those of the command's process, NAME=value.
func (b *builder) variables(at string, s *server) []string {
	var out []string
	for i, e := range s.Env {
		path := fmt.Sprintf("%s.env[%d]", at, i)
		b.need(e.Name != "" && !strings.ContainsAny(e.Name, "=\x00"), path+".name", "is no name of a variable")
		b.need(!strings.Contains(e.Value, "\x00"), path+".value", "has a NUL in it")
		value := e.Value
		if strings.Contains(value, envOpen) {
			value = b.reference(path+".value", value)
		}
		out = append(out, e.Name+"="+value)
	}
	return out
}

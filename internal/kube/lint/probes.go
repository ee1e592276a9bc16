package lint

import (
	"regexp"
	"strings"
)

func probeRules() []Rule {
	return []Rule{
		{Name: "probe.path_is_mcp", Reads: "server pods", Check: probePathIsMCP},
		{Name: "probe.liveness_is_readiness", Reads: "server pods", Check: livenessIsReadiness},
		{Name: "probe.liveness_needs_upstream", Reads: "server pods", Check: livenessNeedsUpstream},
		{Name: "probe.no_startup", Reads: "server pods", Check: noStartupProbe},
		{Name: "probe.timeout_short", Reads: "server pods, Python", Check: probeTimeoutShort},
		{Name: "probe.tcp_readiness", Reads: "server pods", Check: tcpReadiness},
		{Name: "probe.shared_upstream", Reads: "server pods, Python", Heuristic: true, Check: sharedUpstream},
		{Name: "probe.none", Reads: "server pods", Check: noReadiness},
		{Name: "probe.port_unknown", Reads: "server pods", Check: probePortUnknown},
		{Name: "probe.liveness_impatient", Reads: "server pods", Check: livenessImpatient},
		{Name: "probe.cpu_throttled", Reads: "server pods", Check: cpuThrottled},
		{Name: "probe.never_speaks_mcp", Reads: "server pods", Check: neverSpeaksMCP},
	}
}

// The three probes by their field.
const (
	liveness  = "livenessProbe"
	readiness = "readinessProbe"
	startup   = "startupProbe"
)

// eachProbe visits the probes of the containers that serve.
func eachProbe(p *Pass, visit func(w *Workload, c Container, kind string, probe Value)) {
	for _, w := range p.Servers() {
		for _, c := range w.Serving() {
			for _, kind := range []string{startup, liveness, readiness} {
				if probe := c.Get(kind); probe.OK() {
					visit(w, c, kind, probe)
				}
			}
		}
	}
}

func probePathIsMCP(p *Pass) {
	eachProbe(p, func(_ *Workload, c Container, kind string, probe Value) {
		path := probe.Get("httpGet", "path")
		clean, _, _ := strings.Cut(path.Str(), "?")
		clean = strings.TrimRight(clean, "/")
		if strings.HasSuffix(clean, "/mcp") || clean == "/sse" || clean == "/messages" {
			p.Report(path, "the %s of container %s sends GET %s, which is the MCP endpoint", kind, c.Name, path.Str())
		}
	})
}

// question is what a probe asks, without its numbers.
func question(probe Value) string {
	for _, kind := range []string{"httpGet", "exec", "tcpSocket", "grpc"} {
		if q := probe.Get(kind); q.OK() {
			parts := []string{kind, q.Get("path").Str(), q.Get("port").Str(), q.Get("service").Str()}
			return strings.Join(append(parts, q.Get("command").Strings()...), " ")
		}
	}
	return ""
}

func livenessIsReadiness(p *Pass) {
	for _, w := range p.Servers() {
		for _, c := range w.Serving() {
			live, ready := c.Get(liveness), c.Get(readiness)
			asked := question(live)
			if asked == "" || asked != question(ready) || live.Get("tcpSocket").OK() {
				continue
			}
			if live.Get("failureThreshold").IntOr(3) > 2*ready.Get("failureThreshold").IntOr(3) {
				continue // the same question, but liveness waits much longer
			}
			p.Report(live, "liveness and readiness of container %s ask the same (%s)", c.Name, asked)
		}
	}
}

var upstreamPath = regexp.MustCompile(`(?i)(?:^|[/_-])(?:ready|readyz|readiness|deep|full|upstreams?|dependenc(?:y|ies)|deps|downstream|backends?|db|database)(?:$|[/_?-])`)

func livenessNeedsUpstream(p *Pass) {
	eachProbe(p, func(_ *Workload, c Container, kind string, probe Value) {
		path := probe.Get("httpGet", "path")
		if kind != liveness || !upstreamPath.MatchString(path.Str()) || question(probe) == question(c.Get(readiness)) {
			return
		}
		p.Report(path, "liveness of container %s asks %s, which answers for more than the process", c.Name, path.Str())
	})
}

func noStartupProbe(p *Pass) {
	for _, w := range p.Servers() {
		c := w.Probed()
		live := c.Get(liveness)
		delay := live.Get("initialDelaySeconds")
		switch {
		case c.Get(startup).OK():
			if delay.IntOr(0) > 30 {
				p.ReportFix(delay, removeKey("leave the wait to the startup probe", delay), "liveness waits %s s after every start although there is a startup probe", delay.Str())
			}
		case live.OK():
			seen := "container %s has a liveness probe and no startup probe"
			if delay.OK() {
				seen += ", only initialDelaySeconds: " + delay.Str()
			}
			p.ReportFix(live, startupFix(c, live), seen, c.Name)
		}
	}
}

// startupFix asks what liveness asks, for up to two minutes.
func startupFix(c Container, live Value) *Fix {
	var handler map[string]any
	for _, kind := range []string{"httpGet", "tcpSocket", "exec", "grpc"} {
		if q := live.Get(kind); q.OK() {
			var body any
			if err := q.node.Decode(&body); err != nil {
				return nil
			}
			handler = map[string]any{kind: body, "periodSeconds": 2, "failureThreshold": 60}
		}
	}
	if handler == nil {
		return nil
	}
	return setKey("add a startup probe that gives two minutes", c.Value, handler, startup)
}

var deepPath = regexp.MustCompile(`(?i)(?:^|[/_-])(?:deep|full|upstreams?|dependenc(?:y|ies)|deps|downstream|backends?)(?:$|[/_?-])|(?:^|/)mcp(?:$|[/?])`)

func probeTimeoutShort(p *Pass) {
	handlers := p.handlerTimeouts()
	eachProbe(p, func(_ *Workload, c Container, kind string, probe Value) {
		timeout := probe.Get("timeoutSeconds")
		seconds := timeout.IntOr(1)
		path := probe.Get("httpGet", "path").Str()
		where := timeout.or(probe)
		fix := func(n int64) *Fix { return setKey("give the probe time to answer", probe, n, "timeoutSeconds") }
		written := "timeoutSeconds is not set, so 1 s"
		if timeout.OK() {
			written = "timeoutSeconds is " + timeout.Str()
		}
		if h, ok := handlers[path]; ok && float64(seconds) < h.seconds {
			p.ReportFix(where, fix(int64(h.seconds)+1), "%s of container %s: %s, and the handler of %s waits up to %g s (%s:%d)",
				kind, c.Name, written, path, h.seconds, h.file.Path, h.line)
			return
		}
		if seconds > 1 {
			return
		}
		if probe.Get("exec").OK() {
			p.ReportFix(where, fix(5), "%s of container %s runs a command: %s", kind, c.Name, written)
		} else if deepPath.MatchString(path) {
			p.ReportFix(where, fix(5), "%s of container %s asks %s: %s", kind, c.Name, path, written)
		}
	})
}

// sharedUpstream looks into the code for a readiness handler that asks another
// server; two replicas asking the same one fall together.
func sharedUpstream(p *Pass) {
	handlers := p.handlerTimeouts()
	eachProbe(p, func(w *Workload, c Container, kind string, probe Value) {
		path := probe.Get("httpGet", "path")
		h, known := handlers[path.Str()]
		if kind != readiness || !known || !h.asks {
			return
		}
		p.Report(path, "readiness of container %s asks %s, whose handler asks another server (%s:%d)", c.Name, path.Str(), h.file.Path, h.line)
	})
}

func tcpReadiness(p *Pass) {
	for _, w := range p.Servers() {
		c := w.Probed()
		if at := c.Get(readiness, "tcpSocket"); at.OK() {
			p.Report(at, "readiness of container %s only opens a connection", c.Name)
		}
	}
}

func noReadiness(p *Pass) {
	for _, w := range p.Servers() {
		c := w.Probed()
		if c.Get(readiness).OK() || w.stdioOnly() || len(w.Containers) == 0 {
			continue
		}
		p.Report(c.Get("name").or(c.Value), "container %s has no readiness probe", c.Name)
	}
}

// stdioOnly tells whether nothing listens: no port, no Service.
func (w *Workload) stdioOnly() bool {
	return len(w.Server().Get("ports").List()) == 0 && len(w.Services) == 0
}

func probePortUnknown(p *Pass) {
	eachProbe(p, func(_ *Workload, c Container, kind string, probe Value) {
		for _, handler := range []string{"httpGet", "tcpSocket"} {
			port := probe.Get(handler, "port")
			if port.Str() == "" {
				continue
			}
			if _, isNumber := port.Int(); isNumber || c.hasPortNamed(port.Str()) {
				continue
			}
			p.Report(port, "%s of container %s asks port %q, and the container has no port of that name", kind, c.Name, port.Str())
		}
	})
}

func (c Container) hasPortNamed(name string) bool {
	for _, port := range c.Get("ports").List() {
		if port.Get("name").Str() == name {
			return true
		}
	}
	return false
}

func livenessImpatient(p *Pass) {
	eachProbe(p, func(_ *Workload, c Container, kind string, probe Value) {
		if kind != liveness {
			return
		}
		period, failures := probe.Get("periodSeconds").IntOr(10), probe.Get("failureThreshold").IntOr(3)
		if period*failures >= 15 {
			return
		}
		at := probe.Get("failureThreshold").or(probe.Get("periodSeconds")).or(probe)
		p.ReportFix(at, setKey("let liveness fail for 30 s before the restart", probe, (29+max(period, 1))/max(period, 1), "failureThreshold"),
			"liveness of container %s restarts it after %d s without an answer", c.Name, period*failures)
	})
}

func cpuThrottled(p *Pass) {
	for _, w := range p.Servers() {
		c := w.Server()
		limit := c.Get("resources", "limits", "cpu")
		if milli, ok := cpu(limit.Str()); ok && milli < 1000 && c.Get(liveness).OK() {
			p.Report(limit, "container %s may use %s CPU and is restarted when it answers liveness too late", c.Name, limit.Str())
		}
	}
}

func neverSpeaksMCP(p *Pass) {
	for _, w := range p.Servers() {
		if _, fronted := w.Front(); fronted {
			continue
		}
		c := w.Server()
		ready := c.Get(readiness)
		command := strings.Join(ready.Get("exec", "command").Strings(), " ")
		if !ready.Get("httpGet").OK() && (command == "" || mcpWord(command) || strings.Contains(command, "holdfast")) {
			continue
		}
		if isMCPPath(ready.Get("httpGet", "path").Str()) {
			continue // told by probe.path_is_mcp
		}
		p.Report(ready, "readiness of container %s asks %s; nothing asks whether the server answers MCP", c.Name, question(ready))
	}
}

// handlerTimeout is how long a health handler in the code may wait.
type handlerTimeout struct {
	seconds float64 // 0 where it does not say
	asks    bool    // it asks another server
	file    *File
	line    int
}

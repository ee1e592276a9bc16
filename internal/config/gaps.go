package config

import (
	"fmt"
	"strings"

	"github.com/holdfast-mcp/holdfast/internal/kube/manifest/strict"
)

// gap is a field of the schema that this version does not act upon. In its
// path, [] stands for every item.
type gap struct {
	path string
	// when tells which values it is about; nil for all.
	when func(value any) bool
	say  string
}

// unsupported lists what would change what clients, servers or operators see,
// and is therefore refused.
func unsupported() []gap {
	const (
		version = "this version of serve does not support it: "
		cluster = "is for declarations in a cluster: name a file or env instead"
	)
	return []gap{
		{"alerts", nil, version + "no alert would be sent; use the alert rules of your monitoring on /metrics"},
		{"auth", nil, version + "callers would not be asked for a token"},
		{"history", nil, version + "nothing would be written"},
		{"policy", nil, version + "every caller would be allowed everything"},
		{"servers[].checks[].expect[]", isNot("ok"), version + "of an answer only ok can be expected, which is that the call succeeds"},
		{"servers[].contract", nil, version + "the server would not be compared with it"},
		{"servers[].credential.bearer.secret", nil, cluster},
		{"servers[].credential.clientCredentials", nil, version + "no token would be fetched; use bearer"},
		{"servers[].credential.headers[].value.secret", nil, cluster},
		{"servers[].env[].valueFrom", nil, "is for declarations in a cluster: write value: ${env:NAME} instead"},
		{"servers[].route", isNot(true), version + "the server would be routed; watch it with holdfast check instead"},
		{"sessions.peers", nil, version + "sessions are not shared between replicas; run one replica, or set stateless when the server is"},
		{"store", isNot("memory"), version + "only memory is there"},
		{"storePassword", nil, version + "there is no store to open"},
	}
}

// harmless lists what may be left out, with the reason why nobody is hurt.
func harmless() []gap {
	return []gap{
		{"servers[].stateless", is(true), "this version treats every server as one that keeps sessions, which a stateless one does not notice"},
		{"sessions.keys", nil, "this version does not seal session ids, and a single replica knows its own"},
		{"store", is("memory"), "memory is the only store of this version"},
	}
}

func is(want any) func(any) bool    { return func(v any) bool { return v == want } }
func isNot(want any) func(any) bool { return func(v any) bool { return v != want } }

// missing places an error at each unsupported field that is set.
func missing(doc strict.Document, value any) []strict.Problem {
	return told(doc, value, unsupported(), "%s")
}

// ignored places a note at each field that is set to no effect.
func ignored(doc strict.Document, value any) []strict.Problem {
	return told(doc, value, harmless(), "has no effect: %s")
}

func told(doc strict.Document, value any, gaps []gap, format string) []strict.Problem {
	var out []strict.Problem
	for _, g := range gaps {
		for _, path := range find(value, strings.Split(g.path, "."), "", g.when) {
			out = append(out, doc.Problem(path, fmt.Sprintf(format, g.say)))
		}
	}
	return out
}

// find gives the paths in value that the steps lead to.
func find(value any, steps []string, path string, when func(any) bool) []string {
	if len(steps) == 0 {
		if value == nil || when != nil && !when(value) {
			return nil // nil: of a wrong type, and told already
		}
		return []string{path}
	}
	fields, ok := value.(map[string]any)
	if !ok {
		return nil // wrong in itself, and told already
	}
	name, list := strings.CutSuffix(steps[0], "[]")
	inner, set := fields[name]
	if !set {
		return nil
	}
	at := joinPath(path, name)
	if !list {
		return find(inner, steps[1:], at, when)
	}
	items, _ := inner.([]any) // what is no list is told already
	var out []string
	for i, item := range items {
		out = append(out, find(item, steps[1:], fmt.Sprintf("%s[%d]", at, i), when)...)
	}
	return out
}

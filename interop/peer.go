//go:build unix

package interop

import (
	"errors"
	"fmt"
	"net"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// startTimeout bounds how long a peer may take until its port answers. The
// slowest, Python on a loaded machine, needs a few seconds.
const startTimeout = 60 * time.Second

// Peer is a running real MCP server, or the command line of one.
type Peer struct {
	Name string
	// URL is the MCP endpoint of an HTTP peer: the streamable endpoint, or for
	// names that end in -sse the GET endpoint of the 2024 transport.
	URL string
	// Command is argv of a stdio peer. It needs no environment of its own;
	// whoever runs it also stops it.
	Command []string

	process *process
}

// Stop kills the peer and waits until it is gone, for tests of a dying
// upstream. It may be called more than once and does nothing for stdio peers.
func (p *Peer) Stop() {
	if p.process != nil {
		p.process.stop()
	}
}

// spec is how one peer is started. Fields of argv of the form {x} are replaced:
// {port}, {src} (the interop folder) and {cache} (its installation).
type spec struct {
	name string
	argv string
	env  string // one variable, same replacements
	path string // of the endpoint; empty for stdio
}

func specs() []spec {
	const (
		node      = "{cache}/bin/node {cache}/npm/node_modules/@modelcontextprotocol/server-everything/dist/index.js"
		fastmcp   = "{cache}/bin/python -B {src}/python/server.py --transport"
		reference = "{cache}/bin/python -B {src}/python/reference.py --transport"
		gosdk     = "{cache}/bin/gosdk-everything-server"
	)
	return []spec{
		{name: "everything-http", argv: node + " streamableHttp", env: "PORT={port}", path: "/mcp"},
		{name: "everything-sse", argv: node + " sse", env: "PORT={port}", path: "/sse"},
		{name: "everything-stdio", argv: node + " stdio"},
		{name: "fastmcp-stateful", argv: fastmcp + " streamable-http --port {port}", path: "/mcp"},
		{name: "fastmcp-stateless", argv: fastmcp + " streamable-http --stateless --port {port}", path: "/mcp"},
		{name: "fastmcp-sse", argv: fastmcp + " sse --port {port}", path: "/sse"},
		{name: "fastmcp-stdio", argv: fastmcp + " stdio"},
		{name: "pysdk-stateful", argv: reference + " streamable-http --port {port}", path: "/mcp"},
		{name: "pysdk-stateless", argv: reference + " streamable-http --stateless --port {port}", path: "/mcp"},
		{name: "pysdk-sse", argv: reference + " sse --port {port}", path: "/sse"},
		{name: "pysdk-stdio", argv: reference + " stdio"},
		{name: "gosdk-stateful", argv: gosdk + " -stateless=false -http 127.0.0.1:{port}", path: "/mcp"},
		{name: "gosdk-stateless", argv: gosdk + " -stateless=true -http 127.0.0.1:{port}", path: "/mcp"},
		{name: "gosdk-stdio", argv: gosdk},
	}
}

// Names lists every peer that Start knows, in a fixed order.
func Names() []string {
	var names []string
	for _, s := range specs() {
		names = append(names, s.name)
	}
	return names
}

// Start runs the named peer on a free loopback port and returns once the port
// answers. The peer is killed with its whole process group when the test ends;
// its output is logged if the test failed. For a stdio peer nothing runs: the
// caller gets the command. Start fails the test, and never skips, when the
// peers are not installed.
func Start(t testing.TB, name string) *Peer {
	t.Helper()
	all := specs()
	i := slices.IndexFunc(all, func(s spec) bool { return s.name == name })
	if i < 0 {
		t.Fatalf("start peer %q: no such peer; have %s", name, strings.Join(Names(), ", "))
	}
	src := root(t)
	if all[i].path == "" {
		argv, err := all[i].command(src, "")
		if err != nil {
			t.Fatalf("start peer %s: %v", name, err)
		}
		return &Peer{Name: name, Command: argv}
	}
	// Between choosing a free port and binding it somebody else may take it.
	var err error
	for range 3 {
		var peer *Peer
		if peer, err = listen(t, all[i], src); err == nil {
			return peer
		}
		if !errors.Is(err, errExited) {
			break
		}
	}
	t.Fatalf("start peer %s: %v", name, err)
	return nil
}

// listen starts an HTTP peer once and waits until it accepts connections.
func listen(t testing.TB, s spec, src string) (*Peer, error) {
	port, err := freePort()
	if err != nil {
		return nil, err
	}
	argv, err := s.command(src, port)
	if err != nil {
		return nil, err
	}
	var env []string
	if s.env != "" {
		env = append(env, strings.ReplaceAll(s.env, "{port}", port))
	}
	proc, err := startProcess(argv, env)
	if err != nil {
		return nil, err
	}
	address := net.JoinHostPort("127.0.0.1", port)
	if err := proc.waitForPort(address, startTimeout); err != nil {
		proc.stop()
		return nil, fmt.Errorf("%w\n%s", err, proc.output.String())
	}
	t.Cleanup(func() {
		proc.stop()
		if t.Failed() {
			t.Logf("output of %s:\n%s", s.name, proc.output.String())
		}
	})
	return &Peer{Name: s.name, URL: "http://" + address + s.path, process: proc}, nil
}

// command fills in the argument vector and checks that what it names is there.
func (s spec) command(src, port string) ([]string, error) {
	replace := strings.NewReplacer("{port}", port, "{src}", src)
	var argv []string
	for field := range strings.FieldsSeq(s.argv) {
		if rest, ok := strings.CutPrefix(field, "{cache}/"); ok {
			path, err := installed(src, rest)
			if err != nil {
				return nil, err
			}
			argv = append(argv, path)
			continue
		}
		argv = append(argv, filepath.FromSlash(replace.Replace(field)))
	}
	return argv, nil
}

// freePort asks the kernel for a loopback port that is free right now.
func freePort() (string, error) {
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		return "", fmt.Errorf("find a free port: %w", err)
	}
	port := l.Addr().(*net.TCPAddr).Port
	if err := l.Close(); err != nil {
		return "", fmt.Errorf("find a free port: %w", err)
	}
	return strconv.Itoa(port), nil
}

package config

import (
	"bytes"
	"flag"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/tools/txtar"

	"github.com/holdfast-mcp/holdfast/internal/client"
	"github.com/holdfast-mcp/holdfast/internal/gateway"
	"github.com/holdfast-mcp/holdfast/internal/probe"
)

var update = flag.Bool("update", false, "write the golden files anew")

// TestBad: each archive holds a file and everything that must be said of it.
func TestBad(t *testing.T) {
	files, err := filepath.Glob("testdata/bad/*.txtar")
	if err != nil || len(files) < 20 {
		t.Fatalf("%d archives: %v", len(files), err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) {
			archive, err := txtar.ParseFile(file)
			if err != nil {
				t.Fatal(err)
			}
			dir := t.TempDir()
			want, at := "", -1
			for i, f := range archive.Files {
				if f.Name == "want" {
					want, at = string(f.Data), i
				} else if err := os.WriteFile(filepath.Join(dir, f.Name), f.Data, 0o600); err != nil {
					t.Fatal(err)
				}
			}
			_, err = Load(filepath.Join(dir, "f.yaml"), []string{"EMPTY=", "BENT=two words", "KEY=s3cret"})
			if err == nil {
				t.Fatal("it was taken")
			}
			got := strings.ReplaceAll(err.Error(), dir+"/", "") + "\n"
			if strings.Contains(got, "s3cret") || strings.Contains(got, "two words") {
				t.Errorf("a secret in the error: %s", got)
			}
			if *update && at >= 0 {
				archive.Files[at].Data = []byte(got)
				if err := os.WriteFile(file, txtar.Format(archive), 0o600); err != nil {
					t.Fatal(err)
				}
				return
			}
			if d := cmp.Diff(want, got); d != "" {
				t.Errorf("(-want +got)\n%s", d)
			}
		})
	}
}

// load writes text, and a secret beside it, and reads them.
func load(t *testing.T, text string) *Config {
	t.Helper()
	dir := t.TempDir()
	for name, data := range map[string]string{"f.yaml": text, "token": "  t0ken\r\n", "key": "k3y\n"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(data), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	c, err := Load(filepath.Join(dir, "f.yaml"), []string{"KEY=old", "KEY=fr0menv"})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// TestGood: every feature reaches the front.
func TestGood(t *testing.T) {
	one := func(change func(*gateway.Config, *gateway.Server)) gateway.Config {
		s := gateway.Server{Name: "a", Endpoint: client.Endpoint{URL: "http://a.example/mcp"}}
		c := gateway.Config{
			Public: "127.0.0.1:8080", Admin: "127.0.0.1:9090",
			ProbeEvery: time.Minute, ProbeBudget: 10 * time.Second, Heartbeat: 15 * time.Second, Grace: time.Minute,
		}
		change(&c, &s)
		c.Servers = append(c.Servers, s)
		return c
	}
	const a = "servers:\n- name: a\n  url: http://a.example/mcp\n"
	for name, tt := range map[string]struct {
		text  string
		want  gateway.Config
		notes string
	}{
		"least":       {text: a, want: one(func(*gateway.Config, *gateway.Server) {})},
		"listen":      {text: a + "listen: {public: ':80', admin: '127.0.0.1:0'}", want: one(func(c *gateway.Config, _ *gateway.Server) { c.Public, c.Admin = ":80", "127.0.0.1:0" })},
		"drain":       {text: a + "drain: {wait: 10s, timeout: 2m}", want: one(func(c *gateway.Config, _ *gateway.Server) { c.DrainDelay, c.Grace = 10*time.Second, 2*time.Minute })},
		"longestCall": {text: a + "  longestCall: 5m", want: one(func(c *gateway.Config, _ *gateway.Server) { c.Grace = 5 * time.Minute })},
		"heartbeat":   {text: a + "  heartbeat: 5s", want: one(func(c *gateway.Config, _ *gateway.Server) { c.Heartbeat = 5 * time.Second })},
		"probe": {text: a + "  probe: {every: 20s, budget: 3s}", want: one(func(c *gateway.Config, _ *gateway.Server) {
			c.ProbeEvery, c.ProbeBudget = 20*time.Second, 3*time.Second
		})},
		"HTTP":   {text: a + "  transport: streamable-http", want: one(func(_ *gateway.Config, s *gateway.Server) { s.Transport = client.StreamableHTTP })},
		"SSE":    {text: a + "  transport: sse", want: one(func(_ *gateway.Config, s *gateway.Server) { s.Transport = client.HTTPSSE })},
		"routed": {text: a + "  route: true", want: one(func(*gateway.Config, *gateway.Server) {})},
		"bearer": {text: a + "  credential: {bearer: {file: token}}", want: one(func(_ *gateway.Config, s *gateway.Server) {
			s.Endpoint.Header = http.Header{"Authorization": {"Bearer t0ken"}}
		})},
		"bearer in env": {text: a + "  credential: {bearer: {env: KEY}}", want: one(func(_ *gateway.Config, s *gateway.Server) {
			s.Endpoint.Header = http.Header{"Authorization": {"Bearer fr0menv"}}
		})},
		"headers": {text: a + "  credential: {headers: [{name: x-key, value: {file: key}}]}", want: one(func(_ *gateway.Config, s *gateway.Server) { s.Endpoint.Header = http.Header{"X-Key": {"k3y"}} })},
		"checks": {text: a + "  checks: [{tool: f, args: {n: 9007199254740993}, expect: [ok]}, {tool: g, critical: false}]", want: one(func(_ *gateway.Config, s *gateway.Server) {
			s.Calls = []probe.Call{{Tool: "f", Args: []byte(`{"n":9007199254740993}`), Critical: true}, {Tool: "g"}}
		})},
		"command": {
			text: "servers: [{name: a, command: [uvx, w], args: [-q], env: [{name: U, value: m}, {name: K, value: '${env:KEY}'}]}]",
			want: one(func(_ *gateway.Config, s *gateway.Server) {
				s.Transport = client.Stdio
				s.Endpoint = client.Endpoint{Command: []string{"uvx", "w", "-q"}, Env: []string{"U=m", "K=fr0menv"}}
			}),
			notes: "f.yaml:1:11: servers[0].probe.every: 1m is taken as 5m: each probe of a command starts a process",
		},
		"two servers": {
			text: a + "- {name: b, url: 'http://b.example/mcp', heartbeat: 9s, longestCall: 3m}",
			want: one(func(c *gateway.Config, s *gateway.Server) {
				c.Heartbeat, c.Grace, c.Servers = 9*time.Second, 3*time.Minute, []gateway.Server{*s}
				s.Name, s.Endpoint.URL = "b", "http://b.example/mcp"
			}),
		},
		"without effect": {
			text: a + "  stateless: true\nstore: memory\nsessions: {keys: /keys}",
			want: one(func(*gateway.Config, *gateway.Server) {}),
			notes: `f.yaml:4:3: servers[0].stateless: has no effect: this version treats every server as one that keeps sessions, which a stateless one does not notice
f.yaml:5:1: store: has no effect: memory is the only store of this version
f.yaml:6:12: sessions.keys: has no effect: this version does not seal session ids, and a single replica knows its own`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			got := load(t, tt.text)
			if d := cmp.Diff(tt.want, got.Front); d != "" {
				t.Errorf("(-want +got)\n%s", d)
			}
			var notes []string
			for _, n := range got.Notes {
				n.File = filepath.Base(n.File)
				notes = append(notes, n.Error())
			}
			if d := cmp.Diff(tt.notes, strings.Join(notes, "\n")); d != "" {
				t.Errorf("notes (-want +got)\n%s", d)
			}
		})
	}
}

// TestBounds: what is too large is not read to its end.
func TestBounds(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "f.yaml")
	write := func(name string, data []byte) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for name, tt := range map[string]struct {
		config, want string
		token        int
	}{
		"file":   {strings.Repeat("# nothing\n", 4<<20/10+1), "more than 4 MiB", 0},
		"secret": {"servers: [{name: a, url: 'http://a.example/', credential: {bearer: {file: token}}}]", "has more than 64 KiB", maxSecret + 1},
	} {
		write("f.yaml", []byte(tt.config))
		write("token", bytes.Repeat([]byte("x"), tt.token))
		if _, err := Load(file, nil); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := Load(dir, nil); err == nil || !strings.Contains(err.Error(), "is a folder") {
		t.Errorf("folder: %v", err)
	}
	if _, err := Load(filepath.Join(dir, "none"), nil); err == nil || !strings.Contains(err.Error(), "no such file") {
		t.Errorf("no file: %v", err)
	}
}

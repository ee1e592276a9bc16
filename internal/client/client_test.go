package client_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/holdfast-mcp/holdfast/internal/client"
	"github.com/holdfast-mcp/holdfast/internal/egress"
	"github.com/holdfast-mcp/holdfast/internal/mcp/mcptest"
)

const patience = 30 * time.Second

// dial makes a client of an endpoint in a world.
func dial(t *testing.T, w *mcptest.World, e client.Endpoint, change ...func(*client.Options)) *client.Client {
	t.Helper()
	out := egress.New(egress.Options{Resolve: w.Resolve, Dial: w.Dial, RootCAs: w.RootCAs()})
	o := client.Options{
		HTTP: out, Info: client.Implementation{Name: "tester", Version: "1"}, UserAgent: "tester/1", Patience: patience,
	}
	for _, f := range change {
		f(&o)
	}
	c, err := client.New(e, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(out.CloseIdle)
	return c
}

// serve puts a server into a world of its own and gives a client of it.
func serve(t *testing.T, h http.Handler, change ...func(*client.Options)) *client.Client {
	t.Helper()
	w := mcptest.NewWorld(t)
	path := "/mcp"
	return dial(t, w, client.Endpoint{URL: w.Host("server.example", h).URL(path)}, change...)
}

func TestNewRefuses(t *testing.T) {
	t.Parallel()
	out := egress.New(egress.Options{})
	for _, c := range []struct {
		name string
		e    client.Endpoint
		o    client.Options
		says string
	}{
		{"both", client.Endpoint{URL: "http://a/", Command: []string{"x"}}, client.Options{HTTP: out}, "both a URL and a command"},
		{"no http", client.Endpoint{URL: "http://a/"}, client.Options{}, "no HTTP options"},
		{"user info", client.Endpoint{URL: "https://u:s3cr3t@a/"}, client.Options{HTTP: out}, "user info"},
		{"port", client.Endpoint{URL: "https://a:0/"}, client.Options{HTTP: out}, "port"},
		{"escape", client.Endpoint{URL: "https://a/%zz?key=s3cr3t"}, client.Options{HTTP: out}, "does not parse"},
		{"scheme", client.Endpoint{URL: "mailto:s3cr3t@a"}, client.Options{HTTP: out}, "scheme"},
		{"fragment", client.Endpoint{URL: "https://a/#s3cr3t"}, client.Options{HTTP: out}, "fragment"},
		{"empty", client.Endpoint{}, client.Options{HTTP: out}, "scheme"},
	} {
		_, err := client.New(c.e, c.o)
		if err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: error %v, want one with %q", c.name, err, c.says)
		}
		if err != nil && strings.Contains(err.Error(), "s3cr3t") {
			t.Errorf("%s: error tells the secret: %v", c.name, err)
		}
	}
	if _, err := client.ParseURL("https://{host}/mcp"); !errors.Is(err, client.ErrPlaceholder) {
		t.Errorf("placeholder: %v", err)
	}
}

func TestEndpointString(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"https://u:s3cr3t@a.example/mcp?key=s3cr3t#s3cr3t": "https://a.example/mcp",
		"https://u:s3cr3t@a.example:bad/%zz?key=s3cr3t#x":  "https://a.example:bad/%zz",
		"https://{tenant}.example/mcp":                     "https://{tenant}.example/mcp",
		"https://a.example/\x1b[31m":                       "(unparsable URL)",
	} {
		if got := (client.Endpoint{URL: in}).String(); got != want {
			t.Errorf("%s: %q, want %q", in, got, want)
		}
	}
	if got := (client.Endpoint{Command: []string{"npx", "--key", "s3cr3t"}}).String(); got != "stdio:npx" {
		t.Errorf("command: %q", got)
	}
}

// TestTrusts: the credential stays with its origin; only TLS may be added.
func TestTrusts(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		own, to string
		want    bool
	}{
		{"https://a.example/mcp", "https://a.example/v2", true},
		{"https://a.example/mcp", "https://A.example:443/v2", true},
		{"https://a.example/mcp", "https://a.example:8443/mcp", false},
		{"https://a.example/mcp", "http://a.example/mcp", false},
		{"https://a.example/mcp", "https://b.example/mcp", false},
		{"https://a.example/mcp", "https://a.example.evil.example/mcp", false},
		{"http://a.example/mcp", "https://a.example/mcp", true},
		{"http://a.example:8080/mcp", "https://a.example/mcp", false},
		{"http://a.example/mcp", "https://a.example:8443/mcp", false},
		{"https://a.example/mcp", "ftp://a.example:443/mcp", false},
	} {
		cl, err := client.New(client.Endpoint{URL: c.own}, client.Options{HTTP: egress.New(egress.Options{})})
		if err != nil {
			t.Fatal(err)
		}
		to := httptest.NewRequest(http.MethodGet, c.to, nil).URL
		if got := cl.Trusts(to); got != c.want {
			t.Errorf("%s trusts %s: %t, want %t", c.own, c.to, got, c.want)
		}
	}
}

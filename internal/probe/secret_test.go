package probe_test

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/holdfast-mcp/holdfast/internal/client"
	"github.com/holdfast-mcp/holdfast/internal/mcp"
	"github.com/holdfast-mcp/holdfast/internal/mcp/mcptest"
	"github.com/holdfast-mcp/holdfast/internal/probe"
	"github.com/holdfast-mcp/holdfast/internal/report"
)

func contextUntil(ctx context.Context, how string, at time.Duration) (context.Context, context.CancelFunc) {
	if how == "deadline" {
		return context.WithTimeout(ctx, at)
	}
	ctx, cancel := context.WithCancel(ctx)
	time.AfterFunc(at, cancel)
	return ctx, cancel
}

// The markers have no part in common with anything a probe says by itself.
const (
	markToken    = "tok<Zq7&wJ9\"kXv2>MARKED"
	markKey      = "Yh3pLm8-MARKED-Rt5"
	markQuery    = "Gf6 dS1/MARKED+Bn4"
	markPassword = "Uj2MARKEDpassword"
	markNamed    = "Wx9MARKEDnamed"
	markSession  = "Ke4MARKEDsession0123456789"
	mark         = "MARKED"
)

// fragment finds even a piece of a marker: the beginning of one of them.
func fragment(text string) int {
	for _, piece := range []string{mark, "tok<Zq", "Yh3pL", "Gf6 d", "Gf6+d", "Gf6%2", "Uj2MA", "Wx9MA", "Ke4MA"} {
		if i := strings.Index(text, piece); i >= 0 {
			return i
		}
	}
	return -1
}

// addMarkers gives a target's endpoint a credential and a query of markers.
func addMarkers(t *mcptest.Target) {
	h := t.Header.Clone()
	if h == nil {
		h = http.Header{}
	}
	h.Set("X-Api-Key", markKey)
	if h.Get("Authorization") == "" {
		h.Set("Authorization", "Basic "+base64.StdEncoding.EncodeToString([]byte("user:"+markPassword)))
	}
	t.Header = h
	u, err := url.Parse(t.URL)
	if err != nil {
		t.URL += "?api_key=" + url.QueryEscape(markQuery)
		return
	}
	q := u.Query()
	q.Set("api_key", markQuery)
	u.RawQuery = q.Encode()
	t.URL = u.String()
}

// noMarker holds that nothing a result leads to tells a marker.
func noMarker(t *testing.T, r probe.Result) {
	t.Helper()
	outputs := map[string]string{"json": everything(t, r)}
	for _, f := range r.Findings {
		outputs["finding "+f.Name] = f.String()
	}
	for name, s := range map[string]report.Style{"journey": {}, "journey -v": {Transcript: true, Color: true, Width: 40}} {
		var b strings.Builder
		if err := report.Journey(&b, r, s); err != nil {
			t.Fatal(err)
		}
		outputs[name] = b.String()
	}
	for name, text := range outputs {
		if i := fragment(text); i >= 0 {
			t.Errorf("%s tells a secret: …%s…", name, text[max(0, i-80):min(len(text), i+40)])
		}
	}
}

// mirror repeats every secret it is shown wherever an answer has room, pushed
// to where a clip would cut it in half.
type mirror struct {
	status      int
	contentType string
	body        func(r *http.Request, id string, secrets string) string
}

func (m mirror) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	raw, _ := io.ReadAll(r.Body)
	var msg struct{ ID json.RawMessage }
	_ = json.Unmarshal(raw, &msg)
	q := r.URL.Query().Get("api_key")
	all := []string{r.Header.Get("Authorization"), r.Header.Get("X-Api-Key"), q, url.QueryEscape(q), r.URL.RawQuery, markNamed, markSession, markPassword}
	secrets := strings.Join(all, " ")
	h := w.Header()
	h.Set("Content-Type", strings.ReplaceAll(m.contentType, "SECRET", r.Header.Get("X-Api-Key")))
	h.Set(mcp.HeaderSession, markSession)
	h.Set("Www-Authenticate", `Bearer error="`+q+`", resource_metadata="https://mirror.example/`+url.PathEscape(q)+`", `+strings.Repeat("x", 150)+secrets)
	h.Set("Location", "https://elsewhere.example/"+url.PathEscape(q)+"?"+r.URL.RawQuery)
	h.Set("Retry-After", "7")
	w.WriteHeader(m.status)
	_, _ = io.WriteString(w, m.body(r, string(msg.ID), secrets))
}

// TestMirrorTellsNothing: a server that repeats our secrets cannot make us
// repeat them.
func TestMirrorTellsNothing(t *testing.T) {
	quote := func(s string) string { b, _ := json.Marshal(s); return string(b) }
	fail := func(_ *http.Request, id, secrets string) string {
		return fmt.Sprintf(`{"jsonrpc":"2.0","id":%s,"error":{"code":-32000,"message":%s,"data":%s}}`, id, quote(strings.Repeat("version ", 23)+secrets), quote(secrets))
	}
	healthy := func(_ *http.Request, id, secrets string) string {
		tool := func(name string) string {
			return fmt.Sprintf(`{"name":%s,"description":%s,"inputSchema":{"type":%s,"properties":{"a":{"pattern":%s}}}}`, quote(name), quote(secrets), quote(secrets), quote("("+secrets))
		}
		return fmt.Sprintf(`{"jsonrpc":"2.0","id":%s,"result":{"supportedVersions":["2026-07-28",%s],"protocolVersion":"2025-11-25","capabilities":{"tools":{}},
			"serverInfo":{"name":%s,"version":%s},"_meta":{"io.modelcontextprotocol/serverInfo":{"name":%s,"version":%s}},"tools":[%s,%s,%s,%s],
			"isError":true,"content":[{"type":"text","text":%s}]}}`, id, quote(secrets), quote(secrets), quote(markKey), quote(markKey), quote(strings.Repeat("v", 190)+secrets),
			tool("echo"), tool(secrets), tool(secrets), tool(strings.Repeat("n", 195)+markKey), quote(strings.Repeat("e", 190)+secrets))
	}
	page := func(_ *http.Request, _, secrets string) string { return "<html>" + strings.Repeat("y", 1010) + secrets }
	unknown := func(_ *http.Request, id, secrets string) string {
		return fmt.Sprintf(`{"jsonrpc":"2.0","id":%s,"result":{"protocolVersion":%s,"serverInfo":{"name":%s}}}`, id, quote(secrets), quote(secrets))
	}
	for _, m := range []mirror{
		{200, "application/json", healthy}, {200, "text/plain; SECRET=SECRET", healthy}, {200, "application/json", fail}, {400, "application/json", fail},
		{400, "text/plain", page}, {401, "text/html", page}, {403, "text/html", page}, {404, "text/" + strings.Repeat("z", 70) + "SECRET", page},
		{307, "text/html", page}, {302, "text/html", page}, {429, "text/html", page}, {500, "application/json", fail}, {503, "text/html", page},
		{200, "application/json", unknown}, {200, "text/html", page}, {200, "text/event-stream", page},
	} {
		t.Run(fmt.Sprintf("%d %.20s", m.status, m.contentType), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := mcptest.NewWorld(t)
				target := mcptest.Target{URL: w.Host("mirror.example", m).URL("/mcp"), Header: http.Header{"Authorization": {"Bearer " + markToken}}}
				addMarkers(&target)
				p := probe.New(asker(w, true))
				r := p.Run(t.Context(), probe.Target{
					Endpoint: client.Endpoint{URL: target.URL, Header: target.Header}, Secrets: []string{markNamed, markPassword},
					Calls: []probe.Call{{Tool: "echo", Args: json.RawMessage(quoteArgs(markNamed))}},
				})
				noMarker(t, r)
				if len(r.Transcript) == 0 || !strings.Contains(everything(t, r), "[redacted]") {
					t.Error("nothing was redacted: the mirror shows nothing")
				}
			})
		})
	}
}

func quoteArgs(s string) string { return fmt.Sprintf(`{"password":%q}`, s) }

// TestURLTellsNothing: a URL that is refused is not quoted.
func TestURLTellsNothing(t *testing.T) {
	t.Parallel()
	for _, raw := range []string{
		"https://user:" + markPassword + "@a.example/{x}", "https://a.example/{x}?key=" + markKey, "https://user:" + markPassword + "@a.example/mcp",
		"https://a.example:bad/{x}?key=" + markKey, "https://a.example/%zz?key=" + markKey, "https://a.example/mcp#" + markKey, "https://a.example/?q=<key>&k=" + markKey,
	} {
		r := probe.New(probe.Options{}).Run(t.Context(), probe.Target{Endpoint: client.Endpoint{URL: raw}})
		noMarker(t, r)
		if len(r.Codes) != 1 || !strings.HasPrefix(r.Codes[0], "url.") {
			t.Errorf("%s: %v", raw, r.Codes)
		}
	}
}

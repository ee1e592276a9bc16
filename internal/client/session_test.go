package client_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/holdfast-mcp/holdfast/internal/client"
	"github.com/holdfast-mcp/holdfast/internal/mcp"
	"github.com/holdfast-mcp/holdfast/internal/mcp/mcptest"
)

// modernSession finds the modern session of a server in memory.
func modernSession(t *testing.T, cfg mcptest.Config) (*client.Session, *mcptest.Server) {
	t.Helper()
	s := mcptest.NewServer(cfg)
	d := serve(t, s).Detect(t.Context(), mcp.EraModern)
	if d.Modern == nil {
		t.Fatalf("no modern session: %v", d.Decisive.Err)
	}
	return d.Modern, s
}

// pages answers tools/list by what the cursor is; next gives the cursor of the
// following page, nil for none.
func pages(next func(cursor *string, n int) any) mcptest.Fault {
	n := 0
	return mcptest.On(mcptest.BendResult(func(ex *mcptest.Exchange, r map[string]any) {
		var params struct{ Cursor *string }
		_ = json.Unmarshal(ex.Msg.Params, &params)
		n++
		r["tools"] = []any{map[string]any{"name": fmt.Sprintf("t%d", n), "inputSchema": map[string]any{"type": "object"}}}
		r["nextCursor"] = next(params.Cursor, n)
	}), mcp.MethodToolsList)
}

// ignoreCursor keeps the server itself from judging cursors it did not give.
func ignoreCursor(ex *mcptest.Exchange, next func()) {
	asked := ex.Msg
	if ex.Method() == mcp.MethodToolsList {
		msg := *ex.Msg
		msg.Params = nil
		ex.Msg = &msg
		ex.Bend(func(*mcptest.Reply) { ex.Msg = asked })
	}
	next()
}

func TestListTools(t *testing.T) {
	text := func(s string) *string { return &s }
	for _, c := range []struct {
		name    string
		next    func(cursor *string, n int) any
		pages   int
		loop    bool
		cursors []*string // as the server saw them
	}{
		{"one page", func(*string, int) any { return nil }, 1, false, []*string{nil}},
		{"the empty string is a cursor", func(_ *string, n int) any {
			if n == 1 {
				return ""
			}
			return nil
		}, 2, false, []*string{nil, text("")}},
		{"the empty string for ever", func(*string, int) any { return "" }, 2, true, nil},
		{"same cursor", func(*string, int) any { return "x" }, 2, true, nil},
		{"two in turn", func(_ *string, n int) any { return fmt.Sprint(n % 2) }, 3, true, nil},
		{"always another", func(_ *string, n int) any { return fmt.Sprint(n) }, 100, true, nil},
		{"odd text", func(_ *string, n int) any {
			if n == 1 {
				return "\"\u2028ü\x00{}"
			}
			return nil
		}, 2, false, []*string{nil, text("\"\u2028ü\x00{}")}},
		{"not a string", func(*string, int) any { return 7 }, 1, false, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				var seen []*string
				note := mcptest.On(func(ex *mcptest.Exchange, next func()) {
					var params struct{ Cursor *string }
					_ = json.Unmarshal(ex.Msg.Params, &params)
					seen = append(seen, params.Cursor)
					next()
				}, mcp.MethodToolsList)
				s, _ := modernSession(t, mcptest.Config{Faults: []mcptest.Fault{note, pages(c.next), ignoreCursor}})
				list := s.ListTools(t.Context())
				if len(list.Pages) != c.pages || list.Loop != c.loop {
					t.Errorf("%d pages, loop %t; want %d, %t", len(list.Pages), list.Loop, c.pages, c.loop)
				}
				if c.cursors != nil {
					if diff := cmp.Diff(c.cursors, seen); diff != "" {
						t.Errorf("cursors -want +got:\n%s", diff)
					}
				}
				if failed := list.Failed() != nil; failed != (c.name == "not a string") {
					t.Errorf("failed %t", failed)
				}
			})
		})
	}
}

// TestListToolsIsBounded: a hundred pages of four megabytes are not kept.
func TestListToolsIsBounded(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		filler := strings.Repeat("x", 3<<20)
		s, _ := modernSession(t, mcptest.Config{Faults: []mcptest.Fault{mcptest.On(mcptest.BendResult(func(_ *mcptest.Exchange, r map[string]any) {
			r["filler"] = filler
		}), mcp.MethodToolsList), pages(func(_ *string, n int) any { return fmt.Sprint(n) }), ignoreCursor}})
		if list := s.ListTools(t.Context()); !list.Loop || list.Bytes > 24<<20 {
			t.Errorf("loop %t, %d MB", list.Loop, list.Bytes>>20)
		}
	})
}

// TestName: a name that no header can hold travels as the sentinel, and the
// body keeps it as it is.
func TestName(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"plain", "with space", "погода", " padded ", "=?base64?eA==?=", "line\nbreak", strings.Repeat("n", 2000), ""} {
		synctest.Test(t, func(t *testing.T) {
			s, srv := modernSession(t, mcptest.Config{Tools: []json.RawMessage{mcptest.Tool(name)}})
			x := s.Call(t.Context(), name, json.RawMessage(`{"a":9007199254740993}`))
			if name == "" { // a name that is no name: the header is left out
				return
			}
			if !x.OK() || srv.Stats().ToolCalls[name] != 1 {
				t.Errorf("%q: %v, error %v, calls %v", name, x.RPCError(), x.Err, srv.Stats().ToolCalls)
			}
			if !strings.Contains(string(x.Request), "9007199254740993") {
				t.Errorf("%q: arguments became %s", name, x.Request)
			}
		})
	}
}

// TestRequestMeta: each modern request says who asks and in which version.
func TestRequestMeta(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s, _ := modernSession(t, mcptest.Config{})
		x := s.Request(t.Context(), mcp.MethodToolsList, "", map[string]any{"cursor": "page-1"})
		var msg struct {
			Params struct {
				Cursor string
				Meta   map[string]any `json:"_meta"`
			}
		}
		if err := json.Unmarshal(x.Request, &msg); err != nil {
			t.Fatal(err)
		}
		want := map[string]any{
			mcp.MetaProtocolVersion: string(mcp.Rev20260728), mcp.MetaClientCapabilities: map[string]any{},
			mcp.MetaClientInfo: map[string]any{"name": "tester", "version": "1"},
		}
		if diff := cmp.Diff(want, msg.Params.Meta); diff != "" || msg.Params.Cursor != "page-1" {
			t.Errorf("cursor %q, _meta -want +got:\n%s", msg.Params.Cursor, diff)
		}
	})
}

// TestSessionEnds: a session that was opened is deleted, also when the
// handshake led to nothing or its caller had gone.
func TestSessionEnds(t *testing.T) {
	slow := mcptest.On(mcptest.Delay(500*time.Millisecond), mcp.MethodInitialize)
	unknown := mcptest.On(mcptest.BendResult(func(_ *mcptest.Exchange, r map[string]any) { r["protocolVersion"] = "1999-12-31" }), mcp.MethodInitialize)
	for _, c := range []struct {
		name   string
		faults []mcptest.Fault
		after  time.Duration // until the caller gives up; 0 for never
	}{
		{"agreed", nil, 0},
		{"unknown version", []mcptest.Fault{unknown}, 0},
		{"caller gone", []mcptest.Fault{slow}, 100 * time.Millisecond},
		{"caller gone, unknown version", []mcptest.Fault{slow, unknown}, 100 * time.Millisecond},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				srv := mcptest.NewServer(mcptest.Config{Era: mcptest.Legacy, Sessions: true, Faults: c.faults})
				cl := serve(t, srv)
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				if c.after > 0 {
					time.AfterFunc(c.after, cancel)
				}
				h := cl.Initialize(ctx, mcp.Rev20251125)
				if h.Session != nil {
					if x := h.Session.Close(t.Context()); x == nil || x.Status != http.StatusNoContent {
						t.Errorf("close: %+v", x)
					}
				}
				if st := srv.Stats(); st.SessionsOpened != 1 || st.SessionsOpen() != 0 {
					t.Errorf("%d opened, %d left", st.SessionsOpened, st.SessionsOpen())
				}
				if (h.Discarded != nil) != strings.Contains(c.name, "unknown") {
					t.Errorf("discarded %v", h.Discarded)
				}
			})
		})
	}
}

// TestGivesUpInTheEnd: a handshake that outlives its caller does so by two
// seconds, not by the whole patience.
func TestGivesUpInTheEnd(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		cl := serve(t, mcptest.NewServer(mcptest.Config{Era: mcptest.Legacy, Faults: []mcptest.Fault{mcptest.Hang}}))
		ctx, cancel := context.WithCancel(t.Context())
		start := time.Now()
		time.AfterFunc(time.Second, cancel)
		cl.Initialize(ctx, mcp.Rev20251125)
		if took := time.Since(start); took != 3*time.Second {
			t.Errorf("took %s", took)
		}
		start = time.Now()
		cl.Initialize(ctx, mcp.Rev20251125)
		if took := time.Since(start); took != 0 {
			t.Errorf("after the end: took %s", took)
		}
	})
}

// TestNotify: a notification is done when its head has come, whatever follows.
func TestNotify(t *testing.T) {
	t.Parallel()
	for name, h := range map[string]http.HandlerFunc{
		"stream": streams(true), "accepted": says(202, "", ""), "refused": says(400, "text/plain", "no"),
		"long": says(200, "text/plain", strings.Repeat("x", 1<<20)),
	} {
		synctest.Test(t, func(t *testing.T) {
			first := true
			cl := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if first {
					first = false
					says(200, "application/json", goodResult)(w, r)
					return
				}
				h(w, r)
			}))
			start := time.Now()
			handshake := cl.Initialize(t.Context(), mcp.Rev20251125)
			if handshake.Session == nil || handshake.Initialized.Accepted() != (name != "refused") || time.Since(start) != 0 {
				t.Errorf("%s: status %d, error %v after %s", name, handshake.Initialized.Status, handshake.Initialized.Err, time.Since(start))
			}
		})
	}
}

// TestCredentialStays: the headers of an endpoint are shown to its origin, and
// to nobody a redirect points to.
func TestCredentialStays(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := mcptest.NewWorld(t)
		own, other := mcptest.NewServer(mcptest.Config{}), mcptest.NewServer(mcptest.Config{})
		url := w.Host("own.example", own).URL("/mcp")
		elsewhere := w.Host("other.example", other).URL("/mcp")
		c := dial(t, w, client.Endpoint{URL: url, Header: http.Header{"authorization": {"Bearer s3cr3t"}, "X-Api-Key": {"s3cr3t"}}})
		c.Detect(t.Context(), mcp.EraModern)
		to, err := client.ParseURL(elsewhere)
		if err != nil {
			t.Fatal(err)
		}
		c.Redirect(to)
		c.Detect(t.Context(), mcp.EraModern)
		if got := own.Stats().Credentials; got["Bearer s3cr3t"] != 1 || got["s3cr3t"] != 1 {
			t.Errorf("own origin saw %v", got)
		}
		if st := other.Stats(); len(st.Credentials) != 0 || st.Total != 1 {
			t.Errorf("other origin saw %v in %d requests", st.Credentials, st.Total)
		}
	})
}

// TestGet: only an event stream is one.
func TestGet(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name    string
		get     http.HandlerFunc
		framing client.Framing
		status  int
	}{
		{"stream", streams(true), client.FramingStream, 200},
		{"page", says(200, "text/html", "<html>"), client.FramingNone, 200},
		{"refused", says(405, "text/plain", ""), client.FramingNone, 405},
	} {
		synctest.Test(t, func(t *testing.T) {
			cl := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.Method == http.MethodGet {
					c.get(w, r)
					return
				}
				body, _ := io.ReadAll(r.Body)
				if strings.Contains(string(body), "initialized") {
					w.WriteHeader(202)
					return
				}
				says(200, "application/json", goodResult)(w, r)
			}))
			x := cl.Initialize(t.Context(), mcp.Rev20251125).Session.Get(t.Context())
			if x.Framing != c.framing || x.Status != c.status {
				t.Errorf("%s: framing %q, status %d", c.name, x.Framing, x.Status)
			}
		})
	}
}

func TestListen(t *testing.T) {
	note := func(method, id string) string {
		return event(fmt.Sprintf(`{"jsonrpc":"2.0","method":%q,"params":{"notifications":{},"_meta":{%q:%s}}}`, method, mcp.MetaSubscriptionID, id))
	}
	ack := func(id string) string { return note(mcp.MethodAcknowledged, id) }
	result := event(`{"jsonrpc":"2.0","id":2,"result":{"resultType":"complete"}}`)
	for _, c := range []struct {
		name         string
		listen       http.HandlerFunc
		acked, ended bool
		took         time.Duration
		says         string
	}{
		{"held", streams(true, ack("2")), true, false, time.Second, ""},
		{"held with changes", streams(true, ack("2"), ": beat\n", note(mcp.MethodToolsChanged, "2")), true, false, time.Second, ""},
		{"ends after the acknowledgement", streams(false, ack("2")), true, true, 0, ""},
		{"closes properly", streams(false, ack("2"), result), true, false, 0, ""},
		{"acknowledges another", streams(true, ack("7")), false, false, 0, ""},
		{"acknowledges with a string", streams(true, ack(`"2"`)), false, false, 0, ""},
		{"acknowledges without an id", streams(true, event(`{"jsonrpc":"2.0","method":"`+mcp.MethodAcknowledged+`"}`)), false, false, 0, ""},
		{"says something else first", streams(true, note(mcp.MethodToolsChanged, "2"), ack("2")), false, false, 0, ""},
		{"says nothing", streams(true, ": beat\n\n"), false, false, 5 * time.Second, "no acknowledgement within 5s"},
		{"never answers", func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }, false, false, 5 * time.Second, "no acknowledgement within 5s"},
		{"ends at once", streams(false), false, false, 0, ""},
		{"refuses", says(404, "application/json", `{"jsonrpc":"2.0","id":2,"error":{"code":-32601,"message":"x"}}`), false, false, 0, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s, srv := modernSession(t, mcptest.Config{Faults: []mcptest.Fault{mcptest.On(func(ex *mcptest.Exchange, _ func()) {
					c.listen(ex.W, ex.R)
				}, mcp.MethodListen)}})
				start := time.Now()
				l := s.Listen(t.Context(), 5*time.Second, time.Second)
				if l.Acknowledged != c.acked || l.Ended != c.ended {
					t.Errorf("acknowledged %t, ended %t; want %t, %t", l.Acknowledged, l.Ended, c.acked, c.ended)
				}
				if took := time.Since(start); took != c.took {
					t.Errorf("took %s, want %s", took, c.took)
				}
				if got := fmt.Sprint(l.Exchange.Err); c.says != "" && !strings.Contains(got, c.says) || c.says == "" && l.Exchange.Err != nil {
					t.Errorf("error %v, want %q", l.Exchange.Err, c.says)
				}
				synctest.Wait()
				if n := srv.Stats().InFlight; n != 0 {
					t.Errorf("%d requests still open at the server", n)
				}
			})
		})
	}
}

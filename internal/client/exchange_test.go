package client_test

import (
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/holdfast-mcp/holdfast/internal/client"
	"github.com/holdfast-mcp/holdfast/internal/egress"
	"github.com/holdfast-mcp/holdfast/internal/mcp"
	"github.com/holdfast-mcp/holdfast/internal/mcp/mcptest"
)

const (
	maxMessage = 4 << 10
	goodResult = `{"jsonrpc":"2.0","id":1,"result":{"protocolVersion":"2025-11-25","capabilities":{"tools":{}},"serverInfo":{"name":"s","version":"1"}}}`
)

// says answers with a type and a body.
func says(status int, contentType, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header()["Content-Type"] = []string{contentType}
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}
}

// streams sends events one by one, then holds the stream open if asked to.
func streams(hold bool, chunks ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		w.WriteHeader(http.StatusOK)
		_ = http.NewResponseController(w).Flush()
		for _, c := range chunks {
			_, _ = io.WriteString(w, c)
			_ = http.NewResponseController(w).Flush()
		}
		if hold {
			<-r.Context().Done()
		}
	}
}

func event(data string) string { return "data: " + data + "\n\n" }

type exchangeCase struct {
	name    string
	serve   http.HandlerFunc
	fault   client.Fault
	ok      bool        // a result came
	code    int64       // of a JSON-RPC error
	status  int         // default 200
	kind    egress.Kind // of the error
	framing client.Framing
	took    time.Duration // 0: at once
	check   func(x *client.Exchange) error
}

func exchangeCases() []exchangeCase {
	const note = `{"jsonrpc":"2.0","method":"notifications/message","params":{}}`
	big := `{"jsonrpc":"2.0","id":1,"result":{"x":"` + strings.Repeat("x", maxMessage) + `"}}`
	hang := func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }
	return []exchangeCase{
		{name: "json", serve: says(200, "application/json", goodResult), ok: true, framing: client.FramingJSON},
		{name: "json with charset", serve: says(200, "Application/JSON; charset=utf-8", goodResult), ok: true, framing: client.FramingJSON},
		{name: "json by suffix", serve: says(200, "application/vnd.mcp+json", goodResult), ok: true, framing: client.FramingJSON},
		{name: "type that does not parse", serve: says(200, "application/json; charset", goodResult), ok: true, framing: client.FramingJSON},
		{name: "wrong type", serve: says(200, "text/plain", goodResult), ok: true, fault: client.FaultContentType, framing: client.FramingJSON},
		{name: "no type", serve: says(200, "", goodResult), ok: true, fault: client.FaultContentType, framing: client.FramingJSON},
		{name: "stream", serve: streams(false, event(goodResult)), ok: true, framing: client.FramingStream},
		{name: "stream that stays open", serve: streams(true, event(goodResult)), ok: true, framing: client.FramingStream},
		{name: "stream type in capitals", serve: func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "Text/Event-Stream;charset=UTF-8")
			_, _ = io.WriteString(w, event(goodResult))
		}, ok: true, framing: client.FramingStream},
		{name: "notes and comments first", serve: streams(false, ": hi\n\n", "id: 0\ndata:\n\n", event(note), ":\n", event(`{"jsonrpc":"2.0","id":"s1","method":"ping"}`), event(goodResult)),
			ok: true, framing: client.FramingStream, check: func(x *client.Exchange) error {
				if len(x.Notes) != 2 || x.KeepAlives != 2 {
					return fmt.Errorf("%d notes, %d keep-alives", len(x.Notes), x.KeepAlives)
				}
				return nil
			}},
		{name: "garbage, then the answer", serve: streams(false, event("hello"), event(goodResult)), ok: true, framing: client.FramingStream},
		{name: "another answer, then the right one", serve: streams(false, event(`{"jsonrpc":"2.0","id":99,"result":{}}`), event(goodResult)), ok: true, framing: client.FramingStream},
		{name: "empty", serve: says(200, "application/json", ""), fault: client.FaultEmpty},
		{name: "blank", serve: says(200, "application/json", " \r\n"), fault: client.FaultEmpty},
		{name: "accepted", serve: says(202, "", ""), status: 202, fault: client.FaultEmpty},
		{name: "no content", serve: func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(204) }, status: 204, fault: client.FaultEmpty},
		{name: "web page", serve: says(200, "text/html", "\xef\xbb\xbf\n<!DOCTYPE HTML><title>x</title>"), fault: client.FaultHTML},
		{name: "web page declared as json", serve: says(200, "application/json", "<html></html>"), fault: client.FaultHTML},
		{name: "text", serve: says(200, "text/plain", "OK"), fault: client.FaultNotJSONRPC},
		{name: "json of another kind", serve: says(200, "application/json", `{"status":"ok"}`), fault: client.FaultNotJSONRPC},
		{name: "batch", serve: says(200, "application/json", "["+goodResult+"]"), fault: client.FaultNotJSONRPC},
		{name: "two messages", serve: says(200, "application/json", goodResult+goodResult), fault: client.FaultNotJSONRPC},
		{name: "id twice", serve: says(200, "application/json", `{"jsonrpc":"2.0","id":2,"id":1,"result":{}}`), fault: client.FaultNotJSONRPC},
		{name: "only a notification", serve: says(200, "application/json", note), fault: client.FaultNotJSONRPC},
		{name: "other id", serve: says(200, "application/json", `{"jsonrpc":"2.0","id":7,"result":{}}`), fault: client.FaultIDMismatch},
		{name: "id as a string", serve: says(200, "application/json", `{"jsonrpc":"2.0","id":"1","result":{}}`), fault: client.FaultIDMismatch},
		{name: "id as a float", serve: says(200, "application/json", `{"jsonrpc":"2.0","id":1.0,"result":{}}`), fault: client.FaultIDMismatch},
		{name: "other id on a stream", serve: streams(false, event(`{"jsonrpc":"2.0","id":7,"result":{}}`)), fault: client.FaultIDMismatch, framing: client.FramingStream},
		{name: "error without id", serve: says(400, "application/json", `{"jsonrpc":"2.0","id":null,"error":{"code":-32700,"message":"x"}}`), status: 400, code: -32700, framing: client.FramingJSON},
		{name: "error under 404", serve: says(404, "application/json", `{"jsonrpc":"2.0","id":1,"error":{"code":-32601,"message":"x"}}`), status: 404, code: -32601, framing: client.FramingJSON},
		{name: "error of another question", serve: says(200, "application/json", `{"jsonrpc":"2.0","id":8,"error":{"code":-32601,"message":"x"}}`), fault: client.FaultIDMismatch},
		{name: "404 text", serve: says(404, "text/plain", "not found"), status: 404, fault: client.FaultNotJSONRPC},
		{name: "503 without a body", serve: says(503, "", ""), status: 503},
		{name: "body too large", serve: says(200, "application/json", big), fault: client.FaultTooLarge},
		{name: "event too large", serve: streams(false, event(big)), fault: client.FaultTooLarge, framing: client.FramingStream},
		{name: "stream too large", serve: streams(true, strings.Repeat(event(note+strings.Repeat(" ", 1000)), 40)), fault: client.FaultTooLarge, framing: client.FramingStream},
		{name: "stream of comments without end", serve: func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "text/event-stream")
			for r.Context().Err() == nil {
				if _, err := io.WriteString(w, strings.Repeat(": keep-alive\n", 100)); err != nil {
					return
				}
			}
		}, fault: client.FaultTooLarge, framing: client.FramingStream},
		{name: "hangs", serve: hang, status: -1, kind: egress.Timeout, took: patience},
		{name: "head, then nothing", serve: func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			_, _ = io.WriteString(w, `{"jsonrpc":"2.0",`)
			_ = http.NewResponseController(w).Flush()
			<-r.Context().Done()
		}, fault: client.FaultStalled, kind: egress.Timeout, took: patience},
		{name: "stream, then nothing", serve: streams(true, ": hi\n\n"), fault: client.FaultStalled, kind: egress.Timeout, took: patience, framing: client.FramingStream},
		{name: "half a body", serve: func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			w.Header().Set("Content-Length", "500")
			_, _ = io.WriteString(w, `{"jsonrpc"`)
			_ = http.NewResponseController(w).Flush()
			panic(http.ErrAbortHandler)
		}, fault: client.FaultTruncated, kind: egress.Reset},
		{name: "stream ends early", serve: streams(false, event(note)), fault: client.FaultTruncated, framing: client.FramingStream},
		{name: "stream ends inside an event", serve: streams(false, "data: "+goodResult), fault: client.FaultTruncated, framing: client.FramingStream},
		{name: "connection dropped", serve: func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, status: -1, kind: egress.Reset},
		{name: "gzip", serve: func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Encoding", "gzip")
			z := gzip.NewWriter(w)
			_, _ = io.WriteString(z, goodResult)
			_ = z.Close()
		}, kind: egress.Encoded},
		{name: "redirect", serve: func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/v2", http.StatusTemporaryRedirect) }, status: 307,
			check: func(x *client.Exchange) error {
				if x.Redirect == nil || !x.Redirect.SameOrigin || x.Redirect.MethodChange {
					return fmt.Errorf("redirect %+v", x.Redirect)
				}
				return nil
			}},
	}
}

// TestExchange: every way an answer can be wrong has its own name.
func TestExchange(t *testing.T) {
	for _, c := range exchangeCases() {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				cl := serve(t, c.serve, func(o *client.Options) { o.MaxMessage = maxMessage })
				start := time.Now()
				x := cl.Initialize(t.Context(), mcp.Rev20251125).Initialize
				judgeExchange(t, c, x, time.Since(start))
			})
		})
	}
}

func judgeExchange(t *testing.T, c exchangeCase, x *client.Exchange, took time.Duration) {
	t.Helper()
	want := c.status
	switch want {
	case 0:
		want = 200
	case -1:
		want = 0
	}
	if x.Status != want || x.Fault != c.fault || x.OK() != c.ok || x.Framing != c.framing {
		t.Errorf("status %d, fault %q, ok %t, framing %q; want %d, %q, %t, %q", x.Status, x.Fault, x.OK(), x.Framing, want, c.fault, c.ok, c.framing)
	}
	var code int64
	if e := x.RPCError(); e != nil {
		code = e.Code
	}
	if code != c.code {
		t.Errorf("code %d, want %d", code, c.code)
	}
	var kind egress.Kind
	if e, ok := errors.AsType[*egress.Error](x.Err); ok {
		kind = e.Kind
	} else if x.Err != nil {
		t.Errorf("error %v of no kind", x.Err)
	}
	if kind != c.kind {
		t.Errorf("error %v of kind %s, want %s", x.Err, kind, c.kind)
	}
	if took != c.took || x.Timing.Total != c.took {
		t.Errorf("took %s, noted %s, want %s", took, x.Timing.Total, c.took)
	}
	if len(x.Body) > 64<<10 {
		t.Errorf("%d bytes kept", len(x.Body))
	}
	if c.check != nil {
		if err := c.check(x); err != nil {
			t.Error(err)
		}
	}
}

// TestExchangeHoldsNoCredential: what is kept of a request can be printed.
func TestExchangeHoldsNoCredential(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := mcptest.NewWorld(t)
		s := mcptest.NewServer(mcptest.Config{Auth: &mcptest.Auth{Token: "s3cr3t"}})
		cl := dial(t, w, client.Endpoint{URL: w.Host("a.example", s).URL("/mcp"), Header: http.Header{"Authorization": {"Bearer s3cr3t"}}})
		d := cl.Detect(t.Context(), mcp.EraUnknown)
		if d.Modern == nil {
			t.Fatal("the credential did not arrive")
		}
		for _, x := range d.Steps {
			if text := fmt.Sprintf("%+v", x.RequestHeader); strings.Contains(text, "s3cr3t") {
				t.Errorf("%s: %s", x.Method, text)
			}
		}
		if n := s.Stats().UserAgents["tester/1"]; n != s.Stats().Total {
			t.Errorf("User-Agent on %d of %d requests", n, s.Stats().Total)
		}
	})
}

package mcptest

import (
	"bytes"
	"compress/gzip"
	"context"
	"io"
	"maps"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/holdfast-mcp/holdfast/internal/finding"
	"github.com/holdfast-mcp/holdfast/internal/mcp"
	"github.com/holdfast-mcp/holdfast/internal/mcp/sse"
)

// threeEras are those that answer a POST in its response.
func threeEras() []Era { return []Era{Modern, Legacy, Dual} }

// bodyCases are answers that are not MCP although they look like one at first.
func bodyCases() []spec {
	return append([]spec{
		{name: "web page", want: one("body.html"), forbid: one("body.not_jsonrpc"), cfg: always(HTML(200)), target: twice},
		{name: "web page declared as json", want: one("body.html"), cfg: always(Answer(200, mcp.TypeJSON, "<html><body>Sign in</body></html>")), target: twice},
		{name: "web page for GET only", near: "body.html", cfg: always(On(HTML(200), http.MethodGet))},
		{name: "html inside a description", near: "body.html", cfg: func() Config {
			return Config{Tools: list(`{"name":"page","description":"<!DOCTYPE html><html></html>","inputSchema":{"type":"object"}}`)}
		}},
		{name: "json but not json-rpc", want: one("body.not_jsonrpc"), cfg: always(Answer(200, mcp.TypeJSON, `{"status":"ok","version":"2.1"}`)), target: twice},
		{name: "empty 200", want: one("body.not_jsonrpc"), forbid: one("http.status"), cfg: always(Answer(200, mcp.TypeJSON, "")), target: twice},
		{name: "text", want: one("body.not_jsonrpc"), cfg: always(Answer(200, "text/plain", "MCP server is running")), target: twice},
		{name: "half of a message", want: one("body.not_jsonrpc"), cfg: always(Answer(200, mcp.TypeJSON, `{"jsonrpc":"2.0","id":1,"result":{"tools":[`)), target: twice},
		{name: "byte order mark", want: one("body.not_jsonrpc"), target: twice, cfg: always(Bend(func(_ *Exchange, r *Reply) {
			r.Body = append([]byte("\xef\xbb\xbf"), r.Body...)
		}))},
		{name: "batch around the answer", eras: threeEras(), want: one("body.not_jsonrpc"), target: twice, cfg: always(Bend(func(_ *Exchange, r *Reply) {
			r.Body = append(append([]byte("["), r.Body...), ']')
		}))},
		{name: "bytes after the answer", want: one("body.not_jsonrpc"), target: twice, cfg: always(Bend(func(_ *Exchange, r *Reply) {
			r.Body = append(r.Body, "}"...)
		}))},
		{name: "invalid utf-8", want: one("body.not_jsonrpc"), target: twice, cfg: always(Bend(func(_ *Exchange, r *Reply) {
			r.Body = bytes.Replace(r.Body, []byte(`"jsonrpc"`), []byte("\"\xff\":1,\"jsonrpc\""), 1)
		}))},
		{name: "json-rpc 1.0", want: one("body.not_jsonrpc"), target: twice, cfg: always(Bend(func(_ *Exchange, r *Reply) {
			r.Body = bytes.Replace(r.Body, []byte(`"jsonrpc":"2.0"`), []byte(`"jsonrpc":"1.0"`), 1)
		}))},
		{name: "spaces and unknown members", eras: threeEras(), near: "body.not_jsonrpc", cfg: always(Bend(func(_ *Exchange, r *Reply) {
			r.Body = append(append([]byte("\r\n {\"x-trace\":[1,{}],\t"), r.Body[1:]...), "\n \n"...)
		}))},
		{name: "declared as text", eras: threeEras(), want: one("body.content_type"), near: "body.not_jsonrpc", target: twice, cfg: always(declaredAs("text/plain; charset=utf-8"))},
		{name: "declared as html", want: one("body.content_type"), near: "body.html", target: twice, cfg: always(declaredAs("text/html"))},
		{name: "declared as nothing", want: one("body.content_type"), target: twice, cfg: always(declaredAs(""))},
		{name: "declared with charset", eras: threeEras(), near: "body.content_type", cfg: always(declaredAs("Application/JSON; charset=UTF-8"))},
	}, append(idCases(), sizeCases()...)...)
}

func declaredAs(contentType string) Fault {
	return Bend(func(_ *Exchange, r *Reply) { r.Header["Content-Type"] = []string{contentType} })
}

func idCases() []spec {
	return []spec{
		{name: "wrong id", eras: threeEras(), want: one("body.id_mismatch"), cfg: always(WithID("987654321")), target: twice},
		{name: "id as a string", want: one("body.id_mismatch"), target: twice, cfg: always(Bend(func(ex *Exchange, r *Reply) {
			r.Body = bytes.Replace(r.Body, []byte(`"id":`+string(ex.Msg.ID)), []byte(`"id":"`+string(ex.Msg.ID)+`"`), 1)
		}))},
		{name: "id null on a result", anyOf: []string{"body.id_mismatch", "body.not_jsonrpc"}, grade: finding.Unusable,
			may: []string{"body.id_mismatch", "body.not_jsonrpc"}, cfg: always(WithID("null")), target: twice},
		{name: "other messages before the answer", eras: []Era{Legacy}, near: "body.id_mismatch", cfg: func() Config {
			return Config{SSE: true, Faults: []Fault{Bend(func(_ *Exchange, r *Reply) {
				for _, m := range []string{
					`{"jsonrpc":"2.0","method":"notifications/message","params":{"level":"info","data":"thinking"}}`,
					`{"jsonrpc":"2.0","id":"srv-1","method":"ping"}`,
				} {
					r.Before = sse.Append(r.Before, sse.Event{Data: []byte(m), HasData: true})
				}
			})}}
		}},
	}
}

// sizeCases are answers that cost the reader more than they are worth.
func sizeCases() []spec {
	return []spec{
		{name: "ten megabytes of tools", eras: threeEras(), want: one("body.too_large"), may: one("list.tokens"), target: twice,
			cfg: func() Config { return Config{Tools: HeavyTools(1000, 10_000)} }},
		{name: "two megabytes of tools", want: one("list.tokens"), near: "body.too_large",
			cfg: func() Config { return Config{Tools: HeavyTools(200, 10_000)} }},
		{name: "endless body", want: one("body.too_large"), cfg: always(Endless), target: twice},
		{name: "endless header", anyOf: []string{"body.too_large", "http.status", "body.not_jsonrpc"}, grade: finding.Unusable, target: twice,
			may: []string{"body.too_large"}, host: []HostOption{Raw(endlessHeader)}},
		{name: "gzip bomb", eras: threeEras(), want: one("body.encoded"), cfg: always(gzipBomb), target: twice},
		{name: "gzip although not asked for", want: one("body.encoded"), target: twice, cfg: always(Bend(func(_ *Exchange, r *Reply) {
			var b bytes.Buffer
			z := gzip.NewWriter(&b)
			_, _ = z.Write(r.Body)
			_ = z.Close()
			r.Body = b.Bytes()
			r.Header.Set("Content-Encoding", "gzip")
		}))},
		{name: "encoded as identity", near: "body.encoded", cfg: always(Bend(func(_ *Exchange, r *Reply) { r.Header.Set("Content-Encoding", "identity") }))},
		{name: "nested a million deep", want: one("body.not_jsonrpc"), target: twice, cfg: func() Config {
			deep := strings.Repeat("[", 1_000_000) + strings.Repeat("]", 1_000_000)
			return Config{Faults: []Fault{Answer(200, mcp.TypeJSON, `{"jsonrpc":"2.0","id":1,"result":`+deep+`}`)}}
		}},
		{name: "no http at all", anyOf: []string{"http.status", "body.not_jsonrpc", "tcp.reset"}, may: []string{"http.status", "body.not_jsonrpc"},
			grade: finding.Unusable, target: twice, host: []HostOption{Raw(func(_ context.Context, c net.Conn) {
				_, _ = c.Read(make([]byte, 1024))
				_, _ = io.WriteString(c, "220 mail.example ESMTP\r\n")
			})}},
	}
}

// Endless answers with a body that has no end.
func Endless(ex *Exchange, _ func()) {
	ex.W.Header().Set("Content-Type", mcp.TypeJSON)
	chunk := []byte(`{"jsonrpc":"2.0","id":1,"result":{"filler":"` + strings.Repeat("x", 32<<10))
	for ex.R.Context().Err() == nil {
		if _, err := ex.W.Write(chunk); err != nil {
			return
		}
		chunk = chunk[len(chunk)-(32<<10):]
	}
}

// endlessHeader answers with a head that has no end.
func endlessHeader(ctx context.Context, c net.Conn) {
	buf := make([]byte, 4<<10)
	if _, err := c.Read(buf); err != nil {
		return
	}
	if _, err := io.WriteString(c, "HTTP/1.1 200 OK\r\n"); err != nil {
		return
	}
	line := "X-Filler: " + strings.Repeat("y", 1000) + "\r\n"
	for ctx.Err() == nil {
		if _, err := io.WriteString(c, line); err != nil {
			return
		}
	}
}

// gzipBomb is some KB that unpack to 20 MB of valid JSON.
func gzipBomb(ex *Exchange, _ func()) {
	ex.W.Header().Set("Content-Type", mcp.TypeJSON)
	ex.W.Header().Set("Content-Encoding", "gzip")
	z, err := gzip.NewWriterLevel(ex.W, gzip.BestSpeed)
	if err != nil {
		panic(err) // a constant level
	}
	defer z.Close()
	_, _ = io.WriteString(z, `{"jsonrpc":"2.0","id":1,"result":{"x":"`)
	chunk := bytes.Repeat([]byte("a"), 1<<20)
	for range 20 {
		if _, err := z.Write(chunk); err != nil {
			return
		}
	}
	_, _ = io.WriteString(z, `"}}`)
}

// streamCases are event streams that do not bring their answer.
func streamCases() []spec {
	framed := func(faults ...Fault) func() Config {
		return func() Config { return Config{SSE: true, Faults: faults} }
	}
	return []spec{
		{name: "stream stalls", eras: threeEras(), want: one("sse.stalled"), forbid: one("http.timeout"), cfg: framed(OnPost(stall)), target: twice},
		{name: "stream of comments only", want: one("sse.stalled"), cfg: framed(OnPost(commentsOnly)), target: twice},
		{name: "comments then the answer", eras: threeEras(), near: "sse.stalled", cfg: framed(OnPost(commentsFirst))},
		{name: "stream ends early", eras: threeEras(), want: one("sse.truncated"), forbid: one("body.not_jsonrpc"), cfg: framed(OnPost(cutBeforeAnswer)), target: twice},
		{name: "stream cut inside the answer", want: one("sse.truncated"), cfg: framed(OnPost(cutInside)), target: twice},
		{name: "stream without its last empty line", want: one("sse.truncated"), cfg: framed(OnPost(cutLastLine)), target: twice},
		{name: "stream with carriage returns and many lines", eras: threeEras(), near: "sse.truncated", cfg: framed(OnPost(oddStream))},
		{name: "stream that stays open after the answer", eras: threeEras(), near: "sse.stalled", cfg: framed(OnPost(lingering))},
		{name: "endpoint event leads to another origin", eras: []Era{SSE2024}, grade: finding.Unusable, target: twice, forbid: one("ssrf.blocked"),
			anyOf: []string{"http.redirect_host", "body.not_jsonrpc", "sse.truncated", "http.405"}, cfg: always(On(Bend(func(_ *Exchange, r *Reply) {
				r.Body = []byte("http://169.254.169.254/latest/meta-data?session=1")
			}), http.MethodGet))},
		{name: "endpoint event never comes", eras: []Era{SSE2024}, anyOf: []string{"sse.stalled", "http.405"}, grade: finding.Unusable, target: twice,
			cfg: always(On(stall, http.MethodGet))},
		{name: "endpoint event as a whole URL", eras: []Era{SSE2024}, near: "http.redirect_host", cfg: always(On(func(ex *Exchange, next func()) {
			Bend(func(_ *Exchange, r *Reply) { r.Body = append([]byte(originOf(ex.R)), r.Body...) })(ex, next)
		}, http.MethodGet))},
		{name: "stream of an endless line", want: one("body.too_large"), cfg: framed(OnPost(endlessLine)), target: twice},
	}
}

func stall(ex *Exchange, _ func()) {
	openStream(ex.W)
	<-ex.R.Context().Done()
}

func commentsOnly(ex *Exchange, _ func()) {
	s := openStream(ex.W)
	for wait(ex.R.Context(), time.Second) == nil && s.comment() == nil {
	}
}

func commentsFirst(ex *Exchange, next func()) {
	if ex.Msg == nil || ex.Msg.Kind != mcp.Request || ex.Msg.Method == mcp.MethodListen {
		next()
		return
	}
	ex.Bend(func(r *Reply) {
		maps.Copy(ex.W.Header(), r.Header)
		s := openStream(ex.W)
		for range 3 {
			if wait(ex.R.Context(), time.Second) != nil || s.comment() != nil {
				return
			}
		}
	})
	next()
}

func cutBeforeAnswer(ex *Exchange, _ func()) {
	s := openStream(ex.W)
	_ = s.message(map[string]any{"jsonrpc": "2.0", "method": mcp.MethodProgress,
		"params": map[string]any{"progressToken": 1, "progress": 0.5}})
}

func cutInside(ex *Exchange, _ func()) {
	s := openStream(ex.W)
	_ = s.raw([]byte("event: message\ndata: {\"jsonrpc\":\"2.0\",\"id\":1,\"res"))
	panic(http.ErrAbortHandler)
}

func cutLastLine(ex *Exchange, next func()) {
	ex.Bend(func(r *Reply) {
		if r.SSE {
			framed := sse.Append(nil, sse.Event{Data: r.Body, HasData: true})
			r.SSE, r.Body = false, framed[:len(framed)-1]
			r.Header.Set("Content-Type", mcp.TypeEventStream)
		}
	})
	next()
}

// oddStream frames the answer in every way that the standard allows.
func oddStream(ex *Exchange, next func()) {
	ex.Bend(func(r *Reply) {
		if !r.SSE {
			return
		}
		body := bytes.Replace(r.Body, []byte(`,"`), []byte("\r\ndata: ,\r\ndata:\""), 1)
		r.Body = append([]byte("\xef\xbb\xbf:hello\rretry: 3000\rid: 1\r\revent:message\r\ndata:"), body...)
		r.Body = append(r.Body, "\r\n\r\n"...)
		r.SSE = false
		r.Header.Set("Content-Type", "text/event-stream; charset=utf-8")
	})
	next()
}

func lingering(ex *Exchange, next func()) {
	framed := false
	ex.Bend(func(r *Reply) { framed = r.SSE })
	next()
	if framed {
		_ = http.NewResponseController(ex.W).Flush()
		<-ex.R.Context().Done()
	}
}

func endlessLine(ex *Exchange, _ func()) {
	s := openStream(ex.W)
	chunk := []byte("data: " + strings.Repeat("z", 32<<10))
	for ex.R.Context().Err() == nil && s.raw(chunk) == nil {
		chunk = chunk[len(chunk)-(32<<10):]
	}
}

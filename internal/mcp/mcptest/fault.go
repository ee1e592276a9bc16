package mcptest

import (
	"bytes"
	"encoding/json"
	"net/http"
	"sync"
	"time"

	"github.com/holdfast-mcp/holdfast/internal/mcp"
)

// Fault bends what a Server does with one request. It answers itself, or calls
// next, or both; Exchange.Bend spoils the answer that next will write.
type Fault func(ex *Exchange, next func())

// On limits a fault to requests whose Exchange.Method is one of methods.
func On(f Fault, methods ...string) Fault {
	return func(ex *Exchange, next func()) {
		for _, m := range methods {
			if ex.Method() == m {
				f(ex, next)
				return
			}
		}
		next()
	}
}

// OnPost limits a fault to POST.
func OnPost(f Fault) Fault {
	return When(func(ex *Exchange) bool { return ex.R.Method == http.MethodPost }, f)
}

// When limits a fault to requests that cond holds for.
func When(cond func(ex *Exchange) bool, f Fault) Fault {
	return func(ex *Exchange, next func()) {
		if cond(ex) {
			f(ex, next)
			return
		}
		next()
	}
}

// First limits a fault to the first n requests that reach it.
func First(n int, f Fault) Fault {
	var mu sync.Mutex
	return When(func(*Exchange) bool {
		mu.Lock()
		defer mu.Unlock()
		n--
		return n >= 0
	}, f)
}

// Until limits a fault to the time d after the first request that reaches it:
// a server that is being restarted.
func Until(d time.Duration, f Fault) Fault {
	var mu sync.Mutex
	var start time.Time
	return When(func(*Exchange) bool {
		mu.Lock()
		defer mu.Unlock()
		if start.IsZero() {
			start = time.Now()
		}
		return time.Since(start) < d
	}, f)
}

// Answer replies with a status and a body of the given type; what it says is
// up to the case. An empty type sends none.
func Answer(status int, contentType, body string) Fault {
	return AnswerWith(status, http.Header{"Content-Type": {contentType}}, body)
}

// AnswerWith replies with these headers.
func AnswerWith(status int, header http.Header, body string) Fault {
	return func(ex *Exchange, _ func()) {
		h := ex.W.Header()
		for k, v := range header {
			h[http.CanonicalHeaderKey(k)] = v
		}
		ex.W.WriteHeader(status)
		_, _ = ex.W.Write([]byte(body)) // the client went away
	}
}

// HTML replies with a web page.
func HTML(status int) Fault {
	return Answer(status, "text/html; charset=utf-8",
		"<!DOCTYPE html>\n<html><head><title>Welcome</title></head><body><h1>It works!</h1></body></html>\n")
}

// RPCError replies with a JSON-RPC error that answers the request.
func RPCError(status, code int, message string) Fault {
	return func(ex *Exchange, _ func()) { ex.fail(status, code, "%s", message) }
}

// Redirect sends the client to another place: a path of the same host or a
// whole URL.
func Redirect(status int, location string) Fault {
	return func(ex *Exchange, next func()) {
		if ex.R.URL.Path == location { // it has followed
			next()
			return
		}
		ex.W.Header().Set("Location", location)
		ex.W.WriteHeader(status)
	}
}

// Delay answers, but later.
func Delay(d time.Duration) Fault {
	return func(ex *Exchange, next func()) {
		if wait(ex.R.Context(), d) == nil {
			next()
		}
	}
}

// Hang never answers.
func Hang(ex *Exchange, _ func()) { <-ex.R.Context().Done() }

// Abort drops the connection (HTTP/1.1) or the stream (HTTP/2) without an
// answer.
func Abort(*Exchange, func()) { panic(http.ErrAbortHandler) }

// Bend spoils the answer that the server would have given.
func Bend(f func(ex *Exchange, r *Reply)) Fault {
	return func(ex *Exchange, next func()) {
		ex.Bend(func(r *Reply) { f(ex, r) })
		next()
	}
}

// BendResult spoils the result of an answer, decoded; errors stay as they are.
func BendResult(f func(ex *Exchange, result map[string]any)) Fault {
	return Bend(func(ex *Exchange, r *Reply) {
		var msg map[string]any
		dec := json.NewDecoder(bytes.NewReader(r.Body))
		dec.UseNumber()
		if dec.Decode(&msg) != nil {
			return
		}
		result, ok := msg["result"].(map[string]any)
		if !ok {
			return
		}
		f(ex, result)
		body, err := json.Marshal(msg)
		if err != nil {
			panic(err) // a test's own mistake
		}
		r.Body = body
	})
}

// WithID gives the answer another id, raw JSON.
func WithID(id string) Fault {
	return Bend(func(ex *Exchange, r *Reply) {
		var msg map[string]json.RawMessage
		if ex.Msg == nil || json.Unmarshal(r.Body, &msg) != nil {
			return
		}
		msg["id"] = json.RawMessage(id)
		if body, err := json.Marshal(msg); err == nil {
			r.Body = body
		}
	})
}

// WithoutHeaders makes a proxy that strips these headers from requests.
func WithoutHeaders(names ...string) Fault {
	return func(ex *Exchange, next func()) {
		for _, n := range names {
			ex.R.Header.Del(n)
		}
		next()
	}
}

// mcpHeaders are the headers a proxy that knows no MCP may strip.
func mcpHeaders() []string {
	return []string{mcp.HeaderVersion, mcp.HeaderMethod, mcp.HeaderName}
}

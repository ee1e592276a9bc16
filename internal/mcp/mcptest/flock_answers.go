package mcptest

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/holdfast-mcp/holdfast/internal/mcp"
)

// flockBodies are the results of a flock's servers, written once.
type flockBodies struct {
	modern, dual, legacy, tools, modernTools []byte
}

func newFlockBodies() flockBodies {
	hints := `"resultType":"complete","ttlMs":60000,"cacheScope":"public","_meta":{"io.modelcontextprotocol/serverInfo":{"name":"flock","version":"1"}}`
	discover := func(versions string) []byte {
		return []byte(`{"supportedVersions":[` + versions + `],"capabilities":{"tools":{}},` + hints + `}`)
	}
	var list bytes.Buffer
	for i, t := range HeavyTools(20, 400) { // 10 KB, as the median server's
		if i > 0 {
			list.WriteByte(',')
		}
		list.Write(t)
	}
	return flockBodies{
		modern:      discover(`"2026-07-28"`),
		dual:        discover(`"2025-06-18","2025-11-25","2026-07-28"`),
		legacy:      []byte(`{"protocolVersion":"2025-11-25","capabilities":{"tools":{}},"serverInfo":{"name":"flock","version":"1"}}`),
		tools:       []byte(`{"tools":[` + list.String() + `]}`),
		modernTools: []byte(`{"tools":[` + list.String() + `],` + hints + `}`),
	}
}

// maxFlockRequest bounds what is read of a request, in bytes.
const maxFlockRequest = 16 << 10

// mcp answers for the kinds that speak MCP. It finds method and id by search
// instead of parsing: its clients are ours and it has to be cheap.
func (f *Flock) mcp(w http.ResponseWriter, r *http.Request, kind Kind) {
	stateful := kind == KindSession || kind == KindDual
	switch {
	case r.Method == http.MethodDelete && stateful:
		f.deleted.Add(1)
		w.WriteHeader(http.StatusNoContent)
		return
	case r.Method != http.MethodPost:
		http.Error(w, "Method Not Allowed", http.StatusMethodNotAllowed)
		return
	}
	body, err := io.ReadAll(io.LimitReader(r.Body, maxFlockRequest))
	if err != nil {
		return // the client went away
	}
	method, id := member(body, `"method":"`, `"`), member(body, `"id":`, `,}`)
	modern := bytes.Contains(body, []byte(mcp.MetaProtocolVersion))
	switch {
	case modern && kind != KindDual && kind != KindModern:
		reply(w, http.StatusBadRequest, "null", "error", []byte(`{"code":-32000,"message":"Bad Request: Unsupported protocol version"}`))
	case modern:
		f.answerModern(w, kind, method, id)
	case kind == KindModern:
		reply(w, http.StatusBadRequest, id, "error", []byte(`{"code":-32022,"message":"Unsupported protocol version","data":{"supported":["2026-07-28"]}}`))
	default:
		f.answerLegacy(w, r, kind, method, id)
	}
}

func (f *Flock) answerModern(w http.ResponseWriter, kind Kind, method, id string) {
	switch method {
	case mcp.MethodDiscover:
		if kind == KindDual {
			reply(w, http.StatusOK, id, "result", f.bodies.dual)
			return
		}
		reply(w, http.StatusOK, id, "result", f.bodies.modern)
	case mcp.MethodToolsList:
		reply(w, http.StatusOK, id, "result", f.bodies.modernTools)
	default:
		reply(w, http.StatusNotFound, id, "error", []byte(`{"code":-32601,"message":"Method not found"}`))
	}
}

func (f *Flock) answerLegacy(w http.ResponseWriter, r *http.Request, kind Kind, method, id string) {
	stateful := kind == KindSession || kind == KindDual
	if stateful && method != mcp.MethodInitialize && r.Header.Get(mcp.HeaderSession) == "" {
		reply(w, http.StatusBadRequest, "null", "error", []byte(`{"code":-32000,"message":"Bad Request: Mcp-Session-Id header is required"}`))
		return
	}
	switch method {
	case mcp.MethodInitialize:
		if kind == KindRPCError {
			reply(w, http.StatusOK, id, "error", []byte(`{"code":-32603,"message":"Internal error"}`))
			return
		}
		if stateful {
			w.Header().Set(mcp.HeaderSession, fmt.Sprintf("f10c%028x", f.opened.Add(1)*7919))
		}
		reply(w, http.StatusOK, id, "result", f.bodies.legacy)
	case mcp.MethodToolsList:
		reply(w, http.StatusOK, id, "result", f.bodies.tools)
	case mcp.MethodPing:
		reply(w, http.StatusOK, id, "result", []byte("{}"))
	default:
		if id == "" {
			w.WriteHeader(http.StatusAccepted)
			return
		}
		reply(w, http.StatusOK, id, "error", []byte(`{"code":-32601,"message":"Method not found"}`))
	}
}

// member finds the value that follows key, up to one of the bytes in end.
func member(body []byte, key, end string) string {
	i := bytes.Index(body, []byte(key))
	if i < 0 {
		return ""
	}
	rest := body[i+len(key):]
	if j := bytes.IndexAny(rest, end); j >= 0 {
		return string(rest[:j])
	}
	return ""
}

func reply(w http.ResponseWriter, status int, id, what string, value []byte) {
	w.Header().Set("Content-Type", mcp.TypeJSON)
	w.WriteHeader(status)
	out := make([]byte, 0, len(value)+64)
	out = append(out, `{"jsonrpc":"2.0","id":`...)
	out = append(out, id...)
	out = append(out, `,"`...)
	out = append(out, what...)
	out = append(out, `":`...)
	out = append(out, value...)
	_, _ = w.Write(append(out, '}')) // the client went away
}

// gated asks for a token, and serves the metadata that says whose.
func (f *Flock) gated(w http.ResponseWriter, r *http.Request) {
	origin := "https://" + r.Host
	if strings.HasPrefix(r.URL.Path, metadataPath) {
		writeJSON(w, map[string]any{"resource": origin + "/mcp", "authorization_servers": []string{"https://" + flockLogin}})
		return
	}
	w.Header().Set("Www-Authenticate", `Bearer resource_metadata="`+origin+metadataPath+`/mcp"`)
	http.Error(w, "Unauthorized", http.StatusUnauthorized)
}

// login is the authorization server of all gated endpoints.
func (f *Flock) login(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path != "/.well-known/oauth-authorization-server" {
		http.NotFound(w, r)
		return
	}
	issuer := "https://" + flockLogin
	writeJSON(w, map[string]any{
		"issuer": issuer, "authorization_endpoint": issuer + "/authorize", "token_endpoint": issuer + "/token",
		"response_types_supported": []string{"code"}, "code_challenge_methods_supported": []string{"S256"},
	})
}

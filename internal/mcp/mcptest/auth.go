package mcptest

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"

	"github.com/holdfast-mcp/holdfast/internal/mcp"
)

// Auth lets in who shows the right credential and tells everybody else how to
// get one: 401 with a challenge (RFC 6750) that leads to metadata (RFC 9728)
// that leads to an authorization server (RFC 8414). Every step can be bent.
type Auth struct {
	// Token is the bearer token that is let in; "" lets nobody in.
	Token string
	// Key, if set, is let in as the value of X-Api-Key.
	Key string
	// Issuer is the authorization server that the metadata names.
	Issuer string
	// CallOnly asks only at tools/call; everything else is open.
	CallOnly bool

	// Status instead of 401 for those without a credential.
	Status int
	// Body instead of a JSON-RPC error.
	Body string
	// Challenge gives the WWW-Authenticate lines; default: Bearer with
	// resource_metadata, and error="invalid_token" if a token was shown.
	Challenge func(metadataURL string) []string
	// Metadata bends the document.
	Metadata func(doc map[string]any)
	// MetadataAt is the path that it is served at, with the resource's path in
	// place of %s; default /.well-known/oauth-protected-resource%s. "" with
	// NoMetadata is nowhere.
	MetadataAt string
	NoMetadata bool
	// MetadataBody is served instead, as text/html.
	MetadataBody string
}

const metadataPath = "/.well-known/oauth-protected-resource"

// guard puts the lock before a server.
func (a *Auth) guard(next func(ex *Exchange)) func(ex *Exchange) {
	return func(ex *Exchange) {
		switch {
		case strings.HasPrefix(ex.R.URL.Path, "/.well-known/"):
			a.serveMetadata(ex)
		case a.CallOnly && ex.Method() != mcp.MethodToolsCall, a.admits(ex.R):
			next(ex)
		default:
			a.refuse(ex)
		}
	}
}

func (a *Auth) admits(r *http.Request) bool {
	return a.Token != "" && r.Header.Get("Authorization") == "Bearer "+a.Token ||
		a.Key != "" && r.Header.Get("X-Api-Key") == a.Key
}

func (a *Auth) refuse(ex *Exchange) {
	metadata := originOf(ex.R) + metadataPath + ex.R.URL.Path
	var lines []string
	switch {
	case a.Challenge != nil:
		lines = a.Challenge(metadata)
	case ex.R.Header.Get("Authorization") != "":
		lines = []string{fmt.Sprintf(`Bearer error="invalid_token", resource_metadata=%q`, metadata)}
	default:
		lines = []string{fmt.Sprintf(`Bearer resource_metadata=%q, scope="mcp"`, metadata)}
	}
	for _, l := range lines {
		ex.W.Header().Add("Www-Authenticate", l)
	}
	status := a.Status
	if status == 0 {
		status = http.StatusUnauthorized
	}
	if a.Body != "" {
		ex.text(status, a.Body)
		return
	}
	ex.message(status, map[string]any{"jsonrpc": "2.0", "id": nil, "error": &mcp.Error{Code: -32000, Message: "Unauthorized"}})
}

func (a *Auth) serveMetadata(ex *Exchange) {
	rest, ok := strings.CutPrefix(ex.R.URL.Path, metadataPath)
	at := a.MetadataAt
	if at == "" {
		at = metadataPath + "%s"
	}
	if !ok || a.NoMetadata || ex.R.Method != http.MethodGet || ex.R.URL.Path != strings.ReplaceAll(at, "%s", rest) {
		ex.text(http.StatusNotFound, "Not Found")
		return
	}
	if a.MetadataBody != "" {
		ex.W.Header().Set("Content-Type", "text/html")
		_, _ = ex.W.Write([]byte(a.MetadataBody))
		return
	}
	if rest == "" {
		rest = "/mcp" // the root form is used by hosts with one endpoint
	}
	doc := map[string]any{
		"resource":                 originOf(ex.R) + rest,
		"authorization_servers":    []string{a.Issuer},
		"bearer_methods_supported": []string{"header"},
		"scopes_supported":         []string{"mcp"},
	}
	if a.Metadata != nil {
		a.Metadata(doc)
	}
	writeJSON(ex.W, doc)
}

func originOf(r *http.Request) string {
	if r.TLS != nil {
		return "https://" + strings.ToLower(r.Host)
	}
	return "http://" + strings.ToLower(r.Host)
}

func writeJSON(w http.ResponseWriter, doc any) {
	body, err := json.Marshal(doc)
	if err != nil {
		panic(fmt.Sprintf("mcptest: encode document: %v", err)) // a test's own mistake
	}
	w.Header().Set("Content-Type", mcp.TypeJSON)
	w.Header().Set("Access-Control-Allow-Origin", "*")
	_, _ = w.Write(body) // the client went away
}

// AuthorizationServer serves the metadata of an issuer and nothing else. It
// counts what a probe must never do: everything but GET.
type AuthorizationServer struct {
	// Issuer is its own name; World.AuthorizationServer sets it.
	Issuer string
	// Path is the path of the issuer, such as /tenant; "" is none.
	Path string
	// Bend changes the document.
	Bend func(doc map[string]any)
	// OIDC serves only /.well-known/openid-configuration.
	OIDC bool
	// Status, if not 0, is all it ever answers.
	Status int

	gets, others atomic.Int64
}

// AuthorizationServer puts as at name and fills in its Issuer.
func (w *World) AuthorizationServer(name string, as *AuthorizationServer, opts ...HostOption) *AuthorizationServer {
	w.tb.Helper()
	if as == nil {
		as = &AuthorizationServer{}
	}
	h := w.Host(name, as, opts...)
	as.Issuer = h.URL(as.Path)
	return as
}

// Reads counts the GET requests.
func (as *AuthorizationServer) Reads() int { return int(as.gets.Load()) }

// Writes counts all others: registrations, token requests.
func (as *AuthorizationServer) Writes() int { return int(as.others.Load()) }

// ServeHTTP implements http.Handler.
func (as *AuthorizationServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet {
		as.others.Add(1)
		http.Error(w, "not for tests", http.StatusForbidden)
		return
	}
	as.gets.Add(1)
	oauth := r.URL.Path == "/.well-known/oauth-authorization-server"+as.Path
	oidc := r.URL.Path == "/.well-known/openid-configuration"+as.Path || r.URL.Path == as.Path+"/.well-known/openid-configuration"
	switch {
	case as.Status != 0:
		http.Error(w, http.StatusText(as.Status), as.Status)
		return
	case !oidc && (!oauth || as.OIDC):
		http.NotFound(w, r)
		return
	}
	doc := map[string]any{
		"issuer":                           as.Issuer,
		"authorization_endpoint":           as.Issuer + "/authorize",
		"token_endpoint":                   as.Issuer + "/token",
		"registration_endpoint":            as.Issuer + "/register",
		"response_types_supported":         []string{"code"},
		"code_challenge_methods_supported": []string{"S256"},
	}
	if as.Bend != nil {
		as.Bend(doc)
	}
	writeJSON(w, doc)
}

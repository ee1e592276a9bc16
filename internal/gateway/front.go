package gateway

import (
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"strings"

	"github.com/holdfast-mcp/holdfast/internal/client"
	"github.com/holdfast-mcp/holdfast/internal/mcp"
	"github.com/holdfast-mcp/holdfast/internal/telemetry"
)

// front is the endpoint of one server.
type front struct {
	gateway *Gateway
	server  Server
	url     *url.URL // nil for stdio
	health  *health
	pipes   *pipes
	modern  *modernBridge     // modern clients of a legacy server
	legacy  *legacyBridge     // legacy clients of a modern server
	metrics *telemetry.Server // nil counts nothing
	log     *slog.Logger
}

func (g *Gateway) newFront(s Server) (*front, error) {
	f := &front{gateway: g, server: s, metrics: g.cfg.Metrics.Server(s.Name), log: g.cfg.Logger.With("server", s.Name)}
	if len(s.Endpoint.Command) == 0 {
		u, err := client.ParseURL(s.Endpoint.URL)
		if err != nil {
			return nil, err
		}
		f.url = u
	}
	f.health = newHealth(g.cfg, s, f.log)
	f.pipes, f.modern, f.legacy = newPipes(f), newModernBridge(f), newLegacyBridge(f)
	return f, nil
}

// piped tells whether messages travel over a pipe of their own per session
// instead of one POST each.
func (f *front) piped() bool {
	return f.url == nil || f.server.Transport == client.HTTPSSE || f.health.transport() == client.HTTPSSE
}

// inbound is one POST, read and judged.
type inbound struct {
	msg  *mcp.Message
	body []byte
	era  mcp.Era
	call *telemetry.Call // nil for GET and DELETE
}

// id is that of the message, "" for GET and DELETE.
func (in *inbound) id() mcp.ID {
	if in.msg == nil {
		return ""
	}
	return in.msg.ID
}

// ServeHTTP implements http.Handler.
func (f *front) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch r.Method {
	case http.MethodPost:
		in, refusal := f.read(w, r)
		if refusal != nil {
			f.gateway.cfg.Metrics.Refused(refusal.kind())
			refusal.write(w)
			return
		}
		in.call = f.metrics.Begin(in.era, in.msg.Method)
		defer in.call.End()
		f.dispatch(w, r, in)
	case http.MethodGet, http.MethodDelete:
		f.dispatch(w, r, &inbound{era: mcp.EraLegacy})
	default:
		f.gateway.cfg.Metrics.Refused(telemetry.RefusedMethod)
		w.Header().Set("Allow", "POST, GET, DELETE")
		refuse(w, http.StatusMethodNotAllowed, "only POST, GET and DELETE")
	}
}

func (f *front) dispatch(w http.ResponseWriter, r *http.Request, in *inbound) {
	switch {
	case f.gateway.draining.Load() && (r.Method == http.MethodGet || in.msg != nil && in.msg.Method == mcp.MethodListen):
		w.Header().Set("Retry-After", "1")
		refuse(w, http.StatusServiceUnavailable, "this instance is going away; connect again")
	case in.era == mcp.EraModern && !f.health.speaks(mcp.EraModern, f.piped()):
		f.modern.serve(w, r, in)
	case f.piped():
		f.pipes.serve(w, r, in)
	case in.era == mcp.EraLegacy && !f.health.speaks(mcp.EraLegacy, false):
		f.legacy.serve(w, r, in)
	default:
		f.relay(w, r, in)
	}
}

// read takes the body, parses it once and holds headers against it.
func (f *front) read(w http.ResponseWriter, r *http.Request) (*inbound, *refusal) {
	if t, _, _ := strings.Cut(r.Header.Get("Content-Type"), ";"); !strings.EqualFold(strings.TrimSpace(t), mcp.TypeJSON) {
		return nil, &refusal{status: http.StatusUnsupportedMediaType, code: mcp.CodeInvalidRequest, message: "Content-Type must be application/json"}
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if err != nil {
		if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
			return nil, &refusal{status: http.StatusRequestEntityTooLarge, code: mcp.CodeInvalidRequest, message: "message larger than 4 MiB"}
		}
		return nil, &refusal{status: http.StatusBadRequest, code: mcp.CodeParse, message: "body could not be read"}
	}
	msg, err := mcp.Parse(body, mcp.Limits{Bytes: maxBody})
	if err != nil {
		return nil, parseRefusal(err)
	}
	in := &inbound{msg: msg, body: body, era: requestEra(r.Header, msg)}
	if refused := checkHeaders(r.Header, in); refused != nil {
		return nil, refused
	}
	return in, nil
}

func parseRefusal(err error) *refusal {
	code := mcp.CodeInvalidRequest
	if errors.Is(err, mcp.ErrSyntax) || errors.Is(err, mcp.ErrInvalidUTF8) || errors.Is(err, mcp.ErrBOM) || errors.Is(err, mcp.ErrTrailing) {
		code = mcp.CodeParse
	}
	return &refusal{status: http.StatusBadRequest, code: code, message: err.Error()}
}

// requestEra decides per request, from the request alone.
func requestEra(h http.Header, msg *mcp.Message) mcp.Era {
	version := h.Get(mcp.HeaderVersion)
	switch {
	case msg.Meta.HasVersion, msg.Method == mcp.MethodDiscover:
		return mcp.EraModern
	case msg.Method == mcp.MethodInitialize, version == "":
		return mcp.EraLegacy
	}
	if t, known := mcp.Lookup(mcp.Revision(version)); known {
		return t.Era
	}
	return mcp.EraModern // an unknown version: the modern rules have an answer
}

// checkHeaders refuses headers that are repeated, and in the modern era those
// that disagree with the body: whoever routes by header must see the same
// request as the server that reads the body.
func checkHeaders(h http.Header, in *inbound) *refusal {
	for name, values := range h {
		if strings.HasPrefix(name, "Mcp-") && len(values) > 1 {
			return mismatch(in, name+" is given more than once")
		}
	}
	if in.era != mcp.EraModern || !in.msg.Meta.HasVersion {
		return nil
	}
	switch {
	case h.Get(mcp.HeaderVersion) == "":
		return mismatch(in, "MCP-Protocol-Version is missing")
	case h.Get(mcp.HeaderVersion) != in.msg.Meta.ProtocolVersion:
		return mismatch(in, "MCP-Protocol-Version differs from _meta")
	}
	if method := h.Get(mcp.HeaderMethod); method != in.msg.Method && (method != "" || in.msg.Kind == mcp.Request) {
		return mismatch(in, "Mcp-Method is missing or differs from the method")
	}
	return checkName(h, in)
}

func checkName(h http.Header, in *inbound) *refusal {
	raw, present := h[mcp.HeaderName]
	switch {
	case !in.msg.HasName && !present, in.msg.Kind != mcp.Request:
		return nil
	case in.msg.HasName && !present:
		return mismatch(in, "Mcp-Name is missing")
	}
	name, err := mcp.DecodeHeader(raw[0])
	if err != nil {
		return mismatch(in, "Mcp-Name: "+err.Error())
	}
	if in.msg.HasName && name != in.msg.Name {
		return mismatch(in, "Mcp-Name differs from the body")
	}
	return nil
}

func mismatch(in *inbound, message string) *refusal {
	return &refusal{status: http.StatusBadRequest, code: mcp.CodeHeaderMismatch, message: message, id: in.msg.ID}
}

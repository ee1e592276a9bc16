package gateway

import (
	"encoding/json"
	"net/http"
	"strconv"

	"github.com/holdfast-mcp/holdfast/internal/mcp"
	"github.com/holdfast-mcp/holdfast/internal/telemetry"
)

// refusal is an answer of our own: an HTTP status and a JSON-RPC error.
type refusal struct {
	status  int
	code    int
	message string
	id      mcp.ID
	data    any
	// retryAfter is in seconds, 0 for none.
	retryAfter int
}

// kind is how a refusal of an unread message is counted.
func (e *refusal) kind() telemetry.Refusal {
	switch {
	case e.status == http.StatusUnsupportedMediaType:
		return telemetry.RefusedMediaType
	case e.status == http.StatusRequestEntityTooLarge:
		return telemetry.RefusedTooLarge
	case e.code == mcp.CodeHeaderMismatch:
		return telemetry.RefusedHeaders
	default:
		return telemetry.RefusedMalformed
	}
}

type errorMessage struct {
	JSONRPC string    `json:"jsonrpc"`
	ID      mcp.ID    `json:"id"`
	Error   errorBody `json:"error"`
}

type errorBody struct {
	Code    int    `json:"code"`
	Message string `json:"message"`
	Data    any    `json:"data,omitempty"`
}

// message gives the JSON-RPC error, for a stream that has begun.
func (e *refusal) body() []byte {
	raw, err := json.Marshal(errorMessage{JSONRPC: "2.0", ID: e.id, Error: errorBody{e.code, e.message, e.data}})
	if err != nil { // data is ours and always marshals
		return []byte(`{"jsonrpc":"2.0","id":null,"error":{"code":-32603,"message":"internal error"}}`)
	}
	return raw
}

func (e *refusal) write(w http.ResponseWriter) {
	body := e.body()
	h := w.Header()
	h.Set("Content-Type", mcp.TypeJSON)
	h.Set("Content-Length", strconv.Itoa(len(body)))
	if e.retryAfter > 0 {
		h.Set("Retry-After", strconv.Itoa(e.retryAfter))
	}
	w.WriteHeader(e.status)
	_, _ = w.Write(body) // a client that is gone needs no answer
}

// refuse answers a request whose message was not read.
func refuse(w http.ResponseWriter, status int, message string) {
	(&refusal{status: status, code: mcp.CodeInvalidRequest, message: message}).write(w)
}

// sessionID reads the session id of a legacy request, which has to have one.
func sessionID(r *http.Request, in *inbound) (string, *refusal) {
	if id := r.Header.Get(mcp.HeaderSession); id != "" {
		return id, nil
	}
	return "", &refusal{status: http.StatusBadRequest, code: mcp.CodeInvalidRequest, id: in.id(),
		message: "Mcp-Session-Id is missing; begin with initialize"}
}

// unknownSession answers an id that is not ours, or no longer: the 404 makes a
// client begin again.
func unknownSession(in *inbound) *refusal {
	return &refusal{status: http.StatusNotFound, code: mcp.CodeInvalidRequest, id: in.id(),
		message: "no such session; begin with initialize"}
}

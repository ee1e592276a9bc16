// Package bridge translates between the two eras of the protocol: what a modern
// client (2026-07-28) asks into what a legacy server understands, and the other
// way round. It is pure: messages in, messages out. Who holds sessions and
// parked calls is the gateway's affair.
//
// Bytes that need no translation stay as they are, members we do not know
// included. What cannot be translated is said by an error, never guessed.
package bridge

import (
	"encoding/json"
	"maps"
	"slices"

	"github.com/holdfast-mcp/holdfast/internal/mcp"
)

// Server is what is known of a server, from either kind of handshake.
type Server struct {
	Info         json.RawMessage // {name, version, …}
	Capabilities json.RawMessage
	Instructions json.RawMessage // a JSON string, nil if none
}

// Cacheable tells whether results of a method carry caching hints in the modern
// era (SEP-2549).
func Cacheable(method string) bool {
	switch method {
	case mcp.MethodDiscover, mcp.MethodToolsList, mcp.MethodPromptsList, mcp.MethodResources, mcp.MethodTemplates, mcp.MethodResourceRead:
		return true
	}
	return false
}

// Bridged tells whether a modern request can be passed to a legacy server as a
// request of the same name.
func Bridged(method string) bool {
	switch method {
	case mcp.MethodToolsCall, mcp.MethodPromptsGet, mcp.MethodComplete:
		return true
	}
	return Cacheable(method) && method != mcp.MethodDiscover
}

// FromInitialize reads an InitializeResult.
func FromInitialize(result json.RawMessage) (Server, error) {
	o, err := mcp.ReadObject(result)
	if err != nil {
		return Server{}, err
	}
	return Server{Info: o.Get("serverInfo"), Capabilities: o.Get("capabilities"), Instructions: o.Get("instructions")}, nil
}

// FromDiscover reads a DiscoverResult.
func FromDiscover(result json.RawMessage) (Server, error) {
	o, err := mcp.ReadObject(result)
	if err != nil {
		return Server{}, err
	}
	s := Server{Info: o.Get("serverInfo"), Capabilities: o.Get("capabilities"), Instructions: o.Get("instructions")}
	if meta, err := mcp.ReadObject(o.Get("_meta")); err == nil && meta.Get(mcp.MetaServerInfo) != nil {
		s.Info = meta.Get(mcp.MetaServerInfo)
	}
	return s, nil
}

// Discover answers server/discover for a legacy server.
func (s Server) Discover() json.RawMessage {
	var versions []mcp.Revision
	for _, t := range mcp.Revisions() {
		if t.StreamableHTTP {
			versions = append(versions, t.Revision)
		}
	}
	slices.Reverse(versions) // newest first
	o := &mcp.Object{}
	o.Set("supportedVersions", mustMarshal(versions))
	o.Set("capabilities", orEmpty(s.Capabilities))
	if s.Instructions != nil {
		o.Set("instructions", s.Instructions)
	}
	return s.ModernResult(mcp.MethodDiscover, o.Bytes())
}

// Initialize answers initialize for a modern server: the version asked for if
// it is a legacy one that we know, else the newest.
func (s Server) Initialize(asked string) json.RawMessage {
	version := mcp.Newest(mcp.EraLegacy)
	if t, ok := mcp.Lookup(mcp.Revision(asked)); ok && t.Era == mcp.EraLegacy && t.StreamableHTTP {
		version = t.Revision
	}
	o := &mcp.Object{}
	o.Set("protocolVersion", mustMarshal(version))
	o.Set("capabilities", legacyCapabilities(s.Capabilities))
	info := s.Info
	if info == nil {
		info = json.RawMessage(`{"name":"unknown","version":"0"}`)
	}
	o.Set("serverInfo", info)
	if s.Instructions != nil {
		o.Set("instructions", s.Instructions)
	}
	return o.Bytes()
}

// legacyCapabilities leaves out what a legacy client cannot use.
func legacyCapabilities(raw json.RawMessage) json.RawMessage {
	o, err := mcp.ReadObject(orEmpty(raw))
	if err != nil {
		return json.RawMessage("{}")
	}
	o.Delete("extensions")
	return o.Bytes()
}

// ModernResult completes the result of a legacy server for a modern client.
// What is there already stays. A cache may keep nothing of it: the server has
// not said that it may.
func (s Server) ModernResult(method string, result json.RawMessage) json.RawMessage {
	o, err := mcp.ReadObject(result)
	if err != nil {
		return result
	}
	o.SetDefault("resultType", json.RawMessage(`"complete"`))
	if Cacheable(method) {
		o.SetDefault("ttlMs", json.RawMessage("0"))
		o.SetDefault("cacheScope", json.RawMessage(`"private"`))
	}
	meta, err := mcp.ReadObject(orEmpty(o.Get("_meta")))
	if err == nil && s.Info != nil {
		meta.SetDefault(mcp.MetaServerInfo, s.Info)
		o.Set("_meta", meta.Bytes())
	}
	return o.Bytes()
}

// ModernError gives the code that a modern client knows for an error of a
// legacy server.
func ModernError(e *mcp.Error) *mcp.Error {
	out := *e
	if e.Code == mcp.CodeResourceNotFound {
		out.Code = mcp.CodeInvalidParams
	}
	return &out
}

// URLElicitation turns the 2025-11-25 error -32042 into input requests, one per
// URL. ok is false when the error is another.
func URLElicitation(e *mcp.Error) (requests map[string]InputRequest, ok bool) {
	if e.Code != mcp.CodeURLElicitation {
		return nil, false
	}
	var data struct {
		Elicitations []json.RawMessage `json:"elicitations"`
	}
	if json.Unmarshal(e.Data, &data) != nil || len(data.Elicitations) == 0 {
		return nil, false
	}
	requests = map[string]InputRequest{}
	for _, raw := range data.Elicitations {
		o, err := mcp.ReadObject(raw)
		if err != nil || o.Text("elicitationId") == "" {
			return nil, false
		}
		id := o.Text("elicitationId")
		o.Delete("elicitationId")
		requests[id] = InputRequest{Method: mcp.MethodElicit, Params: o.Bytes()}
	}
	return requests, true
}

// LegacyResult takes from a modern server's result what legacy clients do not
// know. They tolerate unknown members, but strict ones exist.
func LegacyResult(result json.RawMessage) json.RawMessage {
	o, err := mcp.ReadObject(result)
	if err != nil {
		return result
	}
	o.Delete("resultType")
	o.Delete("ttlMs")
	o.Delete("cacheScope")
	if meta, err := mcp.ReadObject(o.Get("_meta")); err == nil {
		meta.Delete(mcp.MetaServerInfo)
		o.Set("_meta", meta.Bytes())
		if meta.Len() == 0 {
			o.Delete("_meta")
		}
	}
	return o.Bytes()
}

// LegacyParams takes the modern members out of a request's params. The progress
// token, trace context and foreign keys of _meta stay.
func LegacyParams(params json.RawMessage) json.RawMessage {
	o, err := mcp.ReadObject(orEmpty(params))
	if err != nil {
		return params
	}
	o.Delete("inputResponses")
	o.Delete("requestState")
	if meta, err := mcp.ReadObject(o.Get("_meta")); err == nil {
		for _, key := range []string{mcp.MetaProtocolVersion, mcp.MetaClientCapabilities, mcp.MetaClientInfo, mcp.MetaLogLevel} {
			meta.Delete(key)
		}
		o.Set("_meta", meta.Bytes())
		if meta.Len() == 0 {
			o.Delete("_meta")
		}
	}
	return o.Bytes()
}

// Client is what a legacy client said of itself in its handshake.
type Client struct {
	Info         json.RawMessage
	Capabilities json.RawMessage
	LogLevel     json.RawMessage // a JSON string, nil if never set
}

// ModernParams adds to a request's params what a modern server wants in each.
func (c Client) ModernParams(params json.RawMessage, rev mcp.Revision) json.RawMessage {
	o, err := mcp.ReadObject(orEmpty(params))
	if err != nil {
		o = &mcp.Object{}
	}
	meta, err := mcp.ReadObject(orEmpty(o.Get("_meta")))
	if err != nil {
		meta = &mcp.Object{}
	}
	meta.Set(mcp.MetaProtocolVersion, mustMarshal(rev))
	meta.Set(mcp.MetaClientCapabilities, modernCapabilities(c.Capabilities))
	if c.Info != nil {
		meta.Set(mcp.MetaClientInfo, c.Info)
	}
	if c.LogLevel != nil {
		meta.Set(mcp.MetaLogLevel, c.LogLevel)
	}
	o.Set("_meta", meta.Bytes())
	return o.Bytes()
}

// modernCapabilities drops what has no meaning in the modern era.
func modernCapabilities(raw json.RawMessage) json.RawMessage {
	o, err := mcp.ReadObject(orEmpty(raw))
	if err != nil {
		return json.RawMessage("{}")
	}
	o.Delete("tasks")
	if roots, err := mcp.ReadObject(o.Get("roots")); err == nil {
		roots.Delete("listChanged")
		o.Set("roots", roots.Bytes())
	}
	return o.Bytes()
}

// InputRequest is one question of a server in the middle of a call.
type InputRequest struct {
	Method string          `json:"method"`
	Params json.RawMessage `json:"params,omitempty"`
}

// InputRequired is the result that asks a modern client for input (SEP-2322).
type InputRequired struct {
	Requests map[string]InputRequest `json:"inputRequests,omitempty"`
	State    string                  `json:"requestState,omitempty"`
}

// Result writes it as the result of a call.
func (s Server) InputRequired(in InputRequired) json.RawMessage {
	o, err := mcp.ReadObject(mustMarshal(in))
	if err != nil {
		o = &mcp.Object{}
	}
	o.Set("resultType", json.RawMessage(`"input_required"`))
	return s.ModernResult("", o.Bytes())
}

// ReadInputRequired reads such a result; ok is false for any other.
func ReadInputRequired(result json.RawMessage) (in InputRequired, ok bool) {
	var r struct {
		InputRequired
		Type string `json:"resultType"`
	}
	if json.Unmarshal(result, &r) != nil || r.Type != "input_required" {
		return in, false
	}
	return r.InputRequired, true
}

// Retry builds the params of the request that carries the answers.
func Retry(params json.RawMessage, answers map[string]json.RawMessage, state string) json.RawMessage {
	o, err := mcp.ReadObject(orEmpty(params))
	if err != nil {
		return params
	}
	o.Delete("inputResponses")
	o.Delete("requestState")
	if len(answers) > 0 {
		o.Set("inputResponses", mustMarshal(answers))
	}
	if state != "" {
		o.Set("requestState", mustMarshal(state))
	}
	return o.Bytes()
}

// Answers reads what a modern client sends with a retry.
func Answers(params json.RawMessage) (answers map[string]json.RawMessage, state string) {
	var p struct {
		Answers map[string]json.RawMessage `json:"inputResponses"`
		State   string                     `json:"requestState"`
	}
	if json.Unmarshal(params, &p) != nil {
		return nil, ""
	}
	return p.Answers, p.State
}

// Needs gives the client capability that a server's question presupposes, as
// the object that -32021 carries, and whether declared has it.
func Needs(q InputRequest, declared json.RawMessage) (required json.RawMessage, has bool) {
	var caps struct {
		Elicitation *struct {
			Form *json.RawMessage `json:"form"`
			URL  *json.RawMessage `json:"url"`
		} `json:"elicitation"`
		Sampling *json.RawMessage `json:"sampling"`
		Roots    *json.RawMessage `json:"roots"`
	}
	_ = json.Unmarshal(declared, &caps) // what does not parse declares nothing
	switch q.Method {
	case mcp.MethodElicit:
		var p struct {
			Mode string `json:"mode"`
		}
		_ = json.Unmarshal(q.Params, &p) // no mode is form
		if p.Mode == "url" {
			return json.RawMessage(`{"elicitation":{"url":{}}}`), caps.Elicitation != nil && caps.Elicitation.URL != nil
		}
		// An empty object means form.
		return json.RawMessage(`{"elicitation":{"form":{}}}`), caps.Elicitation != nil && (caps.Elicitation.Form != nil || caps.Elicitation.URL == nil)
	case mcp.MethodSample:
		return json.RawMessage(`{"sampling":{}}`), caps.Sampling != nil
	case mcp.MethodRoots:
		return json.RawMessage(`{"roots":{}}`), caps.Roots != nil
	default:
		return nil, false
	}
}

// SessionCapabilities is what a bridged legacy session declares for clients that
// declare the given: of it, what we can translate. Equal sets give equal bytes,
// so that they can share a session; in the legacy era capabilities belong to
// the session, in the modern era to each request.
func SessionCapabilities(declared json.RawMessage) json.RawMessage {
	o := &mcp.Object{}
	elicitation := &mcp.Object{}
	for _, mode := range []string{"form", "url"} {
		q := InputRequest{Method: mcp.MethodElicit, Params: json.RawMessage(`{"mode":"` + mode + `"}`)}
		if _, has := Needs(q, declared); has {
			elicitation.Set(mode, json.RawMessage("{}"))
		}
	}
	if elicitation.Len() > 0 {
		o.Set("elicitation", elicitation.Bytes())
	}
	for name, method := range map[string]string{"roots": mcp.MethodRoots, "sampling": mcp.MethodSample} {
		if _, has := Needs(InputRequest{Method: method}, declared); has {
			o.Set(name, json.RawMessage("{}"))
		}
	}
	o.Sort()
	return o.Bytes()
}

// Subset answers which of the wanted notifications a server can send.
func Subset(wanted, capabilities json.RawMessage) json.RawMessage {
	var want map[string]json.RawMessage
	var caps map[string]struct {
		ListChanged bool `json:"listChanged"`
		Subscribe   bool `json:"subscribe"`
	}
	_ = json.Unmarshal(wanted, &want)       // nothing wanted, nothing granted
	_ = json.Unmarshal(capabilities, &caps) // nothing declared, nothing granted
	grant := map[string]json.RawMessage{}
	for key, capability := range map[string]string{"toolsListChanged": "tools", "promptsListChanged": "prompts", "resourcesListChanged": "resources"} {
		if string(want[key]) == "true" && caps[capability].ListChanged {
			grant[key] = want[key]
		}
	}
	if uris := want["resourceSubscriptions"]; uris != nil && caps["resources"].Subscribe {
		grant["resourceSubscriptions"] = uris
	}
	o := &mcp.Object{}
	for _, key := range slices.Sorted(maps.Keys(grant)) {
		o.Set(key, grant[key])
	}
	return o.Bytes()
}

func orEmpty(raw json.RawMessage) json.RawMessage {
	if len(raw) == 0 || string(raw) == "null" {
		return json.RawMessage("{}")
	}
	return raw
}

// mustMarshal writes values that always marshal: our own strings and maps of
// raw JSON that has been parsed.
func mustMarshal(v any) json.RawMessage {
	raw, err := json.Marshal(v)
	if err != nil {
		return json.RawMessage("null")
	}
	return raw
}

package mcp

// JSON-RPC and MCP error codes. Those from -32000 to -32019 carry no meaning a
// receiver may rely on; -32020 to -32099 belong to the specification.
const (
	CodeParse          = -32700
	CodeInvalidRequest = -32600
	CodeMethodNotFound = -32601
	CodeInvalidParams  = -32602
	CodeInternal       = -32603

	CodeHeaderMismatch     = -32020 // HTTP 400: a mirrored header disagrees with the body
	CodeMissingCapability  = -32021 // HTTP 400: data.requiredCapabilities
	CodeUnsupportedVersion = -32022 // HTTP 400: data {supported, requested}

	// Retired, still met in the wild.
	CodeResourceNotFound = -32002 // up to 2025-11-25
	CodeURLElicitation   = -32042 // 2025-11-25 only
)

// IsModernCode tells whether a JSON-RPC error code can only come from a server
// of the modern era. Numbers of release candidates (-32001, -32003, -32004) are
// no proof: legacy servers use them for anything.
func IsModernCode(code int64) bool {
	return code <= CodeHeaderMismatch && code >= CodeUnsupportedVersion
}

// Methods by name.
const (
	MethodInitialize   = "initialize"
	MethodInitialized  = "notifications/initialized"
	MethodPing         = "ping"
	MethodDiscover     = "server/discover"
	MethodToolsList    = "tools/list"
	MethodToolsCall    = "tools/call"
	MethodPromptsList  = "prompts/list"
	MethodPromptsGet   = "prompts/get"
	MethodResources    = "resources/list"
	MethodTemplates    = "resources/templates/list"
	MethodResourceRead = "resources/read"
	MethodComplete     = "completion/complete"
	MethodListen       = "subscriptions/listen"
	MethodAcknowledged = "notifications/subscriptions/acknowledged"
	MethodCancelled    = "notifications/cancelled"
	MethodProgress     = "notifications/progress"
	MethodMessage      = "notifications/message"
	MethodToolsChanged = "notifications/tools/list_changed"
	MethodSetLevel     = "logging/setLevel"
	MethodSubscribe    = "resources/subscribe"
	MethodUnsubscribe  = "resources/unsubscribe"
	MethodElicit       = "elicitation/create"
	MethodSample       = "sampling/createMessage"
	MethodRoots        = "roots/list"
	MethodTasksGet     = "tasks/get"
	MethodTasksUpdate  = "tasks/update"
	MethodTasksCancel  = "tasks/cancel"
)

// Reserved keys of _meta.
const (
	MetaProtocolVersion    = "io.modelcontextprotocol/protocolVersion"
	MetaClientCapabilities = "io.modelcontextprotocol/clientCapabilities"
	MetaClientInfo         = "io.modelcontextprotocol/clientInfo"
	MetaLogLevel           = "io.modelcontextprotocol/logLevel"
	MetaServerInfo         = "io.modelcontextprotocol/serverInfo"
	MetaSubscriptionID     = "io.modelcontextprotocol/subscriptionId"
	MetaProgressToken      = "progressToken"
)

// nameParam says which member of params the Mcp-Name header repeats, "" if the
// method has none.
func nameParam(method string) string {
	switch method {
	case MethodToolsCall, MethodPromptsGet:
		return "name"
	case MethodResourceRead:
		return "uri"
	case MethodTasksGet, MethodTasksUpdate, MethodTasksCancel:
		return "taskId"
	default:
		return ""
	}
}

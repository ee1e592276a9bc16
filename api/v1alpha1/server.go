package v1alpha1

import (
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"
)

// Transport names how a server speaks MCP.
//
// +kubebuilder:validation:Enum=streamable-http;sse;stdio
type Transport string

// The transports.
const (
	// StreamableHTTP is one endpoint that takes POST, of any revision.
	StreamableHTTP Transport = "streamable-http"
	// SSE is the two-endpoint transport of revision 2024-11-05.
	SSE Transport = "sse"
	// Stdio is a process that reads and writes lines.
	Stdio Transport = "stdio"
)

// ServerSpec is what a server is to Holdfast wherever it runs: the part of a
// declaration that the file of `holdfast serve` (one item of servers) and the
// spec of an MCPServer have in common.
type ServerSpec struct {
	// URL of the endpoint, when the server runs somewhere already. In an
	// MCPServer: one of image, service and url.
	// +optional
	// +kubebuilder:validation:MaxLength=2048
	// +kubebuilder:validation:Pattern=`^https?://[^\s@{}#"\\]+$`
	URL string `json:"url,omitempty"`

	// Transport by which the server speaks. Default: streamable-http.
	// +optional
	// +kubebuilder:default=streamable-http
	Transport Transport `json:"transport,omitempty"`

	// Command that starts the server, one word per item, no shell. In an
	// MCPServer it replaces the image's entrypoint and is needed for stdio,
	// where Holdfast starts the process itself.
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=100
	// +kubebuilder:validation:items:MaxLength=4096
	Command []string `json:"command,omitempty"`

	// Args of the command, or of the image's entrypoint when there is no
	// command.
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=200
	// +kubebuilder:validation:items:MaxLength=4096
	Args []string `json:"args,omitempty"`

	// Env of the server's process. A Secret read this way reaches the process
	// only at its start: prefer credential, which the front renews in flight.
	// +optional
	// +listType=map
	// +listMapKey=name
	// +kubebuilder:validation:MaxItems=200
	Env []corev1.EnvVar `json:"env,omitempty"`

	// LongestCall is how long one tool call may take. Every time-out on the
	// way, the drain and the pod's grace period follow from this one number.
	// From 1s to 24h. Default: 60s.
	// +optional
	// +kubebuilder:default="60s"
	LongestCall Duration `json:"longestCall,omitzero"`

	// Heartbeat is the longest silence on an open stream; it must stay below
	// half of the smallest idle time-out on the way, which is commonly 60s.
	// From 1s to 25s. Default: 15s.
	// +optional
	// +kubebuilder:default="15s"
	Heartbeat Duration `json:"heartbeat,omitzero"`

	// Stateless says that the server keeps nothing between two requests, so
	// that any replica may answer any of them. Default: false.
	// +optional
	Stateless bool `json:"stateless,omitempty"`

	// Route says whether clients reach the server through Holdfast. With
	// false it is only watched. Default: true.
	// +optional
	// +kubebuilder:default=true
	Route *bool `json:"route,omitempty"`

	// Probe sets how often and how patiently the server is probed.
	// +optional
	// +kubebuilder:default={}
	Probe Probe `json:"probe,omitzero"`

	// Checks are tool calls with known answers. Without any, a probe ends at
	// the list of tools.
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=50
	Checks []Check `json:"checks,omitempty"`

	// Contract is the recorded list of tools and what to do when the server
	// departs from it.
	// +optional
	Contract *Contract `json:"contract,omitempty"`

	// Credential is what Holdfast shows to the server, on probes and on calls.
	// +optional
	Credential *Credential `json:"credential,omitempty"`
}

// Probe sets the rhythm of probing.
type Probe struct {
	// Every is the time between two probes of this server. At least 10s.
	// Default: 60s.
	// +optional
	// +kubebuilder:default="60s"
	Every Duration `json:"every,omitzero"`

	// Budget is the time that one probe may take in all; below every.
	// Default: 10s.
	// +optional
	// +kubebuilder:default="10s"
	Budget Duration `json:"budget,omitzero"`
}

// Check is one tool call with expectations.
type Check struct {
	// Tool to call, by the name the server gives it. It is called for real:
	// choose one without side effects.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=128
	Tool string `json:"tool"`

	// Args of the call, as the tool's input schema wants them.
	// +optional
	// +kubebuilder:validation:Type=object
	// +kubebuilder:pruning:PreserveUnknownFields
	Args *runtime.RawExtension `json:"args,omitempty"`

	// Expect lists what must hold of the answer: "ok", "under 3s", or a path
	// with a condition such as "$.structuredContent.high is number".
	// Default: ok.
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=20
	// +kubebuilder:validation:items:MinLength=1
	// +kubebuilder:validation:items:MaxLength=512
	Expect []string `json:"expect,omitempty"`

	// Critical says that the server is unusable, not only degraded, when this
	// check fails. Default: true.
	// +optional
	// +kubebuilder:default=true
	Critical *bool `json:"critical,omitempty"`
}

// DriftAction says what a departure from the contract does.
//
// +kubebuilder:validation:Enum=ignore;degrade;quarantine
type DriftAction string

// The actions. Quarantine hides the tool and refuses its calls.
const (
	DriftIgnore     DriftAction = "ignore"
	DriftDegrade    DriftAction = "degrade"
	DriftQuarantine DriftAction = "quarantine"
)

// Contract points at a recorded contract.
type Contract struct {
	// File that holds the contract. Only in the file of serve.
	// +optional
	// +kubebuilder:validation:MaxLength=4096
	File string `json:"file,omitempty"`

	// ConfigMap that holds the contract. Only in a cluster.
	// +optional
	ConfigMap *KeyReference `json:"configMap,omitempty"`

	// OnBreaking is what a change does that breaks callers. Default: degrade.
	// +optional
	// +kubebuilder:default=degrade
	OnBreaking DriftAction `json:"onBreaking,omitempty"`

	// OnTextChange is what a changed description does: nothing breaks, but a
	// model may be led elsewhere. Default: degrade.
	// +optional
	// +kubebuilder:default=degrade
	OnTextChange DriftAction `json:"onTextChange,omitempty"`
}

// KeyReference is one key of a Secret or ConfigMap in the same namespace.
type KeyReference struct {
	// Name of the object.
	// +required
	// +kubebuilder:validation:MaxLength=253
	// +kubebuilder:validation:Pattern=`^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$`
	Name string `json:"name"`

	// Key in it.
	// +required
	// +kubebuilder:validation:MaxLength=253
	// +kubebuilder:validation:Pattern=`^[-._a-zA-Z0-9]+$`
	Key string `json:"key"`
}

// SecretValue says where a secret is read from. Holdfast reads it again when
// it changes, so that a rotation needs no restart.
type SecretValue struct {
	// Secret in the same namespace. Only in a cluster, and there the only way.
	// +optional
	Secret *KeyReference `json:"secret,omitempty"`

	// File that holds the value alone; one trailing line end is dropped. Only
	// in the file of serve.
	// +optional
	// +kubebuilder:validation:MaxLength=4096
	File string `json:"file,omitempty"`

	// Env is the name of an environment variable. Only in the file of serve.
	// +optional
	// +kubebuilder:validation:MaxLength=256
	Env string `json:"env,omitempty"`
}

// Credential is what Holdfast shows to a server.
type Credential struct {
	// Bearer token, sent as Authorization.
	// +optional
	Bearer *SecretValue `json:"bearer,omitempty"`

	// ClientCredentials fetches tokens by the OAuth grant of that name.
	// +optional
	ClientCredentials *ClientCredentials `json:"clientCredentials,omitempty"`

	// Headers sent in addition.
	// +optional
	// +listType=map
	// +listMapKey=name
	// +kubebuilder:validation:MaxItems=10
	Headers []HeaderCredential `json:"headers,omitempty"`
}

// HeaderCredential is a request header with a secret value.
type HeaderCredential struct {
	// Name of the header.
	// +required
	// +kubebuilder:validation:MaxLength=128
	// +kubebuilder:validation:Pattern=`^[-A-Za-z0-9]+$`
	Name string `json:"name"`

	// Value of the header.
	// +required
	Value SecretValue `json:"value"`
}

// ClientCredentials is an OAuth client of its own (RFC 6749 section 4.4).
type ClientCredentials struct {
	// TokenURL of the authorization server.
	// +required
	// +kubebuilder:validation:MaxLength=2048
	// +kubebuilder:validation:Pattern=`^https://[^\s@{}#"\\]+$`
	TokenURL string `json:"tokenURL"`

	// ClientID, which is not a secret.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=512
	ClientID string `json:"clientID"`

	// ClientSecret of the client.
	// +required
	ClientSecret SecretValue `json:"clientSecret"`

	// Scopes to ask for.
	// +optional
	// +listType=set
	// +kubebuilder:validation:MaxItems=50
	// +kubebuilder:validation:items:MaxLength=256
	Scopes []string `json:"scopes,omitempty"`

	// Resource the token is for (RFC 8707). Default: the server's URL.
	// +optional
	// +kubebuilder:validation:MaxLength=2048
	Resource string `json:"resource,omitempty"`
}

// Auth says who may call. Without it anybody who reaches the listener may.
type Auth struct {
	// Issuers whose access tokens are accepted.
	// +required
	// +listType=map
	// +listMapKey=url
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=10
	Issuers []Issuer `json:"issuers"`
}

// Issuer is one authorization server.
type Issuer struct {
	// URL of the issuer, as its tokens name it.
	// +required
	// +kubebuilder:validation:MaxLength=2048
	// +kubebuilder:validation:Pattern=`^https://[^\s@{}#"\\]+$`
	URL string `json:"url"`

	// Audience that a token must be made for: the URL that clients call.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=2048
	Audience string `json:"audience"`

	// Scopes that a token must carry.
	// +optional
	// +listType=set
	// +kubebuilder:validation:MaxItems=50
	// +kubebuilder:validation:items:MaxLength=256
	Scopes []string `json:"scopes,omitempty"`
}

// Effect is the verdict of a policy rule.
//
// +kubebuilder:validation:Enum=allow;deny
type Effect string

// The effects.
const (
	Allow Effect = "allow"
	Deny  Effect = "deny"
)

// Policy says which caller may use which tool. The first rule that matches
// decides.
type Policy struct {
	// Default is the verdict when no rule matches. Default: allow.
	// +optional
	// +kubebuilder:default=allow
	Default Effect `json:"default,omitempty"`

	// Rules in the order in which they are tried.
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=200
	Rules []PolicyRule `json:"rules,omitempty"`
}

// PolicyRule matches when every list that is not empty has a match; a "*" at
// the end of an item stands for any rest.
type PolicyRule struct {
	// Effect when the rule matches.
	// +required
	Effect Effect `json:"effect"`

	// Subjects are the principals it is about. Empty: all.
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=100
	// +kubebuilder:validation:items:MaxLength=512
	Subjects []string `json:"subjects,omitempty"`

	// Servers it is about, by name. Empty: all.
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=100
	// +kubebuilder:validation:items:MaxLength=253
	Servers []string `json:"servers,omitempty"`

	// Tools it is about, by the name the server gives them. Empty: all.
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=200
	// +kubebuilder:validation:items:MaxLength=128
	Tools []string `json:"tools,omitempty"`
}

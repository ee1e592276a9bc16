package v1alpha1

import metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

// The condition types. Every one is positive: True is good.
const (
	// Accepted: the declaration is valid and what it refers to exists.
	Accepted = "Accepted"
	// Available: enough pods run.
	Available = "Available"
	// Verified: the last probe found a server that speaks MCP and lists the
	// tools it should. Its message carries the age of that finding.
	Verified = "Verified"
	// ToolsWorking: the declared checks pass; the message names one that
	// does not.
	ToolsWorking = "ToolsWorking"
	// Reachable: a client outside gets through at the published URL.
	Reachable = "Reachable"
	// CredentialsValid: the server accepts what Holdfast shows, and it does
	// not end soon. Unknown when the server asks and we hold nothing.
	CredentialsValid = "CredentialsValid"
	// Ready sums up the others.
	Ready = "Ready"
)

// ConditionTypes lists the condition types in the order in which a broken one
// explains those after it.
func ConditionTypes() []string {
	return []string{Accepted, Available, Verified, ToolsWorking, Reachable, CredentialsValid, Ready}
}

// MCPServerStatus is what was seen of a server.
type MCPServerStatus struct {
	// ObservedGeneration is the generation of the spec that this is about.
	// +optional
	ObservedGeneration int64 `json:"observedGeneration,omitempty"`

	// Conditions: Accepted, Available, Verified, ToolsWorking, Reachable,
	// CredentialsValid and their sum Ready.
	// +optional
	// +listType=map
	// +listMapKey=type
	Conditions []metav1.Condition `json:"conditions,omitempty"`

	// Grade of the last probe: healthy, degraded, gated, unusable, dead or
	// unknown.
	// +optional
	Grade string `json:"grade,omitempty"`

	// Codes of the findings of the last probe.
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=50
	Codes []string `json:"codes,omitempty"`

	// URL at which clients reach the server.
	// +optional
	URL string `json:"url,omitempty"`

	// Protocol is the newest MCP revision that the server agreed to.
	// +optional
	Protocol string `json:"protocol,omitempty"`

	// Server is the name and version that the server gives itself.
	// +optional
	Server string `json:"server,omitempty"`

	// Tools is the number of valid tools in the last list.
	// +optional
	Tools *int32 `json:"tools,omitempty"`

	// ToolsExpected is the number of tools in the contract.
	// +optional
	ToolsExpected *int32 `json:"toolsExpected,omitempty"`

	// LastProbeTime is when the server was last probed. An old time means
	// that nobody is looking: everything else here is then as old.
	// +optional
	LastProbeTime *metav1.Time `json:"lastProbeTime,omitempty"`

	// LastVerifiedTime is when a probe last found the server usable.
	// +optional
	LastVerifiedTime *metav1.Time `json:"lastVerifiedTime,omitempty"`

	// Image that runs, with its digest.
	// +optional
	Image string `json:"image,omitempty"`

	// Replicas is the number of pods; the scale subresource reads it.
	// +optional
	Replicas int32 `json:"replicas,omitempty"`

	// ReadyReplicas is the number of pods that take calls.
	// +optional
	ReadyReplicas int32 `json:"readyReplicas,omitempty"`

	// Selector of the pods in text form; the scale subresource reads it.
	// +optional
	Selector string `json:"selector,omitempty"`
}

// MCPGatewayStatus is what was seen of a gateway.
type MCPGatewayStatus struct {
	// ObservedGeneration is the generation of the spec that this is about.
	// +optional
	ObservedGeneration int64 `json:"observedGeneration,omitempty"`

	// Conditions: Accepted, Available, Verified, Reachable and their sum
	// Ready.
	// +optional
	// +listType=map
	// +listMapKey=type
	Conditions []metav1.Condition `json:"conditions,omitempty"`

	// Servers is the number of servers selected.
	// +optional
	Servers *int32 `json:"servers,omitempty"`

	// UsableServers is the number of those graded healthy or degraded.
	// +optional
	UsableServers *int32 `json:"usableServers,omitempty"`

	// Tools is the number of tools served.
	// +optional
	Tools *int32 `json:"tools,omitempty"`

	// URL at which clients reach the gateway.
	// +optional
	URL string `json:"url,omitempty"`

	// LastProbeTime is when the gateway was last probed.
	// +optional
	LastProbeTime *metav1.Time `json:"lastProbeTime,omitempty"`

	// Replicas is the number of pods; the scale subresource reads it.
	// +optional
	Replicas int32 `json:"replicas,omitempty"`

	// ReadyReplicas is the number of pods that take calls.
	// +optional
	ReadyReplicas int32 `json:"readyReplicas,omitempty"`

	// Selector of the pods in text form; the scale subresource reads it.
	// +optional
	Selector string `json:"selector,omitempty"`
}

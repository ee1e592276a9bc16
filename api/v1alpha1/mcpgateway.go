package v1alpha1

import (
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
)

// MCPGateway is one front for many servers: /mcp offers the tools of all,
// /servers/NAME/mcp those of one.
//
// +kubebuilder:object:root=true
// +kubebuilder:subresource:status
// +kubebuilder:subresource:scale:specpath=.spec.scaling.min,statuspath=.status.replicas,selectorpath=.status.selector
// +kubebuilder:resource:shortName=mcpgw,categories={all,holdfast}
// +kubebuilder:printcolumn:name="Ready",type=string,JSONPath=`.status.conditions[?(@.type=="Ready")].status`
// +kubebuilder:printcolumn:name="Servers",type=integer,JSONPath=`.status.servers`
// +kubebuilder:printcolumn:name="Usable",type=integer,JSONPath=`.status.usableServers`
// +kubebuilder:printcolumn:name="Tools",type=integer,JSONPath=`.status.tools`
// +kubebuilder:printcolumn:name="Last-check",type=date,JSONPath=`.status.lastProbeTime`
// +kubebuilder:printcolumn:name="URL",type=string,JSONPath=`.status.url`
// +kubebuilder:printcolumn:name="Age",type=date,JSONPath=`.metadata.creationTimestamp`
// +kubebuilder:printcolumn:name="Replicas",type=integer,priority=1,JSONPath=`.status.readyReplicas`
// +kubebuilder:validation:XValidation:rule="size(self.metadata.name) <= 40 && self.metadata.name.matches('^[a-z]([-a-z0-9]*[a-z0-9])?$')",message="metadata.name must be at most 40 lower-case letters, digits and dashes, starting with a letter: Services and CronJobs are named after it"
type MCPGateway struct {
	metav1.TypeMeta `json:",inline"`
	// +optional
	metav1.ObjectMeta `json:"metadata,omitempty"`

	// Spec is what is wanted.
	// +required
	Spec MCPGatewaySpec `json:"spec"`

	// Status is what was seen.
	// +optional
	Status MCPGatewayStatus `json:"status,omitzero"`
}

// MCPGatewayList is a list of MCPGateways.
//
// +kubebuilder:object:root=true
type MCPGatewayList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`
	Items           []MCPGateway `json:"items"`
}

// MCPGatewaySpec is what is wanted of a gateway.
//
// +kubebuilder:validation:XValidation:rule="duration(self.heartbeat) >= duration('1s') && duration(self.heartbeat) <= duration('25s')",message="heartbeat must be between 1s and 25s: the smallest idle time-outs on the way are 50s to 60s"
// +kubebuilder:validation:XValidation:rule="!has(self.outside) || has(self.outside.url) || (has(self.listeners) && size(self.listeners) > 0)",message="outside needs a url: nothing says where the gateway is published"
// +kubebuilder:validation:XValidation:rule="!has(self.outside) || !has(self.auth) || has(self.outside.token)",message="outside needs a token: the gateway asks callers for one"
// +kubebuilder:validation:XValidation:rule="!has(self.policy) || has(self.auth) || !has(self.policy.rules) || self.policy.rules.all(r, !has(r.subjects) || size(r.subjects) == 0)",message="policy rules about subjects need auth: without it nobody is known"
// +kubebuilder:validation:XValidation:rule="!has(self.storePassword) || (has(self.storePassword.secret) && !has(self.storePassword.file) && !has(self.storePassword.env))",message="storePassword must name a secret, and nothing else, in a cluster"
type MCPGatewaySpec struct {
	// Servers selects MCPServers of the same namespace by their labels. An
	// empty selector takes all of them.
	// +required
	Servers metav1.LabelSelector `json:"servers"`

	// Listeners publish the gateway outside the cluster.
	// +optional
	// +listType=map
	// +listMapKey=host
	// +kubebuilder:validation:MaxItems=10
	Listeners []Exposure `json:"listeners,omitempty"`

	// Heartbeat is the longest silence on an open stream. From 1s to 25s.
	// Default: 15s.
	// +optional
	// +kubebuilder:default="15s"
	Heartbeat Duration `json:"heartbeat,omitzero"`

	// Auth says who may call. Without it anybody who reaches the Service may.
	// +optional
	Auth *Auth `json:"auth,omitempty"`

	// Policy says which caller may use which tool. Default: every caller all.
	// +optional
	Policy *Policy `json:"policy,omitempty"`

	// Store is where sessions live when any replica shall be able to go on
	// with them: memory, or a valkey:// or redis:// URL without a password.
	// Default: memory.
	// +optional
	// +kubebuilder:default=memory
	// +kubebuilder:validation:MaxLength=512
	// +kubebuilder:validation:Pattern=`^(memory|(valkeys?|rediss?)://[^\s@]+)$`
	Store string `json:"store,omitempty"`

	// StorePassword opens the store.
	// +optional
	StorePassword *SecretValue `json:"storePassword,omitempty"`

	// SessionKeys names the Secret whose every value is a key that seals
	// session ids: 32 bytes each, the last by name seals, all open. Default:
	// NAME-session-keys.
	// +optional
	// +kubebuilder:validation:MaxLength=253
	SessionKeys string `json:"sessionKeys,omitempty"`

	// Scaling sets how many replicas there are.
	// +optional
	// +kubebuilder:default={}
	Scaling Scaling `json:"scaling,omitzero"`

	// Resources of a replica. Default: requests of 100m CPU and 128Mi memory,
	// a limit of 256Mi memory, no CPU limit.
	// +optional
	Resources *corev1.ResourceRequirements `json:"resources,omitempty"`

	// Network says who may reach the gateway and what it may reach besides
	// its servers.
	// +optional
	// +kubebuilder:default={}
	Network Network `json:"network,omitzero"`

	// Outside probes the published URL the way a client does, on a schedule.
	// +optional
	Outside *Outside `json:"outside,omitempty"`

	// Monitoring adds objects for the Prometheus operator.
	// +optional
	Monitoring *Monitoring `json:"monitoring,omitempty"`

	// PodTemplate is merged over the pod template that Holdfast makes
	// (strategic merge patch): the way out for what has no field here.
	// +optional
	// +kubebuilder:validation:Type=object
	// +kubebuilder:pruning:PreserveUnknownFields
	PodTemplate *runtime.RawExtension `json:"podTemplate,omitempty"`
}

package v1alpha1

import (
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
)

// MCPServer is an MCP server that Holdfast keeps alive: an image to run, a
// Service to stand in front of, or a URL to watch.
//
// +kubebuilder:object:root=true
// +kubebuilder:subresource:status
// +kubebuilder:subresource:scale:specpath=.spec.scaling.min,statuspath=.status.replicas,selectorpath=.status.selector
// +kubebuilder:resource:shortName=mcp,categories={all,holdfast}
// +kubebuilder:printcolumn:name="Ready",type=string,JSONPath=`.status.conditions[?(@.type=="Ready")].status`
// +kubebuilder:printcolumn:name="Verified",type=string,JSONPath=`.status.conditions[?(@.type=="Verified")].status`
// +kubebuilder:printcolumn:name="Tools",type=integer,JSONPath=`.status.tools`
// +kubebuilder:printcolumn:name="Protocol",type=string,JSONPath=`.status.protocol`
// +kubebuilder:printcolumn:name="Last-check",type=date,JSONPath=`.status.lastProbeTime`
// +kubebuilder:printcolumn:name="URL",type=string,JSONPath=`.status.url`
// +kubebuilder:printcolumn:name="Age",type=date,JSONPath=`.metadata.creationTimestamp`
// +kubebuilder:printcolumn:name="Grade",type=string,priority=1,JSONPath=`.status.grade`
// +kubebuilder:printcolumn:name="ToolsWorking",type=string,priority=1,JSONPath=`.status.conditions[?(@.type=="ToolsWorking")].status`
// +kubebuilder:printcolumn:name="Reachable",type=string,priority=1,JSONPath=`.status.conditions[?(@.type=="Reachable")].status`
// +kubebuilder:printcolumn:name="Replicas",type=integer,priority=1,JSONPath=`.status.readyReplicas`
// +kubebuilder:printcolumn:name="Image",type=string,priority=1,JSONPath=`.status.image`
// +kubebuilder:validation:XValidation:rule="size(self.metadata.name) <= 40 && self.metadata.name.matches('^[a-z]([-a-z0-9]*[a-z0-9])?$')",message="metadata.name must be at most 40 lower-case letters, digits and dashes, starting with a letter: Services and CronJobs are named after it"
type MCPServer struct {
	metav1.TypeMeta `json:",inline"`
	// +optional
	metav1.ObjectMeta `json:"metadata,omitempty"`

	// Spec is what is wanted.
	// +required
	Spec MCPServerSpec `json:"spec"`

	// Status is what was seen.
	// +optional
	Status MCPServerStatus `json:"status,omitzero"`
}

// MCPServerList is a list of MCPServers.
//
// +kubebuilder:object:root=true
type MCPServerList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`
	Items           []MCPServer `json:"items"`
}

// MCPServerSpec is what is wanted of a server in a cluster.
//
// +kubebuilder:validation:XValidation:rule="[has(self.image), has(self.service), has(self.url)].filter(x, x).size() == 1",message="set exactly one of image, service and url"
// +kubebuilder:validation:XValidation:rule="self.transport != 'stdio' || (has(self.image) && has(self.command) && size(self.command) > 0)",message="transport stdio needs an image and a command: Holdfast starts the process itself"
// +kubebuilder:validation:XValidation:rule="has(self.image) || !(has(self.command) || has(self.args) || has(self.env) || has(self.writablePaths) || has(self.imagePullSecrets))",message="command, args, env, writablePaths and imagePullSecrets belong to an image"
// +kubebuilder:validation:XValidation:rule="duration(self.longestCall) >= duration('1s') && duration(self.longestCall) <= duration('24h')",message="longestCall must be between 1s and 24h"
// +kubebuilder:validation:XValidation:rule="duration(self.heartbeat) >= duration('1s') && duration(self.heartbeat) <= duration('25s')",message="heartbeat must be between 1s and 25s: the smallest idle time-outs on the way are 50s to 60s"
// +kubebuilder:validation:XValidation:rule="duration(self.startup) >= duration('1s') && duration(self.startup) <= duration('1h')",message="startup must be between 1s and 1h"
// +kubebuilder:validation:XValidation:rule="duration(self.probe.every) >= duration('10s')",message="probe.every must be at least 10s"
// +kubebuilder:validation:XValidation:rule="duration(self.probe.budget) > duration('0s') && duration(self.probe.budget) < duration(self.probe.every)",message="probe.budget must be above 0s and below probe.every"
// +kubebuilder:validation:XValidation:rule="!has(self.credential) || !has(self.credential.bearer) || !has(self.credential.clientCredentials)",message="credential takes bearer or clientCredentials, not both"
// +kubebuilder:validation:XValidation:rule="!has(self.credential) || !has(self.credential.bearer) || (has(self.credential.bearer.secret) && !has(self.credential.bearer.file) && !has(self.credential.bearer.env))",message="credential.bearer must name a secret, and nothing else, in a cluster"
// +kubebuilder:validation:XValidation:rule="!has(self.credential) || !has(self.credential.clientCredentials) || (has(self.credential.clientCredentials.clientSecret.secret) && !has(self.credential.clientCredentials.clientSecret.file) && !has(self.credential.clientCredentials.clientSecret.env))",message="credential.clientCredentials.clientSecret must name a secret, and nothing else, in a cluster"
// +kubebuilder:validation:XValidation:rule="!has(self.credential) || !has(self.credential.headers) || self.credential.headers.all(h, has(h.value.secret) && !has(h.value.file) && !has(h.value.env))",message="each of credential.headers must name a secret, and nothing else, in a cluster"
// +kubebuilder:validation:XValidation:rule="!has(self.credential) || !has(self.url) || self.url.startsWith('https://')",message="a credential is sent over https only"
// +kubebuilder:validation:XValidation:rule="!has(self.contract) || (has(self.contract.configMap) && !has(self.contract.file))",message="contract must name a configMap, and no file, in a cluster"
// +kubebuilder:validation:XValidation:rule="!has(self.expose) || self.route",message="expose needs route: a server that is only watched has nothing to publish"
// +kubebuilder:validation:XValidation:rule="!has(self.image) || self.route",message="a server that runs from an image is routed: route false belongs to service and url"
// +kubebuilder:validation:XValidation:rule="!has(self.outside) || has(self.outside.url) || has(self.expose) || has(self.url)",message="outside needs a url: nothing says where the server is published"
// +kubebuilder:validation:XValidation:rule="!has(self.outside) || !has(self.auth) || has(self.outside.token)",message="outside needs a token: the server asks callers for one"
// +kubebuilder:validation:XValidation:rule="!has(self.storePassword) || (has(self.storePassword.secret) && !has(self.storePassword.file) && !has(self.storePassword.env))",message="storePassword must name a secret, and nothing else, in a cluster"
type MCPServerSpec struct {
	ServerSpec `json:",inline"`

	// Image to run. It must be pinned by digest (name@sha256:…), or be
	// resolved to one when manifests are made.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=1024
	// +kubebuilder:validation:Pattern=`^[A-Za-z0-9][-A-Za-z0-9._:/]*(@sha256:[a-f0-9]{64})?$`
	Image string `json:"image,omitempty"`

	// ImagePullSecrets are the names of Secrets that open the registry.
	// +optional
	// +listType=set
	// +kubebuilder:validation:MaxItems=10
	// +kubebuilder:validation:items:MaxLength=253
	ImagePullSecrets []string `json:"imagePullSecrets,omitempty"`

	// Service to stand in front of: the server runs already and is not ours.
	// +optional
	Service *ServiceReference `json:"service,omitempty"`

	// Port at which the image's server listens. Default: 8000.
	// +optional
	// +kubebuilder:default=8000
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=65535
	// +kubebuilder:validation:XValidation:rule="self != 8080 && self != 9090",message="ports 8080 and 9090 are the front's"
	Port int32 `json:"port,omitempty"`

	// Path of the endpoint at an image or a service. Default: /mcp.
	// +optional
	// +kubebuilder:default="/mcp"
	// +kubebuilder:validation:MaxLength=512
	// +kubebuilder:validation:Pattern=`^/[-A-Za-z0-9._~/%]*$`
	Path string `json:"path,omitempty"`

	// Startup is the longest time the server may need until it answers, cold
	// caches and downloads included. From 1s to 1h. Default: 2m.
	// +optional
	// +kubebuilder:default="2m"
	Startup Duration `json:"startup,omitzero"`

	// RunAsUser is the numeric user and group of the image's process; never
	// root. Default: 65532.
	// +optional
	// +kubebuilder:default=65532
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=4294967294
	RunAsUser *int64 `json:"runAsUser,omitempty"`

	// WritablePaths are directories that the process writes to; everything
	// else but /tmp is read-only. What is written is lost with the pod.
	// +optional
	// +listType=set
	// +kubebuilder:validation:MaxItems=10
	// +kubebuilder:validation:items:MaxLength=512
	// +kubebuilder:validation:items:Pattern=`^(/[-A-Za-z0-9._]+)+$`
	WritablePaths []string `json:"writablePaths,omitempty"`

	// Resources of the image's container. Default: requests of 100m CPU and
	// 128Mi memory, a limit of 512Mi memory, no CPU limit.
	// +optional
	Resources *corev1.ResourceRequirements `json:"resources,omitempty"`

	// Scaling sets how many pods there are.
	// +optional
	// +kubebuilder:default={}
	Scaling Scaling `json:"scaling,omitzero"`

	// Auth says who may call. Without it anybody who reaches the Service may.
	// +optional
	Auth *Auth `json:"auth,omitempty"`

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
	// NAME-session-keys, used unless the server is stateless.
	// +optional
	// +kubebuilder:validation:MaxLength=253
	SessionKeys string `json:"sessionKeys,omitempty"`

	// Network says who may reach the server and what it may reach.
	// +optional
	// +kubebuilder:default={}
	Network Network `json:"network,omitzero"`

	// Expose publishes the server outside the cluster.
	// +optional
	Expose *Exposure `json:"expose,omitempty"`

	// Outside probes the published URL the way a client does, on a schedule.
	// +optional
	Outside *Outside `json:"outside,omitempty"`

	// Monitoring adds objects for the Prometheus operator.
	// +optional
	Monitoring *Monitoring `json:"monitoring,omitempty"`

	// Access is what the server may do at the Kubernetes API. Default:
	// nothing, and no token is mounted.
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=20
	Access []Access `json:"access,omitempty"`

	// PodTemplate is merged over the pod template that Holdfast makes
	// (strategic merge patch): the way out for what has no field here.
	// +optional
	// +kubebuilder:validation:Type=object
	// +kubebuilder:pruning:PreserveUnknownFields
	PodTemplate *runtime.RawExtension `json:"podTemplate,omitempty"`
}

// ServiceReference names a port of a Service in the same namespace.
type ServiceReference struct {
	// Name of the Service.
	// +required
	// +kubebuilder:validation:MaxLength=63
	// +kubebuilder:validation:Pattern=`^[a-z]([-a-z0-9]*[a-z0-9])?$`
	Name string `json:"name"`

	// Port number of the Service. Default: 80.
	// +optional
	// +kubebuilder:default=80
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=65535
	Port int32 `json:"port,omitempty"`
}

// Scaling sets how many pods there are. The scale subresource writes min.
//
// +kubebuilder:validation:XValidation:rule="!has(self.max) || self.max >= self.min",message="max must not be below min"
// +kubebuilder:validation:XValidation:rule="has(self.max) || !(has(self.cpuPercent) || has(self.callsPerPod))",message="cpuPercent and callsPerPod need max: without it the number of pods is fixed"
type Scaling struct {
	// Min is the number of pods when nothing else is asked for. Default: 2.
	// +optional
	// +kubebuilder:default=2
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=1000
	Min int32 `json:"min,omitempty"`

	// Max makes an autoscaler that moves between min and max. Default: min.
	// +optional
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=1000
	Max *int32 `json:"max,omitempty"`

	// CPUPercent of the request that the server's container shall use on
	// average. Default: 70, unless callsPerPod is set.
	// +optional
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=1000
	CPUPercent *int32 `json:"cpuPercent,omitempty"`

	// CallsPerPod is the number of calls in flight that a pod shall have on
	// average. It needs an adapter that serves pod metrics.
	// +optional
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=100000
	CallsPerPod *int32 `json:"callsPerPod,omitempty"`
}

// Access is one thing that a server may do at the Kubernetes API. It always
// names objects: there is no access to all of a kind.
type Access struct {
	// APIGroup of the resource. Default: the core group.
	// +optional
	// +kubebuilder:validation:MaxLength=253
	APIGroup string `json:"apiGroup,omitempty"`

	// Resource in lower-case plural, such as configmaps.
	// +required
	// +kubebuilder:validation:MaxLength=63
	// +kubebuilder:validation:Pattern=`^[a-z][a-z0-9]*(/[a-z]+)?$`
	Resource string `json:"resource"`

	// Names of the objects.
	// +required
	// +listType=set
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=50
	// +kubebuilder:validation:items:MinLength=1
	// +kubebuilder:validation:items:MaxLength=253
	Names []string `json:"names"`

	// Verbs. Default: get.
	// +optional
	// +listType=set
	// +kubebuilder:default={get}
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=4
	// +kubebuilder:validation:items:Enum=get;watch;update;patch
	Verbs []string `json:"verbs,omitempty"`
}

// Outside is a CronJob that runs `holdfast check` against the published URL.
type Outside struct {
	// Schedule in cron's five fields. Default: every 5 minutes, at a minute
	// that follows from the name so that servers do not probe in step.
	// +optional
	// +kubebuilder:validation:MaxLength=100
	// +kubebuilder:validation:Pattern=`^[-0-9*,/A-Za-z]+( [-0-9*,/A-Za-z]+){4}$`
	Schedule string `json:"schedule,omitempty"`

	// TimeZone of the schedule, such as Etc/UTC. Default: Etc/UTC.
	// +optional
	// +kubebuilder:default="Etc/UTC"
	// +kubebuilder:validation:MaxLength=100
	TimeZone string `json:"timeZone,omitempty"`

	// URL to probe. Default: the one that expose publishes, else spec.url.
	// +optional
	// +kubebuilder:validation:MaxLength=2048
	// +kubebuilder:validation:Pattern=`^https?://[^\s@{}#"\\]+$`
	URL string `json:"url,omitempty"`

	// Token is the Secret key with the bearer token to show.
	// +optional
	Token *KeyReference `json:"token,omitempty"`
}

// Monitoring adds objects for the Prometheus operator.
type Monitoring struct {
	// ServiceMonitor says that the metrics of the front are to be scraped.
	// Default: true.
	// +optional
	// +kubebuilder:default=true
	ServiceMonitor *bool `json:"serviceMonitor,omitempty"`

	// Alerts adds a PrometheusRule: server not usable, tools missing, probing
	// stopped, credential about to end. Default: true.
	// +optional
	// +kubebuilder:default=true
	Alerts *bool `json:"alerts,omitempty"`

	// Namespace in which Prometheus runs; it alone may reach the metrics.
	// Default: monitoring.
	// +optional
	// +kubebuilder:default=monitoring
	// +kubebuilder:validation:MaxLength=63
	Namespace string `json:"namespace,omitempty"`

	// Labels by which that Prometheus selects its objects.
	// +optional
	// +kubebuilder:validation:MaxProperties=20
	Labels map[string]string `json:"labels,omitempty"`
}

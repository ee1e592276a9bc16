package v1alpha1

// Network says who may reach the pods and what they may reach. A NetworkPolicy
// is made of it in both directions; DNS is always open.
type Network struct {
	// From lists who may call, besides pods of the same namespace and the
	// controller that expose names.
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=50
	From []Peer `json:"from,omitempty"`

	// Egress lists what the server may reach. Default: nothing but DNS.
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=50
	Egress []Egress `json:"egress,omitempty"`
}

// Peer is a set of pods or addresses.
//
// +kubebuilder:validation:XValidation:rule="has(self.cidr) != (has(self.namespace) || has(self.pods))",message="set either cidr, or namespace and pods"
type Peer struct {
	// CIDR such as 10.20.0.0/16.
	// +optional
	// +kubebuilder:validation:MaxLength=43
	// +kubebuilder:validation:XValidation:rule="isCIDR(self)",message="not a CIDR, such as 10.20.0.0/16"
	CIDR string `json:"cidr,omitempty"`

	// Namespace by name. Default: the server's own.
	// +optional
	// +kubebuilder:validation:MaxLength=63
	Namespace string `json:"namespace,omitempty"`

	// Pods by their labels. Default: all of the namespace.
	// +optional
	// +kubebuilder:validation:MaxProperties=20
	Pods map[string]string `json:"pods,omitempty"`
}

// Egress is one destination with its ports.
//
// +kubebuilder:validation:XValidation:rule="[has(self.internet) && self.internet, has(self.cidr), has(self.namespace) || has(self.pods)].filter(x, x).size() == 1",message="set exactly one of internet, cidr, and namespace with pods"
type Egress struct {
	// Internet is every public address: private, link-local and metadata
	// ranges stay closed. A NetworkPolicy cannot name hosts.
	// +optional
	Internet bool `json:"internet,omitempty"`

	// CIDR such as 203.0.113.7/32.
	// +optional
	// +kubebuilder:validation:MaxLength=43
	// +kubebuilder:validation:XValidation:rule="isCIDR(self)",message="not a CIDR, such as 10.20.0.0/16"
	CIDR string `json:"cidr,omitempty"`

	// Namespace by name. Default: the server's own.
	// +optional
	// +kubebuilder:validation:MaxLength=63
	Namespace string `json:"namespace,omitempty"`

	// Pods by their labels. Default: all of the namespace.
	// +optional
	// +kubebuilder:validation:MaxProperties=20
	Pods map[string]string `json:"pods,omitempty"`

	// Ports, TCP.
	// +required
	// +listType=set
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=20
	// +kubebuilder:validation:items:Minimum=1
	// +kubebuilder:validation:items:Maximum=65535
	Ports []int32 `json:"ports"`

	// Why it is needed; it becomes the comment beside the rule.
	// +optional
	// +kubebuilder:validation:MaxLength=200
	Why string `json:"why,omitempty"`
}

// Exposure publishes a host name by the Gateway API or by an Ingress.
//
// +kubebuilder:validation:XValidation:rule="has(self.gateway) != has(self.ingress)",message="set exactly one of gateway and ingress"
type Exposure struct {
	// Host name that clients use, without scheme and port.
	// +required
	// +kubebuilder:validation:MaxLength=253
	// +kubebuilder:validation:Pattern=`^([a-z0-9]([-a-z0-9]*[a-z0-9])?\.)+[a-z0-9]([-a-z0-9]*[a-z0-9])?$`
	Host string `json:"host"`

	// Gateway of the Gateway API to attach to; TLS is its listener's.
	// +optional
	Gateway *GatewayReference `json:"gateway,omitempty"`

	// Ingress to make where there is no Gateway API.
	// +optional
	Ingress *IngressReference `json:"ingress,omitempty"`
}

// GatewayReference names a Gateway.
type GatewayReference struct {
	// Name of the Gateway.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	Name string `json:"name"`

	// Namespace of the Gateway and of its data plane's pods. Default: the
	// server's own.
	// +optional
	// +kubebuilder:validation:MaxLength=63
	Namespace string `json:"namespace,omitempty"`

	// SectionName of the listener: the one that ends TLS. Default: all.
	// +optional
	// +kubebuilder:validation:MaxLength=253
	SectionName string `json:"sectionName,omitempty"`
}

// IngressController names a program that serves Ingresses. Its time-outs and
// annotations are its own.
//
// +kubebuilder:validation:Enum=ingress-nginx;f5-nginx;traefik;haproxy;contour;kong;alb;gce;istio;cilium;other
type IngressController string

// IngressReference says which controller serves the Ingress.
type IngressReference struct {
	// ClassName of the IngressClass.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	ClassName string `json:"className"`

	// Controller behind the class: the class name does not tell the two
	// programs called nginx apart. With other, no annotation is written.
	// +required
	Controller IngressController `json:"controller"`

	// Namespace in which the controller's pods run. Default: the one its own
	// installation uses.
	// +optional
	// +kubebuilder:validation:MaxLength=63
	Namespace string `json:"namespace,omitempty"`

	// TLSSecret holds the certificate. Default: NAME-tls. With alb and gce the
	// load balancer's certificate is set by annotations instead.
	// +optional
	// +kubebuilder:validation:MaxLength=253
	TLSSecret string `json:"tlsSecret,omitempty"`

	// ClusterIssuer of cert-manager that fills tlsSecret.
	// +optional
	// +kubebuilder:validation:MaxLength=253
	ClusterIssuer string `json:"clusterIssuer,omitempty"`

	// Annotations to add; they win over those that Holdfast writes.
	// +optional
	// +kubebuilder:validation:MaxProperties=50
	Annotations map[string]string `json:"annotations,omitempty"`
}

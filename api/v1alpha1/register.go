package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// Group and Version name this API; a manifest says "holdfast.dev/v1alpha1".
const (
	Group   = "holdfast.dev"
	Version = "v1alpha1"
)

// The kinds of this API.
const (
	KindMCPServer  = "MCPServer"
	KindMCPGateway = "MCPGateway"
)

// GroupVersion is the identifier of this API in apimachinery's form.
func GroupVersion() schema.GroupVersion {
	return schema.GroupVersion{Group: Group, Version: Version}
}

// AddToScheme makes the kinds known to a scheme, so that clients can read and
// write them.
func AddToScheme(scheme *runtime.Scheme) error {
	gv := GroupVersion()
	scheme.AddKnownTypes(gv, &MCPServer{}, &MCPServerList{}, &MCPGateway{}, &MCPGatewayList{})
	metav1.AddToGroupVersion(scheme, gv)
	return nil
}

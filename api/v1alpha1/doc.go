// Package v1alpha1 holds the declarations that Holdfast works from: MCPServer
// and MCPGateway of the API group holdfast.dev.
//
// The same types serve two readers. A cluster stores them as custom resources;
// the file of `holdfast serve` lists the part called [ServerSpec] under
// servers. Names, units and defaults are therefore the same in both, and every
// field says which of the two it is for when it is not both.
//
// Cross-field rules stand as CEL expressions on the types, where the API
// server enforces them without a webhook, and again in Go in [MCPServer.Validate]
// and [MCPGateway.Validate], where `holdfast render` uses them without a
// cluster. A test runs the same cases through both and demands the same
// sentence from each.
//
// +kubebuilder:object:generate=true
// +groupName=holdfast.dev
package v1alpha1

//go:generate go tool controller-gen object crd:maxDescLen=2048 paths=. output:crd:dir=../../deploy/crds

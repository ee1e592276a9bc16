// Package crds carries the CustomResourceDefinitions of Holdfast's API. They
// are generated from api/v1alpha1; never edit them by hand.
package crds

import "embed"

// Files holds one YAML file per kind.
//
//go:embed holdfast.dev_*.yaml
var Files embed.FS

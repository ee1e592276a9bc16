// Package strict reads YAML written by people against the schema of a
// CustomResourceDefinition and finds everything that is wrong with it at once,
// each with file, line and column: unknown fields (with the one that was
// probably meant), duplicate keys, wrong types, values outside their bounds.
//
// It understands the part of OpenAPI that structural schemas use. Defaults
// are filled in as the API server would. The CEL rules of a schema are not
// judged here.
//
// Bounds: a file of [MaxBytes], [MaxNodes] nodes after aliases are followed,
// [MaxDepth] levels.
package strict

// The bounds of one file.
const (
	MaxBytes = 4 << 20
	MaxNodes = 200_000
	MaxDepth = 64
)

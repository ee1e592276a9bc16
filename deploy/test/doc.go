// Package test renders the charts with Helm's own engine and linter. It is a
// module of its own because Helm brings more dependencies than all the rest of
// Holdfast.
package test

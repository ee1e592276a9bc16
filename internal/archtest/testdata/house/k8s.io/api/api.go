// Package api stands for all of Kubernetes.
package api

// Kind is something.
const Kind = "x"

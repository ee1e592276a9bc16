// Package manifest turns declarations (MCPServer, MCPGateway) into the
// Kubernetes objects that keep a server alive. It is pure: it asks no cluster,
// no registry and no clock, so `holdfast render` and the operator get the same
// objects from the same declaration.
//
// Every number that is not written in the declaration is derived from one that
// is, mostly longestCall, heartbeat, startup and stateless; [Object.Reasons]
// says from which, and becomes the comment beside the value.
//
// How a pod ends without losing a call (cluster.md measured each part): the
// kubelet runs all preStop hooks at once and then stops the containers, the
// native sidecar last. The server's hook asks the front to drain and waits for
// it; the front turns its readiness off, waits until the endpoints have
// spread, ends streams and finishes calls. Only then does the server get its
// SIGTERM, so that a server that dies of it at once loses nothing.
package manifest

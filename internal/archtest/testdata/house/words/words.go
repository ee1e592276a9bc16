// Package words is the vocabulary of this house.
package words

import "os" // want import

// Revision is what only this package compares.
type Revision string

// New is a revision.
const New Revision = "2026-07-28"

// After may compare: it is at home.
func After(a Revision) bool { return a >= New }

// Start starts a goroutine.
func Start() {
	go Stop() // want layer
}

// Stop uses the file system.
func Stop() { _ = os.Remove("x") }

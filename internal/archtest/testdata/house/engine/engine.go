// Package engine is another engine.
package engine

// Kind is something.
const Kind = "x"

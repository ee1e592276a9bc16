// Package tool is an engine.
package tool

import (
	"log" // want import

	"example.com/house/engine" // want layer
	"example.com/house/peer"   // want layer
	"k8s.io/api"               // want import
)

var _ = log.Println
var _ = api.Kind
var _ = engine.Kind
var _ = peer.Kind

func init() { // want init
}

// Four has as many parameters as are allowed.
func Four(a, b, c, d int) int { return a + b + c + d }

// Five has one too many.
func Five(a, b, c, d, e int) int { return a + b + c + d + e } // want size

// Short is as long as is allowed.
func Short() {
	_ = 1
	_ = 2
}

// Long is a line longer.
func Long() { // want size
	_ = 1
	_ = 2
	_ = 3
}

// Package talk is a mechanism.
package talk

import (
	"context"
	"net/http"
	"os"

	"example.com/house/tool" // want layer
	"example.com/house/wire"
	"example.com/house/words"
)

// Do does what it must not.
func Do(a, b words.Revision, text string) { // want size
	_ = context.Background() // want use
	_ = context.WithoutCancel(wire.Context())
	var c http.Client // want use
	_, _ = c.Get(text)
	_ = os.Getenv("HOME") // want use
	_ = tool.Four(1, 2, 3, 4)
	_ = a < b          // want revision
	_ = a == words.New // want revision
	_ = a == b
	_ = a != ""
	_ = text >= "2025-11-25" // want revision
	switch a {
	case words.New: // want revision
	case "":
	}
}

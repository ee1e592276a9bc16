// Package peer is for tests.
package peer

import (
	"example.com/house/front"
	"example.org/sdk"
)

// Kind is something.
const Kind = sdk.Kind + front.Kind

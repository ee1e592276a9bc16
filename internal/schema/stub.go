// Placeholder until the walk lands: keeps the API compiling for its callers.

package schema

type node struct{}
type builder struct {
	problems []Problem
	regexps  bool
}

func newBuilder(Use) *builder         { return &builder{} }
func (b *builder) build([]byte) *node { return nil }
func evaluate(*node, []byte) error    { return nil }

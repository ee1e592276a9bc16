package finding

import "slices"

// Catalogue lists every code, in order of its number.
func Catalogue() []Entry {
	return slices.Concat(reach(), answers(), authorization(), inventory(), calls())
}

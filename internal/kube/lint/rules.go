package lint

import (
	"slices"

	"github.com/holdfast-mcp/holdfast/internal/finding"
)

// Rules lists every rule, group by group in the order of the codes.
func Rules() []Rule {
	return slices.Concat(inputRules(), probeRules(), lifecycleRules(), entryRules(), routeRules(), serviceRules(), sessionRules(), imageRules(),
		identityRules(), authCodeRules(), dependencyRules(), publishRules(), monitorRules())
}

// inputNames are the findings about inputs as such, which no rule makes.
var inputNames = []string{"input.unreadable", "input.helm_template", "input.too_big", "input.duplicate_key"}

// Entries gives the catalogue entries that a lint report may hold, in order of
// their codes.
func Entries() []finding.Entry {
	names := map[string]bool{}
	for _, r := range Rules() {
		names[r.Name] = true
	}
	for _, name := range inputNames {
		names[name] = true
	}
	return slices.DeleteFunc(finding.Catalogue(), func(e finding.Entry) bool { return !names[e.Name] })
}

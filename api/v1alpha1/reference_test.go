package v1alpha1_test

import (
	"flag"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema"

	"github.com/holdfast-mcp/holdfast/api/v1alpha1"
)

var update = flag.Bool("update", false, "write docs/reference-api.md anew")

const reference = "../../docs/reference-api.md"

// The reference is what the CRDs say: it is written from them and cannot drift.
func TestReference(t *testing.T) {
	var b strings.Builder
	b.WriteString("# Reference: MCPServer and MCPGateway\n\n" +
		"Written from the CustomResourceDefinitions in `deploy/crds` by `go test ./api/... -update`; do not edit.\n" +
		"Kubernetes' own types (environment variables, resources, conditions, label selectors) are not unfolded.\n")
	for _, kind := range []string{v1alpha1.KindMCPServer, v1alpha1.KindMCPGateway} {
		server := newAPIServer(t, kinds()[kind])
		names := server.crd.Spec.Names
		fmt.Fprintf(&b, "\n## %s\n\n%s\n\nShort name `%s`, group `%s`, version `%s`. Columns:", kind, oneLine(server.structural.Description), strings.Join(names.ShortNames, "`, `"), v1alpha1.Group, v1alpha1.Version)
		for i, c := range server.crd.Spec.AdditionalPrinterColumns {
			separator := " "
			if i > 0 {
				separator = ", "
			}
			fmt.Fprintf(&b, "%s%s", separator, c.Name)
			if c.Priority > 0 {
				b.WriteString(" (wide)")
			}
		}
		b.WriteString(".\n\n### Rules between fields\n\n| where | rule |\n|---|---|\n")
		writeRules(&b, server.structural)
		for _, part := range []string{"spec", "status"} {
			s := server.structural.Properties[part]
			fmt.Fprintf(&b, "\n### %s\n\n| field | type | meaning |\n|---|---|---|\n", part)
			writeFields(&b, part, &s)
		}
	}
	if *update {
		if err := os.WriteFile(reference, []byte(b.String()), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(reference)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(string(want), b.String()); d != "" {
		t.Errorf("docs/reference-api.md is stale, run go test ./api/... -update:\n%s", d)
	}
}

func writeRules(b *strings.Builder, root *schema.Structural) {
	found := map[string][]string{}
	walk(root, "", func(path string, s *schema.Structural) {
		for _, x := range s.XValidations {
			found[path] = append(found[path], x.Message)
		}
	})
	for _, path := range slices.Sorted(maps.Keys(found)) {
		where := path
		if where == "" {
			where = "the object"
		}
		for _, message := range found[path] {
			fmt.Fprintf(b, "| %s | %s |\n", where, cell(message))
		}
	}
}

// foreign are fields of Kubernetes' own types.
func foreign(path string) bool {
	return slices.Contains([]string{"spec.env", "spec.resources", "status.conditions", "spec.servers"}, path)
}

func writeFields(b *strings.Builder, path string, s *schema.Structural) {
	for _, name := range slices.Sorted(maps.Keys(s.Properties)) {
		field := s.Properties[name]
		at := path + "." + name
		required := ""
		if slices.Contains(s.ValueValidation.Required, name) {
			required = ", required"
		}
		fmt.Fprintf(b, "| `%s` | %s%s | %s |\n", at, cell(typeName(&field)), required, cell(oneLine(field.Description)))
		if foreign(at) {
			continue
		}
		writeFields(b, at, &field)
		if field.Items != nil {
			writeFields(b, at+"[]", field.Items)
		}
	}
}

func typeName(s *schema.Structural) string {
	switch {
	case s.ValueValidation != nil && len(s.ValueValidation.Enum) > 0:
		var words []string
		for _, e := range s.ValueValidation.Enum {
			words = append(words, fmt.Sprintf("`%v`", e.Object))
		}
		return strings.Join(words, " or ")
	case s.Type == "array":
		return "list of " + typeName(s.Items)
	case s.AdditionalProperties != nil:
		return "map"
	case s.ValueValidation != nil && strings.Contains(s.ValueValidation.Pattern, "(h|m|s|ms)"):
		return "duration"
	}
	return s.Type
}

func oneLine(s string) string { return strings.Join(strings.Fields(s), " ") }

func cell(s string) string { return strings.ReplaceAll(s, "|", "\\|") }

package strict_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apiextensions-apiserver/pkg/apis/apiextensions"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/defaulting"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/listtype"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/pruning"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/validation"
	utiljson "k8s.io/apimachinery/pkg/util/json"
	"sigs.k8s.io/yaml"

	"github.com/holdfast-mcp/holdfast/deploy/crds"
	"github.com/holdfast-mcp/holdfast/internal/kube/manifest/strict"
)

// judge is the API server's own reading of one kind.
type judge struct {
	structural *schema.Structural
	validator  validation.SchemaValidator
	ours       *strict.Schema
}

func judges(t *testing.T) map[string]judge {
	t.Helper()
	out := map[string]judge{}
	for _, file := range []string{"holdfast.dev_mcpservers.yaml", "holdfast.dev_mcpgateways.yaml"} {
		data, err := crds.Files.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		kind, ours, err := strict.FromCRD(data, "v1alpha1")
		if err != nil {
			t.Fatal(err)
		}
		var crd apiextensionsv1.CustomResourceDefinition
		if err := yaml.UnmarshalStrict(data, &crd); err != nil {
			t.Fatal(err)
		}
		props := &apiextensions.JSONSchemaProps{}
		if err := apiextensionsv1.Convert_v1_JSONSchemaProps_To_apiextensions_JSONSchemaProps(crd.Spec.Versions[0].Schema.OpenAPIV3Schema, props, nil); err != nil {
			t.Fatal(err)
		}
		structural, err := schema.NewStructural(props)
		if err != nil {
			t.Fatal(err)
		}
		validator, _, err := validation.NewSchemaValidator(props)
		if err != nil {
			t.Fatal(err)
		}
		ours.Properties["metadata"] = &strict.Schema{Preserve: true} // the API server's own business
		out[kind] = judge{structural, validator, ours}
	}
	return out
}

// Whatever the API server's schema takes or refuses, this package takes or
// refuses, and both fill in the same defaults.
func TestAgreesWithTheAPIServer(t *testing.T) {
	all := judges(t)
	var files []string
	for _, glob := range []string{"../testdata/*.in.yaml", "../testdata/bad/*.in.yaml"} {
		found, err := filepath.Glob(glob)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, found...)
	}
	taken, refused := 0, 0
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		docs, _ := strict.Split(file, data)
		texts := documents(string(data))
		for _, doc := range docs {
			j, known := all[doc.Field("kind")]
			text := texts[doc.Root.Line]
			if !known || text == "" || strings.Contains(file, "bomb") || strings.Contains(file, "merge-keys") {
				continue // bombs and merge keys are refused by us alone, on purpose
			}
			got, problems := doc.Decode(j.ours)
			want, err := j.read(text)
			if (err != "") != (len(problems) > 0) {
				t.Errorf("%s, line %d:\nwe say %v\nthe API server says %s", file, doc.Root.Line, problems, err)
				continue
			}
			if err != "" {
				refused++
				continue
			}
			taken++
			ours, ok := got.(map[string]any)
			if !ok {
				t.Fatalf("%s: %T", file, got)
			}
			if d := cmp.Diff(want["spec"], ours["spec"]); d != "" {
				t.Errorf("%s, line %d: defaults differ (-API server +ours):\n%s", file, doc.Root.Line, d)
			}
		}
	}
	if taken < 40 || refused < 3 {
		t.Errorf("%d taken, %d refused: too few to prove anything", taken, refused)
	}
}

// read does what the API server does with strict field validation.
func (j judge) read(text string) (object map[string]any, refusal string) {
	data, err := yaml.YAMLToJSONStrict([]byte(text))
	if err != nil {
		return nil, err.Error()
	}
	if err := utiljson.Unmarshal(data, &object); err != nil {
		return nil, err.Error()
	}
	options := schema.UnknownFieldPathOptions{TrackUnknownFieldPaths: true}
	if unknown := pruning.PruneWithOptions(object, j.structural, true, options); len(unknown) > 0 {
		return nil, "unknown " + strings.Join(unknown, ", ")
	}
	defaulting.PruneNonNullableNullsWithoutDefaults(object, j.structural)
	defaulting.Default(object, j.structural)
	if errs := listtype.ValidateListSetsAndMaps(nil, j.structural, object); len(errs) > 0 {
		return nil, errs.ToAggregate().Error()
	}
	if errs := validation.ValidateCustomResource(nil, object, j.validator); len(errs) > 0 {
		return nil, errs.ToAggregate().Error()
	}
	return object, ""
}

// documents cuts the stream and names each part by the line its content
// starts in.
func documents(text string) map[int]string {
	out := map[int]string{}
	line := 1
	var part strings.Builder
	start := 0
	flush := func() {
		if start > 0 {
			out[start] = part.String()
		}
		part.Reset()
		start = 0
	}
	for l := range strings.Lines(text) {
		switch {
		case strings.HasPrefix(l, "---"):
			flush()
		default:
			if start == 0 && !strings.HasPrefix(l, "#") && strings.TrimSpace(l) != "" {
				start = line
			}
			part.WriteString(l)
		}
		line++
	}
	flush()
	return out
}

// One value at a time: what the API server takes is taken, what it refuses is
// refused.
func TestAgreesOnEveryValue(t *testing.T) {
	j := judges(t)["MCPServer"]
	for _, spec := range []string{
		`port: 0`, `port: 1`, `port: 65535`, `port: 65536`, `port: "8000"`, `port: 8000.5`, `port: true`, `port: null`, `port: [1]`, `port: {a: 1}`,
		`longestCall: 5`, `longestCall: 5m`, `longestCall: 1.5h`, `longestCall: ""`, `longestCall: 100000s`, `longestCall: 1h1m1s1ms`, `longestCall: 1h1m1s1ms1ms`, `longestCall: null`,
		`scaling: null`, `scaling: {}`, `scaling: {min: 2, max: null}`, `scaling: {min: 1001}`, `scaling: []`, `scaling: {mim: 2}`,
		`writablePaths: [/a, /b]`, `writablePaths: [/a, /a]`, `writablePaths: /a`, `writablePaths: []`, `writablePaths: [/a/]`,
		`env: [{name: A}]`, `env: [{name: A}, {name: A}]`, `env: [{value: a}]`, `env: [{name: A, value: 1}]`, `env: [{name: A, valueFrom: {secretKeyRef: {name: s, key: k}}}]`, `env: [{name: A, valueFrom: {secretKeyRef: {name: s}}}]`,
		`resources: {limits: {cpu: 1}}`, `resources: {limits: {cpu: 500m}}`, `resources: {limits: {cpu: 0.5}}`, `resources: {limits: {memory: lots}}`, `resources: {limit: {}}`,
		`access: [{resource: configmaps, names: [a], verbs: []}]`, `access: [{resource: configmaps, names: [a]}]`, `access: [{resource: ConfigMaps, names: [a]}]`, `access: [{names: [a]}]`,
		`imagePullSecrets: [1]`, `imagePullSecrets: [a]`, `runAsUser: -1`, `runAsUser: 65532`, `runAsUser: 99999999999`,
		`podTemplate: {}`, `podTemplate: []`, `podTemplate: {spec: {any: [1, {a: null}]}}`, `podTemplate: text`,
		`checks: [{tool: a, args: {}}]`, `checks: [{tool: a, args: null}]`, `checks: [{tool: a, args: 1}]`, `checks: [{tool: ""}]`, `checks: [{tool: a, args: {deep: {deeper: [1.5, null, true]}}}]`,
		`expose: {host: Weather.example.com}`, `expose: {host: weather.example.com}`, `expose: {host: weather}`, `expose: {}`,
		`network: {egress: [{internet: true, ports: [443, 443]}]}`, `network: {egress: [{internet: true, ports: [443]}]}`, `network: {egress: [{internet: 1, ports: [443]}]}`, `network: {egress: [{cidr: 10.0.0.0/8, ports: []}]}`,
		`contract: {onBreaking: ignore}`, `contract: {onBreaking: explode}`, `contract: {configMap: {name: A, key: b}}`, `contract: {configMap: {name: a}}`,
		`probe: {every: null}`, `probe: null`, `route: false`, `route: "false"`, `store: memory`, `store: postgres://a`, `image: ""`, `image: a b`,
		`url: https://a.example/mcp`, `url: https://user@a.example/mcp`, `url: "https://a.example/{id}"`, `url: ftp://a.example`,
		`monitoring: {labels: {a: b}}`, `monitoring: {labels: {a: 1}}`, `monitoring: {labels: {a: null}}`, `monitoring: {labels: []}`, `transport: sse`, `transport: SSE`, `unknown: 1`, `unknown: null`,
	} {
		text := "apiVersion: holdfast.dev/v1alpha1\nkind: MCPServer\nmetadata: {name: a}\nspec:\n  " + spec + "\n"
		docs, problems := strict.Split("a.yaml", []byte(text))
		if len(docs) != 1 || len(problems) > 0 {
			t.Fatalf("%s: %v", spec, problems)
		}
		got, problems := docs[0].Decode(j.ours)
		want, refusal := j.read(text)
		if (refusal != "") != (len(problems) > 0) {
			t.Errorf("%s\n  we say              %v\n  the API server says %q", spec, problems, refusal)
			continue
		}
		if refusal != "" {
			continue
		}
		ours, ok := got.(map[string]any)
		if !ok {
			t.Fatalf("%s: %T", spec, got)
		}
		if d := cmp.Diff(want["spec"], ours["spec"]); d != "" {
			t.Errorf("%s: values differ (-API server +ours):\n%s", spec, d)
		}
	}
}

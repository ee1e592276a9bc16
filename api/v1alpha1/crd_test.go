package v1alpha1_test

import (
	"bytes"
	"encoding/json"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apiextensions-apiserver/pkg/apis/apiextensions"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	crdvalidation "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/validation"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/cel"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/defaulting"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/validation"
	utiljson "k8s.io/apimachinery/pkg/util/json"
	"k8s.io/apimachinery/pkg/util/validation/field"
	celconfig "k8s.io/apiserver/pkg/apis/cel"
	"sigs.k8s.io/yaml"

	"github.com/holdfast-mcp/holdfast/api/v1alpha1"
	"github.com/holdfast-mcp/holdfast/deploy/crds"
)

// apiServer judges objects the way an API server with our CRDs does: it uses
// the API server's own code for defaults, schema and CEL.
type apiServer struct {
	crd        *apiextensions.CustomResourceDefinition
	structural *schema.Structural
	schema     validation.SchemaValidator
	cel        *cel.Validator
}

func newAPIServer(t *testing.T, file string) *apiServer {
	t.Helper()
	data, err := crds.Files.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var v1 apiextensionsv1.CustomResourceDefinition
	if err := yaml.UnmarshalStrict(data, &v1); err != nil {
		t.Fatal(err)
	}
	apiextensionsv1.SetDefaults_CustomResourceDefinition(&v1)
	apiextensionsv1.SetDefaults_CustomResourceDefinitionSpec(&v1.Spec)
	crd := &apiextensions.CustomResourceDefinition{}
	if err := apiextensionsv1.Convert_v1_CustomResourceDefinition_To_apiextensions_CustomResourceDefinition(&v1, crd, nil); err != nil {
		t.Fatal(err)
	}
	crd.Status.StoredVersions = []string{v1alpha1.Version}
	props, err := apiextensions.GetSchemaForVersion(crd, v1alpha1.Version)
	if err != nil {
		t.Fatal(err)
	}
	structural, err := schema.NewStructural(props.OpenAPIV3Schema)
	if err != nil {
		t.Fatal(err)
	}
	validator, _, err := validation.NewSchemaValidator(props.OpenAPIV3Schema)
	if err != nil {
		t.Fatal(err)
	}
	return &apiServer{crd, structural, validator, cel.NewValidator(structural, true, celconfig.PerCallLimit)}
}

// admit gives the object with its defaults, and what is wrong with it.
func (s *apiServer) admit(t *testing.T, object map[string]any) (map[string]any, field.ErrorList) {
	t.Helper()
	defaulting.Default(object, s.structural)
	errs := validation.ValidateCustomResource(nil, object, s.schema)
	broken, _ := s.cel.Validate(t.Context(), nil, s.structural, object, nil, celconfig.RuntimeCELCostBudget)
	return object, append(errs, broken...)
}

func object(t *testing.T, kind, text string) map[string]any {
	t.Helper()
	out := map[string]any{}
	data, err := yaml.YAMLToJSON([]byte(text))
	if err == nil {
		err = utiljson.Unmarshal(data, &out) // whole numbers become int64, as in the API server
	}
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	out["apiVersion"], out["kind"] = "holdfast.dev/v1alpha1", kind
	if out["metadata"] == nil {
		out["metadata"] = map[string]any{"name": "weather"}
	}
	return out
}

// validate runs the Go twins of the rules over an object with defaults.
func validate(t *testing.T, object map[string]any) []v1alpha1.Violation {
	t.Helper()
	data, err := json.Marshal(object)
	if err != nil {
		t.Fatal(err)
	}
	var target interface {
		Validate() []v1alpha1.Violation
	} = &v1alpha1.MCPServer{}
	if object["kind"] == v1alpha1.KindMCPGateway {
		target = &v1alpha1.MCPGateway{}
	}
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.DisallowUnknownFields()
	if err := dec.Decode(target); err != nil {
		t.Fatal(err)
	}
	return target.Validate()
}

func kinds() map[string]string {
	return map[string]string{
		v1alpha1.KindMCPServer:  "holdfast.dev_mcpservers.yaml",
		v1alpha1.KindMCPGateway: "holdfast.dev_mcpgateways.yaml",
	}
}

func TestCRDIsValid(t *testing.T) {
	for kind, file := range kinds() {
		for _, err := range crdvalidation.ValidateCustomResourceDefinition(t.Context(), newAPIServer(t, file).crd) {
			t.Errorf("%s: %v", kind, err)
		}
	}
}

func TestRules(t *testing.T) {
	for kind, rules := range map[string][]rule{v1alpha1.KindMCPServer: serverRules(), v1alpha1.KindMCPGateway: gatewayRules()} {
		server := newAPIServer(t, kinds()[kind])
		for _, r := range rules {
			t.Run(kind+"/"+r.message, func(t *testing.T) {
				refused, errs := server.admit(t, object(t, kind, r.refused))
				if len(errs) != 1 || errs[0].Detail != r.message || place(errs[0]) != r.path {
					t.Errorf("refused by the API server:\n got %v\nwant %s: %s", errs, r.path, r.message)
				}
				want := []v1alpha1.Violation{{Path: r.path, Message: r.message}}
				if got := validate(t, refused); !slices.Equal(pruned(got), want) {
					t.Errorf("refused by Validate:\n got %v\nwant %v", got, want)
				}
				allowed, errs := server.admit(t, object(t, kind, r.allowed))
				if len(errs) != 0 {
					t.Errorf("allowed, but the API server says: %v", errs)
				}
				if got := validate(t, allowed); len(got) != 0 {
					t.Errorf("allowed, but Validate says: %v", got)
				}
			})
		}
	}
}

// place is the path of an error without the root that the library invents.
func place(err *field.Error) string {
	return strings.TrimPrefix(strings.TrimPrefix(err.Field, "<nil>"), ".")
}

func pruned(list []v1alpha1.Violation) []v1alpha1.Violation {
	out := slices.Clone(list)
	for i := range out {
		out[i].Path = strings.TrimPrefix(out[i].Path, ".")
	}
	return out
}

// Every rule that stands in a CRD has its pair of examples above.
func TestEveryRuleHasExamples(t *testing.T) {
	for kind, rules := range map[string][]rule{v1alpha1.KindMCPServer: serverRules(), v1alpha1.KindMCPGateway: gatewayRules()} {
		shown := map[string]bool{}
		for _, r := range rules {
			shown[indexFree(r.path)+": "+r.message] = true
		}
		stand := map[string]bool{}
		walk(newAPIServer(t, kinds()[kind]).structural, "", func(path string, s *schema.Structural) {
			for _, x := range s.XValidations {
				stand[path+": "+x.Message] = true
			}
		})
		got, want := slices.Sorted(maps.Keys(shown)), slices.Sorted(maps.Keys(stand))
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("%s: rules in the CRD (-) and rules with examples (+):\n%s", kind, d)
		}
	}
}

func indexFree(path string) string {
	return strings.NewReplacer("[0]", "[]", "[1]", "[]").Replace(path)
}

func walk(s *schema.Structural, path string, visit func(string, *schema.Structural)) {
	visit(strings.TrimPrefix(path, "."), s)
	if s.Items != nil {
		walk(s.Items, path+"[]", visit)
	}
	for name := range s.Properties {
		child := s.Properties[name]
		walk(&child, path+"."+name, visit)
	}
}

// Every field says what it is, and a field with a default names it.
func TestFieldsAreDocumented(t *testing.T) {
	for _, file := range kinds() {
		walk(newAPIServer(t, file).structural, "", func(path string, s *schema.Structural) {
			ours := strings.HasPrefix(path, "spec") && !strings.Contains(path, "env[]") && !strings.Contains(path, "resources.") &&
				!strings.Contains(path, "spec.servers.") && !strings.HasSuffix(path, "[]")
			if !ours {
				return
			}
			if s.Description == "" {
				t.Errorf("%s: no description", path)
			}
			if d := s.Default.Object; d != nil && path != "spec" {
				if _, block := d.(map[string]any); !block && !strings.Contains(s.Description, "Default: ") {
					t.Errorf("%s: default %v is not in the description", path, d)
				}
			}
		})
	}
}

// What controller-gen would write now is what is committed.
func TestGeneratedFilesAreCurrent(t *testing.T) {
	dir := t.TempDir()
	cmd := exec.CommandContext(t.Context(), "go", "tool", "controller-gen", "object", "crd:maxDescLen=2048", "paths=.",
		"output:crd:dir="+filepath.Join(dir, "crds"), "output:object:dir="+filepath.Join(dir, "object"))
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("controller-gen: %v\n%s", err, out)
	}
	compare := func(fresh, committed string) {
		t.Helper()
		want, err := os.ReadFile(fresh)
		if err != nil {
			t.Fatal(err)
		}
		got, err := os.ReadFile(committed)
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(string(want), string(got)); d != "" {
			t.Errorf("%s is stale, run go generate ./api/...:\n%s", committed, d)
		}
	}
	compare(filepath.Join(dir, "object", "zz_generated.deepcopy.go"), "zz_generated.deepcopy.go")
	for _, file := range kinds() {
		compare(filepath.Join(dir, "crds", file), filepath.Join("../../deploy/crds", file))
	}
}

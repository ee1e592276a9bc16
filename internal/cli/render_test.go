package cli

import (
	"bytes"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/name"
	images "github.com/google/go-containerregistry/pkg/registry"
	"github.com/google/go-containerregistry/pkg/v1/random"
	"github.com/google/go-containerregistry/pkg/v1/remote"
)

// renderOnce runs render with a declaration on stdin.
func renderOnce(t *testing.T, image string, flags ...string) (code int, stdout, stderr string) {
	t.Helper()
	t.Setenv("HOME", t.TempDir()) // nobody's login
	declaration := "apiVersion: holdfast.dev/v1alpha1\nkind: MCPServer\nmetadata: {name: weather, namespace: tools}\nspec: {image: " + image + "}\n"
	var out, err bytes.Buffer
	w := World{Args: append([]string{"render", "-"}, flags...), Stdin: strings.NewReader(declaration), Stdout: &out, Stderr: &err}
	return Run(t.Context(), w), out.String(), err.String()
}

// A registry's digest is what the objects name.
func TestRenderResolves(t *testing.T) {
	server := httptest.NewServer(images.New(images.Logger(slog.NewLogLogger(slog.DiscardHandler, slog.LevelDebug))))
	t.Cleanup(server.Close)
	index, err := random.Index(64, 1, 2)
	if err != nil {
		t.Fatal(err)
	}
	host := strings.TrimPrefix(server.URL, "http://")
	ref, err := name.ParseReference(host + "/tools/weather:1")
	if err != nil {
		t.Fatal(err)
	}
	if err := remote.WriteIndex(ref, index, remote.WithContext(t.Context())); err != nil {
		t.Fatal(err)
	}
	digest, err := index.Digest()
	if err != nil {
		t.Fatal(err)
	}
	front := host + "/tools/weather:1"
	code, out, stderr := renderOnce(t, front, "--front-image", front, "--resolve")
	if want := "image: " + front + "@" + digest.String(); code != exitOK || strings.Count(out, want) != 2 {
		t.Errorf("code %d, %s: want %q twice in\n%s", code, stderr, want, out)
	}
	code, out, stderr = renderOnce(t, host+"/tools/weather:2", "--front-image", front, "--resolve")
	if code != exitUsage || out != "" || !strings.Contains(stderr, "has no 2: the tag is wrong or was deleted") {
		t.Errorf("a tag that is not there: code %d, %s", code, stderr)
	}
	code, out, stderr = renderOnce(t, host+"/tools/weather:2", "--front-image", front, "--resolve", "--allow-tags")
	if code != exitOK || !strings.Contains(out, "weather:2 # NOT pinned") || !strings.Contains(stderr, "warning: resolve image") {
		t.Errorf("tags allowed: code %d, %s", code, stderr)
	}
}

// A registry cannot send us, or what docker login left behind, elsewhere.
func TestRenderFollowsNoRegistry(t *testing.T) {
	hits := make(chan string, 10)
	elsewhere := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { hits <- r.URL.Path }))
	t.Cleanup(elsewhere.Close)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/v2/" {
			http.Redirect(w, r, elsewhere.URL+r.URL.Path, http.StatusTemporaryRedirect)
		}
	}))
	t.Cleanup(server.Close)
	front := strings.TrimPrefix(server.URL, "http://") + "/front:1"
	code, out, stderr := renderOnce(t, "ghcr.io/example/x@sha256:"+strings.Repeat("1", 64), "--front-image", front, "--resolve")
	if code == exitOK || out != "" || !strings.Contains(stderr, "a redirect to") {
		t.Errorf("code %d, %s: want the redirect refused", code, stderr)
	}
	select {
	case path := <-hits:
		t.Errorf("%s was asked for where the registry pointed", path)
	default:
	}
}

// Every golden declaration of the engine renders, and lint finds nothing in it
// but what the declaration itself chose: a retired Ingress controller, no check
// to call, nobody to tell.
func TestRenderedIsClean(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("../kube/manifest/testdata/*.in.yaml")
	if err != nil || len(files) < 30 {
		t.Fatalf("%d declarations, %v", len(files), err)
	}
	front := "ghcr.io/holdfast-mcp/holdfast@sha256:" + strings.Repeat("1", 64)
	for _, file := range files {
		var objects, stderr bytes.Buffer
		args := []string{"render", "--front-image", front, file}
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if tagged := bytes.Contains(data, []byte("\n# digest: ")) || bytes.Contains(data, []byte("# allow-tags: true")); tagged {
			continue // its images need a registry, or are findings
		}
		if code := Run(t.Context(), World{Args: args, Stdin: strings.NewReader(""), Stdout: &objects, Stderr: &stderr}); code != exitOK {
			t.Errorf("render %s: code %d, %s", file, code, stderr.String())
			continue
		}
		var findings bytes.Buffer
		args = []string{"lint", "--fail-on", "info", "--skip", "HF304,HF317,HF604,HF605", "-"}
		if code := Run(t.Context(), World{Args: args, Stdin: &objects, Stdout: &findings, Stderr: &stderr}); code != exitOK {
			t.Errorf("lint of %s: code %d\n%s%s", file, code, findings.String(), stderr.String())
		}
	}
}

package image_test

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/registry"
	"github.com/google/go-containerregistry/pkg/v1/random"
	"github.com/google/go-containerregistry/pkg/v1/remote"

	"github.com/holdfast-mcp/holdfast/internal/kube/image"
)

// startRegistry serves a registry with one image of two platforms at
// tools/weather:1.
func startRegistry(t *testing.T) (host, digest string) {
	t.Helper()
	server := httptest.NewServer(registry.New(registry.Logger(slog.NewLogLogger(slog.DiscardHandler, slog.LevelDebug))))
	t.Cleanup(server.Close)
	host = strings.TrimPrefix(server.URL, "http://")
	index, err := random.Index(64, 1, 2)
	if err != nil {
		t.Fatal(err)
	}
	ref, err := name.ParseReference(host + "/tools/weather:1")
	if err != nil {
		t.Fatal(err)
	}
	if err := remote.WriteIndex(ref, index, remote.WithContext(t.Context())); err != nil {
		t.Fatal(err)
	}
	hash, err := index.Digest()
	if err != nil {
		t.Fatal(err)
	}
	return host, hash.String()
}

func TestResolve(t *testing.T) {
	host, digest := startRegistry(t)
	r := image.Resolver{Transport: http.DefaultTransport}
	got, err := r.Resolve(t.Context(), host+"/tools/weather:1")
	if err != nil || got != digest {
		t.Errorf("got %q, %v, want %q", got, err, digest)
	}
	pinned := host + "/tools/weather@" + digest
	if got, err := r.Resolve(t.Context(), pinned); err != nil || got != digest {
		t.Errorf("a digest resolves to %q, %v, want itself", got, err)
	}
}

func TestResolveAllKeepsWhatItFound(t *testing.T) {
	host, digest := startRegistry(t)
	good, bad := host+"/tools/weather:1", host+"/tools/weather:2"
	got, err := image.Resolver{Transport: http.DefaultTransport}.ResolveAll(t.Context(), []string{bad, good})
	if len(got) != 1 || got[good] != digest {
		t.Errorf("got %v, want the one that is there", got)
	}
	if err == nil || !strings.Contains(err.Error(), "has no 2: the tag is wrong or was deleted") {
		t.Errorf("error %v: want one about the tag that is not there", err)
	}
}

func TestResolveSaysWhatIsWrong(t *testing.T) {
	gated := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusForbidden)
	}))
	t.Cleanup(gated.Close)
	r := image.Resolver{Transport: http.DefaultTransport, Timeout: 5 * time.Second}
	for ref, want := range map[string]string{
		strings.TrimPrefix(gated.URL, "http://") + "/a/b:1": "wants a credential that reads a/b",
		"not an image":  "could not parse reference",
		"x.example/A:1": "could not parse reference",
	} {
		_, err := r.Resolve(t.Context(), ref)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error %v, want %q in it", ref, err, want)
		}
		if errors.Is(err, image.ErrOffline) {
			t.Errorf("%s: is called offline, but the registry answered", ref)
		}
	}
}

// unreachable is a machine without a network.
type unreachable struct{}

func (unreachable) RoundTrip(r *http.Request) (*http.Response, error) {
	return nil, &net.OpError{Op: "dial", Net: "tcp", Err: &net.DNSError{Err: "no such host", Name: r.URL.Hostname(), IsNotFound: true}}
}

func TestOffline(t *testing.T) {
	_, err := image.Resolver{Transport: unreachable{}}.Resolve(t.Context(), "ghcr.io/example/weather:1")
	if !errors.Is(err, image.ErrOffline) || !strings.Contains(err.Error(), "write the digest") {
		t.Errorf("error %v: want one that says what to do offline", err)
	}
}

func TestCancelled(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := (image.Resolver{Transport: http.DefaultTransport}).Resolve(ctx, "127.0.0.1:1/a:1"); err == nil {
		t.Error("a cancelled resolve succeeds")
	}
}

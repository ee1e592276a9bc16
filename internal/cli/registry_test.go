package cli

import (
	"errors"
	"io"
	"log"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/name"
	oci "github.com/google/go-containerregistry/pkg/registry"
	"github.com/google/go-containerregistry/pkg/v1/random"
	"github.com/google/go-containerregistry/pkg/v1/remote"
)

// TestResolveImages asks a real registry, through egress.
func TestResolveImages(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(oci.New(oci.Logger(log.New(io.Discard, "", 0))))
	defer server.Close()
	host := strings.TrimPrefix(server.URL, "http://")
	img, err := random.Image(64, 1)
	if err != nil {
		t.Fatal(err)
	}
	ref, err := name.ParseReference(host + "/base:1")
	if err != nil {
		t.Fatal(err)
	}
	if err := remote.Write(ref, img); err != nil {
		t.Fatal(err)
	}
	want, err := img.Digest()
	if err != nil {
		t.Fatal(err)
	}
	got, err := resolveImages(t.Context(), []string{host + "/base:1"})
	if err != nil || got[host+"/base:1"] != want.String() {
		t.Errorf("resolved to %v (%v), want %s", got, err, want)
	}
	if _, err := resolveImages(t.Context(), []string{host + "/base:2"}); err == nil || !strings.Contains(err.Error(), "has no 2") {
		t.Errorf("a tag that is not there: %v", err)
	}
	server.Close()
	_, err = resolveImages(t.Context(), []string{host + "/base:1"})
	if e, ok := errors.AsType[*exitError](err); !ok || e.code != exitUnreachable {
		t.Errorf("a registry that is gone: %v", err)
	}
}

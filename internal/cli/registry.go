package cli

import (
	"context"
	"errors"

	"github.com/google/go-containerregistry/pkg/authn"

	"github.com/holdfast-mcp/holdfast/internal/egress"
	"github.com/holdfast-mcp/holdfast/internal/kube/image"
)

// resolveImages asks the registries which digests stand behind tags,
// with the logins of this machine. The error carries the exit code.
func resolveImages(ctx context.Context, images []string) (map[string]string, error) {
	client := egress.New(egress.Options{Guard: nearby()})
	defer client.Close()
	digests, err := image.Resolver{Transport: client.RoundTripper(), Keychain: authn.DefaultKeychain}.ResolveAll(ctx, images)
	switch {
	case errors.Is(err, image.ErrOffline):
		return nil, &exitError{code: exitUnreachable, err: err, hint: "go on without asking: write the digests yourself, as IMAGE:TAG=sha256:…"}
	case err != nil:
		return nil, &exitError{code: exitUsage, err: err}
	}
	return digests, nil
}

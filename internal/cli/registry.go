package cli

import (
	"context"
	"errors"
	"net/http"

	"github.com/holdfast-mcp/holdfast/internal/egress"
	"github.com/holdfast-mcp/holdfast/internal/kube/image"
)

// registryTransport lets the registry library ask through our one way out.
type registryTransport struct{ client *egress.Client }

func (t registryTransport) RoundTrip(req *http.Request) (*http.Response, error) {
	res, err := t.client.Do(req)
	if err != nil {
		return nil, err
	}
	return res.Response, nil
}

// resolveImages asks the registries which digests stand behind tags,
// anonymously. The error carries the exit code.
func resolveImages(ctx context.Context, images []string) (map[string]string, error) {
	client := egress.New(egress.Options{Guard: nearby()})
	defer client.Close()
	digests, err := image.Resolver{Transport: registryTransport{client}}.ResolveAll(ctx, images)
	switch {
	case errors.Is(err, image.ErrOffline):
		return nil, &exitError{code: exitUnreachable, err: err, hint: "go on without asking: write the digests yourself, as IMAGE:TAG=sha256:…"}
	case err != nil:
		return nil, &exitError{code: exitUsage, err: err}
	}
	return digests, nil
}

// Package image asks a registry which digest stands behind an image's tag, so
// that manifests can name what was tested and not what a tag means tomorrow.
// It is the only part of rendering that needs a network; without one,
// `holdfast render` refuses tags.
package image

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/remote/transport"
)

// ErrOffline says that the registry could not be reached at all, so nothing is
// known about the image.
var ErrOffline = errors.New("the registry cannot be reached")

// inFlight bounds the requests to registries at a time.
const inFlight = 4

// Resolver finds digests.
type Resolver struct {
	// Transport carries the requests. Required: this package dials nothing on
	// its own.
	Transport http.RoundTripper
	// Keychain holds credentials of registries. Nil: anonymous.
	Keychain authn.Keychain
	// Timeout for one image. Zero: 20s.
	Timeout time.Duration
}

// Resolve gives the digest ("sha256:…") behind a reference. For an image of
// several platforms it is the index's, which fits every node.
func (r Resolver) Resolve(ctx context.Context, image string) (string, error) {
	ref, err := name.ParseReference(image, name.WeakValidation)
	if err != nil {
		return "", fmt.Errorf("resolve image %.200q: %w", image, err)
	}
	if digest, ok := ref.(name.Digest); ok {
		return digest.DigestStr(), nil
	}
	timeout := r.Timeout
	if timeout == 0 {
		timeout = 20 * time.Second
	}
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	keychain := r.Keychain
	if keychain == nil {
		keychain = authn.NewMultiKeychain()
	}
	desc, err := remote.Head(ref, remote.WithContext(ctx), remote.WithTransport(r.Transport), remote.WithAuthFromKeychain(keychain))
	if err != nil {
		return "", fmt.Errorf("resolve image %s: %w", image, explain(ref, err))
	}
	return desc.Digest.String(), nil
}

// explain says what to do about a failure.
func explain(ref name.Reference, err error) error {
	registry := ref.Context().RegistryStr()
	if refused, ok := errors.AsType[*transport.Error](err); ok {
		switch refused.StatusCode {
		case http.StatusNotFound:
			return fmt.Errorf("%s has no %s: the tag is wrong or was deleted", registry, ref.Identifier())
		case http.StatusUnauthorized, http.StatusForbidden:
			return fmt.Errorf("%s wants a credential that reads %s: log in to it, or write the digest yourself", registry, ref.Context().RepositoryStr())
		}
		return fmt.Errorf("%s answers %d", registry, refused.StatusCode)
	}
	_, netErr := errors.AsType[net.Error](err)
	if netErr || errors.Is(err, context.DeadlineExceeded) {
		return fmt.Errorf("%w: %s: write the digest (name@sha256:…), or allow tags: %w", ErrOffline, registry, err)
	}
	return err
}

// ResolveAll resolves many images and gives their digests by reference. What
// could not be resolved is missing in the map and named in the error; the rest
// is there all the same.
func (r Resolver) ResolveAll(ctx context.Context, images []string) (map[string]string, error) {
	digests := make([]string, len(images))
	errs := make([]error, len(images))
	slots := make(chan struct{}, inFlight)
	var wg sync.WaitGroup
	for i, image := range images {
		wg.Go(func() {
			slots <- struct{}{}
			defer func() { <-slots }()
			digests[i], errs[i] = r.Resolve(ctx, image)
		})
	}
	wg.Wait()
	out := map[string]string{}
	for i, image := range images {
		if errs[i] == nil {
			out[image] = digests[i]
		}
	}
	return out, errors.Join(errs...)
}

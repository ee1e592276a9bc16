package manifest

import (
	"fmt"
	"regexp"
	"strings"

	corev1 "k8s.io/api/core/v1"
)

// The minor versions of Kubernetes 1 that decide what may be used.
const (
	// OldestKubernetes knows native sidecars and the preStop sleep action.
	OldestKubernetes = 33
	// imageVolumes are on by default from here on.
	imageVolumes = 35
)

// Options are the circumstances that a declaration does not know.
type Options struct {
	// FrontImage is the image of Holdfast itself, by the rules for any image.
	FrontImage string
	// Namespace for declarations that name none. Empty: objects carry none,
	// and whoever applies them chooses.
	Namespace string
	// OperatorNamespace is where the Holdfast operator runs, which probes the
	// pods. Empty: there is none.
	OperatorNamespace string
	// Kubernetes is the minor version (1.x) of the oldest cluster that the
	// objects shall run in. Zero: 35.
	Kubernetes int
	// Digests gives the digest ("sha256:…") behind an image reference, as the
	// caller resolved it.
	Digests map[string]string
	// AllowTags lets a reference stand that has no digest.
	AllowTags bool
	// SecretHashes gives a hash of a Secret's content by its name, for Secrets
	// of the declaration's namespace. The operator sets it; a pod that reads
	// such a Secret at its start is then replaced when the Secret changes.
	SecretHashes map[string]string
}

func (o Options) kubernetes() int {
	if o.Kubernetes == 0 {
		return imageVolumes
	}
	return o.Kubernetes
}

// pin gives the reference with its digest, and the reason for it.
func (o Options) pin(image string) (ref, because string, err error) {
	if pinned(image) {
		return image, "pinned by digest: what was tested is what runs", nil
	}
	if digest := o.Digests[image]; digest != "" {
		ref := image + "@" + digest
		if !pinned(ref) {
			return "", "", fmt.Errorf("%q resolved to %q, which is not a sha256 digest", image, digest)
		}
		return ref, "the tag as it was resolved when this was made", nil
	}
	if o.AllowTags {
		return image, "NOT pinned: the tag may name another image tomorrow", nil
	}
	return "", "", fmt.Errorf("%q is not pinned by digest and was not resolved: write name@sha256:…, resolve it online, or allow tags", image)
}

var digestAtEnd = regexp.MustCompile(`@sha256:[a-f0-9]{64}$`)

// pullPolicy asks the registry anew only for what can have changed.
func pullPolicy(image string) corev1.PullPolicy {
	if pinned(image) {
		return corev1.PullIfNotPresent
	}
	return corev1.PullAlways
}

func pinned(image string) bool { return digestAtEnd.MatchString(image) }

// Images lists the image references of declarations that have no digest yet,
// for a caller that can resolve them.
func Images(decls []Declaration, opts Options) []string {
	var out []string
	seen := map[string]bool{}
	take := func(image string) {
		if image != "" && !strings.Contains(image, "@") && !seen[image] {
			seen[image] = true
			out = append(out, image)
		}
	}
	for _, d := range decls {
		if d.Server != nil {
			take(d.Server.Spec.Image)
		}
	}
	take(opts.FrontImage)
	return out
}

package manifest

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// File is one file of a split output.
type File struct {
	// Name in the folder, such as weather-deployment.yaml.
	Name string
	Data []byte
}

// Files writes each object to a file of its own and a kustomization.yaml that
// lists them in the order in which they are applied.
func Files(objects []Object) ([]File, error) {
	var out []File
	var list bytes.Buffer
	list.WriteString("apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\nresources:\n")
	for _, o := range objects {
		var b bytes.Buffer
		if err := WriteYAML(&b, []Object{o}); err != nil {
			return nil, err
		}
		name := strings.ToLower(o.Name() + "-" + o.Kind() + ".yaml")
		out = append(out, File{name, b.Bytes()})
		fmt.Fprintf(&list, "- %s\n", name)
	}
	return append(out, File{"kustomization.yaml", list.Bytes()}), nil
}

// Split writes [Files] into a folder, which is made if need be. A file of an
// earlier run that is not written again is not touched; its name comes back,
// so that the caller can say so.
func Split(dir string, objects []Object) (stale []string, err error) {
	files, err := Files(objects)
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, fmt.Errorf("split manifests: %w", err)
	}
	written := map[string]bool{}
	for _, f := range files {
		written[f.Name] = true
		if err := os.WriteFile(filepath.Join(dir, f.Name), f.Data, 0o644); err != nil {
			return nil, fmt.Errorf("split manifests: %w", err)
		}
	}
	there, err := filepath.Glob(filepath.Join(dir, "*.yaml"))
	if err != nil {
		return nil, fmt.Errorf("split manifests: %w", err)
	}
	for _, path := range there {
		if name := filepath.Base(path); !written[name] {
			stale = append(stale, name)
		}
	}
	return stale, nil
}

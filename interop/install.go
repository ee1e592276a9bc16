//go:build unix

package interop

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"
)

// root returns the interop folder of the checkout that the test runs in. Tests
// start in their package's folder, so it is found by walking up; a path baked
// in at compile time would not survive -trimpath.
func root(t testing.TB) string {
	t.Helper()
	start, err := os.Getwd()
	if err != nil {
		t.Fatalf("find the interop folder: %v", err)
	}
	for dir := start; ; dir = filepath.Dir(dir) {
		candidate := filepath.Join(dir, "interop")
		if _, err := os.Stat(filepath.Join(candidate, "install")); err == nil {
			return candidate
		}
		if dir == filepath.Dir(dir) {
			t.Fatalf("find the interop folder: no interop/install in or above %s", start)
		}
	}
}

// installed returns the absolute path of a file below interop/.cache.
func installed(root, name string) (string, error) {
	path := filepath.Join(root, ".cache", filepath.FromSlash(name))
	_, err := os.Stat(path)
	if errors.Is(err, os.ErrNotExist) {
		return "", fmt.Errorf("find %s: not installed; run 'make interop-install'", path)
	}
	return path, err
}

package scaffold

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"
)

// Bounds of what is read of a folder.
const (
	maxFile  = 1 << 20 // bytes of one file
	maxTotal = 64 << 20
	maxFiles = 20_000
	maxDepth = 8
)

// tree is the readable part of a folder: regular files, no links, no other
// people's code.
type tree struct {
	root  *os.Root
	names []string // slash-separated, sorted
	text  map[string]string
	read  int
}

// skippedDir tells whether a folder holds nothing that somebody wrote as this
// project's server.
func skippedDir(name string) bool {
	switch name {
	case "node_modules", "venv", "env", "dist", "build", "out", "target", "vendor", "site-packages", "testdata",
		"test", "tests", "__tests__", "__pycache__", "docs", "examples":
		return true
	}
	return strings.HasPrefix(name, ".")
}

func openTree(root *os.Root) (*tree, error) {
	t := &tree{root: root, text: map[string]string{}}
	err := fs.WalkDir(root.FS(), ".", func(name string, d fs.DirEntry, err error) error {
		switch {
		case err != nil && name == ".":
			return err
		case err != nil, d.IsDir() && name != "." && (skippedDir(d.Name()) || strings.Count(name, "/") >= maxDepth):
			return fs.SkipDir
		case d.IsDir() || !d.Type().IsRegular():
			return nil
		case len(t.names) >= maxFiles:
			return fmt.Errorf("more than %d files: name the server's own folder", maxFiles)
		}
		t.names = append(t.names, name)
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read folder: %w", err)
	}
	slices.Sort(t.names)
	return t, nil
}

func (t *tree) has(name string) bool {
	_, ok := slices.BinarySearch(t.names, name)
	return ok
}

// hasDir tells whether a folder is there, one that is skipped included.
func (t *tree) hasDir(dir string) bool {
	info, err := t.root.Lstat(dir)
	return err == nil && info.IsDir()
}

// get reads a file once. A file that is too big or not text reads as empty: no
// entry point looks like that.
func (t *tree) get(name string) (string, error) {
	if s, ok := t.text[name]; ok {
		return s, nil
	}
	src, err := readRegular(t.root, name)
	if errors.Is(err, errTooBig) {
		src, err = nil, nil
	}
	if err != nil {
		return "", fmt.Errorf("read %s: %w", name, err)
	}
	t.read += len(src)
	if t.read > maxTotal {
		return "", fmt.Errorf("read %s: the folder holds more than %d MiB of program text: name the server's own folder", name, maxTotal>>20)
	}
	s := strings.TrimPrefix(string(src), "\ufeff")
	if strings.IndexByte(s, 0) >= 0 {
		s = ""
	}
	s = strings.ReplaceAll(s, "\r\n", "\n")
	t.text[name] = s
	return s, nil
}

var errTooBig = fmt.Errorf("larger than %d KiB", maxFile>>10)

// readRegular reads a regular file inside the root, of at most maxFile bytes.
func readRegular(root *os.Root, name string) ([]byte, error) {
	info, err := root.Lstat(name)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, errors.New("not a regular file")
	}
	f, err := root.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	src, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err == nil && len(src) > maxFile {
		err = errTooBig
	}
	return src, err
}

// below lists the files in a folder and under it, "." meaning all, whose
// names end in one of the extensions.
func (t *tree) below(dir string, extensions ...string) []string {
	var out []string
	for _, n := range t.names {
		if within(n, dir) && slices.Contains(extensions, path.Ext(n)) {
			out = append(out, n)
		}
	}
	return out
}

func within(name, dir string) bool {
	return dir == "." || name == dir || strings.HasPrefix(name, dir+"/")
}

// beside is a file's name as seen from a folder above it.
func beside(dir, name string) string {
	if dir == "." {
		return name
	}
	return strings.TrimPrefix(name, dir+"/")
}

// nearest gives the folder closest above a file that holds one of the names;
// the root if none does.
func (t *tree) nearest(name string, files ...string) string {
	for dir := path.Dir(name); ; dir = path.Dir(dir) {
		if dir == "." || slices.ContainsFunc(files, func(f string) bool { return t.has(path.Join(dir, f)) }) {
			return dir
		}
	}
}

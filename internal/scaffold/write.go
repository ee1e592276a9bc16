package scaffold

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"strings"

	"github.com/aymanbagabas/go-udiff"
)

// Change is a file that shall be written, beside what is there.
type Change struct {
	File
	Old    []byte
	Exists bool
}

// Same tells whether there is nothing to write.
func (c Change) Same() bool { return c.Exists && bytes.Equal(c.Old, c.Data) }

// Overwrites tells whether something is lost that somebody else wrote.
func (c Change) Overwrites() bool { return c.Exists && !c.Same() }

// Diff is the change in unified form, with paths that patch -p1 takes.
func (c Change) Diff() string {
	from := "a/" + c.Path
	if !c.Exists {
		from = "/dev/null"
	}
	return udiff.Unified(from, "b/"+c.Path, string(c.Old), string(c.Data))
}

// Compare holds files against the folder. It fails where a file could only be
// written through a symbolic link, or in the place of something that is no
// regular file.
func Compare(root *os.Root, files []File) ([]Change, error) {
	var out []Change
	for _, f := range files {
		if err := free(root, f.Path); err != nil {
			return nil, err
		}
		old, err := readRegular(root, f.Path)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, fmt.Errorf("read %s: %w", f.Path, err)
		}
		out = append(out, Change{File: f, Old: old, Exists: err == nil})
	}
	return out, nil
}

// free tells whether a path leads through folders only, not through links, to
// nothing or a regular file.
func free(root *os.Root, name string) error {
	parts := strings.Split(name, "/")
	for i := range parts {
		at := path.Join(parts[:i+1]...)
		info, err := root.Lstat(at)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			return nil
		case err != nil:
			return fmt.Errorf("look at %s: %w", at, err)
		case info.Mode()&fs.ModeSymlink != 0:
			return fmt.Errorf("%s is a symbolic link: holdfast writes through none; remove it, or name the folder it leads to", at)
		case i < len(parts)-1 && !info.IsDir():
			return fmt.Errorf("%s is no folder, and %s would lie in it", at, name)
		case i == len(parts)-1 && !info.Mode().IsRegular():
			return fmt.Errorf("%s is no regular file", at)
		}
	}
	return nil
}

// Write writes the changes that are not the same, each at once or not at all.
// It refuses a file that is no longer what Compare saw.
func Write(root *os.Root, changes []Change) error {
	for _, c := range changes {
		if c.Same() {
			continue
		}
		now, err := Compare(root, []File{c.File})
		if err != nil {
			return err
		}
		if now[0].Exists != c.Exists || !bytes.Equal(now[0].Old, c.Old) {
			return fmt.Errorf("write %s: it changed meanwhile; run again", c.Path)
		}
		if err := replace(root, c); err != nil {
			return fmt.Errorf("write %s: %w", c.Path, err)
		}
	}
	return nil
}

// replace writes beside the file and renames.
func replace(root *os.Root, c Change) error {
	if err := root.MkdirAll(path.Dir(c.Path), 0o755); err != nil {
		return err
	}
	mode := fs.FileMode(0o644)
	if info, err := root.Lstat(c.Path); err == nil {
		mode = info.Mode().Perm()
	}
	temporary := path.Join(path.Dir(c.Path), "."+path.Base(c.Path)+".holdfast")
	f, err := root.OpenFile(temporary, os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode)
	if err != nil {
		return err
	}
	_, err = f.Write(c.Data)
	err = errors.Join(err, f.Close())
	if err == nil {
		err = root.Rename(temporary, c.Path)
	}
	if err != nil {
		return errors.Join(err, root.Remove(temporary))
	}
	return nil
}

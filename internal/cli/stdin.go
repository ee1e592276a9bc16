package cli

import (
	"bytes"
	"context"
	"io"
	"path/filepath"
	"sync"
	"sync/atomic"
)

// stdinName is how stdin is named as an input.
const stdinName = "-"

// stdin is standard input as a command reads it: an interrupt ends a read that
// waits for somebody to type.
type stdin struct {
	from   *io.PipeReader
	begin  func() // reads nothing before it is called: stdin may be somebody else's
	forget func() bool
	spoke  atomic.Bool
}

// openStdin begins to read when it is read from. The goroutine that waits for
// the terminal cannot be woken and ends with the input, or the process.
func openStdin(ctx context.Context, w World) *stdin {
	from, to := io.Pipe()
	return &stdin{
		from:   from,
		forget: context.AfterFunc(ctx, func() { to.CloseWithError(context.Cause(ctx)) }),
		begin: sync.OnceFunc(func() {
			go func() {
				_, err := io.Copy(to, w.Stdin)
				to.CloseWithError(err)
			}()
		}),
	}
}

func (s *stdin) Read(p []byte) (int, error) {
	s.begin()
	n, err := s.from.Read(p)
	if len(bytes.TrimSpace(p[:n])) > 0 {
		s.spoke.Store(true)
	}
	return n, err
}

// blank tells whether nothing but space was read: most often the output of a
// command that failed.
func (s *stdin) blank() bool { return !s.spoke.Load() }

func (s *stdin) Close() error {
	s.forget()
	return s.from.Close()
}

// twice refuses an input that is named twice.
func twice(names []string) error {
	seen := map[string]bool{}
	for _, name := range names {
		if name != stdinName {
			name = filepath.Clean(name)
		}
		if seen[name] {
			return usage("", "%s is given twice", name)
		}
		seen[name] = true
	}
	return nil
}

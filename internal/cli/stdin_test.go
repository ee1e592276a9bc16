package cli

import (
	"bytes"
	"context"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/synctest"
)

// An interrupt ends a command that waits for somebody to type.
func TestStdinInterrupted(t *testing.T) {
	for _, verb := range []string{"render", "lint"} {
		synctest.Test(t, func(t *testing.T) {
			ctx, cancel := context.WithCancelCause(t.Context())
			silent, end := io.Pipe()
			defer end.Close()
			var stderr bytes.Buffer
			done := make(chan int, 1)
			go func() {
				done <- Run(ctx, World{Args: []string{verb, "-"}, Stdin: silent, Stdout: io.Discard, Stderr: &stderr})
			}()
			synctest.Wait() // it has read all there is
			cancel(errors.New("interrupted"))
			if code := <-done; code != exitUsage || !strings.Contains(stderr.String(), "interrupted") {
				t.Errorf("%s: code %d, %q", verb, code, stderr.String())
			}
		})
	}
}

package gateway

import (
	"bytes"
	"log/slog"
	"strings"
)

// logWriter turns what a child prints into log lines, each bounded.
type logWriter struct {
	log  *slog.Logger
	rest []byte
}

const maxLogLine = 2 << 10

// Write implements io.Writer. It is called by one goroutine.
func (l *logWriter) Write(p []byte) (int, error) {
	l.rest = append(l.rest, p...)
	for {
		line, rest, ok := bytes.Cut(l.rest, []byte("\n"))
		if !ok && len(l.rest) < maxLogLine {
			return len(p), nil
		}
		if !ok {
			line, rest = l.rest[:maxLogLine], l.rest[maxLogLine:]
		}
		if text := strings.TrimSpace(string(line)); text != "" {
			l.log.Info("stderr", "line", text[:min(len(text), maxLogLine)])
		}
		l.rest = bytes.Clone(rest)
	}
}

package scan

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"
)

const (
	// MaxLine bounds one line of a list, in bytes. Longer lines are refused
	// one by one; the rest of the list is read.
	MaxLine = 8 << 10
	// maxWarnings bounds the warnings that are kept word by word.
	maxWarnings = 20
)

// List is the set of targets to scan, each endpoint once.
type List struct {
	// Shard keeps only its part; Max refuses more targets than that (0: 5
	// million), as all of them are held in memory at a few hundred bytes each.
	Shard Shard
	Max   int

	Targets []Target
	// Duplicates counts entries for an endpoint that was there already,
	// Elsewhere those of other shards, Invalid lines that hold no entry.
	Duplicates, Elsewhere, Invalid int
	// Warnings says file:line of the first invalid lines.
	Warnings []string

	seen map[string]struct{}
}

const defaultMax = 5_000_000

// ErrTooMany is returned when a list outgrows Max.
var ErrTooMany = errors.New("too many targets")

// BinaryError says that a file is no text.
type BinaryError struct {
	File string
	Line int
	What string // what it looks like
}

func (e *BinaryError) Error() string {
	return fmt.Sprintf("%s:%d: not a text file: %s", e.File, e.Line, e.What)
}

// Add puts a target on the list unless it is there already or in another shard.
func (l *List) Add(t Target) error {
	if !l.Shard.Has(t) {
		l.Elsewhere++
		return nil
	}
	if _, dup := l.seen[t.Key]; dup {
		l.Duplicates++
		return nil
	}
	if l.seen == nil {
		l.seen = map[string]struct{}{}
	}
	limit := l.Max
	if limit <= 0 {
		limit = defaultMax
	}
	if len(l.Targets) >= limit {
		return fmt.Errorf("%s: %w: more than %d", t.Source, ErrTooMany, limit)
	}
	l.seen[t.Key] = struct{}{}
	l.Targets = append(l.Targets, t)
	return nil
}

func (l *List) invalid(source, why string) {
	l.Invalid++
	if len(l.Warnings) < maxWarnings {
		l.Warnings = append(l.Warnings, source+": "+why)
	}
}

// Read adds what r holds: plain lines of one URL each, or JSON lines with
// "url" (or "target", as scans write it) and perhaps "name"; blank lines and
// those that begin with # are skipped. Only one line is in memory at a time. A
// line that holds no entry is counted with file:line and the rest goes on; a
// file that is no text is refused by a *[BinaryError].
func (l *List) Read(r io.Reader, file string) error {
	lines := bufio.NewReaderSize(r, MaxLine+2)
	for n := 1; ; n++ {
		line, tooLong, err := nextLine(lines)
		if err != nil && !errors.Is(err, io.EOF) {
			return fmt.Errorf("%s:%d: %w", file, n, err)
		}
		source := fmt.Sprintf("%s:%d", file, n)
		if what := binary(line, n); what != "" {
			return &BinaryError{File: file, Line: n, What: what}
		}
		if tooLong {
			l.invalid(source, fmt.Sprintf("line is longer than %d bytes", MaxLine))
		} else if err := l.line(line, source); err != nil {
			return err
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
	}
}

// nextLine reads a line without its end. Of one that is too long it gives the
// beginning and skips the rest.
func nextLine(r *bufio.Reader) (line []byte, tooLong bool, err error) {
	line, err = r.ReadSlice('\n')
	if errors.Is(err, bufio.ErrBufferFull) {
		line = bytes.Clone(line)
		for errors.Is(err, bufio.ErrBufferFull) {
			var more []byte
			more, err = r.ReadSlice('\n')
			if bytes.IndexByte(more, 0) >= 0 {
				line = append(line, 0) // keeps what binary looks for
			}
		}
		return line, true, err
	}
	line = bytes.TrimSuffix(bytes.TrimSuffix(line, []byte("\n")), []byte("\r"))
	return line, len(line) > MaxLine, err
}

// binary says what a line that is no text looks like, "" for text.
func binary(line []byte, n int) string {
	if n == 1 {
		for _, m := range []struct{ mark, what string }{
			{"\x1f\x8b", "gzip; unpack it first"},
			{"PK\x03\x04", "a zip archive; unpack it first"},
			{"\x28\xb5\x2f\xfd", "zstd; unpack it first"},
			{"\xff\xfe", "UTF-16; convert it to UTF-8"},
			{"\xfe\xff", "UTF-16; convert it to UTF-8"},
		} {
			if bytes.HasPrefix(line, []byte(m.mark)) {
				return m.what
			}
		}
	}
	if bytes.IndexByte(line, 0) >= 0 {
		return "it holds NUL bytes"
	}
	return ""
}

// entry is what a JSON line may hold: written for scans, or written by one.
type entry struct {
	URL    string `json:"url"`
	Target string `json:"target"`
	Name   string `json:"name"`
}

func (l *List) line(line []byte, source string) error {
	line = bytes.TrimSpace(bytes.TrimPrefix(line, []byte("\xef\xbb\xbf")))
	switch {
	case len(line) == 0 || line[0] == '#':
		return nil
	case !utf8.Valid(line):
		l.invalid(source, "line is not UTF-8")
		return nil
	case looksLikeJSON(line):
		return l.jsonLine(line, source)
	}
	url, _, _ := strings.Cut(string(line), " #")
	return l.Add(NewTarget(strings.TrimSpace(url), "", source))
}

// looksLikeJSON tells an object, whole or broken, from a URL that begins with
// a {placeholder}.
func looksLikeJSON(line []byte) bool {
	if line[0] != '{' {
		return false
	}
	rest := bytes.TrimLeft(line[1:], " \t")
	return len(rest) == 0 || rest[0] == '"' || rest[0] == '}'
}

func (l *List) jsonLine(line []byte, source string) error {
	var e entry
	if err := json.Unmarshal(line, &e); err != nil {
		l.invalid(source, "line begins like JSON but does not parse: "+jsonFault(err))
		return nil
	}
	if e.URL == "" {
		e.URL = e.Target
	}
	if e.URL == "" {
		if !isHeader(line) {
			l.invalid(source, `JSON line has neither "url" nor "target"`)
		}
		return nil
	}
	return l.Add(NewTarget(e.URL, clip(e.Name), source))
}

// jsonFault says what is wrong without repeating the line.
func jsonFault(err error) string {
	if t, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		return fmt.Sprintf("%s is a %s", t.Field, t.Value)
	}
	return err.Error()
}

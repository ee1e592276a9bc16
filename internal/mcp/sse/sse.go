// Package sse reads and writes text/event-stream as the HTML standard defines
// it (section 9.2, "Server-sent events"). It knows nothing of MCP. Every event
// is bounded, because the peer decides how long a line is.
package sse

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"
)

// Event is one dispatched event. Name is "" for the default type "message".
type Event struct {
	Name string
	Data []byte
	// ID is the last event id in force, which a stream keeps from event to
	// event; HasID tells whether this event set it.
	ID    string
	HasID bool
	// Retry is the reconnection time this event asked for; HasRetry tells.
	Retry    time.Duration
	HasRetry bool
	// HasData is false for an event that only carried an id or a retry. The
	// standard does not dispatch those; MCP's resumable streams begin with one.
	HasData bool
}

// ErrTooLarge is returned by Reader.Next when one event exceeds the limit.
var ErrTooLarge = errors.New("event too large")

// DefaultMaxEvent bounds an event where the caller set no limit, in bytes.
const DefaultMaxEvent = 4 << 20

// Reader splits a stream into events. Lines end in LF, CR or CRLF; a byte order
// mark at the very start is dropped; comments are counted and dropped.
type Reader struct {
	src      *bufio.Reader
	max      int
	used     int    // bytes of the event so far
	long     []byte // collects a line that does not fit into the buffer of src
	lastID   string
	comments int
	started  bool
	sawCR    bool
	quiet    bool // only a keep-alive since the last event
	err      error
}

// NewReader reads from r. maxEvent bounds the bytes of one event, its comments
// and field names included; 0 means DefaultMaxEvent.
func NewReader(r io.Reader, maxEvent int) *Reader {
	if maxEvent <= 0 {
		maxEvent = DefaultMaxEvent
	}
	return &Reader{src: bufio.NewReaderSize(r, 4<<10), max: maxEvent}
}

// Comments tells how many comment lines have passed: the keep-alives seen.
func (r *Reader) Comments() int { return r.comments }

// Next returns the next event; its Data is the caller's. It returns io.EOF at
// the end of the stream; an event that was not closed by an empty line is
// discarded then, as the standard says, and io.ErrUnexpectedEOF tells that there
// was one. After an error the position in the stream is lost, so every later
// call returns the same one.
func (r *Reader) Next() (Event, error) {
	if r.err != nil {
		return Event{}, r.err
	}
	e, err := r.next()
	r.err = err
	return e, err
}

func (r *Reader) next() (Event, error) {
	var e Event
	r.used = 0
	fields := false
	for {
		line, err := r.line()
		if err != nil {
			cut := fields || len(line) > 0 && line[0] != ':'
			if errors.Is(err, io.EOF) && cut {
				err = io.ErrUnexpectedEOF
			}
			return Event{}, err
		}
		switch {
		case len(line) == 0 && !fields:
			r.used = 0
		case len(line) == 0:
			return r.finish(e), nil
		case line[0] == ':':
			r.comments++
			if !fields {
				r.used = 0 // keep-alives between events are not part of one
				r.rest()
			}
		default:
			fields = field(&e, line) || fields
		}
	}
}

// rest gives memory back at the second keep-alive in a row: a quiet stream must
// not hold on to what its longest line has taken.
func (r *Reader) rest() {
	if r.quiet {
		r.long = nil
	}
	r.quiet = true
}

func (r *Reader) finish(e Event) Event {
	r.quiet = false
	if e.HasID {
		r.lastID = e.ID
	}
	e.ID = r.lastID
	return e
}

// field takes one "name: value" line and tells whether it meant anything.
func field(e *Event, line []byte) bool {
	name, value, _ := bytes.Cut(line, []byte(":"))
	value = bytes.TrimPrefix(value, []byte(" "))
	switch string(name) {
	case "data":
		if e.HasData {
			e.Data = append(e.Data, '\n')
		}
		e.HasData = true
		e.Data = append(e.Data, value...)
	case "event":
		e.Name = string(value)
	case "id":
		if bytes.IndexByte(value, 0) >= 0 {
			return false
		}
		e.ID, e.HasID = string(value), true
	case "retry":
		ms, err := strconv.ParseUint(string(value), 10, 31)
		if err != nil {
			return false
		}
		e.Retry, e.HasRetry = time.Duration(ms)*time.Millisecond, true
	default:
		return false
	}
	return true
}

// line returns one line without its end. What it returned with an error is the
// unfinished last line. The slice is valid until the next call. It never waits
// for a byte after the end of a line: a CR ends one by itself, and only the next
// call finds out whether an LF belongs to it.
func (r *Reader) line() ([]byte, error) {
	r.long = r.long[:0]
	for {
		chunk, err := r.buffered()
		if err != nil {
			return r.first(r.long), err
		}
		end := bytes.IndexByte(chunk, '\n')
		if end >= 0 {
			chunk = chunk[:end+1]
		}
		if cr := bytes.IndexByte(chunk, '\r'); cr >= 0 {
			end, chunk = cr, chunk[:cr+1]
		}
		if r.used += len(chunk); r.used > r.max {
			return nil, fmt.Errorf("read event stream: %w: over %d bytes", ErrTooLarge, r.max)
		}
		if end < 0 {
			r.long = append(r.long, chunk...)
		}
		r.discard(len(chunk))
		if end < 0 {
			continue
		}
		r.sawCR = chunk[end] == '\r'
		if len(r.long) == 0 {
			return r.first(chunk[:end]), nil
		}
		r.long = append(r.long, chunk[:end]...)
		return r.first(r.long), nil
	}
}

// buffered returns what can be had without waiting, and waits for one byte if
// that is nothing. It skips the second half of a CRLF.
func (r *Reader) buffered() ([]byte, error) {
	for {
		if _, err := r.src.Peek(1); err != nil {
			return nil, err
		}
		chunk, err := r.src.Peek(r.src.Buffered())
		if !r.sawCR {
			return chunk, err
		}
		r.sawCR = false
		if chunk[0] != '\n' {
			return chunk, err
		}
		r.discard(1)
	}
}

// discard moves past bytes that Peek has shown, which cannot fail.
func (r *Reader) discard(n int) { _, _ = r.src.Discard(n) }

// first drops a byte order mark from the first line of the stream.
func (r *Reader) first(line []byte) []byte {
	if !r.started {
		r.started = true
		line = bytes.TrimPrefix(line, []byte("\xef\xbb\xbf"))
	}
	return line
}

// Append writes one event in wire form to dst. Data may hold line ends of any
// kind: each starts a data line of its own. Name and ID must not hold CR, LF or
// NUL; such bytes are dropped.
func Append(dst []byte, e Event) []byte {
	if e.Name != "" {
		dst = append(append(append(dst, "event: "...), oneLine(e.Name)...), '\n')
	}
	if e.HasID {
		dst = append(append(append(dst, "id: "...), oneLine(e.ID)...), '\n')
	}
	if e.HasRetry {
		dst = append(strconv.AppendInt(append(dst, "retry: "...), e.Retry.Milliseconds(), 10), '\n')
	}
	if e.HasData || len(e.Data) > 0 {
		dst = appendData(dst, e.Data)
	}
	return append(dst, '\n')
}

func appendData(dst, data []byte) []byte {
	for {
		i := bytes.IndexAny(data, "\r\n")
		dst = append(dst, "data: "...)
		if i < 0 {
			return append(append(dst, data...), '\n')
		}
		dst = append(append(dst, data[:i]...), '\n')
		if data[i] == '\r' && i+1 < len(data) && data[i+1] == '\n' {
			i++
		}
		data = data[i+1:]
	}
}

// AppendComment writes a comment, which readers ignore: a keep-alive.
func AppendComment(dst []byte, text string) []byte {
	return append(append(append(dst, ": "...), oneLine(text)...), "\n\n"...)
}

// oneLine drops the bytes that would end a line or make readers ignore it.
func oneLine(s string) string {
	if !strings.ContainsAny(s, "\r\n\x00") {
		return s
	}
	return strings.NewReplacer("\r", "", "\n", "", "\x00", "").Replace(s)
}

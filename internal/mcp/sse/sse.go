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
	used     int
	lastID   string
	comments int
	started  bool
	sawCR    bool
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

// Next returns the next event. It returns io.EOF at the end of the stream; an
// event that was not closed by an empty line is discarded then, as the standard
// says, and io.ErrUnexpectedEOF tells that there was one.
func (r *Reader) Next() (Event, error) {
	var e Event
	var data bytes.Buffer
	r.used = 0
	fields := false
	for {
		line, err := r.line()
		if err != nil {
			if errors.Is(err, io.EOF) && (fields || len(line) > 0) {
				return Event{}, io.ErrUnexpectedEOF
			}
			return Event{}, err
		}
		switch {
		case len(line) == 0 && !fields:
			r.used = 0
		case len(line) == 0:
			return r.finish(e, data.Bytes()), nil
		case line[0] == ':':
			r.comments++
			if !fields {
				r.used = 0 // keep-alives between events are not part of one
			}
		default:
			fields = r.field(&e, &data, line) || fields
		}
	}
}

func (r *Reader) finish(e Event, data []byte) Event {
	if e.HasData {
		e.Data = data[:len(data)-1] // the last LF is not part of it
	}
	if e.HasID {
		r.lastID = e.ID
	}
	e.ID = r.lastID
	return e
}

// field takes one "name: value" line and tells whether it meant anything.
func (r *Reader) field(e *Event, data *bytes.Buffer, line []byte) bool {
	name, value, _ := bytes.Cut(line, []byte(":"))
	value = bytes.TrimPrefix(value, []byte(" "))
	switch string(name) {
	case "data":
		e.HasData = true
		data.Write(value)
		data.WriteByte('\n')
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
// unfinished last line. The slice is valid until the next call.
func (r *Reader) line() ([]byte, error) {
	var line []byte
	for {
		c, err := r.src.ReadByte()
		if err != nil {
			return line, err
		}
		if r.sawCR {
			r.sawCR = false
			if c == '\n' {
				continue // second half of CRLF
			}
		}
		if r.used++; r.used > r.max {
			return nil, fmt.Errorf("read event stream: %w: over %d bytes", ErrTooLarge, r.max)
		}
		switch c {
		case '\r':
			r.sawCR = true
			return r.first(line), nil
		case '\n':
			return r.first(line), nil
		default:
			line = append(line, c)
		}
	}
}

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

func oneLine(s string) string {
	clean := func(r rune) rune {
		if r == '\r' || r == '\n' || r == 0 {
			return -1
		}
		return r
	}
	return string(bytes.Map(clean, []byte(s)))
}

package gateway

import (
	"bytes"
	"net/http"
	"sync"
	"time"

	"github.com/holdfast-mcp/holdfast/internal/mcp/sse"
)

// writeTimeout bounds one write to a client that reads slowly.
const writeTimeout = 30 * time.Second

// eventWriter writes an event stream to a client and keeps it from falling
// silent: proxies and clients cut what says nothing for a minute.
type eventWriter struct {
	mu       sync.Mutex
	w        http.ResponseWriter
	control  *http.ResponseController
	beat     *time.Timer
	every    time.Duration
	between  bool // what was written ends an event: a comment may stand here
	stopped  bool
	failed   error
	tailSize int
	tail     [4]byte
}

func newEventWriter(w http.ResponseWriter, every time.Duration) *eventWriter {
	e := &eventWriter{w: w, control: http.NewResponseController(w), every: every, between: true}
	e.mu.Lock()
	defer e.mu.Unlock()
	_ = e.control.Flush() // the head, so that the client sees the stream begin
	e.beat = time.AfterFunc(every, e.comment)
	return e
}

// write passes bytes of a stream on and flushes them.
func (e *eventWriter) write(p []byte) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.put(p)
}

func (e *eventWriter) put(p []byte) error {
	if e.failed != nil || e.stopped {
		return e.failed
	}
	_ = e.control.SetWriteDeadline(time.Now().Add(writeTimeout)) // not every writer has one
	if _, e.failed = e.w.Write(p); e.failed == nil {
		e.failed = e.control.Flush()
	}
	e.note(p)
	e.beat.Reset(e.every)
	return e.failed
}

// event writes one message as an event.
func (e *eventWriter) event(raw []byte) error {
	return e.write(sse.Append(nil, sse.Event{Name: "message", Data: raw, HasData: true}))
}

// note remembers whether the stream stands between two events.
func (e *eventWriter) note(p []byte) {
	if len(p) >= len(e.tail) {
		e.tailSize = copy(e.tail[:], p[len(p)-len(e.tail):])
	} else {
		joined := append(bytes.Clone(e.tail[:e.tailSize]), p...)
		joined = joined[max(0, len(joined)-len(e.tail)):]
		e.tailSize = copy(e.tail[:], joined)
	}
	t := e.tail[:e.tailSize]
	e.between = bytes.HasSuffix(t, []byte("\n\n")) || bytes.HasSuffix(t, []byte("\r\n\r\n")) || bytes.HasSuffix(t, []byte("\r\r"))
}

// comment keeps the stream alive; it runs on the timer.
func (e *eventWriter) comment() {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.stopped || e.failed != nil {
		return
	}
	if !e.between {
		e.beat.Reset(e.every)
		return
	}
	_ = e.put(sse.AppendComment(nil, "still here")) // kept in failed
}

// stop ends the heartbeat. Nothing is written after it returns.
func (e *eventWriter) stop() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.stopped = true
	e.beat.Stop()
	_ = e.control.SetWriteDeadline(time.Time{})
}

package mcptest

import (
	"maps"
	"net/http"
	"strings"
	"sync"

	"github.com/holdfast-mcp/holdfast/internal/mcp"
)

// Stats is what was done to a Server so far.
type Stats struct {
	// Requests by method: the JSON-RPC method of a POST, else the HTTP method.
	Requests map[string]int
	Total    int
	InFlight int
	// BytesIn counts bodies of requests, BytesOut bodies of answers.
	BytesIn, BytesOut int64
	// SessionsOpened by handshakes, SessionsDeleted by DELETE (or by leaving,
	// on HTTP+SSE), SessionsForgotten by the server itself.
	SessionsOpened, SessionsDeleted, SessionsForgotten int
	// StreamsOpen are the GET and listen streams that are open now,
	// StreamsOpened those ever.
	StreamsOpen, StreamsOpened int
	ToolCalls                  map[string]int
	// Credentials, UserAgents and Origins by how often they were shown.
	Credentials, UserAgents, Origins map[string]int
}

// SessionsOpen are the sessions that nobody ended: what a client leaked.
func (s Stats) SessionsOpen() int { return s.SessionsOpened - s.SessionsDeleted - s.SessionsForgotten }

// Stats gives the counts so far.
func (s *Server) Stats() Stats { return s.stats.snapshot() }

type counters struct {
	mu sync.Mutex
	s  Stats
}

func (c *counters) update(f func(s *Stats)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.s.Requests == nil {
		c.s.Requests, c.s.ToolCalls = map[string]int{}, map[string]int{}
		c.s.Credentials, c.s.UserAgents, c.s.Origins = map[string]int{}, map[string]int{}, map[string]int{}
	}
	f(&c.s)
}

func (c *counters) snapshot() (out Stats) {
	c.update(func(s *Stats) {
		out = *s
		out.Requests, out.ToolCalls = maps.Clone(s.Requests), maps.Clone(s.ToolCalls)
		out.Credentials, out.UserAgents = maps.Clone(s.Credentials), maps.Clone(s.UserAgents)
		out.Origins = maps.Clone(s.Origins)
	})
	return out
}

func (c *counters) request(ex *Exchange) (n int) {
	c.update(func(s *Stats) {
		s.Requests[ex.Method()]++
		s.Total++
		s.InFlight++
		s.BytesIn += int64(len(ex.Body))
		n = s.Total
		for header, seen := range map[string]map[string]int{
			"Authorization": s.Credentials, "X-Api-Key": s.Credentials, "User-Agent": s.UserAgents, "Origin": s.Origins,
		} {
			if v := ex.R.Header.Get(header); v != "" {
				seen[v]++
			}
		}
	})
	return n
}

func (c *counters) done()             { c.update(func(s *Stats) { s.InFlight-- }) }
func (c *counters) forgotten()        { c.update(func(s *Stats) { s.SessionsForgotten++ }) }
func (c *counters) toolCall(n string) { c.update(func(s *Stats) { s.ToolCalls[n]++ }) }
func (c *counters) written(n int)     { c.update(func(s *Stats) { s.BytesOut += int64(n) }) }
func (c *counters) session(delta int) {
	c.update(func(s *Stats) {
		if delta > 0 {
			s.SessionsOpened++
		} else {
			s.SessionsDeleted++
		}
	})
}

func (c *counters) stream(delta int) {
	c.update(func(s *Stats) {
		s.StreamsOpen += delta
		if delta > 0 {
			s.StreamsOpened++
		}
	})
}

// countingWriter counts the bytes of an answer.
type countingWriter struct {
	http.ResponseWriter
	counters *counters
}

// Write implements io.Writer.
func (w *countingWriter) Write(p []byte) (int, error) {
	n, err := w.ResponseWriter.Write(p)
	w.counters.written(n)
	return n, err
}

// Unwrap lets http.ResponseController reach the connection.
func (w *countingWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

func acceptsBoth(r *http.Request) bool {
	accept := strings.Join(r.Header.Values("Accept"), ",")
	return strings.Contains(accept, "*/*") ||
		strings.Contains(accept, mcp.TypeJSON) && strings.Contains(accept, mcp.TypeEventStream)
}

package client_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/holdfast-mcp/holdfast/internal/client"
	"github.com/holdfast-mcp/holdfast/internal/mcp"
	"github.com/holdfast-mcp/holdfast/internal/mcp/mcptest"
)

// oldServer is an HTTP+SSE server whose every step the test decides.
type oldServer struct {
	endpoint string
	// post answers a POST; what it sends to say goes onto the stream.
	post func(w http.ResponseWriter, r *http.Request, say chan<- string)
	say  chan string
	// posted are the paths and queries that messages came to.
	mu     sync.Mutex
	posted []string
}

func newOldServer(endpoint string, post func(w http.ResponseWriter, r *http.Request, say chan<- string)) *oldServer {
	return &oldServer{endpoint: endpoint, post: post, say: make(chan string, 16)}
}

func (s *oldServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method == http.MethodPost && r.URL.Path == "/sse" {
		http.Error(w, "Method Not Allowed", http.StatusMethodNotAllowed)
		return
	}
	if r.Method == http.MethodPost {
		s.mu.Lock()
		s.posted = append(s.posted, r.URL.RequestURI())
		s.mu.Unlock()
		s.post(w, r, s.say)
		return
	}
	w.Header().Set("Content-Type", "text/event-stream")
	_, _ = fmt.Fprintf(w, ": welcome\n\nevent: endpoint\ndata: %s\n\n", s.endpoint)
	flush := http.NewResponseController(w).Flush
	for _ = flush(); ; _ = flush() {
		select {
		case <-r.Context().Done():
			return
		case text, ok := <-s.say:
			if !ok {
				return
			}
			_, _ = io.WriteString(w, event(text))
		}
	}
}

// answers replies to everything at once.
func answers(w http.ResponseWriter, r *http.Request, say chan<- string) {
	var msg struct {
		ID     json.RawMessage
		Method string
	}
	_ = json.NewDecoder(r.Body).Decode(&msg)
	w.WriteHeader(http.StatusAccepted)
	switch {
	case msg.ID == nil:
	case msg.Method == mcp.MethodInitialize:
		say <- fmt.Sprintf(`{"jsonrpc":"2.0","id":%s,"result":{"protocolVersion":"2024-11-05","capabilities":{"tools":{}},"serverInfo":{"name":"old","version":"1"}}}`, msg.ID)
	default:
		say <- fmt.Sprintf(`{"jsonrpc":"2.0","id":%s,"result":{"for":%s}}`, msg.ID, msg.ID)
	}
}

func dialOld(t *testing.T, s *oldServer) *client.Client {
	t.Helper()
	w := mcptest.NewWorld(t)
	return dial(t, w, client.Endpoint{URL: w.Host("old.example", s).URL("/sse")})
}

// TestEndpointEvent: where messages may be posted to.
func TestEndpointEvent(t *testing.T) {
	for _, c := range []struct{ endpoint, posted, says string }{
		{endpoint: "/messages?session=1", posted: "/messages?session=1"},
		{endpoint: "messages", posted: "/messages"},
		{endpoint: "?session=2", posted: ""}, // the GET's own path, which takes no POST
		{endpoint: "https://old.example/m", posted: "/m"},
		{endpoint: "https://old.example:443/m", posted: "/m"},
		{endpoint: "//old.example/m", posted: "/m"},
		{endpoint: "https://evil.example/m", says: "another origin (evil.example)"},
		{endpoint: "http://old.example/m", says: "another origin"},
		{endpoint: "https://old.example:8443/m", says: "another origin"},
		{endpoint: "//evil.example/m", says: "another origin"},
		{endpoint: "http://[::1", says: "no URL"},
		{endpoint: "http://127.0.0.1/m", says: "another origin"},
	} {
		t.Run(c.endpoint, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := newOldServer(c.endpoint, answers)
				d := dialOld(t, s).Detect(t.Context(), mcp.EraLegacy)
				if d.Legacy != nil {
					d.Legacy.Close(t.Context())
				}
				if (d.Legacy != nil) != (c.posted != "") {
					t.Fatalf("session %v", d.Legacy)
				}
				for _, at := range s.posted {
					if at != c.posted {
						t.Errorf("posted to %s, want %s", at, c.posted)
					}
				}
				last := d.Steps[len(d.Steps)-1]
				if c.says != "" && (last.Err == nil || !strings.Contains(last.Err.Error(), c.says)) {
					t.Errorf("error %v, want %q", last.Err, c.says)
				}
			})
		})
	}
}

// TestOldStream: what may happen to a call whose answer comes on another
// stream than the question went by.
func TestOldStream(t *testing.T) {
	t.Parallel()
	run := func(name string, post func(http.ResponseWriter, *http.Request, chan<- string), f func(t *testing.T, s *oldServer, session *client.Session)) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := newOldServer("/m", answers)
				d := dialOld(t, s).Detect(t.Context(), mcp.EraLegacy)
				if d.Legacy == nil {
					t.Fatal("no session")
				}
				s.post = post
				f(t, s, d.Legacy)
				d.Legacy.Close(t.Context())
			})
		})
	}
	silent := func(w http.ResponseWriter, _ *http.Request, _ chan<- string) { w.WriteHeader(http.StatusAccepted) }
	run("stream ends under a call", silent, func(t *testing.T, s *oldServer, session *client.Session) {
		go func() { time.Sleep(time.Second); close(s.say) }()
		start := time.Now()
		x := session.Request(t.Context(), mcp.MethodPing, "", nil)
		if x.Err == nil || x.Fault != client.FaultTruncated || time.Since(start) != time.Second || x.Timing.Total != time.Second {
			t.Errorf("fault %q, error %v after %s", x.Fault, x.Err, time.Since(start))
		}
		if x := session.Request(t.Context(), mcp.MethodPing, "", nil); x.Err == nil || time.Since(start) != time.Second {
			t.Errorf("after the end: error %v after %s", x.Err, time.Since(start))
		}
	})
	run("answers out of order", silent, func(t *testing.T, s *oldServer, session *client.Session) {
		got := make([]*client.Exchange, 8)
		var all sync.WaitGroup
		for i := range got {
			all.Go(func() { got[i] = session.Request(t.Context(), mcp.MethodPing, "", nil) })
		}
		synctest.Wait()
		for id := 10; id >= 3; id-- { // 1 was the handshake that POST refused, 2 the one that worked
			s.say <- fmt.Sprintf(`{"jsonrpc":"2.0","id":%d,"result":{"for":%d}}`, id, id)
		}
		all.Wait()
		for _, x := range got {
			if want := fmt.Sprintf(`{"for":%s}`, x.ID); !x.OK() || string(x.Response.Result) != want || !strings.Contains(string(x.Body), want) {
				t.Errorf("%s: %s, body %s, error %v", x.ID, x.Response.Result, x.Body, x.Err)
			}
		}
	})
	run("answer to another question", func(w http.ResponseWriter, _ *http.Request, say chan<- string) {
		w.WriteHeader(http.StatusAccepted)
		say <- `{"jsonrpc":"2.0","id":"x","result":{}}`
	}, func(t *testing.T, _ *oldServer, session *client.Session) {
		if x := session.Request(t.Context(), mcp.MethodPing, "", nil); x.Fault != client.FaultIDMismatch || x.Err != nil {
			t.Errorf("fault %q, error %v", x.Fault, x.Err)
		}
	})
	run("late answer to a question given up", silent, func(t *testing.T, s *oldServer, session *client.Session) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		first := session.Request(ctx, mcp.MethodPing, "", nil)
		s.say <- fmt.Sprintf(`{"jsonrpc":"2.0","id":%s,"result":{}}`, first.ID)
		second := session.Request(t.Context(), mcp.MethodPing, "", nil)
		if first.Fault != client.FaultStalled || second.Fault != client.FaultStalled {
			t.Errorf("faults %q and %q", first.Fault, second.Fault)
		}
	})
	run("error without id", func(w http.ResponseWriter, _ *http.Request, say chan<- string) {
		w.WriteHeader(http.StatusAccepted)
		say <- `{"jsonrpc":"2.0","id":null,"error":{"code":-32700,"message":"Parse error"}}`
	}, func(t *testing.T, _ *oldServer, session *client.Session) {
		if x := session.Request(t.Context(), mcp.MethodPing, "", nil); x.RPCError() == nil || x.RPCError().Code != mcp.CodeParse {
			t.Errorf("error %v, fault %q", x.Err, x.Fault)
		}
	})
	run("post refused", func(w http.ResponseWriter, _ *http.Request, _ chan<- string) {
		http.Error(w, "no such session", http.StatusNotFound)
	}, func(t *testing.T, _ *oldServer, session *client.Session) {
		start := time.Now()
		if x := session.Request(t.Context(), mcp.MethodPing, "", nil); x.Status != 404 || x.Response != nil || time.Since(start) > 0 {
			t.Errorf("status %d after %s", x.Status, time.Since(start))
		}
	})
	run("post with a long body", func(w http.ResponseWriter, r *http.Request, say chan<- string) {
		answers(w, r, say)
		_, _ = io.WriteString(w, strings.Repeat("Accepted ", 20_000))
	}, func(t *testing.T, _ *oldServer, session *client.Session) {
		if x := session.Request(t.Context(), mcp.MethodPing, "", nil); !x.OK() || x.Fault != client.NoFault {
			t.Errorf("fault %q, error %v", x.Fault, x.Err)
		}
	})
}

// TestStreamWithoutEndpoint: a GET that hangs, or that streams something else,
// is given up after the stream's own time-out and leaves nothing behind.
func TestStreamWithoutEndpoint(t *testing.T) {
	for name, get := range map[string]http.HandlerFunc{
		"no head":  func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() },
		"no event": streams(true, ": hello\n\n"),
		"others":   streams(true, "event: ping\ndata: 1\n\n"),
		"ends":     streams(false, ": hello\n\n"),
		"no type":  says(200, "text/html", "<html>"),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				c := serve(t, get, func(o *client.Options) { o.StreamTimeout = 7 * time.Second })
				start := time.Now()
				pipe, err := c.OpenPipe(t.Context(), new(inbox))
				if pipe != nil || err == nil {
					t.Fatalf("pipe %v, error %v", pipe, err)
				}
				took, quick := time.Since(start), name == "ends" || name == "no type"
				if quick != (took == 0) || !quick && took != 7*time.Second {
					t.Errorf("took %s: %v", took, err)
				}
				if !quick && !strings.Contains(err.Error(), "no endpoint event within 7s") {
					t.Errorf("error %v", err)
				}
			})
		})
	}
}

// TestOpenPipe: the pipe outlives the context that opened it, and ends by Close.
func TestOpenPipe(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		in := new(inbox)
		ctx, cancel := context.WithCancel(t.Context())
		pipe, err := dialOld(t, newOldServer("/m", answers)).OpenPipe(ctx, in)
		if err != nil {
			t.Fatal(err)
		}
		cancel()
		synctest.Wait()
		for i := range 3 {
			if err := pipe.Send(t.Context(), fmt.Appendf(nil, `{"jsonrpc":"2.0","id":%d,"method":"ping"}`, i)); err != nil {
				t.Fatal(err)
			}
		}
		synctest.Wait()
		if got := in.ids(); got != "0 1 2" || in.ended() != nil {
			t.Errorf("delivered %q, ended %v", got, in.ended())
		}
		if err := pipe.Close(t.Context()); err != nil || in.ended() == nil {
			t.Errorf("close: %v, ended %v", err, in.ended())
		}
		if err := pipe.Close(t.Context()); err != nil {
			t.Errorf("second close: %v", err)
		}
	})
	synctest.Test(t, func(t *testing.T) { // a context that ends first
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		start := time.Now()
		_, err := serve(t, streams(true)).OpenPipe(ctx, new(inbox))
		if err == nil || time.Since(start) != time.Second {
			t.Errorf("error %v after %s", err, time.Since(start))
		}
	})
}

// TestSendFails: a POST that is refused is an error to who sends.
func TestSendFails(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		pipe, err := dialOld(t, newOldServer("/m", func(w http.ResponseWriter, _ *http.Request, _ chan<- string) {
			http.Error(w, "gone", http.StatusGone)
		})).OpenPipe(t.Context(), new(inbox))
		if err != nil {
			t.Fatal(err)
		}
		if err := pipe.Send(t.Context(), []byte(`{}`)); err == nil || !strings.Contains(err.Error(), "410 Gone") {
			t.Errorf("error %v", err)
		}
		_ = pipe.Close(t.Context())
	})
}

// inbox is a Sink that keeps what it gets.
type inbox struct {
	mu   sync.Mutex
	msgs []*mcp.Message
	raw  [][]byte
	err  error
}

func (b *inbox) Deliver(msg *mcp.Message, raw []byte) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.msgs, b.raw = append(b.msgs, msg), append(b.raw, raw)
}

func (b *inbox) End(err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.err != nil {
		err = errors.New("ended twice")
	}
	b.err = err
}

func (b *inbox) ended() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.err
}

func (b *inbox) ids() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	var out []string
	for i, m := range b.msgs {
		out = append(out, string(m.ID))
		if !strings.Contains(string(b.raw[i]), string(m.ID)) {
			out = append(out, "whose bytes are not its own")
		}
	}
	return strings.Join(out, " ")
}

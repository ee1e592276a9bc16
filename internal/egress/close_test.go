package egress_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"net"

	"github.com/holdfast-mcp/holdfast/internal/egress"
)

// Close leaves no connection, however short ago its last call ended, and none
// can be opened afterwards.
func TestCloseLeavesNothing(t *testing.T) {
	var open atomic.Int64
	srv := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, "hello") }))
	srv.EnableHTTP2 = true
	srv.Config.ConnState = func(_ net.Conn, s http.ConnState) {
		switch s {
		case http.StateNew:
			open.Add(1)
		case http.StateClosed, http.StateHijacked:
			open.Add(-1)
		}
	}
	srv.StartTLS()
	defer srv.Close()
	roots := srv.Client().Transport.(*http.Transport).TLSClientConfig.RootCAs
	for range 50 {
		c := egress.New(egress.Options{Guard: egress.Guard{Allow: egress.Loopback()}, RootCAs: roots})
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, srv.URL, nil)
		if err != nil {
			t.Fatal(err)
		}
		res, err := c.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		_ = res.Body.Close()
		c.Close()
		if _, err := c.Do(req.Clone(t.Context())); err == nil {
			t.Fatal("a call went through after Close")
		}
	}
	for deadline := time.Now().Add(5 * time.Second); open.Load() > 0; {
		if time.Now().After(deadline) {
			t.Fatalf("%d connections are open", open.Load())
		}
		time.Sleep(time.Millisecond) // the server notices in its own time
	}
}

package egress

import (
	"bufio"
	"context"
	"io"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

// pipeServer returns the client's end of an in-memory connection whose other
// end serve talks on, once for each request read, until it returns false.
func pipeServer(serve func(net.Conn, *http.Request) bool) net.Conn {
	client, server := net.Pipe()
	go func() {
		defer server.Close()
		in := bufio.NewReader(server)
		for {
			req, err := http.ReadRequest(in)
			if err != nil {
				return
			}
			if _, err := io.Copy(io.Discard, req.Body); err != nil || !serve(server, req) {
				return
			}
		}
	}()
	return client
}

func answerOK(c net.Conn, _ *http.Request) bool {
	_, err := io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
	return err == nil
}

// TestTiming runs in fake time, so every phase is exact to the nanosecond.
func TestTiming(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const ms = time.Millisecond
		client := New(Options{
			Resolve: func(context.Context, string) ([]netip.Addr, error) { time.Sleep(10 * ms); return addrs("1.1.1.1"), nil },
			Dial: func(context.Context, string, string) (net.Conn, error) {
				time.Sleep(20 * ms)
				return pipeServer(func(c net.Conn, _ *http.Request) bool {
					time.Sleep(40 * ms)
					_, _ = io.WriteString(c, "H")
					time.Sleep(80 * ms) // a slow head: FirstByte must not wait for it
					_, _ = io.WriteString(c, "TTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\no")
					time.Sleep(160 * ms)
					_, err := io.WriteString(c, "k")
					return err == nil
				}), nil
			},
		})
		defer client.CloseIdle()
		want := []Timing{
			{DNS: 10 * ms, Connect: 20 * ms, FirstByte: 70 * ms, Total: 310 * ms},
			{FirstByte: 40 * ms, Total: 280 * ms, Reused: true},
		}
		for i := range want {
			res, err := client.Do(newGet(t, "http://timing.example/"))
			if err != nil {
				t.Fatal(err)
			}
			if res.Timing.Total != 0 {
				t.Errorf("call %d: total is %v before the body ended", i, res.Timing.Total)
			}
			if text, err := io.ReadAll(res.Body); string(text) != "ok" || err != nil {
				t.Fatalf("%q, %v", text, err)
			}
			time.Sleep(time.Second) // what the caller does later does not count
			_ = res.Body.Close()
			if diff := cmp.Diff(want[i], res.Timing); diff != "" {
				t.Errorf("call %d (-want +got):\n%s", i, diff)
			}
		}
	})
}

func TestTimingWithoutBody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client := New(Options{Dial: func(context.Context, string, string) (net.Conn, error) {
			return pipeServer(func(c net.Conn, _ *http.Request) bool {
				time.Sleep(time.Second)
				_, err := io.WriteString(c, "HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n")
				return err == nil
			}), nil
		}})
		defer client.CloseIdle()
		res, err := client.Do(newGet(t, "http://1.1.1.1/"))
		if err != nil {
			t.Fatal(err)
		}
		if res.Timing.Total != time.Second {
			t.Errorf("total %v, want 1s although nobody read the body", res.Timing.Total)
		}
		_ = res.Body.Close()
	})
}

// TestTimingOfForeignDial: a call that is served by a connection opened for
// another one reports no dial phases of its own.
func TestTimingOfForeignDial(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dials := 0
		client := New(Options{Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
			dials++
			if dials > 1 { // the second call's own dial never ends
				<-ctx.Done()
				return nil, ctx.Err()
			}
			return pipeServer(func(c net.Conn, req *http.Request) bool {
				time.Sleep(time.Second)
				return answerOK(c, req)
			}), nil
		}})
		defer client.CloseIdle()
		do := func(out chan<- Timing) {
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			res, err := client.Do(newGet(t, "http://1.1.1.1/").WithContext(ctx))
			if err != nil {
				t.Error(err)
				close(out)
				return
			}
			_, _ = io.Copy(io.Discard, res.Body)
			_ = res.Body.Close()
			out <- res.Timing
		}
		first, second := make(chan Timing, 1), make(chan Timing, 1)
		go do(first)
		synctest.Wait()
		go do(second)
		<-first
		want := Timing{FirstByte: 2 * time.Second, Total: 2 * time.Second, Reused: true}
		if diff := cmp.Diff(want, <-second); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	})
}

func TestStalledHead(t *testing.T) {
	for _, tt := range []struct {
		name  string
		serve func(net.Conn, *http.Request) bool
	}{
		{"no byte", func(net.Conn, *http.Request) bool { return true }},
		{"half a head", func(c net.Conn, _ *http.Request) bool {
			_, err := io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-")
			return err == nil
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				client := New(Options{Dial: func(context.Context, string, string) (net.Conn, error) { return pipeServer(tt.serve), nil }})
				ctx, cancel := context.WithTimeout(t.Context(), 7*time.Second)
				defer cancel()
				start := time.Now()
				_, err := client.Do(newGet(t, "http://1.1.1.1/").WithContext(ctx))
				e := failure(t, err)
				if e.Kind != Timeout || e.Phase != PhaseHead || time.Since(start) != 7*time.Second || e.Addr.String() != "1.1.1.1:80" {
					t.Errorf("got %#v after %v", e, time.Since(start))
				}
			})
		})
	}
}

func TestStalledBody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client := New(Options{Dial: func(context.Context, string, string) (net.Conn, error) {
			return pipeServer(func(c net.Conn, _ *http.Request) bool {
				_, err := io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nab")
				return err == nil
			}), nil
		}})
		ctx, cancel := context.WithTimeout(t.Context(), 7*time.Second)
		defer cancel()
		res, err := client.Do(newGet(t, "http://1.1.1.1/").WithContext(ctx))
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		text, err := io.ReadAll(res.Body)
		e := failure(t, err)
		if string(text) != "ab" || e.Kind != Timeout || e.Phase != PhaseBody || e.Status != 200 || res.Timing.Total != 7*time.Second {
			t.Errorf("got %q, %#v after %v", text, e, res.Timing.Total)
		}
	})
}

func TestCanceled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client := New(Options{Dial: func(context.Context, string, string) (net.Conn, error) {
			return pipeServer(func(net.Conn, *http.Request) bool { return true }), nil
		}})
		ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
		time.AfterFunc(time.Second, cancel)
		_, err := client.Do(newGet(t, "http://1.1.1.1/").WithContext(ctx))
		if e := failure(t, err); e.Kind != Canceled || e.Phase != PhaseHead {
			t.Errorf("got %v, want canceled in head", e)
		}
	})
}

// TestQueue: a call that waits for a connection of a bounded pool has not
// begun to resolve, and its time-out must not be laid at the name server's door.
func TestQueue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client := New(Options{MaxConnsPerHost: 1, Dial: func(context.Context, string, string) (net.Conn, error) {
			return pipeServer(func(net.Conn, *http.Request) bool { return true }), nil
		}})
		ctx, cancel := context.WithCancel(t.Context())
		first := make(chan error, 1)
		go func() {
			_, err := client.Do(newGet(t, "http://1.1.1.1/").WithContext(ctx))
			first <- err
		}()
		synctest.Wait()
		short, stop := context.WithTimeout(t.Context(), time.Second)
		defer stop()
		_, err := client.Do(newGet(t, "http://1.1.1.1/").WithContext(short))
		if e := failure(t, err); e.Kind != Timeout || e.Phase != PhaseQueue {
			t.Errorf("got %v, want a time-out in queue", e)
		}
		cancel()
		<-first
	})
}

// TestMayHaveRun: a phase before send is a promise that the server never saw
// the request, also when the transport repeats it.
func TestMayHaveRun(t *testing.T) {
	tests := []struct {
		name, method string
		idle         bool // the server hangs up while the connection is idle
		kind         Kind
		phase        Phase
		dials        int
	}{
		{"GET sent, repeated, refused", http.MethodGet, false, Refused, PhaseHead, 2},
		{"POST sent, never repeated", http.MethodPost, false, EOF, PhaseHead, 1},
		{"POST not sent, refused", http.MethodPost, true, Refused, PhaseConnect, 2},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				dials, served := 0, 0
				client := New(Options{Dial: func(context.Context, string, string) (net.Conn, error) {
					if dials++; dials > 1 {
						return nil, &net.OpError{Op: "dial", Err: syscall.ECONNREFUSED}
					}
					return pipeServer(func(c net.Conn, req *http.Request) bool {
						if served++; served > 1 {
							return false
						}
						return answerOK(c, req) && !tt.idle
					}), nil
				}})
				do := func() error {
					req := newGet(t, "http://1.1.1.1/")
					req.Method = tt.method
					req.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader("{}")), nil }
					req.Body, _ = req.GetBody()
					req.ContentLength = 2
					res, err := client.Do(req)
					if err != nil {
						return err
					}
					_, _ = io.Copy(io.Discard, res.Body)
					return res.Body.Close()
				}
				if err := do(); err != nil {
					t.Fatal(err)
				}
				synctest.Wait()
				if e := failure(t, do()); e.Kind != tt.kind || e.Phase != tt.phase || dials != tt.dials {
					t.Errorf("got %v after %d dials, want %s in %s after %d", e, dials, tt.kind, tt.phase, tt.dials)
				}
			})
		})
	}
}

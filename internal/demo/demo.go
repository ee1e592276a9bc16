// Package demo runs a handful of MCP servers on this machine, of every era and
// temper, so that one command shows what Holdfast does about each. They are
// built on the official Go SDK, as the servers of users are.
package demo

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	sdk "github.com/modelcontextprotocol/go-sdk/mcp"
)

// Server is one running demo server.
type Server struct {
	Name string
	URL  string
	// About says in a few words what it shows.
	About string
}

// Servers are the running demo servers.
type Servers struct {
	List []Server

	serving sync.WaitGroup
	stop    []func()
}

// Start runs them on free ports of 127.0.0.1.
func Start(ctx context.Context) (*Servers, error) {
	all := &Servers{}
	for _, d := range []struct {
		name, about string
		handler     http.Handler
	}{
		{"modern", "stateless, 2026-07-28", streamable(weather("modern"), true)},
		{"legacy", "sessions, up to 2025-11-25", streamable(weather("legacy"), false)},
		{"sleepy", "asleep: the first answer after a pause takes 12 s", sleepy(streamable(weather("sleepy"), true))},
		{"gated", "asks for a token, with metadata that can be followed", nil},
		{"flaky", "fails for 20 s of every minute", flaky(streamable(weather("flaky"), true))},
	} {
		if err := all.serve(ctx, d.name, d.about, d.handler); err != nil {
			all.Stop()
			return nil, err
		}
	}
	return all, nil
}

func (all *Servers) serve(ctx context.Context, name, about string, handler http.Handler) error {
	n, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return fmt.Errorf("start demo server %s: %w", name, err)
	}
	base := "http://" + n.Addr().String()
	if handler == nil {
		handler = gated(base)
	}
	s := &http.Server{Handler: handler, ReadHeaderTimeout: 10 * time.Second}
	all.serving.Go(func() {
		if err := s.Serve(n); !errors.Is(err, http.ErrServerClosed) {
			return // its clients will see it gone, which is what the demo shows
		}
	})
	all.stop = append(all.stop, func() { _ = s.Close() }) // demo calls may be cut
	all.List = append(all.List, Server{Name: name, URL: base + "/mcp", About: about})
	return nil
}

// Stop ends them all and returns when they are gone.
func (all *Servers) Stop() {
	for _, stop := range all.stop {
		stop()
	}
	all.serving.Wait()
}

func streamable(server *sdk.Server, stateless bool) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("/mcp", sdk.NewStreamableHTTPHandler(func(*http.Request) *sdk.Server { return server }, &sdk.StreamableHTTPOptions{
		Stateless: stateless, SessionTimeout: 10 * time.Minute, PropagateRequestCancellation: true,
	}))
	return mux
}

type place struct {
	City string `json:"city" jsonschema:"name of a city"`
}

type forecast struct {
	City    string  `json:"city"`
	Celsius float64 `json:"celsius"`
	Sky     string  `json:"sky"`
}

// weather makes a server with three small tools.
func weather(name string) *sdk.Server {
	s := sdk.NewServer(&sdk.Implementation{Name: "demo-" + name, Version: "1.0.0"}, nil)
	sdk.AddTool(s, &sdk.Tool{Name: "forecast", Description: "Tomorrow's weather in a city (invented)."},
		func(_ context.Context, _ *sdk.CallToolRequest, in place) (*sdk.CallToolResult, forecast, error) {
			return nil, forecast{City: in.City, Celsius: float64(len(in.City)), Sky: "clear"}, nil
		})
	sdk.AddTool(s, &sdk.Tool{Name: "count", Description: "Counts how often this server has been asked."}, counter())
	sdk.AddTool(s, &sdk.Tool{Name: "wait", Description: "Waits some seconds, at most 60, and says so while it does."}, wait)
	return s
}

func counter() sdk.ToolHandlerFor[struct{}, any] {
	var n atomic.Int64
	return func(context.Context, *sdk.CallToolRequest, struct{}) (*sdk.CallToolResult, any, error) {
		text := fmt.Sprintf("asked %d times", n.Add(1))
		return &sdk.CallToolResult{Content: []sdk.Content{&sdk.TextContent{Text: text}}}, nil, nil
	}
}

type seconds struct {
	Seconds int `json:"seconds" jsonschema:"how long, 1 to 60"`
}

func wait(ctx context.Context, req *sdk.CallToolRequest, in seconds) (*sdk.CallToolResult, any, error) {
	n := max(1, min(in.Seconds, 60))
	for i := range n {
		select {
		case <-time.After(time.Second):
		case <-ctx.Done():
			return nil, nil, ctx.Err()
		}
		if token := req.Params.GetProgressToken(); token != nil {
			p := &sdk.ProgressNotificationParams{ProgressToken: token, Progress: float64(i + 1), Total: float64(n)}
			if err := req.Session.NotifyProgress(ctx, p); err != nil {
				return nil, nil, err
			}
		}
	}
	return &sdk.CallToolResult{Content: []sdk.Content{&sdk.TextContent{Text: fmt.Sprintf("waited %d s", n)}}}, nil, nil
}

const (
	napAfter = 45 * time.Second // without a call
	wakeTime = 12 * time.Second
	badTime  = 20 * time.Second // of each minute
)

// sleepy answers late when nobody asked for a while, as a server does that was
// scaled to zero.
func sleepy(next http.Handler) http.Handler {
	var mu sync.Mutex
	var last time.Time
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		asleep := time.Since(last) > napAfter
		mu.Unlock()
		if asleep {
			select {
			case <-time.After(wakeTime):
			case <-r.Context().Done():
				return
			}
		}
		mu.Lock()
		last = time.Now()
		mu.Unlock()
		next.ServeHTTP(w, r)
	})
}

// flaky works most of the time.
func flaky(next http.Handler) http.Handler {
	start := time.Now()
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if time.Since(start)%time.Minute > time.Minute-badTime {
			http.Error(w, "upstream connect error", http.StatusServiceUnavailable)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// gated asks for a token in the way RFC 9728 says, and takes none: there is
// nobody here who could issue one.
func gated(base string) http.Handler {
	mux := http.NewServeMux()
	document := func(body string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			w.Header().Set("Access-Control-Allow-Origin", "*")
			fmt.Fprint(w, body)
		}
	}
	mux.HandleFunc("GET /.well-known/oauth-protected-resource/mcp", document(
		fmt.Sprintf(`{"resource":%q,"authorization_servers":[%q],"bearer_methods_supported":["header"]}`, base+"/mcp", base)))
	mux.HandleFunc("GET /.well-known/oauth-authorization-server", document(
		fmt.Sprintf(`{"issuer":%q,"authorization_endpoint":%q,"token_endpoint":%q,"response_types_supported":["code"],"code_challenge_methods_supported":["S256"]}`,
			base, base+"/authorize", base+"/token")))
	mux.HandleFunc("/mcp", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("WWW-Authenticate", fmt.Sprintf(`Bearer resource_metadata="%s/.well-known/oauth-protected-resource/mcp"`, base))
		http.Error(w, "a token is required", http.StatusUnauthorized)
	})
	return mux
}

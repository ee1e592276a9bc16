package main

import (
	"bufio"
	"context"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http/httptest"
	"os"
	"os/exec"
	"runtime"
	"sync/atomic"
	"time"

	"github.com/holdfast-mcp/holdfast/internal/client"
	"github.com/holdfast-mcp/holdfast/internal/egress"
	"github.com/holdfast-mcp/holdfast/internal/finding"
	"github.com/holdfast-mcp/holdfast/internal/mcp/mcptest"
	"github.com/holdfast-mcp/holdfast/internal/probe"
)

// peers is what the servers' process tells about itself.
type peers struct {
	URLs map[mcptest.Era]string
	Root string // PEM
}

// servePeers runs one healthy server of each era over TLS, with as many tools
// as the median server has, until its stdin ends.
func servePeers() error {
	p := peers{URLs: map[mcptest.Era]string{}}
	for _, era := range mcptest.Eras() {
		s := httptest.NewUnstartedServer(mcptest.NewServer(mcptest.Config{Era: era, Sessions: true, Tools: mcptest.HeavyTools(20, 400)}))
		s.EnableHTTP2 = true
		s.StartTLS()
		p.URLs[era] = s.URL + "/sse"
		p.Root = string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.Certificate().Raw}))
	}
	if err := json.NewEncoder(os.Stdout).Encode(p); err != nil {
		return err
	}
	_, err := io.Copy(io.Discard, os.Stdin)
	return err
}

// costProbes is how often each figure is measured.
const costProbes = 300

// cost prints what one probe costs, the servers being another process.
func cost(ctx context.Context) error {
	exe, err := os.Executable()
	if err != nil {
		return err
	}
	cmd := exec.CommandContext(ctx, exe, "-serve")
	cmd.Stderr = os.Stderr
	stdin, err := cmd.StdinPipe()
	if err != nil {
		return err
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	err = costOf(ctx, bufio.NewReader(stdout))
	_ = stdin.Close() // ends the servers
	return errors.Join(err, cmd.Wait())
}

func costOf(ctx context.Context, out io.Reader) error {
	var p peers
	if err := json.NewDecoder(out).Decode(&p); err != nil {
		return fmt.Errorf("read the servers' addresses: %w", err)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM([]byte(p.Root))
	fmt.Printf("\nwhat one probe costs: 20 tools, 10 KB; TLS 1.3; mean of %d\n", costProbes)
	fmt.Printf("  %-7s %-9s %9s %12s %14s %10s %10s %11s %12s\n", "era", "mode", "requests", "connections", "bytes sent", "received", "CPU µs", "allocs", "alloc KB")
	for _, era := range mcptest.Eras() {
		for _, thorough := range []bool{false, true} {
			if err := costLine(ctx, p.URLs[era], era, thorough, roots); err != nil {
				return err
			}
		}
	}
	return nil
}

func costLine(ctx context.Context, url string, era mcptest.Era, thorough bool, roots *x509.CertPool) error {
	var wire meter
	p := probe.New(probe.Options{
		Egress: egress.Options{RootCAs: roots, Dial: wire.dial, Guard: egress.Guard{Allow: egress.Loopback()}}, Thorough: thorough,
	})
	target := probe.Target{Endpoint: client.Endpoint{URL: url}}
	requests, rounds := 0, costProbes
	if thorough && era != mcptest.Legacy && era != mcptest.SSE2024 {
		rounds = 5 // a subscription is held for a second
	}
	p.Run(ctx, target) // not counted: it warms up
	wire = meter{}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	cpu := cpuTime()
	for range rounds {
		r := p.Run(ctx, target)
		if r.Grade != finding.Healthy && r.Grade != finding.Degraded {
			return fmt.Errorf("%s: %s %v", era, r.Grade, r.Codes)
		}
		requests += r.Requests
	}
	cpu = cpuTime() - cpu
	runtime.ReadMemStats(&after)
	mode := "quick"
	if thorough {
		mode = "thorough"
	}
	each := func(total uint64) float64 { return float64(total) / float64(rounds) }
	fmt.Printf("  %-7s %-9s %9.1f %12.1f %14.0f %10.0f %10.0f %11.0f %12.0f\n", era, mode, each(uint64(requests)), each(uint64(wire.conns.Load())), each(uint64(wire.sent.Load())),
		each(uint64(wire.received.Load())), float64(cpu/time.Microsecond)/float64(rounds), each(after.Mallocs-before.Mallocs), each(after.TotalAlloc-before.TotalAlloc)/1024)
	return nil
}

// meter counts what goes over the wire, TLS included.
type meter struct{ conns, sent, received atomic.Int64 }

func (m *meter) dial(ctx context.Context, network, address string) (net.Conn, error) {
	c, err := new(net.Dialer).DialContext(ctx, network, address)
	if err != nil {
		return nil, err
	}
	m.conns.Add(1)
	return &metered{Conn: c, meter: m}, nil
}

type metered struct {
	net.Conn
	meter *meter
}

// Read implements net.Conn.
func (c *metered) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	c.meter.received.Add(int64(n))
	return n, err
}

// Write implements net.Conn.
func (c *metered) Write(p []byte) (int, error) {
	n, err := c.Conn.Write(p)
	c.meter.sent.Add(int64(n))
	return n, err
}

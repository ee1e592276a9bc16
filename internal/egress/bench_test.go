package egress

import (
	"io"
	"net/http"
	"testing"
)

// BenchmarkDo compares a call over a warm loopback connection with the same
// over a plain http.Client, HTTP/1.1 and HTTP/2.
func BenchmarkDo(b *testing.B) {
	handler := func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, `{"jsonrpc":"2.0","id":1,"result":{}}`)
	}
	ca := newAuthority(b)
	h2 := serveTLS(b, ca.sign(b, leaf()), handler)
	h1 := serve(b, handler)
	buf := make([]byte, 4096)
	drain := func(b *testing.B, res *http.Response, err error) {
		if err != nil {
			b.Fatal(err)
		}
		for err == nil {
			_, err = res.Body.Read(buf)
		}
		if err != io.EOF {
			b.Fatal(err)
		}
		_ = res.Body.Close()
	}
	for _, p := range []struct{ name, url, addr string }{
		{"http1", h1.URL, h1.Listener.Addr().String()},
		{"http2", "https://mcp.example:" + portOfAddr(h2.Listener.Addr().String()), h2.Listener.Addr().String()},
	} {
		b.Run(p.name+"/egress", func(b *testing.B) {
			client := to(b, p.addr, Options{RootCAs: ca.pool})
			req := newGet(b, p.url)
			b.ReportAllocs()
			for b.Loop() {
				res, err := client.Do(req)
				if err != nil {
					b.Fatal(err)
				}
				drain(b, res.Response, nil)
			}
		})
		b.Run(p.name+"/plain", func(b *testing.B) {
			client := h1.Client()
			if p.name == "http2" {
				client = h2.Client() // dials the server whatever the name
			}
			client.Transport.(*http.Transport).DisableCompression = true
			url := p.url
			if p.name == "http2" {
				url = h2.URL
				client.Transport.(*http.Transport).TLSClientConfig.RootCAs = ca.pool
				client.Transport.(*http.Transport).TLSClientConfig.ServerName = "mcp.example"
			}
			req := newGet(b, url)
			b.ReportAllocs()
			for b.Loop() {
				res, err := client.Do(req) //nolint:bodyclose // drain closes it
				drain(b, res, err)
			}
		})
	}
}

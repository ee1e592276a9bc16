package mcp

import (
	"fmt"
	"strings"
	"testing"
)

// sizedResult is a tools/list result of about n bytes.
func sizedResult(n int) []byte {
	var b strings.Builder
	b.WriteString(`{"jsonrpc":"2.0","id":7,"result":{"tools":[`)
	for i := 0; b.Len() < n; i++ {
		if i > 0 {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, `{"name":"tool_%d","description":"Gives the \"forecast\" of one city for days to come.",`+
			`"inputSchema":{"type":"object","properties":{"city":{"type":"string","maxLength":80},`+
			`"days":{"type":"integer","minimum":1,"maximum":14}},"required":["city"]}}`, i)
	}
	b.WriteString(`],"ttlMs":0,"cacheScope":"private"}}`)
	return []byte(b.String())
}

func BenchmarkParse(b *testing.B) {
	for _, c := range []struct {
		name string
		data []byte
	}{
		{"request100B", []byte(`{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"name":"forecast","arguments":{"city":"Oslo"}}}`)},
		{"request400B", []byte(`{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"name":"forecast","arguments":{"city":"Oslo","days":3},` +
			`"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{"elicitation":{}},` +
			`"io.modelcontextprotocol/clientInfo":{"name":"bench","version":"1.0"},"progressToken":12,"traceparent":"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"}}}`)},
		{"result10KB", sizedResult(10 << 10)},
		{"result100KB", sizedResult(100 << 10)},
	} {
		b.Run(c.name, func(b *testing.B) {
			b.SetBytes(int64(len(c.data)))
			b.ReportAllocs()
			for b.Loop() {
				if _, err := Parse(c.data, Limits{}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkHashTool(b *testing.B) {
	tool := []byte(`{"name":"forecast","description":"Gives the forecast.","inputSchema":{"type":"object",` +
		`"properties":{"from":{"$ref":"#/$defs/place"},"to":{"$ref":"#/$defs/place"},"days":{"type":"integer","minimum":1,"maximum":14}},` +
		`"required":["from"],"$defs":{"place":{"type":"object","properties":{"city":{"type":"string","description":"Its name."}}}}}}`)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := HashTool(tool); err != nil {
			b.Fatal(err)
		}
	}
}

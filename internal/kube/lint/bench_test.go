package lint

import (
	"bytes"
	"fmt"
	"os"
	"runtime"
	"strings"
	"testing"
)

// fleet makes a stream of n objects: servers with everything around them and,
// for each, an ordinary deployment.
func fleet(t testing.TB, n int) []byte {
	t.Helper()
	src, err := os.ReadFile("testdata/hardened/k8s.yaml")
	if err != nil {
		t.Fatal(err)
	}
	shop, err := os.ReadFile("testdata/ordinary/shop/all.yaml")
	if err != nil {
		t.Fatal(err)
	}
	one := string(src) + "---\n" + string(shop)
	per := strings.Count(one, "\nkind: ")
	var b bytes.Buffer
	for i := 0; i*per < n; i++ {
		text := strings.NewReplacer("weather", fmt.Sprintf("weather%d", i), "search", fmt.Sprintf("search%d", i), "shop", fmt.Sprintf("shop%d", i), "mcp.example.com", fmt.Sprintf("mcp%d.example.com", i)).Replace(one)
		b.WriteString(text + "---\n")
	}
	return b.Bytes()
}

func benchmarkRun(b *testing.B, n int) {
	src := fleet(b, n)
	b.SetBytes(int64(len(src)))
	b.ReportAllocs()
	var before, after runtime.MemStats
	for b.Loop() {
		runtime.ReadMemStats(&before)
		r, err := Run(b.Context(), Options{}, Stream("fleet.yaml", bytes.NewReader(src)))
		if err != nil {
			b.Fatal(err)
		}
		runtime.ReadMemStats(&after)
		if r.Objects < n {
			b.Fatalf("%d objects judged, want %d", r.Objects, n)
		}
	}
	b.ReportMetric(float64(after.HeapSys)/(1<<20), "MiB-heap")
}

func BenchmarkRun1000(b *testing.B) { benchmarkRun(b, 1000) }
func BenchmarkRun5000(b *testing.B) { benchmarkRun(b, 5000) }

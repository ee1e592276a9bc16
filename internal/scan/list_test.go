package scan_test

import (
	"errors"
	"fmt"
	"io"
	"runtime"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/holdfast-mcp/holdfast/internal/finding"
	"github.com/holdfast-mcp/holdfast/internal/probe"
	"github.com/holdfast-mcp/holdfast/internal/scan"
)

// Spellings of one endpoint are one endpoint; different endpoints are not.
func TestKey(t *testing.T) {
	same := [][]string{
		{"https://mcp.example.com/mcp", "HTTPS://MCP.Example.COM:443/mcp", "https://mcp.example.com./mcp"},
		{"http://a.test", "http://a.test/", "http://a.test:80/"},
		{"https://bücher.example/mcp", "https://xn--bcher-kva.example/mcp"},
		{"https://[2001:DB8::1]/mcp", "https://[2001:db8:0::1]:443/mcp"},
		{"https://a.test/mcp?key=1"}, {"https://a.test/mcp?key=2"}, {"https://a.test/MCP"}, {"https://a.test/mcp/"},
		{"https://a.test:8443/mcp"}, {"http://a.test/mcp"}, {"nonsense"}, {"https://{x}.test/"},
	}
	owner := map[string]int{}
	for i, group := range same {
		for _, u := range group {
			key := scan.NewTarget(u, "", "").Key
			if j, seen := owner[key]; seen && j != i {
				t.Errorf("%s has the key of %s", u, same[j][0])
			}
			owner[key] = i
		}
	}
	if len(owner) != len(same) {
		t.Errorf("%d keys for %d endpoints: %v", len(owner), len(same), owner)
	}
}

func TestDomain(t *testing.T) {
	for url, want := range map[string]string{
		"https://mcp.shop.co.uk/mcp": "shop.co.uk", "https://a.workers.dev/": "a.workers.dev", "https://b.a.workers.dev/": "a.workers.dev",
		"http://10.1.2.3:8000/": "10.1.2.3", "http://localhost:1/": "localhost", "https://com/": "com", "nonsense": "",
	} {
		if got := scan.NewTarget(url, "", "").Domain; got != want {
			t.Errorf("%s: %q, want %q", url, got, want)
		}
	}
}

// A list of 256 MiB that names three endpoints takes the memory of three
// endpoints. The reader is the same for a file of any size.
func TestHugeListIsStreamed(t *testing.T) {
	const size = 256 << 20
	line := []byte("https://a.test/mcp\n{\"url\":\"https://b.test/mcp\"}\n# " + strings.Repeat("x", 2000) + "\nhttps://c.test/" + strings.Repeat("y", scan.MaxLine) + "\n")
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	l := &scan.List{}
	watch := &peak{from: io.LimitReader(&cycle{text: line}, size)}
	if err := l.Read(watch, "huge"); err != nil {
		t.Fatal(err)
	}
	runtime.ReadMemStats(&after)
	if len(l.Targets) > 3 || l.Duplicates == 0 || l.Invalid == 0 {
		t.Errorf("%d targets, %d duplicates, %d invalid", len(l.Targets), l.Duplicates, l.Invalid)
	}
	const bound = 32 << 20 // garbage between two collections included
	if grew := int64(watch.most) - int64(before.HeapAlloc); grew > bound {
		t.Errorf("the heap grew by %d MiB for a list of %d MiB", grew>>20, size>>20)
	}
	if len(l.Warnings) > 20 {
		t.Errorf("%d warnings are kept", len(l.Warnings))
	}
}

// cycle repeats a text for ever.
type cycle struct {
	text []byte
	at   int
}

func (c *cycle) Read(p []byte) (int, error) {
	n := copy(p, c.text[c.at:])
	c.at = (c.at + n) % len(c.text)
	return n, nil
}

// peak notes the largest heap seen.
type peak struct {
	from io.Reader
	most uint64
	n    int
}

func (p *peak) Read(b []byte) (int, error) {
	if p.n++; p.n%2000 == 0 {
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		p.most = max(p.most, m.HeapAlloc)
	}
	return p.from.Read(b)
}

func TestTooMany(t *testing.T) {
	l := &scan.List{Max: 2}
	err := l.Read(strings.NewReader("https://a.test\nhttps://b.test\nhttps://a.test\nhttps://c.test\n"), "list")
	if !errors.Is(err, scan.ErrTooMany) || !strings.HasPrefix(err.Error(), "list:4:") {
		t.Errorf("error %v", err)
	}
}

// Whatever comes in: no panic, no more targets than lines, and every target is
// told where it was read.
func FuzzList(f *testing.F) {
	for _, seed := range []string{"", "https://a.test/mcp\r\n#\n", "{\"url\":\"x\"}\n{", "\ufeffhttps://a.test", "a\x00b", "{a}.test", "\x1f\x8b", " # "} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		l := &scan.List{}
		err := l.Read(strings.NewReader(text), "f")
		if n := strings.Count(text, "\n") + 1; len(l.Targets)+l.Duplicates+l.Invalid > n {
			t.Errorf("%d entries of %d lines", len(l.Targets)+l.Duplicates+l.Invalid, n)
		}
		for _, target := range l.Targets {
			if target.Key == "" || !strings.HasPrefix(target.Source, "f:") {
				t.Errorf("target %+v", target)
			}
		}
		if err != nil && !strings.HasPrefix(err.Error(), "f:") {
			t.Errorf("error %v does not say where", err)
		}
	})
}

// Shards partition any list, and never a domain.
func TestShardsPartition(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		urls := rapid.SliceOfN(rapid.StringMatching(`https?://([a-d]\.)?[a-f]{1,3}\.(test|co\.uk|workers\.dev)(:8[0-9])?/[a-c]?|junk[a-z]`), 1, 60).Draw(t, "urls")
		n := rapid.IntRange(1, 8).Draw(t, "n")
		text := strings.Join(urls, "\n")
		whole := &scan.List{}
		if err := whole.Read(strings.NewReader(text), "l"); err != nil {
			t.Fatal(err)
		}
		seen, domains := map[string]int{}, map[string]int{}
		for i := range n {
			part := &scan.List{Shard: scan.Shard{Index: i, Of: n}}
			if err := part.Read(strings.NewReader(text), "l"); err != nil {
				t.Fatal(err)
			}
			for _, target := range part.Targets {
				seen[target.Key]++
				if at, ok := domains[target.Domain]; ok && at != i && target.Domain != "" {
					t.Fatalf("%s is in shards %d and %d", target.Domain, at, i)
				}
				domains[target.Domain] = i
			}
		}
		for _, target := range whole.Targets {
			if seen[target.Key] != 1 {
				t.Fatalf("%s is in %d shards", target.URL, seen[target.Key])
			}
		}
		if len(seen) != len(whole.Targets) {
			t.Fatalf("%d targets in shards, %d in the list", len(seen), len(whole.Targets))
		}
	})
}

// Merging is idempotent, and the order of records does not matter.
func TestMerge(t *testing.T) {
	record := rapid.Custom(func(t *rapid.T) scan.Record {
		key := rapid.StringMatching(`[a-e]`).Draw(t, "key")
		r := scan.Record{Key: key, Result: probe.Result{Target: "https://" + key + ".test/"}}
		r.Grade = rapid.SampledFrom(finding.Grades()).Draw(t, "grade")
		r.At = r.At.AddDate(2025, 0, rapid.IntRange(0, 3).Draw(t, "day"))
		r.Observations = rapid.IntRange(1, 2).Draw(t, "observations")
		r.Codes = []string{}
		return r
	})
	merged := func(records []scan.Record) string {
		m := scan.NewMerge()
		for _, r := range records {
			_ = m.Add(r) // never fails
		}
		return fmt.Sprintf("%+v", m.Records())
	}
	rapid.Check(t, func(t *rapid.T) {
		records := rapid.SliceOfN(record, 1, 30).Draw(t, "records")
		once := merged(records)
		shuffled := rapid.Permutation(records).Draw(t, "shuffled")
		if got := merged(shuffled); got != once {
			t.Fatalf("order matters:\n%s\n%s", once, got)
		}
		m := scan.NewMerge()
		for _, r := range records {
			_ = m.Add(r) // never fails
		}
		if got := merged(slices.Concat(m.Records(), records)); got != once {
			t.Fatalf("merging again changes it:\n%s\n%s", once, got)
		}
		for _, r := range m.Records() {
			for _, other := range records {
				if other.Key == r.Key && other.Grade != finding.Unknown && (r.Grade == finding.Unknown || other.At.After(r.At)) {
					t.Fatalf("%+v was preferred to %+v", r, other)
				}
			}
		}
	})
}

package scan

import (
	"cmp"
	"maps"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/holdfast-mcp/holdfast/internal/finding"
	"github.com/holdfast-mcp/holdfast/internal/mcp"
	"github.com/holdfast-mcp/holdfast/internal/probe"
)

// Census adds up records. Records may be added in any order; it is not safe
// for concurrent use. It holds a few hundred bytes for each host and a few
// examples for each code, whatever the number of records.
type Census struct {
	Total    int
	Grades   map[finding.Grade]int
	Reasons  map[Reason]int // of those not measured
	Codes    map[string]int // records that have the code
	Postures map[probe.Auth]int
	Eras     map[string]int // modern, legacy, modern+legacy
	Versions map[string]int
	// Transports and ServerNames of those that answered.
	Transports map[string]int
	// Fits counts, for each of Budgets, the usable servers whose tool list came
	// within it; Usable are all of them.
	Fits   map[time.Duration]int
	Usable int
	// Unconfirmed counts records whose accusation a second probe took back.
	Unconfirmed int
	// Requests and Received are what the scan cost the servers.
	Requests int
	Received int64
	// First and Last are the times of the first and last probe.
	First, Last time.Time
	// Examples are a few records of each code, the first by key, so that the
	// same records give the same examples in any order.
	Examples map[string][]Example

	hosts   map[string]*HostCount
	latency []int // counts by latencyBucket
}

// Example is a record that shows a code.
type Example struct {
	Key, Target, Seen, Curl string
}

// HostCount is what became of the endpoints of one host.
type HostCount struct {
	Host                               string
	Total, Accused, Usable, Unmeasured int
}

// Budgets are how long clients wait: 5 s (two agent frameworks), 10, 15 s (the
// Inspector), 30 s (desktop start) and 60 s (the TypeScript SDK's default).
func Budgets() []time.Duration {
	return []time.Duration{5 * time.Second, 10 * time.Second, 15 * time.Second, 30 * time.Second, time.Minute}
}

const maxExamples = 3

// NewCensus returns an empty Census.
func NewCensus() *Census {
	return &Census{
		Grades: map[finding.Grade]int{}, Reasons: map[Reason]int{}, Codes: map[string]int{},
		Postures: map[probe.Auth]int{}, Eras: map[string]int{}, Versions: map[string]int{}, Transports: map[string]int{},
		Fits: map[time.Duration]int{}, Examples: map[string][]Example{}, hosts: map[string]*HostCount{},
		latency: make([]int, latencyBuckets),
	}
}

// Add counts one record.
func (c *Census) Add(r Record) {
	c.Total++
	c.Grades[r.Grade]++
	if r.NotMeasured != "" {
		c.Reasons[r.NotMeasured]++
	} else if r.Grade == finding.Unknown {
		c.Reasons[Reason(firstOf(r.Codes))]++
	}
	c.Requests += r.Requests
	c.Received += r.Received
	c.span(r.At)
	for _, code := range r.Codes {
		c.Codes[code]++
		c.example(code, r)
	}
	if r.Auth != "" {
		c.Postures[r.Auth]++
	}
	if len(r.Unconfirmed) > 0 && !r.Grade.Accuses() && r.Grade != finding.Unknown {
		c.Unconfirmed++
	}
	c.protocol(r)
	c.host(r)
	if usable(r) {
		c.Usable++
		c.time(r.Phases.Total)
	}
}

// usable: a client can list tools there now.
func usable(r Record) bool { return r.Grade == finding.Healthy || r.Grade == finding.Degraded }

func firstOf(codes []string) string {
	if len(codes) == 0 {
		return "unknown"
	}
	return codes[0]
}

func (c *Census) span(at time.Time) {
	if at.IsZero() {
		return
	}
	if c.First.IsZero() || at.Before(c.First) {
		c.First = at
	}
	if at.After(c.Last) {
		c.Last = at
	}
}

func (c *Census) protocol(r Record) {
	if len(r.Eras) == 0 {
		return
	}
	var eras []string
	for _, e := range []mcp.Era{mcp.EraModern, mcp.EraLegacy} {
		if slices.Contains(r.Eras, e) {
			eras = append(eras, e.String())
		}
	}
	c.Eras[strings.Join(eras, "+")]++
	for _, v := range r.Versions {
		if _, known := mcp.Lookup(mcp.Revision(v)); known {
			c.Versions[v]++
		}
	}
	if r.Transport != "" {
		c.Transports[string(r.Transport)]++
	}
}

func (c *Census) host(r Record) {
	u, err := url.Parse(r.Target)
	if err != nil || u.Host == "" {
		return
	}
	name := hostOf(u)
	h := c.hosts[name]
	if h == nil {
		h = &HostCount{Host: name}
		c.hosts[name] = h
	}
	h.Total++
	switch {
	case r.Grade.Accuses():
		h.Accused++
	case r.Grade == finding.Unknown:
		h.Unmeasured++
	case usable(r):
		h.Usable++
	}
}

func (c *Census) example(code string, r Record) {
	list := c.Examples[code]
	at, _ := slices.BinarySearchFunc(list, r.Key, func(e Example, key string) int { return cmp.Compare(e.Key, key) })
	if at >= maxExamples {
		return
	}
	e := Example{Key: r.Key, Target: r.Target, Curl: r.Curl}
	for _, f := range r.Findings {
		if f.Name == code {
			e.Seen = f.Seen
			break
		}
	}
	list = slices.Insert(list, at, e)
	c.Examples[code] = list[:min(len(list), maxExamples)]
}

// WorstHosts gives the hosts with the most accused endpoints, at least two.
func (c *Census) WorstHosts(n int) []HostCount {
	var out []HostCount
	for _, h := range c.hosts {
		if h.Accused > 1 {
			out = append(out, *h)
		}
	}
	slices.SortFunc(out, func(a, b HostCount) int {
		return cmp.Or(cmp.Compare(b.Accused, a.Accused), cmp.Compare(a.Host, b.Host))
	})
	return out[:min(n, len(out))]
}

// Hosts counts the hosts.
func (c *Census) Hosts() int { return len(c.hosts) }

// Measured counts the records with a grade other than unknown.
func (c *Census) Measured() int { return c.Total - c.Grades[finding.Unknown] }

// Article projects the grades on the three classes of the article that said
// 52 % dead, 9 % healthy: healthy is healthy without a credential, dead is
// dead, and everything else was counted as not fully usable.
type Article struct{ Dead, NotFullyUsable, Healthy int }

// Article gives that projection. It is for comparison only: it counts gated
// and unmeasured endpoints against the servers, which no grade of ours does.
func (c *Census) Article() Article {
	dead, healthy := c.Grades[finding.Dead], c.Grades[finding.Healthy]
	return Article{Dead: dead, Healthy: healthy, NotFullyUsable: c.Total - dead - healthy}
}

// Count is a thing and how often it was met.
type Count struct {
	Name string
	N    int
}

// Top sorts counts, the most frequent first.
func Top[K ~string](m map[K]int) []Count {
	var out []Count
	for _, k := range slices.Sorted(maps.Keys(m)) {
		out = append(out, Count{Name: string(k), N: m[k]})
	}
	slices.SortStableFunc(out, func(a, b Count) int { return cmp.Compare(b.N, a.N) })
	return out
}

// Latencies are kept in buckets that grow by a tenth from 1 ms on: 131 of them
// reach beyond four minutes.
const (
	latencyBuckets = 132
	latencyGrowth  = 1.1
)

func (c *Census) time(total time.Duration) {
	for _, b := range Budgets() {
		if total <= b {
			c.Fits[b]++
		}
	}
	i, top := 0, float64(time.Millisecond)
	for i < latencyBuckets-1 && float64(total) > top {
		i, top = i+1, top*latencyGrowth
	}
	c.latency[i]++
}

// Latency gives a quantile (0 to 1) of the time to the tool list of usable
// servers, to a tenth of its value; 0 when there are none.
func (c *Census) Latency(quantile float64) time.Duration {
	rank := int(quantile*float64(c.Usable) + 0.5)
	top, seen := float64(time.Millisecond), 0
	for _, n := range c.latency {
		seen += n
		if seen > 0 && seen >= rank {
			return time.Duration(top)
		}
		top *= latencyGrowth
	}
	return 0
}

package scan

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"hash/fnv"
	"net/netip"
	"net/url"
	"strconv"
	"strings"

	"golang.org/x/net/idna"
	"golang.org/x/net/publicsuffix"

	"github.com/holdfast-mcp/holdfast/internal/client"
)

// Target is one endpoint to be scanned.
type Target struct {
	URL  string // as the source spelt it
	Name string // what the source calls it, "" if nothing
	// Source is where it was read: file:line, or a registry.
	Source string

	// Key identifies the endpoint across spellings, runs and shards. It is a
	// hash, so that a secret in a query does not reach results by way of it.
	Key string
	// Host is the host name in lower case ASCII or a literal address, "" for a
	// URL that is none.
	Host string
	// Domain is the registrable domain that Host belongs to, or Host itself
	// where there is none. Endpoints of one domain are probed one by one.
	Domain string
}

// keyBytes of the hash are kept: 80 bits make a collision among 10^7 endpoints
// as likely as 1 in 10^10.
const keyBytes = 10

// NewTarget makes a Target of what a source said. A URL that cannot be used is
// a target too: that it is in the list is the finding.
func NewTarget(raw, name, source string) Target {
	t := Target{URL: raw, Name: name, Source: source}
	canonical := raw
	if u, err := client.ParseURL(raw); err == nil {
		t.Host = hostOf(u)
		t.Domain = domainOf(t.Host)
		canonical = canonicalURL(u, t.Host)
	}
	sum := sha256.Sum256([]byte(canonical))
	t.Key = hex.EncodeToString(sum[:keyBytes])
	return t
}

// hostOf gives the host in lower case, as ASCII, without a final dot.
func hostOf(u *url.URL) string {
	host := strings.TrimSuffix(strings.ToLower(u.Hostname()), ".")
	if a, err := netip.ParseAddr(host); err == nil {
		return a.Unmap().String()
	}
	if ascii, err := idna.Lookup.ToASCII(host); err == nil {
		return ascii
	}
	return host
}

// canonicalURL brings spellings of one endpoint together (RFC 3986 section
// 6.2): case of scheme and host, default port, empty path. Path and query are
// the server's business and stay as they are.
func canonicalURL(u *url.URL, host string) string {
	if strings.Contains(host, ":") {
		host = "[" + host + "]"
	}
	port := u.Port()
	if port != "" && port != defaultPort(u.Scheme) {
		host += ":" + port
	}
	path := u.EscapedPath()
	if path == "" {
		path = "/"
	}
	if u.RawQuery != "" {
		path += "?" + u.RawQuery
	}
	return u.Scheme + "://" + host + path
}

func defaultPort(scheme string) string {
	if scheme == "https" {
		return "443"
	}
	return "80"
}

// domainOf gives the registrable domain by the Public Suffix List, its private
// part included: two customers of one hosting platform are strangers.
func domainOf(host string) string {
	if _, err := netip.ParseAddr(host); err == nil {
		return host
	}
	domain, err := publicsuffix.EffectiveTLDPlusOne(host)
	if err != nil {
		return host // a single label, or a public suffix itself
	}
	return domain
}

// Shard is one of N parts of a list. The zero value is the whole.
type Shard struct{ Index, Of int }

// ParseShard reads i/n with 0 <= i < n, counted as Kubernetes counts the
// completions of an indexed Job. "" is the whole.
func ParseShard(s string) (Shard, error) {
	if s == "" {
		return Shard{}, nil
	}
	index, of, ok := strings.Cut(s, "/")
	i, err1 := strconv.Atoi(index)
	n, err2 := strconv.Atoi(of)
	if !ok || err1 != nil || err2 != nil || n < 1 || i < 0 || i >= n {
		return Shard{}, fmt.Errorf("shard %q is not i/n with 0 <= i < n", s)
	}
	return Shard{Index: i, Of: n}, nil
}

// Has tells whether a target belongs to the shard. All endpoints of one domain
// are in one shard, so that shards which run at the same time do not press the
// same host together.
func (s Shard) Has(t Target) bool {
	if s.Of <= 1 {
		return true
	}
	by := t.Domain
	if by == "" {
		by = t.Key
	}
	h := fnv.New64a()
	_, _ = h.Write([]byte(by)) // cannot fail
	return h.Sum64()%uint64(s.Of) == uint64(s.Index)
}

// String is the form that ParseShard reads.
func (s Shard) String() string {
	if s.Of <= 1 {
		return ""
	}
	return fmt.Sprintf("%d/%d", s.Index, s.Of)
}

package scan

import (
	"bufio"
	"fmt"
	"io"
	"strings"
)

// OptOut is a set of hosts and domains that do not want to be scanned. The
// zero value is empty.
type OptOut map[string]struct{}

// maxOptOut bounds the entries of an opt-out list.
const maxOptOut = 1_000_000

// ReadOptOut reads one host, domain or address a line; blank lines and those
// that begin with # are skipped. A domain covers all hosts below it.
func ReadOptOut(r io.Reader, file string) (OptOut, error) {
	out := OptOut{}
	lines := bufio.NewScanner(io.LimitReader(r, 64<<20))
	for n := 1; lines.Scan(); n++ {
		entry, _, _ := strings.Cut(lines.Text(), "#")
		entry = strings.ToLower(strings.Trim(strings.TrimSpace(entry), "."))
		entry = strings.TrimPrefix(entry, "*.")
		if entry == "" {
			continue
		}
		if strings.ContainsAny(entry, "/ \t@*\x00") {
			return nil, fmt.Errorf("%s:%d: %q is no host name, domain or address", file, n, entry)
		}
		if len(out) == maxOptOut {
			return nil, fmt.Errorf("%s:%d: more than %d entries", file, n, maxOptOut)
		}
		out[entry] = struct{}{}
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("read %s: %w", file, err)
	}
	return out, nil
}

// Has tells whether a host, or a domain that it is in, is on the list.
func (o OptOut) Has(host string) bool {
	for host != "" && len(o) > 0 {
		if _, ok := o[host]; ok {
			return true
		}
		_, parent, ok := strings.Cut(host, ".")
		if !ok {
			return false
		}
		host = parent
	}
	return false
}

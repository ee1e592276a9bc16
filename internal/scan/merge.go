package scan

import (
	"cmp"
	"io"
	"slices"

	"github.com/holdfast-mcp/holdfast/internal/finding"
)

// Merge brings the records of several scans together, one for each target: a
// measured one rather than one that was not, then the latest. It holds the
// chosen records in memory, about 2 KB each.
type Merge struct {
	records map[string]Record
	// Replaced counts records that another one of the same target displaced.
	Replaced int
}

// NewMerge returns an empty Merge.
func NewMerge() *Merge { return &Merge{records: map[string]Record{}} }

// Read adds the lines of a scan's output or journal. A torn last line is left
// out; other lines that are no records go to bad.
func (m *Merge) Read(from io.Reader, file string, bad func(where string, err error)) error {
	_, err := ReadRecords(from, file, RecordReader{Record: m.Add, Bad: bad})
	return err
}

// Add adds one record. It returns nil always.
func (m *Merge) Add(r Record) error {
	old, ok := m.records[r.Key]
	if ok {
		m.Replaced++
	}
	if !ok || supersedes(r, old) {
		m.records[r.Key] = r
	}
	return nil
}

// supersedes is a total order, so that the order of files does not matter.
func supersedes(a, b Record) bool {
	measured := func(r Record) int {
		if r.Grade == finding.Unknown {
			return 0
		}
		return 1
	}
	return cmp.Or(
		cmp.Compare(measured(a), measured(b)),
		a.At.Compare(b.At),
		cmp.Compare(a.Observations, b.Observations),
		cmp.Compare(a.Grade, b.Grade),
		cmp.Compare(a.Source, b.Source),
		slices.Compare(a.Codes, b.Codes),
	) > 0
}

// Records gives the outcome in the order of targets.
func (m *Merge) Records() []Record {
	out := make([]Record, 0, len(m.records))
	for _, r := range m.records {
		out = append(out, r)
	}
	slices.SortFunc(out, func(a, b Record) int {
		return cmp.Or(cmp.Compare(a.Target, b.Target), cmp.Compare(a.Key, b.Key))
	})
	return out
}

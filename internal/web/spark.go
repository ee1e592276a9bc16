package web

import (
	"fmt"
	"math"
	"time"

	"github.com/holdfast-mcp/holdfast/internal/finding"
)

// The sparkline: a bar for each probe, as high as it took long.
const (
	sparkBars   = 32
	sparkStep   = 3  // a bar and the gap behind it
	sparkHeight = 20 // of the box
	sparkLow    = 3  // of the shortest bar
)

// spark is the last probes as a picture, and the same in words.
type spark struct {
	Width, Height int
	Box           int // Height and the base line
	// OK, Bad and None are the bars as SVG paths. Only bad ones fill the box and
	// those without a result are a dot, so that colour is not needed.
	OK, Bad, None string
	Words         string
}

func newSpark(probes []Probe) *spark {
	probes = probes[max(0, len(probes)-sparkBars):]
	if len(probes) == 0 {
		return nil
	}
	s := &spark{Width: sparkBars * sparkStep, Height: sparkHeight, Box: sparkHeight + 1}
	shortest, longest, good := time.Duration(math.MaxInt64), time.Duration(0), 0
	bad := 0
	for _, p := range probes {
		switch {
		case p.Grade.Accuses():
			bad++
		case p.Grade != finding.Unknown && p.Took > 0:
			shortest, longest, good = min(shortest, p.Took), max(longest, p.Took), good+1
		}
	}
	for i, p := range probes {
		path, height := &s.OK, 0
		switch {
		case p.Grade == finding.Unknown:
			path, height = &s.None, 2
		case p.Grade.Accuses():
			path, height = &s.Bad, sparkHeight
		default:
			height = barHeight(p.Took, longest)
		}
		*path += fmt.Sprintf("M%d %dh2v-%dh-2z", (sparkBars-len(probes)+i)*sparkStep, sparkHeight, height)
	}
	s.Words = fmt.Sprintf("Last %d probes: ", len(probes))
	switch {
	case good > 0 && shortest == longest:
		s.Words += took(longest)
	case good > 0:
		s.Words += took(shortest) + " to " + took(longest)
	default:
		s.Words += "none came as far as a list of tools"
	}
	if bad > 0 && good > 0 {
		s.Words += fmt.Sprintf(", %d failed", bad)
	}
	return s
}

// barHeight grows with the root of the time, so that one slow probe leaves the
// others visible.
func barHeight(took, longest time.Duration) int {
	if longest <= 0 || took <= 0 {
		return sparkLow
	}
	const top = sparkHeight - 3 // room that only failures fill
	return max(sparkLow, int(math.Round(top*math.Sqrt(float64(took)/float64(longest)))))
}

package lint

import (
	"math"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// parseDuration reads what manifests write for a time: 300, 300s, 5m, 1h30m.
// A number without a unit is seconds.
func parseDuration(s string) (time.Duration, bool) {
	s = strings.TrimSpace(s)
	if n, err := strconv.ParseFloat(s, 64); err == nil && !math.IsInf(n, 0) && !math.IsNaN(n) && math.Abs(n) < 1e9 {
		return time.Duration(n * float64(time.Second)), true
	}
	d, err := time.ParseDuration(s)
	return d, err == nil
}

// sleepIn finds how long a shell or exec command sleeps.
func sleepIn(command []string) time.Duration {
	words := strings.Fields(strings.Join(command, " "))
	var total time.Duration
	for i, word := range words {
		if (word == "sleep" || strings.HasSuffix(word, "/sleep")) && i+1 < len(words) {
			if d, ok := parseDuration(strings.TrimRight(words[i+1], ";&|")); ok {
				total += d
			}
		}
	}
	return total
}

// scaled resolves a number or percentage of replicas the way Kubernetes does:
// maxSurge and minAvailable round up, maxUnavailable down.
func scaled(v Value, of int64, up bool) (int64, bool) {
	if n, ok := v.Int(); ok {
		return n, true
	}
	text, isPercent := strings.CutSuffix(v.Str(), "%")
	n, err := strconv.ParseInt(text, 10, 32)
	if !isPercent || err != nil || n < 0 {
		return 0, false
	}
	if up {
		return (n*of + 99) / 100, true
	}
	return n * of / 100, true
}

var milliCPU = regexp.MustCompile(`^(\d+(?:\.\d+)?)(m?)$`)

// cpu reads a CPU quantity in thousandths of a core.
func cpu(s string) (int64, bool) {
	m := milliCPU.FindStringSubmatch(s)
	if m == nil {
		return 0, false
	}
	n, err := strconv.ParseFloat(m[1], 64)
	if err != nil || n > 1e9 {
		return 0, false
	}
	if m[2] == "" {
		n *= 1000
	}
	return int64(n), true
}

// imageRef is an image reference in parts.
type imageRef struct{ repository, tag, digest string }

func parseImage(s string) imageRef {
	var r imageRef
	rest, digest, _ := strings.Cut(s, "@")
	r.digest = digest
	if i := strings.LastIndexByte(rest, ':'); i > strings.LastIndexByte(rest, '/') {
		r.repository, r.tag = rest[:i], rest[i+1:]
		return r
	}
	r.repository = rest
	return r
}

// imageName is the last part of the repository: holdfast of ghcr.io/x/holdfast:1.
func imageName(s string) string {
	repository := parseImage(s).repository
	return repository[strings.LastIndexByte(repository, '/')+1:]
}

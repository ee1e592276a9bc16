package v1alpha1

import (
	"fmt"
	"strings"
	"time"
)

// Duration is a length of time such as "90s", "5m" or "1h30m": one to four
// whole numbers, each with its unit (h, m, s or ms). It is the format of the
// Gateway API (GEP-2257), a subset of what [time.ParseDuration] takes.
//
// +kubebuilder:validation:Type=string
// +kubebuilder:validation:Pattern=`^([0-9]{1,5}(h|m|s|ms)){1,4}$`
// +kubebuilder:validation:MaxLength=28
type Duration struct {
	time.Duration `json:"-"`
}

// Of wraps d.
func Of(d time.Duration) Duration { return Duration{d} }

// UnmarshalText reads the form described at [Duration].
func (d *Duration) UnmarshalText(text []byte) error {
	v, err := time.ParseDuration(string(text))
	if err != nil || v < 0 || strings.ContainsAny(string(text), ".+µnu") {
		return fmt.Errorf("read duration %.40q: want whole numbers with units, such as 90s or 5m", text)
	}
	d.Duration = v
	return nil
}

// MarshalText writes the shortest form that [Duration.UnmarshalText] reads.
func (d Duration) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

// String gives the duration without empty units: "5m", not "5m0s".
func (d Duration) String() string {
	ms := d.Milliseconds()
	if ms <= 0 {
		return "0s"
	}
	var b strings.Builder
	for _, unit := range []struct {
		name string
		size int64
	}{{"h", 3600_000}, {"m", 60_000}, {"s", 1000}, {"ms", 1}} {
		if n := ms / unit.size; n > 0 {
			fmt.Fprintf(&b, "%d%s", n, unit.name)
			ms -= n * unit.size
		}
	}
	return b.String()
}

// Seconds gives the duration in whole seconds, rounded up: Kubernetes counts
// its time-outs in seconds, and a time-out that is too long loses no call.
func (d Duration) Seconds() int32 {
	return int32((d.Duration + time.Second - 1) / time.Second)
}

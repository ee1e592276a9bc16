package v1alpha1_test

import (
	"testing"
	"time"

	"github.com/holdfast-mcp/holdfast/api/v1alpha1"
)

func TestDuration(t *testing.T) {
	for text, want := range map[string]string{
		"90s": "1m30s", "5m": "5m", "1h0m30s": "1h30s", "1500ms": "1s500ms", "0s": "0s", "60m": "1h",
	} {
		var d v1alpha1.Duration
		if err := d.UnmarshalText([]byte(text)); err != nil {
			t.Errorf("%s: %v", text, err)
		}
		if d.String() != want {
			t.Errorf("%s prints as %s, want %s", text, d, want)
		}
		var again v1alpha1.Duration
		if err := again.UnmarshalText([]byte(d.String())); err != nil || again != d {
			t.Errorf("%s does not survive the round: %v, %v", text, again, err)
		}
	}
	for _, text := range []string{"", "5", "5 minutes", "-5s", "+5s", "1.5h", "5us", "5ns", "1e3s"} {
		var d v1alpha1.Duration
		if err := d.UnmarshalText([]byte(text)); err == nil {
			t.Errorf("%q is read as %s", text, d)
		}
	}
	if got := v1alpha1.Of(1500 * time.Millisecond).Seconds(); got != 2 {
		t.Errorf("1500ms in seconds: got %d, want 2 (rounded up)", got)
	}
}

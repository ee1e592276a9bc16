package egress

import (
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
)

// A client of the standard library follows redirects; over our transport it
// must not reach what the answer points at.
func TestRoundTripperFollowsNothing(t *testing.T) {
	elsewhere := newCanary(t)
	s := serve(t, func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/moved":
			http.Redirect(w, r, "http://"+elsewhere.addr+"/steal?token=secret", http.StatusTemporaryRedirect)
		case "/nowhere":
			w.WriteHeader(http.StatusFound)
		default:
			_, _ = io.WriteString(w, "here")
		}
	})
	c := New(Options{Guard: Guard{Allow: Loopback()}, MaxBodyBytes: 3})
	t.Cleanup(c.Close)
	std := &http.Client{Transport: c.RoundTripper()}
	for path, want := range map[string]string{"/moved": elsewhere.addr, "/nowhere": "nowhere"} {
		_, err := std.Get(s.URL + path) //nolint:bodyclose // it fails
		e, ok := errors.AsType[*Error](err)
		if !ok || e.Kind != Blocked || e.Phase != PhaseHead || e.Status == 0 {
			t.Fatalf("%s: got %v, want a redirect refused", path, err)
		}
		if text := e.Error(); !strings.Contains(text, want) || strings.Contains(text, "secret") || strings.Contains(text, "steal") {
			t.Errorf("%s: %q: want it to name %s and no more", path, text, want)
		}
	}
	if n := elsewhere.hits.Load(); n != 0 {
		t.Errorf("%d calls reached the target of a redirect", n)
	}

	res, err := std.Get(s.URL + "/")
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if body, err := io.ReadAll(res.Body); err == nil {
		t.Errorf("read %q: want the cap of 3 bytes to hold", body)
	}
	if _, err := (&http.Client{Transport: New(Options{}).RoundTripper()}).Get(s.URL); err == nil { //nolint:bodyclose // it fails
		t.Error("a guard that allows no loopback lets the call through")
	}
}

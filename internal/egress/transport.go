package egress

import (
	"fmt"
	"net/http"
)

// RoundTripper lets a library that brings its own http.Client go out through
// c. What holds for [Client.Do] holds for it, and a redirect is an *[Error] of
// kind Blocked: the library's client would follow it, with whatever it holds.
func (c *Client) RoundTripper() http.RoundTripper { return roundTripper{c} }

type roundTripper struct{ client *Client }

func (t roundTripper) RoundTrip(req *http.Request) (*http.Response, error) {
	res, err := t.client.Do(req)
	if err != nil {
		return nil, err
	}
	if to, ok := res.Redirect(); ok {
		_ = res.Body.Close() // unread on purpose
		where := "nowhere"
		if to.Location != nil {
			where = fmt.Sprintf("%.100q", to.Location.Host)
		}
		return nil, &Error{
			Phase: PhaseHead, Kind: Blocked, Host: req.URL.Hostname(), Addr: res.Remote, Reused: res.Timing.Reused, Status: res.StatusCode,
			Err: &BlockedError{Reason: "a redirect to " + where + ", which is not followed"},
		}
	}
	return res.Response, nil
}

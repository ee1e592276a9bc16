package mcp

import (
	"net/http"
	"strings"
	"testing"
)

func TestHeaderNamesAreCanonical(t *testing.T) {
	for _, name := range []string{HeaderVersion, HeaderMethod, HeaderName, HeaderParamPrefix + "Region", HeaderSession, HeaderLastEvent} {
		if got := http.CanonicalHeaderKey(name); got != name {
			t.Errorf("%s is not canonical: direct access to an http.Header would miss %s", name, got)
		}
	}
}

func TestEncodeHeader(t *testing.T) {
	for in, want := range map[string]string{
		"":                  "",
		"get_weather":       "get_weather",
		"file:///a b":       "file:///a b",
		"a\tb":              "a\tb",
		" a":                "=?base64?IGE=?=",
		"a ":                "=?base64?YSA=?=",
		"\ta":               "=?base64?CWE=?=",
		"é":                 "=?base64?w6k=?=",
		"a\nb":              "=?base64?YQpi?=",
		"a\x7f":             "=?base64?YX8=?=",
		"=?base64?w6k=?=":   "=?base64?PT9iYXNlNjQ/dzZrPT89?=",
		"=?base64?":         "=?base64?PT9iYXNlNjQ/?=",
		"=?BASE64?w6k=?=":   "=?BASE64?w6k=?=",
		"x =?base64?w6k=?=": "x =?base64?w6k=?=",
	} {
		if got := EncodeHeader(in); got != want {
			t.Errorf("EncodeHeader(%q) = %q, want %q", in, got, want)
		}
	}
}

func TestDecodeHeader(t *testing.T) {
	long := strings.Repeat("x", MaxHeaderValue)
	for in, want := range map[string]string{
		"":                        "",
		"get_weather":             "get_weather",
		" \t padded\t ":           "padded",
		"a\tb":                    "a\tb",
		"=?base64?w6k=?=":         "é",
		" =?base64?w6k=?= ":       "é",
		"=?base64?YQpi?=":         "a\nb", // what was encoded may hold anything
		"=?base64??=":             "",
		"=?base64?=":              "=?base64?=", // too short to be one
		"=?base64?w6k=":           "=?base64?w6k=",
		"=?BASE64?w6k=?=":         "=?BASE64?w6k=?=",
		"=?base64url?w6k=?=":      "=?base64url?w6k=?=",
		"x=?base64?w6k=?=":        "x=?base64?w6k=?=",
		"=?base64?PT9iYXNlNjQ/?=": "=?base64?",
		long:                      long,
	} {
		if got, err := DecodeHeader(in); err != nil || got != want {
			t.Errorf("DecodeHeader(%q) = %q, %v, want %q", in, got, err, want)
		}
	}
	for _, in := range []string{
		"é", "a\x00", "a\nb", "a\r", "\x7f",
		"=?base64?w6k?=",    // padding missing
		"=?base64?w6l=?=",   // bits left over
		"=?base64?w6_=?=",   // the alphabet of URLs
		"=?base64?w6k= ?=",  // a space inside
		"=?base64?w6\nk=?=", // a line end, which Go's decoder would skip
		"=?base64?w6\r\nk=?=",
		"=?base64?/w==?=", // not UTF-8
		"=?base64?é?=",
		long + "x",
	} {
		if got, err := DecodeHeader(in); err == nil {
			t.Errorf("DecodeHeader(%q) = %q, want an error", in, got)
		}
	}
}

func TestDecodeHeaderErrorsShowNoValue(t *testing.T) {
	for _, in := range []string{"hunter2\x00", "=?base64?aHVudGVyMg?=", strings.Repeat("hunter2", 2000)} {
		if _, err := DecodeHeader(in); err == nil || strings.Contains(err.Error(), "hunter2") || strings.Contains(err.Error(), "aHVudGVyMg") {
			t.Errorf("error %q", err)
		}
	}
}

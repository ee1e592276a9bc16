package mcp

import (
	"encoding/json"
	"testing"
)

func TestObjectKeepsWhatItDoesNotTouch(t *testing.T) {
	const in = ` { "z" : 1.0 , "a":[1e3, {"b" : null}],"n\u0061me":"x","dup":1,"dup":2, "e":{} } `
	o, err := ReadObject(json.RawMessage(in))
	if err != nil {
		t.Fatal(err)
	}
	if got := o.Text("name"); got != "x" {
		t.Errorf("escaped name: %q", got)
	}
	o.Set("z", json.RawMessage(`2`))
	o.SetDefault("e", json.RawMessage(`1`))
	o.SetDefault("new", json.RawMessage(`true`))
	o.Delete("a")
	const want = `{"z":2,"name":"x","dup":2,"e":{},"new":true}`
	if got := string(o.Bytes()); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	o.Sort()
	if got := string(o.Bytes()); got != `{"dup":2,"e":{},"name":"x","new":true,"z":2}` {
		t.Errorf("sorted: %s", got)
	}
}

func TestReadObjectRefuses(t *testing.T) {
	for _, in := range []string{``, `null`, `[]`, `"x"`, `{`, `{"a"}`, `{"a":}`, `{"a":1,}`, `{"a":1}x`, `{"a":1 "b":2}`} {
		if o, err := ReadObject(json.RawMessage(in)); err == nil {
			t.Errorf("%q gives %s", in, o.Bytes())
		}
	}
}

func TestEncodeParses(t *testing.T) {
	for _, m := range []Message{
		{ID: `"a"`, Method: "tools/call", Params: json.RawMessage(`{"x":1}`)},
		{Method: "notifications/x"},
		{ID: "12345678901234567890", Result: json.RawMessage(`{}`)},
		{ID: "1", Error: &Error{Code: -32601, Message: "no \"such\" method", Data: json.RawMessage(`{"a":1}`)}},
	} {
		got, err := Parse(m.Encode(), Limits{})
		if err != nil {
			t.Errorf("%s: %v", m.Encode(), err)
			continue
		}
		if got.ID != m.ID || got.Method != m.Method || string(got.Params) != string(m.Params) || string(got.Result) != string(m.Result) {
			t.Errorf("%s came back as %+v", m.Encode(), got)
		}
	}
}

// FuzzObject: whatever is taken apart is put together again as the same JSON.
func FuzzObject(f *testing.F) {
	f.Add([]byte(`{"a":1,"b":{"c":[]}}`))
	f.Add([]byte(`{"a\n":"\ud800"}`))
	f.Fuzz(func(t *testing.T, in []byte) {
		o, err := ReadObject(in)
		if err != nil || !json.Valid(in) {
			return
		}
		var was, is any
		if json.Unmarshal(in, &was) != nil {
			return
		}
		if err := json.Unmarshal(o.Bytes(), &is); err != nil {
			t.Fatalf("%s became %s: %v", in, o.Bytes(), err)
		}
	})
}

package mcp

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"
)

func FuzzParse(f *testing.F) {
	for _, seed := range []string{
		`{"jsonrpc":"2.0","id":9007199254740993,"method":"tools/call","params":{"name":"x","arguments":{"a":[1,{"b":null}]},"_meta":{"progressToken":"p"}}}`,
		`{"jsonrpc":"2.0","id":"1","result":{"a":1,"a":2}}`,
		`{"jsonrpc":"2.0","id":null,"error":{"code":"-32601","message":"\ud83d\ude00","data":[]}}`,
		`{"method":"notifications\/initialized","jsonrpc":"2.0"}`,
		`{"jsonrpc":"2.0","id":1.0,"method":"resources/read","params":{"uri":"\u00e9","na\u006de":1}}`,
		`{"jsonrpc":"2.0","id":1,"method":"tasks/get","params":{"taskId":"a","taskId":"b"}}`,
		`{"jsonrpc":"2.0","id":-1e+9,"method":"m","params":{"\ud800":0}} `, `[{}]`, `{"a":01}`, "{\"a\":\"\xff\"}", "\xef\xbb\xbf{}", `{}{}`,
		`{"jsonrpc":"2.0","id":1,"method":"m","params":` + manyNames(14, `"x"`) + `}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		before := bytes.Clone(data)
		msg, err := Parse(data, Limits{Depth: 16})
		if !bytes.Equal(before, data) {
			t.Fatal("the input was modified")
		}
		valid := json.Valid(data) && utf8.Valid(data)
		switch {
		case err == nil && !valid:
			t.Fatalf("%q was accepted, and encoding/json refuses it", data)
		case valid && (errors.Is(err, ErrSyntax) || errors.Is(err, ErrTrailing)):
			t.Fatalf("%q: %v, and encoding/json accepts it", data, err)
		case err != nil:
			if parseErr, ok := errors.AsType[*ParseError](err); !ok || parseErr.Offset < 0 || parseErr.Offset > len(data) {
				t.Fatalf("%q: %#v has no offset within the text", data, err)
			}
			return
		}
		agree(t, data, msg)
	})
}

// agree compares a message with what encoding/json reads from the same bytes.
func agree(t *testing.T, data []byte, msg *Message) {
	t.Helper()
	var envelope, params, meta map[string]json.RawMessage
	if err := json.Unmarshal(data, &envelope); err != nil {
		t.Fatalf("%q was accepted: %v", data, err)
	}
	_ = json.Unmarshal(envelope["params"], &params) // an array or a number stays nil
	_ = json.Unmarshal(params["_meta"], &meta)
	text := func(raw json.RawMessage) (s string) {
		_ = json.Unmarshal(raw, &s) // anything but a string stays ""
		return s
	}
	id := string(envelope["id"])
	if id == "null" {
		id = ""
	}
	name := params[nameParam(msg.Method)]
	for what, pair := range map[string][2]string{
		"id":       {string(msg.ID), id},
		"method":   {msg.Method, text(envelope["method"])},
		"params":   {string(msg.Params), string(envelope["params"])},
		"result":   {string(msg.Result), string(envelope["result"])},
		"name":     {msg.Name, text(name)},
		"has name": {fmt.Sprint(msg.HasName), fmt.Sprint(len(name) > 0 && name[0] == '"')},
		"_meta":    {string(msg.Meta.Raw), string(params["_meta"])},
		"version":  {msg.Meta.ProtocolVersion, text(meta[MetaProtocolVersion])},
		"token":    {string(msg.Meta.ProgressToken), string(meta[MetaProgressToken])},
		"identity": {string(msg.Meta.ClientInfo), string(meta[MetaClientInfo])},
	} {
		if pair[0] != pair[1] {
			t.Fatalf("%q: %s is %q, encoding/json says %q", data, what, pair[0], pair[1])
		}
	}
	if (msg.Error != nil) != (msg.Kind == ErrorResponse) {
		t.Fatalf("%q: kind %d with error %v", data, msg.Kind, msg.Error)
	}
	if msg.Error != nil {
		var failure map[string]json.RawMessage
		if err := json.Unmarshal(envelope["error"], &failure); err != nil {
			t.Fatalf("%q: %v", data, err)
		}
		if msg.Error.Message != text(failure["message"]) || string(msg.Error.Data) != string(failure["data"]) {
			t.Fatalf("%q: error %+v", data, msg.Error)
		}
	}
}

func FuzzDecodeHeader(f *testing.F) {
	for _, seed := range []string{
		"", "plain", " a\tb ", "é", "\x00", "=?base64?w6k=?=", "=?base64?", "=?base64?=", "=?base64??=", "=?BASE64?w6k=?=",
		"=?base64?w6k?=", "=?base64?w6\nk=?=", "=?base64?/w==?=", "=?base64?YR==?=", "x=?base64?w6k=?=",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, v string) {
		if decoded, err := DecodeHeader(v); err == nil {
			if !utf8.ValidString(decoded) {
				t.Fatalf("%q became %q, which is not UTF-8", v, decoded)
			}
			if again, err := DecodeHeader(EncodeHeader(decoded)); err == nil && again != decoded {
				t.Fatalf("%q became %q and then %q", v, decoded, again)
			}
		}
		encoded := EncodeHeader(v)
		for i := range len(encoded) {
			if c := encoded[i]; c != '\t' && (c < 0x20 || c > 0x7e) {
				t.Fatalf("%q was encoded as %q", v, encoded)
			}
		}
		back, err := DecodeHeader(encoded)
		switch {
		case len(encoded) > MaxHeaderValue || !utf8.ValidString(v):
			if err == nil {
				t.Fatalf("%q was encoded as %q and accepted", v, encoded)
			}
		case err != nil || back != v:
			t.Fatalf("%q was encoded as %q and came back as %q, %v", v, encoded, back, err)
		}
	})
}

func FuzzHashTool(f *testing.F) {
	for _, seed := range []string{
		`{"name":"x","title":"t","description":"d","annotations":{"readOnlyHint":true},"inputSchema":{"type":"object"},"outputSchema":{}}`,
		`{"name":"x","inputSchema":{"$ref":"#"}}`,
		`{"name":"x","inputSchema":{"properties":{"a":{"$ref":"#/$defs/b"},"title":{"title":1}},"$defs":{"b":{"enum":[1,1.0,1e2,{"$ref":"#"}]}}}}`,
		`{"name":"x","inputSchema":{"$defs":{"a/b":{"$ref":"#/$defs/c~d"},"c~d":true,"%":0},"allOf":[{"$ref":"#/$defs/a~1b","title":""},{"$ref":"#/$defs/%25"}]}}`,
		`{"name":"x","inputSchema":{"required":["b","a"],"type":["string","null"],"dependentRequired":{"a":["c","b"]},"definitions":[1]}}`,
		`{"name":"x","NAME":"y"}`, `{"name":"x","name":"y"}`, `{"name":1}`, `null`, `[]`, `{"name":"x","inputSchema":1e999999999999999999999}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		want, err := HashTool(raw)
		if err != nil {
			return
		}
		dec := json.NewDecoder(bytes.NewReader(raw))
		dec.UseNumber()
		var tool any
		if err := dec.Decode(&tool); err != nil {
			t.Fatalf("%q was accepted: %v", raw, err)
		}
		// Written out again: names sorted, strings escaped in Go's way.
		sorted, err := json.MarshalIndent(tool, " ", "\t")
		if err != nil {
			t.Fatal(err)
		}
		if got, err := HashTool(sorted); err != nil || got != want {
			t.Fatalf("%q and %q differ: %+v, %+v, %v", raw, sorted, want, got, err)
		}
		var reversed strings.Builder
		writeReversed(&reversed, tool)
		if got, err := HashTool([]byte(reversed.String())); err != nil || got != want {
			t.Fatalf("%q and %q differ: %+v, %+v, %v", raw, &reversed, want, got, err)
		}
	})
}

package mcp

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// nested is n levels of arrays, the innermost empty.
func nested(n int) string { return strings.Repeat("[", n) + strings.Repeat("]", n) }

// manyNames is an object of n members and one more that is called last.
func manyNames(n int, last string) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, `"k%d":0,`, i)
	}
	return "{" + b.String() + last + ":0}"
}

// refusal is a text that Parse must not take, and where it stops.
type refusal struct {
	name, in string
	want     error
	offset   int
}

func refusals() []refusal {
	const head = `{"jsonrpc":"2.0",` // 17 bytes
	request := func(params string) string { return head + `"id":1,"method":"m","params":` + params + `}` }
	at := len(head + `"id":1,"method":"m","params":`)
	return []refusal{
		{"nothing", "", ErrSyntax, 0},
		{"white space", " \n", ErrSyntax, 2},
		{"byte order mark", "\xef\xbb\xbf{}", ErrBOM, 0},
		{"UTF-16", "\xff\xfe{\x00}\x00", ErrInvalidUTF8, 0},
		{"broken UTF-8", head + `"method":"` + "a\xc3\"}", ErrInvalidUTF8, 28},
		{"surrogate in UTF-8", "\"\xed\xa0\x80\"", ErrInvalidUTF8, 1},
		{"overlong UTF-8", "\"\xc0\xaf\"", ErrInvalidUTF8, 1},
		{"batch", ` [` + head + `"id":1,"method":"ping"}]`, ErrBatch, 1},
		{"empty batch", `[]`, ErrBatch, 0},
		{"string", ` "x"`, ErrNotObject, 1},
		{"number", `1`, ErrNotObject, 0},
		{"null", `null`, ErrNotObject, 0},
		{"bare word", `nul`, ErrSyntax, 0},
		{"open object", `{"a":1`, ErrSyntax, 6},
		{"comma at the end", `{"a":1,}`, ErrSyntax, 7},
		{"comma at the start", `{,"a":1}`, ErrSyntax, 1},
		{"no comma", `{"a":1 "b":2}`, ErrSyntax, 7},
		{"no colon", `{"a" 1}`, ErrSyntax, 5},
		{"no value", `{"a":}`, ErrSyntax, 5},
		{"name without quotes", `{a:1}`, ErrSyntax, 1},
		{"single quotes", `{'a':1}`, ErrSyntax, 1},
		{"wrong bracket", `{"a":[1}`, ErrSyntax, 7},
		{"comma at the end of an array", `{"a":[1,]}`, ErrSyntax, 8},
		{"comment", `{/**/}`, ErrSyntax, 1},
		{"NUL", "{\x00}", ErrSyntax, 1},
		{"form feed as white space", "{\f}", ErrSyntax, 1},
		{"no-break space", "{\u00a0}", ErrSyntax, 1},
		{"open string", `{"a`, ErrSyntax, 3},
		{"line end in a string", "{\"a\n\":1}", ErrSyntax, 3},
		{"NUL in a string", "{\"a\x00\":1}", ErrSyntax, 3},
		{"unknown escape", `{"\x":1}`, ErrSyntax, 2},
		{"short escape", `{"\u12":1}`, ErrSyntax, 2},
		{"escape at the end", `{"\`, ErrSyntax, 2},
		{"escape without digits at the end", `{"\u00`, ErrSyntax, 2},
		{"leading zero", `{"a":01}`, ErrSyntax, 6},
		{"plus sign", `{"a":+1}`, ErrSyntax, 5},
		{"minus alone", `{"a":-}`, ErrSyntax, 6},
		{"point at the end", `{"a":1.}`, ErrSyntax, 7},
		{"point at the start", `{"a":.1}`, ErrSyntax, 5},
		{"empty exponent", `{"a":1e}`, ErrSyntax, 7},
		{"signed empty exponent", `{"a":1e+}`, ErrSyntax, 8},
		{"hexadecimal", `{"a":0x1}`, ErrSyntax, 6},
		{"NaN", `{"a":NaN}`, ErrSyntax, 5},
		{"word with more", `{"a":truely}`, ErrSyntax, 9},
		{"capital word", `{"a":True}`, ErrSyntax, 5},
		{"second message", request(`{}`) + ` {}`, ErrTrailing, at + 4},
		{"closing brace too many", `{}}`, ErrTrailing, 2},
		{"NUL after the message", request(`{}`) + "\x00", ErrTrailing, at + 3},

		{"name twice", `{"jsonrpc":"2.0","jsonrpc":"2.0"}`, ErrDuplicateName, 17},
		{"method twice", head + `"method":"a","method":"b"}`, ErrDuplicateName, 30},
		{"name twice by escape", request(`{"name":"safe","na\u006de":"danger"}`), ErrDuplicateName, at + 15},
		{"name twice by escaped slash", request(`{"a/b":1,"a\/b":2}`), ErrDuplicateName, at + 9},
		{"name twice by surrogates", request(`{"😀":1,"\ud83d\ude00":2}`), ErrDuplicateName, at + 10},
		{"name twice in arguments", request(`{"arguments":{"x":[{"a":1,"a":2}]}}`), ErrDuplicateName, at + 26},
		{"name twice in _meta", request(`{"_meta":{"progressToken":1,"progressToken":1}}`), ErrDuplicateName, at + 28},
		{"_meta twice", request(`{"_meta":{},"_meta":{}}`), ErrDuplicateName, at + 12},
		{"name twice in an unknown member", head + `"x":{"a":1,"a":1}}`, ErrDuplicateName, 28},
		{"name twice after a result", head + `"result":{"a":1,"a":1},"id":1,"id":2}`, ErrDuplicateName, 47},
		{"name twice after an error", head + `"error":{"a":1,"a":1},"id":1,"id":2}`, ErrDuplicateName, 46},
		{"empty name twice", head + `"":1,"":1}`, ErrDuplicateName, 22},
		{"12 names and one again", request(manyNames(12, `"k0"`)), ErrDuplicateName, at + 1 + 10*7 + 2*8},
		{"13 names and one again", request(manyNames(13, `"k12"`)), ErrDuplicateName, at + 1 + 10*7 + 3*8},
		{"17 names and one again", request(manyNames(17, `"k16"`)), ErrDuplicateName, at + 1 + 10*7 + 7*8},
		{"100 names and the first again by escape", request(manyNames(100, `"\u006b0"`)), ErrDuplicateName, at + 1 + 10*7 + 90*8},

		{"lone high surrogate in a name", request(`{"\ud800":1}`), ErrSurrogate, at + 1},
		{"lone low surrogate in a name", request(`{"a\udc00":1}`), ErrSurrogate, at + 1},
		{"two high surrogates in a name", request(`{"\ud800\ud800":1}`), ErrSurrogate, at + 1},
		{"two low surrogates in a name", request(`{"\udc00\udc00":1}`), ErrSurrogate, at + 1},
		{"high surrogate and a letter", request(`{"\ud800\u0061":1}`), ErrSurrogate, at + 1},
		{"high surrogate and a newline", request(`{"\ud800\n":1}`), ErrSurrogate, at + 1},
		{"lone surrogate in the method", head + `"id":1,"method":"a\ud800"}`, ErrSurrogate, 33},
		{"lone surrogate in the tool's name", request(`{"name":"\udfff"}`), ErrSurrogate, at + 8},

		{"no version", `{"id":1,"method":"ping"}`, ErrVersion, 0},
		{"version 1.0", `{"jsonrpc":"1.0","id":1,"method":"ping"}`, ErrVersion, 11},
		{"version as a number", `{"jsonrpc":2.0,"id":1,"method":"ping"}`, ErrVersion, 11},
		{"version with a space", `{"jsonrpc":"2.0 ","id":1,"method":"ping"}`, ErrVersion, 11},
		{"version by escape", `{"jsonrpc":"2\u002e0","id":1,"method":"ping"}`, ErrVersion, 11},
		{"version in capitals", `{"JSONRPC":"2.0","id":1,"method":"ping"}`, ErrVersion, 0},

		{"null id of a request", head + `"id":null,"method":"ping"}`, ErrInvalidID, 22},
		{"id is an object", head + `"id":{},"method":"ping"}`, ErrInvalidID, 22},
		{"id is an array", head + `"id":[1],"method":"ping"}`, ErrInvalidID, 22},
		{"id is a truth value", head + `"id":true,"result":{}}`, ErrInvalidID, 22},
		{"id with a lone surrogate", head + `"id":"\ud800","method":"ping"}`, ErrInvalidID, 22},
		{"id of 1025 bytes", head + `"id":"` + strings.Repeat("x", 1023) + `","method":"ping"}`, ErrInvalidID, 22},

		{"nothing but a version", `{"jsonrpc":"2.0"}`, ErrShape, 0},
		{"id alone", head + `"id":1}`, ErrShape, 0},
		{"method is a number", head + `"id":1,"method":1}`, ErrShape, 0},
		{"method is empty", head + `"id":1,"method":""}`, ErrShape, 0},
		{"method is null beside a result", head + `"id":1,"method":null,"result":{}}`, ErrShape, 0},
		{"method and result", head + `"id":1,"method":"ping","result":{}}`, ErrShape, 0},
		{"method and error", head + `"id":1,"method":"ping","error":{"code":1}}`, ErrShape, 0},
		{"result and error", head + `"id":1,"result":{},"error":{"code":1}}`, ErrShape, 0},
		{"result and null error", head + `"id":1,"result":{},"error":null}`, ErrShape, 0},
		{"result without an id", head + `"result":{}}`, ErrShape, 0},
		{"result with a null id", head + `"id":null,"result":{}}`, ErrShape, 0},
		{"error is a string", head + `"id":1,"error":"oops"}`, ErrShape, 32},
		{"error is null", head + `"id":1,"error":null}`, ErrShape, 32},
		{"error is an array", head + `"id":1,"error":[]}`, ErrShape, 32},
	}
}

func TestParseRefuses(t *testing.T) {
	for _, c := range refusals() {
		t.Run(c.name, func(t *testing.T) {
			msg, err := Parse([]byte(c.in), Limits{})
			if !errors.Is(err, c.want) {
				t.Fatalf("%s: %v, want %v (%+v)", c.in, err, c.want, msg)
			}
			parseErr, ok := errors.AsType[*ParseError](err)
			if !ok || parseErr.Offset != c.offset {
				t.Errorf("%s: %v, want offset %d", c.in, err, c.offset)
			}
		})
	}
}

func TestParseAccepts(t *testing.T) {
	raw := func(s string) json.RawMessage { return json.RawMessage(s) }
	for _, c := range []struct {
		name, in string
		want     Message
	}{
		{"request", `{"jsonrpc":"2.0","id":1,"method":"ping"}`, Message{Kind: Request, ID: "1", Method: "ping"}},
		{"notification", `{"jsonrpc":"2.0","method":"notifications/initialized"}`,
			Message{Kind: Notification, Method: "notifications/initialized"}},
		{"response", `{"jsonrpc":"2.0","id":1,"result":{"a":1}}`, Message{Kind: Response, ID: "1", Result: raw(`{"a":1}`)}},
		{"null result", `{"jsonrpc":"2.0","id":1,"result":null}`, Message{Kind: Response, ID: "1", Result: raw(`null`)}},
		{"white space everywhere", " \t\r\n{ \"jsonrpc\" : \"2.0\" ,\n\"id\" : 1 , \"method\" : \"ping\" , \"params\" : { } } \r\n",
			Message{Kind: Request, ID: "1", Method: "ping", Params: raw(`{ }`)}},
		{"members in another order", `{"params":{"_meta":{},"arguments":{},"name":"x"},"method":"tools/call","id":1,"jsonrpc":"2.0"}`,
			Message{Kind: Request, ID: "1", Method: "tools/call", Name: "x", HasName: true,
				Meta: Meta{Raw: raw(`{}`)}, Params: raw(`{"_meta":{},"arguments":{},"name":"x"}`)}},
		{"unknown members", `{"x":[{}],"jsonrpc":"2.0","id":1,"Method":"a","method":"ping","y":null}`,
			Message{Kind: Request, ID: "1", Method: "ping"}},
		{"method by escapes", `{"jsonrpc":"2.0","id":1,"\u006dethod":"tools\/\u0063all","params":{"na\u006de":"\u00e9\ud83d\ude00"}}`,
			Message{Kind: Request, ID: "1", Method: "tools/call", Name: "é😀", HasName: true,
				Params: raw(`{"na\u006de":"\u00e9\ud83d\ude00"}`)}},
		{"escaped backslash before a u", `{"jsonrpc":"2.0","id":1,"method":"ping","params":{"\\ud800":1}}`,
			Message{Kind: Request, ID: "1", Method: "ping", Params: raw(`{"\\ud800":1}`)}},
		{"array of params", `{"jsonrpc":"2.0","id":1,"method":"ping","params":[1]}`,
			Message{Kind: Request, ID: "1", Method: "ping", Params: raw(`[1]`)}},
		{"lone surrogate in a value", `{"jsonrpc":"2.0","id":1,"method":"ping","params":{"a":"\ud800"}}`,
			Message{Kind: Request, ID: "1", Method: "ping", Params: raw(`{"a":"\ud800"}`)}},
		{"many names", `{"jsonrpc":"2.0","id":1,"method":"ping","params":` + manyNames(40, `"last"`) + `}`,
			Message{Kind: Request, ID: "1", Method: "ping", Params: raw(manyNames(40, `"last"`))}},
		{"names that differ in case", `{"jsonrpc":"2.0","id":1,"method":"ping","params":{"a":1,"A":2}}`,
			Message{Kind: Request, ID: "1", Method: "ping", Params: raw(`{"a":1,"A":2}`)}},
		{"the same name at two levels", `{"jsonrpc":"2.0","id":1,"method":"ping","params":{"a":{"a":{"a":1}},"b":{"a":1}}}`,
			Message{Kind: Request, ID: "1", Method: "ping", Params: raw(`{"a":{"a":{"a":1}},"b":{"a":1}}`)}},
		{"name twice in a result", `{"jsonrpc":"2.0","id":1,"result":{"a":1,"a":2,"\ud800":0}}`,
			Message{Kind: Response, ID: "1", Result: raw(`{"a":1,"a":2,"\ud800":0}`)}},
		{"numbers of every form", `{"jsonrpc":"2.0","id":1,"method":"ping","params":[0,-0,1.5,-1e9,1E+2,0.0e-0,10]}`,
			Message{Kind: Request, ID: "1", Method: "ping", Params: raw(`[0,-0,1.5,-1e9,1E+2,0.0e-0,10]`)}},

		{"resource", `{"jsonrpc":"2.0","id":1,"method":"resources/read","params":{"uri":"file:///é","name":"no"}}`,
			Message{Kind: Request, ID: "1", Method: "resources/read", Name: "file:///é", HasName: true,
				Params: raw(`{"uri":"file:///é","name":"no"}`)}},
		{"task", `{"jsonrpc":"2.0","id":1,"method":"tasks/get","params":{"taskId":"t"}}`,
			Message{Kind: Request, ID: "1", Method: "tasks/get", Name: "t", HasName: true, Params: raw(`{"taskId":"t"}`)}},
		{"a name where none belongs", `{"jsonrpc":"2.0","id":1,"method":"tools/list","params":{"name":"x"}}`,
			Message{Kind: Request, ID: "1", Method: "tools/list", Params: raw(`{"name":"x"}`)}},
		{"empty name", `{"jsonrpc":"2.0","id":1,"method":"prompts/get","params":{"name":""}}`,
			Message{Kind: Request, ID: "1", Method: "prompts/get", HasName: true, Params: raw(`{"name":""}`)}},
		{"name is a number", `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":1}}`,
			Message{Kind: Request, ID: "1", Method: "tools/call", Params: raw(`{"name":1}`)}},
		{"name below arguments", `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"arguments":{"name":"x"}}}`,
			Message{Kind: Request, ID: "1", Method: "tools/call", Params: raw(`{"arguments":{"name":"x"}}`)}},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := Parse([]byte(c.in), Limits{})
			if err != nil {
				t.Fatalf("%s: %v", c.in, err)
			}
			if diff := cmp.Diff(&c.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestParseKeepsIDs(t *testing.T) {
	long := `"` + strings.Repeat("x", 1022) + `"`
	for _, id := range []string{
		`0`, `1`, `-1`, `9007199254740993`, `12345678901234567890`, `-9223372036854775809`, `1.0`, `1e3`, `0.1`,
		`"1"`, `""`, `"a b"`, `"\u0061"`, `"é"`, `"\ud83d\ude00"`, `"null"`, long,
	} {
		for kind, rest := range map[Kind]string{
			Request: `"method":"ping"`, Response: `"result":{}`, ErrorResponse: `"error":{"code":-32603,"message":"x"}`,
		} {
			got, err := Parse([]byte(`{"jsonrpc":"2.0",`+rest+`,"id": `+id+` }`), Limits{})
			if err != nil || got.Kind != kind || string(got.ID) != id {
				t.Errorf("id %s came back as %+v, %v", id, got, err)
				continue
			}
			if out, err := json.Marshal(struct{ ID ID }{got.ID}); err != nil || string(out) != `{"ID":`+id+`}` {
				t.Errorf("id %s was written as %s, %v", id, out, err)
			}
		}
	}
	if out, err := json.Marshal(ID("")); err != nil || string(out) != "null" {
		t.Errorf("no id was written as %s, %v", out, err)
	}
}

func TestParseReadsMeta(t *testing.T) {
	const meta = `{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{"roots":{}},` +
		`"io.modelcontextprotocol/clientInfo":{"name":"x"},"io.modelcontextprotocol/logLevel":"info","progressToken":12345678901234567890,` +
		`"traceparent":"00-1-2-03","com.example/own":{"deep":[1]}}`
	got, err := Parse([]byte(`{"jsonrpc":"2.0","id":1,"method":"tools/list","params":{"cursor":"","_meta":`+meta+`}}`), Limits{})
	if err != nil {
		t.Fatal(err)
	}
	want := Meta{
		Raw: json.RawMessage(meta), ProtocolVersion: "2026-07-28", HasVersion: true,
		ClientCapabilities: json.RawMessage(`{"roots":{}}`), ClientInfo: json.RawMessage(`{"name":"x"}`),
		LogLevel: json.RawMessage(`"info"`), ProgressToken: json.RawMessage(`12345678901234567890`),
	}
	if diff := cmp.Diff(want, got.Meta); diff != "" {
		t.Error(diff)
	}
	for _, c := range []struct {
		params string
		want   Meta
	}{
		{`{}`, Meta{}},
		{`{"_meta":null}`, Meta{Raw: json.RawMessage(`null`)}},
		{`{"_meta":[{"progressToken":1}]}`, Meta{Raw: json.RawMessage(`[{"progressToken":1}]`)}},
		{`{"arguments":{"_meta":{"progressToken":1}}}`, Meta{}},
		{`{"_meta":{"io.modelcontextprotocol/protocolVersion":20260728}}`,
			Meta{Raw: json.RawMessage(`{"io.modelcontextprotocol/protocolVersion":20260728}`), HasVersion: true}},
		{`{"_meta":{"io.modelcontextprotocol\/protocolVersion":""}}`,
			Meta{Raw: json.RawMessage(`{"io.modelcontextprotocol\/protocolVersion":""}`), HasVersion: true}},
	} {
		got, err := Parse([]byte(`{"jsonrpc":"2.0","id":1,"method":"m","params":`+c.params+`}`), Limits{})
		if err != nil {
			t.Errorf("%s: %v", c.params, err)
		} else if diff := cmp.Diff(c.want, got.Meta); diff != "" {
			t.Errorf("%s: %s", c.params, diff)
		}
	}
}

func TestParseReadsErrors(t *testing.T) {
	for _, c := range []struct {
		in   string
		want Error
	}{
		{`{"code":-32601,"message":"no such method"}`, Error{Code: -32601, Message: "no such method"}},
		{`{"message":"m","data":{"supported":["2025-11-25"]},"code":-32022}`,
			Error{Code: -32022, Message: "m", Data: json.RawMessage(`{"supported":["2025-11-25"]}`)}},
		{`{"code":"-32000","message":"a string"}`, Error{Code: -32000, Message: "a string"}},
		{`{"code":-32000.0,"message":"a float"}`, Error{Code: -32000, Message: "a float"}},
		{`{"code":-3.2e4}`, Error{Code: -32000}},
		{`{"code":1.5}`, Error{}},
		{`{"code":1e300}`, Error{}},
		{`{"code":9223372036854775808}`, Error{}}, // 2^63: what a float makes of it depends on the machine
		{`{"code":9223372036854775807}`, Error{Code: 9223372036854775807}},
		{`{"code":"ECONNREFUSED"}`, Error{}},
		{`{"code":"Inf"}`, Error{}},
		{`{"code":null,"message":null}`, Error{}},
		{`{"code":{},"message":{"text":"x"}}`, Error{}},
		{`{}`, Error{}},
		{`{"error":"nested"}`, Error{}},
		{`{"Code":-32601,"MESSAGE":"x","code":-32000}`, Error{Code: -32000}},
		{`{"code":-32000,"CODE":-32601}`, Error{Code: -32000}},
		{`{"code":1,"code":2,"message":"a","message":"b"}`, Error{Code: 2, Message: "b"}},
		{`{"message":"\u00e9\n\ud83d\ude00"}`, Error{Message: "é\n😀"}},
		{`{"message":"\ud800"}`, Error{Message: "\ufffd"}},
		{`{"data":null}`, Error{Data: json.RawMessage(`null`)}},
	} {
		for _, id := range []string{`1`, `null`, `"x"`} {
			got, err := Parse([]byte(`{"jsonrpc":"2.0","id":`+id+`,"error":`+c.in+`}`), Limits{})
			if err != nil || got.Kind != ErrorResponse {
				t.Errorf("%s: %+v, %v", c.in, got, err)
			} else if diff := cmp.Diff(&c.want, got.Error); diff != "" {
				t.Errorf("%s: %s", c.in, diff)
			}
		}
	}
	got, err := Parse([]byte(`{"jsonrpc":"2.0","error":{"code":-32700,"message":"parse error"}}`), Limits{})
	if err != nil || got.Kind != ErrorResponse || got.ID != "" {
		t.Fatalf("an error without an id: %+v, %v", got, err)
	}
	if want := "json-rpc error -32700: parse error"; got.Error.Error() != want {
		t.Errorf("Error() = %q, want %q", got.Error.Error(), want)
	}
}

func TestParseLimits(t *testing.T) {
	const head, tail = `{"jsonrpc":"2.0","id":1,"method":"m","params":`, `}`
	message := func(params string) []byte { return []byte(head + params + tail) }
	for _, c := range []struct {
		name string
		in   []byte
		lim  Limits
		want error
	}{
		{"depth 128", message(nested(127)), Limits{}, nil},
		{"depth 129", message(nested(128)), Limits{}, ErrTooDeep},
		{"depth 3", message(`{"_meta":{"x":1}}`), Limits{Depth: 3}, nil},
		{"depth 4", message(`{"_meta":{"x":{}}}`), Limits{Depth: 3}, ErrTooDeep},
		{"depth 4 in an array", message(`{"_meta":[[]]}`), Limits{Depth: 3}, ErrTooDeep},
		{"depth 3 in a result", []byte(`{"jsonrpc":"2.0","id":1,"result":{"a":{}}}`), Limits{Depth: 3}, nil},
		{"depth 4 in an error", []byte(`{"jsonrpc":"2.0","id":1,"error":{"data":{"x":{}}}}`), Limits{Depth: 3}, ErrTooDeep},
		{"depth 1", []byte(`{"jsonrpc":"2.0","id":1,"method":"m"}`), Limits{Depth: 1}, nil},
		{"a million brackets", message(strings.Repeat("[", 1_000_000)), Limits{}, ErrTooDeep},
		{"exact size", message(`"xx"`), Limits{Bytes: len(head) + 4 + len(tail)}, nil},
		{"one byte more", message(`"xxx"`), Limits{Bytes: len(head) + 4 + len(tail)}, ErrTooLarge},
		{"4 MiB", message(`"` + strings.Repeat("x", 4<<20-len(head)-len(tail)-2) + `"`), Limits{}, nil},
		{"4 MiB and one", message(`"` + strings.Repeat("x", 4<<20-len(head)-len(tail)-1) + `"`), Limits{}, ErrTooLarge},
		{"negative limits mean the defaults", message(`1`), Limits{Bytes: -1, Depth: -1}, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := Parse(c.in, c.lim)
			if !errors.Is(err, c.want) {
				t.Fatalf("%v, want %v", err, c.want)
			}
			if parseErr, ok := errors.AsType[*ParseError](err); ok && parseErr.Err == ErrTooLarge && parseErr.Offset != len(c.in)-1 {
				t.Errorf("offset %d of %d bytes", parseErr.Offset, len(c.in))
			}
		})
	}
}

// A message is read without copying it: what it costs does not grow with it.
func TestParseAllocatesLittle(t *testing.T) {
	for name, c := range map[string]struct {
		data []byte
		most float64
	}{
		"result of 1 MB":   {sizedResult(1 << 20), 2},
		"request":          {[]byte(`{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"name":"x","arguments":{}}}`), 4},
		"request of 1 MB":  {[]byte(`{"jsonrpc":"2.0","id":7,"method":"m","params":["` + strings.Repeat(`","`, 300_000) + `"]}`), 4},
		"1,000 tiny names": {[]byte(`{"jsonrpc":"2.0","id":7,"method":"m","params":` + manyNames(1000, `"x"`) + `}`), 1100},
	} {
		got := testing.AllocsPerRun(10, func() {
			if _, err := Parse(c.data, Limits{}); err != nil {
				t.Fatal(err)
			}
		})
		if got > c.most {
			t.Errorf("%s: %.0f allocations, at most %.0f expected", name, got, c.most)
		}
	}
}

package mcp

import (
	"bytes"
	"encoding/json"
	"errors"
	"slices"
	"strings"
)

// Object is a JSON object whose members can be changed while the bytes of all
// others stay as they came: their order, their numbers, what we do not know.
type Object struct{ members []member }

type member struct {
	name string
	raw  json.RawMessage
}

var errNotObject = errors.New("not a JSON object")

// ReadObject splits an object into its members, which point into raw. Of a name
// that stands twice the last counts, as it does for most who read it next. The
// error is a *ParseError, or says that raw is no object.
func ReadObject(raw json.RawMessage) (*Object, error) {
	s := scanner{data: raw, maxDepth: maxObjectDepth, lax: true}
	s.space()
	if s.peek() != '{' {
		return nil, errNotObject
	}
	var m members
	if err := s.open(0); err != nil {
		return nil, err
	}
	o := &Object{}
	for {
		name, ok, err := s.member(&m)
		if err != nil {
			return nil, err
		}
		if !ok {
			break
		}
		text, err := plainName(name)
		if err != nil {
			return nil, err
		}
		value, err := s.value(1)
		if err != nil {
			return nil, err
		}
		o.Set(text, value)
	}
	s.space()
	if s.pos < len(raw) {
		return nil, s.fail(ErrTrailing)
	}
	return o, nil
}

// maxObjectDepth is generous: what is read here has been parsed before.
const maxObjectDepth = 1000

// plainName decodes the escapes of a name, which hardly any has.
func plainName(name []byte) (string, error) {
	if bytes.IndexByte(name, '\\') < 0 {
		return string(name), nil
	}
	var out string
	err := json.Unmarshal(slices.Concat([]byte{'"'}, name, []byte{'"'}), &out)
	return out, err
}

// Get gives a member's bytes, nil if there is none.
func (o *Object) Get(name string) json.RawMessage {
	for _, m := range o.members {
		if m.name == name {
			return m.raw
		}
	}
	return nil
}

// Text gives a member that is a string, "" if it is none.
func (o *Object) Text(name string) string {
	var s string
	if json.Unmarshal(o.Get(name), &s) != nil {
		return ""
	}
	return s
}

// Set replaces a member where it stands, or adds it at the end.
func (o *Object) Set(name string, raw json.RawMessage) {
	for i := range o.members {
		if o.members[i].name == name {
			o.members[i].raw = raw
			return
		}
	}
	o.members = append(o.members, member{name, raw})
}

// SetDefault adds a member unless it is there.
func (o *Object) SetDefault(name string, raw json.RawMessage) {
	if o.Get(name) == nil {
		o.Set(name, raw)
	}
}

// Delete removes a member.
func (o *Object) Delete(name string) {
	for i, m := range o.members {
		if m.name == name {
			o.members = append(o.members[:i], o.members[i+1:]...)
			return
		}
	}
}

// Sort puts the members into the order of their names.
func (o *Object) Sort() {
	slices.SortFunc(o.members, func(a, b member) int { return strings.Compare(a.name, b.name) })
}

// Len counts the members.
func (o *Object) Len() int { return len(o.members) }

// Bytes writes the object.
func (o *Object) Bytes() json.RawMessage {
	size := 2
	for _, m := range o.members {
		size += len(m.name) + len(m.raw) + len(`"":,`)
	}
	var b bytes.Buffer
	b.Grow(size)
	b.WriteByte('{')
	for i, m := range o.members {
		if i > 0 {
			b.WriteByte(',')
		}
		writeString(&b, m.name)
		b.WriteByte(':')
		b.Write(m.raw)
	}
	b.WriteByte('}')
	return b.Bytes()
}

// envelopeSize is what stands around params or result, in bytes, or more.
const envelopeSize = 256

// Encode writes one message. Exactly those of params, result and error that are
// set are written; an id of "" is left out.
func (m *Message) Encode() []byte {
	var b bytes.Buffer
	b.Grow(len(m.Params) + len(m.Result) + envelopeSize)
	b.WriteString(`{"jsonrpc":"2.0"`)
	if m.ID != "" {
		b.WriteString(`,"id":` + string(m.ID))
	}
	if m.Method != "" {
		b.WriteString(`,"method":`)
		writeString(&b, m.Method)
	}
	for _, part := range []struct {
		name string
		raw  json.RawMessage
	}{{"params", m.Params}, {"result", m.Result}} {
		if part.raw != nil {
			b.WriteString(`,"` + part.name + `":`)
			b.Write(part.raw)
		}
	}
	if m.Error != nil {
		raw, err := json.Marshal(m.Error)
		if err != nil { // Data is the only part that could fail: leave it out
			raw, _ = json.Marshal(Error{Code: m.Error.Code, Message: m.Error.Message})
		}
		b.WriteString(`,"error":`)
		b.Write(raw)
	}
	b.WriteByte('}')
	return b.Bytes()
}

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

// ReadObject splits an object into its members. raw must be valid JSON; of a
// name that stands twice the last counts, as it does for everybody downstream.
func ReadObject(raw json.RawMessage) (*Object, error) {
	dec := json.NewDecoder(bytes.NewReader(raw))
	open, err := dec.Token()
	if err != nil || open != json.Delim('{') {
		return nil, errNotObject
	}
	o := &Object{}
	for dec.More() {
		name, err := dec.Token()
		if err != nil {
			return nil, err
		}
		var value json.RawMessage
		if err := dec.Decode(&value); err != nil {
			return nil, err
		}
		key, ok := name.(string)
		if !ok {
			return nil, errNotObject
		}
		o.Set(key, value)
	}
	return o, nil
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
	var b bytes.Buffer
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

// Encode writes one message. Exactly those of params, result and error that are
// set are written; an id of "" is left out.
func (m *Message) Encode() []byte {
	var b bytes.Buffer
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

package mcp

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strconv"
	"unicode/utf8"
)

// Why a message was refused. Each is its own error because each is answered,
// counted and explained differently.
var (
	ErrTooLarge      = errors.New("message too large")
	ErrTooDeep       = errors.New("nested too deeply")
	ErrBOM           = errors.New("starts with a byte order mark")
	ErrInvalidUTF8   = errors.New("not valid UTF-8")
	ErrSyntax        = errors.New("not valid JSON")
	ErrTrailing      = errors.New("bytes after the message")
	ErrDuplicateName = errors.New("the same name twice in one object")
	ErrSurrogate     = errors.New("unpaired surrogate in a name")
	ErrBatch         = errors.New("a batch, not one message")
	ErrNotObject     = errors.New("not a JSON object")
	ErrVersion       = errors.New(`"jsonrpc" is not "2.0"`)
	ErrInvalidID     = errors.New(`"id" is neither a string nor a number`)
	ErrShape         = errors.New("neither request, notification nor response")
)

// ParseError says where in the message parsing stopped. Err is one of the
// errors above.
type ParseError struct {
	Offset int // byte offset
	Err    error
}

func (e *ParseError) Error() string {
	return fmt.Sprintf("parse message: %v (at byte %d)", e.Err, e.Offset)
}

func (e *ParseError) Unwrap() error { return e.Err }

// Limits bound one message. The zero value means the defaults.
type Limits struct {
	Bytes int // default 4 MiB
	Depth int // levels of nesting, default 128
}

const (
	defaultMaxBytes = 4 << 20
	defaultMaxDepth = 128
	maxIDBytes      = 1 << 10
)

// Kind tells the four messages of JSON-RPC apart.
type Kind uint8

// The kinds of message.
const (
	Request Kind = iota + 1
	Notification
	Response      // carries a result
	ErrorResponse // carries an error
)

// ID is a JSON-RPC id as it stood on the wire: a quoted string, a number of any
// size, or nothing. It is compared and sent back byte for byte, so that
// 9007199254740993 stays what it is and 1 never becomes "1".
type ID string

// MarshalJSON writes the id back as it came; an absent one as null.
func (id ID) MarshalJSON() ([]byte, error) {
	if id == "" {
		return []byte("null"), nil
	}
	return []byte(id), nil
}

// Message is one JSON-RPC message, read once. Raw parts point into the parsed
// bytes and must not be modified.
type Message struct {
	Kind   Kind
	ID     ID
	Method string
	// Name is what Mcp-Name repeats: params.name, params.uri or params.taskId,
	// as the method has it; "" otherwise. HasName tells an absent one apart.
	Name    string
	HasName bool
	Meta    Meta
	Params  json.RawMessage
	Result  json.RawMessage
	Error   *Error
}

// Meta is what Holdfast reads of params._meta. Foreign keys stay in Raw.
type Meta struct {
	Raw json.RawMessage
	// ProtocolVersion is "" if absent or not a string; HasVersion tells.
	ProtocolVersion    string
	HasVersion         bool
	ClientCapabilities json.RawMessage
	ClientInfo         json.RawMessage
	LogLevel           json.RawMessage
	ProgressToken      json.RawMessage
}

// Error is a JSON-RPC error object.
type Error struct {
	Code    int64           `json:"code"`
	Message string          `json:"message"`
	Data    json.RawMessage `json:"data,omitempty"`
}

func (e *Error) Error() string {
	return fmt.Sprintf("json-rpc error %d: %s", e.Code, e.Message)
}

// Parse reads exactly one message. It refuses whatever two parsers could read
// differently: duplicate names at any level outside results and errors, bytes
// after the message, invalid UTF-8, a byte order mark, unpaired surrogates in
// names; and whatever exceeds the limits. Names are compared to the byte: "Id"
// is not "id". Errors are *ParseError.
func Parse(data []byte, lim Limits) (*Message, error) {
	if lim.Bytes <= 0 {
		lim.Bytes = defaultMaxBytes
	}
	if lim.Depth <= 0 {
		lim.Depth = defaultMaxDepth
	}
	switch {
	case len(data) > lim.Bytes:
		return nil, &ParseError{Offset: lim.Bytes, Err: ErrTooLarge}
	case bytes.HasPrefix(data, []byte("\xef\xbb\xbf")):
		return nil, &ParseError{Err: ErrBOM}
	case !utf8.Valid(data):
		return nil, &ParseError{Offset: firstInvalid(data), Err: ErrInvalidUTF8}
	}
	p := parser{scanner: scanner{data: data, maxDepth: lim.Depth}}
	if err := p.envelope(); err != nil {
		return nil, err
	}
	if err := p.classify(); err != nil {
		return nil, err
	}
	msg := p.msg // a copy, so that the message does not keep the parser alive
	return &msg, nil
}

func firstInvalid(data []byte) int {
	at := 0
	for len(data) > 0 {
		r, n := utf8.DecodeRune(data)
		if r == utf8.RuneError && n == 1 {
			break
		}
		data, at = data[n:], at+n
	}
	return at
}

// parser fills a Message while the scanner walks the text.
type parser struct {
	scanner
	msg     Message
	version rawPart
	id      rawPart
	failure rawPart
	// name, uri and taskId are kept until the method is known: members of an
	// object come in any order.
	name, uri, taskID namedParam
	method            bool
}

// rawPart is a value as it stood in the text; raw is nil if it was absent.
type rawPart struct {
	raw []byte
	at  int
}

type namedParam struct {
	value string
	set   bool
}

// place is an object whose members the parser knows.
type place uint8

const (
	inEnvelope place = iota
	inParams
	inMeta
	inError
)

func (p *parser) envelope() error {
	p.space()
	switch p.peek() {
	case '{':
	case '[':
		return p.fail(ErrBatch)
	default:
		at := p.pos
		if _, err := p.value(0); err != nil {
			return err
		}
		return &ParseError{Offset: at, Err: ErrNotObject}
	}
	if err := p.walk(0, inEnvelope); err != nil {
		return err
	}
	p.space()
	if p.pos < len(p.data) {
		return p.fail(ErrTrailing)
	}
	return nil
}

// walk moves past one object and takes from it what belongs to the place.
func (p *parser) walk(depth int, where place) error {
	var m members
	if err := p.open(depth); err != nil {
		return err
	}
	for {
		name, ok, err := p.member(&m)
		if err != nil || !ok {
			return err
		}
		switch where {
		case inEnvelope:
			err = p.envelopeMember(name, depth+1)
		case inParams:
			err = p.param(name, depth+1)
		case inMeta:
			err = p.metaMember(name, depth+1)
		case inError:
			err = p.errorMember(name, depth+1)
		}
		if err != nil {
			return err
		}
	}
}

// walkOr is walk for an object and value for anything else.
func (p *parser) walkOr(depth int, where place) (raw []byte, err error) {
	start := p.pos
	if p.peek() != '{' {
		return p.value(depth)
	}
	if err := p.walk(depth, where); err != nil {
		return nil, err
	}
	return p.data[start:p.pos], nil
}

func (p *parser) part(depth int) (part rawPart, err error) {
	part.at = p.pos
	part.raw, err = p.value(depth)
	return part, err
}

func (p *parser) envelopeMember(name []byte, depth int) (err error) {
	switch string(name) {
	case "jsonrpc":
		p.version, err = p.part(depth)
	case "id":
		p.id, err = p.part(depth)
	case "method":
		p.method = true
		p.msg.Method, _, err = p.text(depth)
	case "params":
		p.msg.Params, err = p.walkOr(depth, inParams)
	case "result":
		p.lax = true
		p.msg.Result, err = p.value(depth)
		p.lax = false
	case "error":
		p.lax = true
		p.failure.at = p.pos
		p.failure.raw, err = p.walkOr(depth, inError)
		p.lax = false
	default:
		_, err = p.value(depth)
	}
	return err
}

func (p *parser) param(name []byte, depth int) (err error) {
	switch string(name) {
	case "name":
		p.name.value, p.name.set, err = p.text(depth)
	case "uri":
		p.uri.value, p.uri.set, err = p.text(depth)
	case "taskId":
		p.taskID.value, p.taskID.set, err = p.text(depth)
	case "_meta":
		p.msg.Meta.Raw, err = p.walkOr(depth, inMeta)
	default:
		_, err = p.value(depth)
	}
	return err
}

func (p *parser) metaMember(name []byte, depth int) (err error) {
	m := &p.msg.Meta
	switch string(name) {
	case MetaProtocolVersion:
		m.HasVersion = true
		m.ProtocolVersion, _, err = p.text(depth)
	case MetaClientCapabilities:
		m.ClientCapabilities, err = p.value(depth)
	case MetaClientInfo:
		m.ClientInfo, err = p.value(depth)
	case MetaLogLevel:
		m.LogLevel, err = p.value(depth)
	case MetaProgressToken:
		m.ProgressToken, err = p.value(depth)
	default:
		_, err = p.value(depth)
	}
	return err
}

// errorMember tolerates what servers really send: a code that is no integer or
// a string that holds one, an absent message, a name that stands twice, in which
// case the last one counts.
func (p *parser) errorMember(name []byte, depth int) error {
	if p.msg.Error == nil {
		p.msg.Error = new(Error)
	}
	raw, err := p.value(depth)
	if err != nil {
		return err
	}
	switch string(name) {
	case "code":
		p.msg.Error.Code = looseCode(raw)
	case "message":
		p.msg.Error.Message = ""
		if raw[0] == '"' {
			err = json.Unmarshal(raw, &p.msg.Error.Message)
		}
	case "data":
		p.msg.Error.Data = raw
	}
	return err
}

// looseCode reads -32601, -32601.0, -3.2601e4 and "-32601" alike; 0 is any other.
func looseCode(raw []byte) int64 {
	code := string(bytes.Trim(raw, `"`))
	if n, err := strconv.ParseInt(code, 10, 64); err == nil {
		return n
	}
	const exact = 1 << 53 // beyond it a float does not tell integers apart
	if f, err := strconv.ParseFloat(code, 64); err == nil && f == math.Trunc(f) && math.Abs(f) <= exact {
		return int64(f)
	}
	return 0
}

// text reads a string value; of any other type it moves past it and reports
// false, for the caller to judge.
func (p *parser) text(depth int) (string, bool, error) {
	if p.peek() != '"' {
		_, err := p.value(depth)
		return "", false, err
	}
	at := p.pos
	raw, err := p.str()
	if err != nil {
		return "", false, err
	}
	out, err := p.unquote(raw, at)
	return string(out), err == nil, err
}

func (p *parser) classify() error {
	m := &p.msg
	if string(p.version.raw) != `"2.0"` {
		return &ParseError{Offset: p.version.at, Err: ErrVersion}
	}
	if err := p.setID(); err != nil {
		return err
	}
	isResult, isError := m.Result != nil, p.failure.raw != nil
	switch {
	case p.method && m.Method != "" && !isResult && !isError:
		m.Kind = Notification
		if p.id.raw != nil {
			m.Kind = Request
		}
		if m.Kind == Request && m.ID == "" {
			return &ParseError{Offset: p.id.at, Err: ErrInvalidID}
		}
		p.setName()
	case !p.method && isResult && !isError && m.ID != "":
		m.Kind = Response
	case !p.method && isError && !isResult:
		m.Kind = ErrorResponse
		if p.failure.raw[0] != '{' {
			return &ParseError{Offset: p.failure.at, Err: ErrShape}
		}
		if m.Error == nil { // an empty object
			m.Error = new(Error)
		}
	default:
		return &ParseError{Err: ErrShape}
	}
	return nil
}

// setID keeps the id raw. null stands for none; whether that is allowed is for
// classify to say.
func (p *parser) setID() error {
	id := p.id.raw
	if id == nil || string(id) == "null" {
		return nil
	}
	isString := id[0] == '"'
	isNumber := id[0] == '-' || id[0] >= '0' && id[0] <= '9'
	if !isString && !isNumber || len(id) > maxIDBytes || isString && loneSurrogate(id) {
		return &ParseError{Offset: p.id.at, Err: ErrInvalidID}
	}
	p.msg.ID = ID(id)
	return nil
}

func (p *parser) setName() {
	var n namedParam
	switch nameParam(p.msg.Method) {
	case "name":
		n = p.name
	case "uri":
		n = p.uri
	case "taskId":
		n = p.taskID
	}
	p.msg.Name, p.msg.HasName = n.value, n.set
}

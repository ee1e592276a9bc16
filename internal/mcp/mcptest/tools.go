package mcptest

import (
	"encoding/json"
	"fmt"
	"strings"
)

// EchoTool is a valid, read-only tool without an output schema.
func EchoTool() json.RawMessage {
	return json.RawMessage(`{"name":"echo","description":"Repeats its arguments.",` +
		`"inputSchema":{"type":"object","properties":{"text":{"type":"string"}}},` +
		`"annotations":{"readOnlyHint":true}}`)
}

// ForecastTool is a valid tool with an output schema: a number "high" is
// required.
func ForecastTool() json.RawMessage {
	return json.RawMessage(`{"name":"forecast","title":"Forecast","description":"Tells tomorrow's weather.",` +
		`"inputSchema":{"type":"object","properties":{"city":{"type":"string"}},"required":["city"]},` +
		`"outputSchema":{"type":"object","properties":{"high":{"type":"number"}},"required":["high"]},` +
		`"annotations":{"readOnlyHint":true}}`)
}

// Tool is a valid tool of the given name.
func Tool(name string) json.RawMessage { return ToolWith(name, `{"type":"object"}`) }

// ToolWith is a tool with an input schema that is written as given.
func ToolWith(name, inputSchema string) json.RawMessage {
	return json.RawMessage(fmt.Sprintf(`{"name":%s,"description":"A tool.","inputSchema":%s}`, quote(name), inputSchema))
}

// Tools are n valid tools named tool-000 and so on.
func Tools(n int) []json.RawMessage {
	out := make([]json.RawMessage, n)
	for i := range out {
		out[i] = Tool(fmt.Sprintf("tool-%03d", i))
	}
	return out
}

// HeavyTools are n valid tools, each with a description of the given size.
func HeavyTools(n, description int) []json.RawMessage {
	text := strings.Repeat("Does something useful with it. ", description/31+1)[:description]
	out := make([]json.RawMessage, n)
	for i := range out {
		out[i] = json.RawMessage(fmt.Sprintf(
			`{"name":"heavy-%04d","description":%s,"inputSchema":{"type":"object"}}`, i, quote(text)))
	}
	return out
}

// DoublingSchema is a schema of about 1.4 KB that says the same thing 2^levels
// times: validators that follow every branch never return.
func DoublingSchema(levels int) string {
	var b strings.Builder
	b.WriteString(`{"type":"object","$ref":"#/$defs/a0","$defs":{`)
	for i := range levels {
		fmt.Fprintf(&b, `"a%d":{"anyOf":[{"$ref":"#/$defs/a%d"},{"$ref":"#/$defs/a%d"}]},`, i, i+1, i+1)
	}
	fmt.Fprintf(&b, `"a%d":{"required":["x"]}}}`, levels)
	return b.String()
}

// DeepSchema is a valid schema nested to the given depth.
func DeepSchema(depth int) string {
	return `{"type":"object","properties":{"a":` +
		strings.Repeat(`{"not":`, depth) + `{}` + strings.Repeat(`}`, depth) + `}}`
}

func quote(s string) string {
	b, err := json.Marshal(s)
	if err != nil { // cannot happen for a string
		return `""`
	}
	return string(b)
}

// list makes a list of tools of their JSON.
func list(tools ...string) []json.RawMessage {
	out := make([]json.RawMessage, len(tools))
	for i, t := range tools {
		out[i] = json.RawMessage(t)
	}
	return out
}

package schema

import (
	"encoding/json"
	"strings"
	"testing"
)

// typicalTool is an inputSchema of about 1 KB, as a generator writes it.
const typicalTool = `{"$schema":"http://json-schema.org/draft-07/schema#","type":"object","properties":{
"query":{"type":"string","description":"What to look for, in the words of the documents","minLength":1,"maxLength":400},
"limit":{"type":"integer","minimum":1,"maximum":100,"default":10,"description":"How many results to return at most"},
"language":{"anyOf":[{"type":"string","enum":["en","de","fr","no"]},{"type":"null"}],"default":null},
"filter":{"type":"object","properties":{"from":{"type":"string","format":"date"},"to":{"type":"string","format":"date"},
"tags":{"type":"array","items":{"type":"string","pattern":"^[a-z][a-z0-9-]*$"},"uniqueItems":true}},"additionalProperties":false},
"place":{"$ref":"#/definitions/Place","description":"Where to look, the whole world if left out"}},
"required":["query"],"additionalProperties":false,
"definitions":{"Place":{"type":"object","properties":{"lat":{"type":"number","minimum":-90,"maximum":90},
"lon":{"type":"number","minimum":-180,"maximum":180}},"required":["lat","lon"]}}}`

const typicalCall = `{"query":"fjord","limit":20,"language":"no","filter":{"from":"2026-01-01","tags":["ice","sea-water"]},"place":{"lat":60.4,"lon":5.3}}`

func BenchmarkJudge(b *testing.B) {
	b.SetBytes(int64(len(typicalTool)))
	b.ReportAllocs()
	for b.Loop() {
		if p := Judge(json.RawMessage(typicalTool), Input); p != nil {
			b.Fatal(p)
		}
	}
}

func BenchmarkJudgeDoubling(b *testing.B) {
	bomb := json.RawMessage(doubling(22))
	for b.Loop() {
		if p := Judge(bomb, Input); len(p) != 1 {
			b.Fatal(p)
		}
	}
}

func BenchmarkCompile(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Compile(json.RawMessage(typicalTool)); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkValidate(b *testing.B) {
	s, err := Compile(json.RawMessage(typicalTool))
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if err := s.Validate(json.RawMessage(typicalCall)); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkSteps is the time until the budget is spent.
func BenchmarkSteps(b *testing.B) {
	s, err := Compile(json.RawMessage(`{"allOf":[{"properties":{"a":{"$ref":"#"}}},{"properties":{"a":{"$ref":"#"}}}]}`))
	if err != nil {
		b.Fatal(err)
	}
	instance := json.RawMessage(strings.Repeat(`{"a":`, 40) + `1` + strings.Repeat(`}`, 40))
	for b.Loop() {
		if err := s.Validate(instance); err == nil {
			b.Fatal("decided")
		}
	}
}

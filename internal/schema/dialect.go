package schema

import "strings"

// draft is a dialect of JSON Schema, ordered by age.
type draft int

const (
	draft4    draft = 4
	draft6    draft = 6
	draft7    draft = 7
	draft2019 draft = 2019
	draft2020 draft = 2020
)

// dialectOf reads a $schema, with or without "#" and of either scheme. The
// unversioned address has always meant the newest dialect.
func dialectOf(uri string) (draft, bool) {
	uri = strings.TrimSuffix(uri, "#")
	rest, ok := strings.CutPrefix(uri, "https://json-schema.org/")
	if !ok {
		rest, ok = strings.CutPrefix(uri, "http://json-schema.org/")
	}
	if !ok {
		return 0, false
	}
	switch rest {
	case "draft/2020-12/schema", "schema":
		return draft2020, true
	case "draft/2019-09/schema":
		return draft2019, true
	case "draft-07/schema":
		return draft7, true
	case "draft-06/schema":
		return draft6, true
	case "draft-04/schema":
		return draft4, true
	}
	return 0, false
}

// idKeyword is the name under which a dialect identifies a schema.
func (d draft) idKeyword() string {
	if d == draft4 {
		return "id"
	}
	return "$id"
}

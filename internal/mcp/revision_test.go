package mcp

import (
	"slices"
	"testing"
)

func TestRevisionsAreInOrder(t *testing.T) {
	all := Revisions()
	if !slices.IsSortedFunc(all, func(a, b Traits) int { return int(a.Era) - int(b.Era) }) {
		t.Error("a legacy revision after a modern one")
	}
	for i, r := range all {
		if i > 0 && all[i-1].Revision >= r.Revision {
			t.Errorf("%s comes after %s", r.Revision, all[i-1].Revision)
		}
		if got := EraOf(string(r.Revision)); got != r.Era {
			t.Errorf("%s is %s by its date and %s by the table", r.Revision, got, r.Era)
		}
		if got, ok := Lookup(r.Revision); !ok || got != r {
			t.Errorf("Lookup(%s) = %+v, %t", r.Revision, got, ok)
		}
	}
	all[0].Revision = "changed"
	if Revisions()[0].Revision != Rev20241105 {
		t.Error("the table can be changed from outside")
	}
}

// The table against the changelogs of the specification.
func TestTraits(t *testing.T) {
	for _, c := range []struct {
		name string
		has  func(Traits) bool
		in   []Revision
	}{
		{"StreamableHTTP", func(t Traits) bool { return t.StreamableHTTP }, []Revision{Rev20250326, Rev20250618, Rev20251125, Rev20260728}},
		{"VersionHeader", func(t Traits) bool { return t.VersionHeader }, []Revision{Rev20250618, Rev20251125, Rev20260728}},
		{"Batch", func(t Traits) bool { return t.Batch }, []Revision{Rev20250326}},
		{"Elicitation", func(t Traits) bool { return t.Elicitation }, []Revision{Rev20250618, Rev20251125, Rev20260728}},
		{"ElicitationURL", func(t Traits) bool { return t.ElicitationURL }, []Revision{Rev20251125, Rev20260728}},
		{"StructuredOutput", func(t Traits) bool { return t.StructuredOutput }, []Revision{Rev20250618, Rev20251125, Rev20260728}},
		{"ResourceMetadata", func(t Traits) bool { return t.ResourceMetadata }, []Revision{Rev20250618, Rev20251125, Rev20260728}},
		{"CoreTasks", func(t Traits) bool { return t.CoreTasks }, []Revision{Rev20251125}},
		{"MirrorHeaders", func(t Traits) bool { return t.MirrorHeaders }, []Revision{Rev20260728}},
		{"RequestMeta", func(t Traits) bool { return t.RequestMeta }, []Revision{Rev20260728}},
		{"CacheHints", func(t Traits) bool { return t.CacheHints }, []Revision{Rev20260728}},
	} {
		var got []Revision
		for _, r := range Revisions() {
			if c.has(r) {
				got = append(got, r.Revision)
			}
		}
		if !slices.Equal(got, c.in) {
			t.Errorf("%s: %v, want %v", c.name, got, c.in)
		}
	}
}

func TestEraOf(t *testing.T) {
	for in, want := range map[string]Era{
		"2024-11-05": EraLegacy, "2025-11-25": EraLegacy, "2026-07-28": EraModern,
		// Unknown dates count by their place in time.
		"1999-01-01": EraLegacy, "2026-07-27": EraLegacy, "2026-07-29": EraModern, "2099-01-01": EraModern,
		"": EraUnknown, "draft": EraUnknown, "2026-07-28-rc1": EraUnknown, "2026-7-28": EraUnknown, "2026/07/28": EraUnknown,
		"20260728": EraUnknown, "DRAFT-2026-07-28": EraUnknown, " 2026-07-28": EraUnknown, "2026-07-2x": EraUnknown,
		"２０２６-07-28": EraUnknown,
	} {
		if got := EraOf(in); got != want {
			t.Errorf("EraOf(%q) = %s, want %s", in, got, want)
		}
	}
}

func TestNewestAndCommon(t *testing.T) {
	if got := []Revision{Newest(EraLegacy), Newest(EraModern), Newest(EraUnknown)}; !slices.Equal(got, []Revision{Rev20251125, Rev20260728, ""}) {
		t.Errorf("Newest: %v", got)
	}
	for _, c := range []struct {
		era     Era
		offered []string
		want    Revision
	}{
		{EraModern, []string{"2025-11-25", "2026-07-28"}, Rev20260728},
		{EraLegacy, []string{"2024-11-05", "2026-07-28", "2025-06-18", "2025-03-26"}, Rev20250618},
		{EraModern, []string{"2025-11-25", "2027-01-01"}, ""},
		{EraLegacy, []string{"2026-07-28"}, ""},
		{EraLegacy, nil, ""},
		{EraUnknown, []string{"2025-11-25"}, ""},
	} {
		if got := Common(c.era, c.offered); got != c.want {
			t.Errorf("Common(%s, %v) = %q, want %q", c.era, c.offered, got, c.want)
		}
	}
	if _, ok := Lookup("1999-01-01"); ok {
		t.Error("Lookup knows 1999-01-01")
	}
}

func TestEraText(t *testing.T) {
	for era, want := range map[Era]string{EraUnknown: "unknown", EraLegacy: "legacy", EraModern: "modern", Era(9): "unknown"} {
		text, err := era.MarshalText()
		if err != nil || string(text) != want || era.String() != want {
			t.Errorf("%d: %q, %v, want %q", era, text, err, want)
		}
	}
}

func TestIsModernCode(t *testing.T) {
	for _, code := range []int64{CodeHeaderMismatch, CodeMissingCapability, CodeUnsupportedVersion} {
		if !IsModernCode(code) {
			t.Errorf("%d is not modern", code)
		}
	}
	for _, code := range []int64{0, 1, -32019, -32023, -32000, -32001, -32003, -32004, CodeResourceNotFound, CodeURLElicitation,
		CodeParse, CodeInvalidRequest, CodeMethodNotFound, CodeInvalidParams, CodeInternal, 32020} {
		if IsModernCode(code) {
			t.Errorf("%d is modern", code)
		}
	}
}

func TestNameParam(t *testing.T) {
	for method, want := range map[string]string{
		MethodToolsCall: "name", MethodPromptsGet: "name", MethodResourceRead: "uri",
		MethodTasksGet: "taskId", MethodTasksUpdate: "taskId", MethodTasksCancel: "taskId",
		MethodToolsList: "", MethodDiscover: "", MethodComplete: "", MethodSubscribe: "", "Tools/Call": "", "": "",
	} {
		if got := nameParam(method); got != want {
			t.Errorf("nameParam(%s) = %q, want %q", method, got, want)
		}
	}
}

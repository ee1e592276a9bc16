package finding

// lintInputs: what could not be judged.
func lintInputs() []Entry {
	return []Entry{
		{
			Code: "HF690", Name: "input.unreadable", Severity: Error,
			Title: "The document cannot be read",
			Seen:  "The file is not valid YAML, JSON or TOML at this place.",
			Why:   "It cannot be applied, and nothing in it was judged.",
			Do:    "Correct the syntax; tabs and a missing colon are the usual causes.",
		},
		{
			Code: "HF691", Name: "input.helm_template", Severity: Info,
			Title: "This is a Helm template",
			Seen:  "The file holds template actions.",
			Why:   "What reaches the cluster depends on values, so the template itself cannot be judged.",
			Do:    "Run `helm template RELEASE CHART | holdfast lint -`.",
		},
		{
			Code: "HF692", Name: "input.wrong_type", Severity: Error,
			Title: "A field has the wrong type",
			Seen:  "A number, boolean, list or mapping is expected where something else is written.",
			Why:   "The API server refuses the object, so the change never reaches clients.",
			Do:    "Write the field as the API expects it; numbers and booleans without quotes.",
		},
		{
			Code: "HF693", Name: "input.too_big", Severity: Warning,
			Title: "The file is too big",
			Seen:  "The file is larger than 8 MiB.",
			Why:   "It was not judged.",
			Do:    "Split it, or leave it out.",
		},
		{
			Code: "HF694", Name: "ignore.without_reason", Severity: Warning,
			Title: "An ignore gives no reason",
			Seen:  "A finding is ignored without saying why.",
			Why:   "Nobody can tell later whether the client still suffers, so the ignore has no effect.",
			Do:    "Write the reason behind the code, as in HF411=one replica by contract.",
		},
		{
			Code: "HF695", Name: "input.duplicate_key", Severity: Error,
			Title: "A key stands twice",
			Seen:  "A mapping has the same key twice.",
			Why:   "Strict appliers refuse it and others take the last one, so what runs may not be what was reviewed.",
			Do:    "Remove one of them.",
		},
	}
}

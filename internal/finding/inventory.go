package finding

func inventory() []Entry {
	return []Entry{
		{Code: "HF066", Name: "list.error", Grade: Unusable, Severity: Error},
		{Code: "HF067", Name: "list.timeout", Grade: Unusable, Severity: Error},
		{Code: "HF068", Name: "list.empty", Grade: Degraded, Severity: Warning},
		{Code: "HF069", Name: "list.pages_loop", Grade: Unusable, Severity: Error},
		{Code: "HF070", Name: "list.schema_invalid", Grade: Degraded, Severity: Warning},
		{Code: "HF071", Name: "list.duplicate", Grade: Degraded, Severity: Warning},
		{Code: "HF072", Name: "list.name", Grade: Degraded, Severity: Warning},
		{Code: "HF073", Name: "list.tokens", Grade: Degraded, Severity: Warning},
		{Code: "HF074", Name: "list.unstable", Grade: Degraded, Severity: Warning},
		{Code: "HF075", Name: "listen.no_ack", Grade: Degraded, Severity: Warning},
		{Code: "HF076", Name: "listen.broken", Grade: Degraded, Severity: Warning},
	}
}

package finding

func calls() []Entry {
	return []Entry{
		{Code: "HF077", Name: "call.unknown_tool", Grade: Degraded, Severity: Warning},
		{Code: "HF078", Name: "call.protocol_error", Grade: Degraded, Severity: Warning},
		{Code: "HF079", Name: "call.is_error", Grade: Degraded, Severity: Warning},
		{Code: "HF080", Name: "call.timeout", Grade: Degraded, Severity: Warning},
		{Code: "HF081", Name: "call.input_required", Grade: Degraded, Severity: Warning},
		{Code: "HF082", Name: "call.output_invalid", Grade: Degraded, Severity: Warning},
		{Code: "HF083", Name: "call.output_missing", Grade: Degraded, Severity: Warning},
		{Code: "HF084", Name: "call.upstream_auth", Grade: Unusable, Severity: Error},
		{Code: "HF085", Name: "call.upstream_down", Grade: Unusable, Severity: Error},
		{Code: "HF086", Name: "call.quota", Grade: Degraded, Severity: Warning},
		{Code: "HF087", Name: "slow.cold_start", Grade: Degraded, Severity: Warning},
		{Code: "HF088", Name: "slow.p95", Grade: Degraded, Severity: Warning},
		{Code: "HF089", Name: "flap", Grade: Degraded, Severity: Warning},
		{Code: "HF090", Name: "probe.canceled", Grade: Unknown, Severity: Warning},
	}
}

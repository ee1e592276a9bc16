package finding

func authorization() []Entry {
	return []Entry{
		{Code: "HF055", Name: "auth.required_ok", Grade: Gated, Severity: Info},
		{Code: "HF056", Name: "auth.no_challenge", Grade: Unusable, Severity: Error},
		{Code: "HF057", Name: "auth.prm_404", Grade: Unusable, Severity: Error},
		{Code: "HF058", Name: "auth.prm_mismatch", Grade: Unusable, Severity: Error},
		{Code: "HF059", Name: "auth.as_unreachable", Grade: Unusable, Severity: Error},
		{Code: "HF060", Name: "auth.issuer_mismatch", Grade: Unusable, Severity: Error},
		{Code: "HF061", Name: "auth.no_pkce", Grade: Unusable, Severity: Error},
		{Code: "HF062", Name: "auth.rejected", Grade: Unusable, Severity: Error},
		{Code: "HF063", Name: "auth.forbidden", Grade: Unusable, Severity: Error},
		{Code: "HF064", Name: "auth.call_time", Grade: Gated, Severity: Info},
		{Code: "HF065", Name: "auth.static_key", Grade: Gated, Severity: Info},
	}
}

package finding

func reach() []Entry {
	return []Entry{
		{Code: "HF001", Name: "url.invalid", Grade: Dead, Severity: Error},
		{Code: "HF002", Name: "url.placeholder", Grade: Dead, Severity: Error},
		{Code: "HF003", Name: "dns.nxdomain", Grade: Dead, Severity: Error},
		{Code: "HF004", Name: "dns.servfail", Grade: Unknown, Severity: Warning},
		{Code: "HF005", Name: "dns.timeout", Grade: Unknown, Severity: Warning},
		{Code: "HF006", Name: "tcp.refused", Grade: Dead, Severity: Error},
		{Code: "HF007", Name: "tcp.timeout", Grade: Dead, Severity: Error},
		{Code: "HF008", Name: "tcp.reset", Grade: Dead, Severity: Error},
		{Code: "HF009", Name: "tcp.unreachable", Grade: Unknown, Severity: Warning},
		{Code: "HF010", Name: "ssrf.blocked", Grade: Unknown, Severity: Warning},
		{Code: "HF011", Name: "tls.expired", Grade: Dead, Severity: Error},
		{Code: "HF012", Name: "tls.name", Grade: Dead, Severity: Error},
		{Code: "HF013", Name: "tls.unknown_ca", Grade: Dead, Severity: Error},
		{Code: "HF014", Name: "tls.handshake", Grade: Dead, Severity: Error},
		{Code: "HF015", Name: "tls.expiring", Grade: Degraded, Severity: Warning},
		{Code: "HF016", Name: "tls.not_yet_valid", Grade: Dead, Severity: Error},
		{Code: "HF017", Name: "stdio.start", Grade: Dead, Severity: Error},
		{Code: "HF018", Name: "stdio.exited", Grade: Dead, Severity: Error},
		{Code: "HF019", Name: "stdio.noise", Grade: Degraded, Severity: Warning},
	}
}

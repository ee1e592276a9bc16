package finding

import "slices"

// reach: what keeps a request from arriving at all, and a command from running.
func reach() []Entry {
	return slices.Concat(names(), connections(), certificates(), processes())
}

func names() []Entry {
	return []Entry{
		{
			Code: "HF001", Name: "url.invalid", Grade: Dead, Severity: Error,
			Title: "The URL cannot be used",
			Seen:  "The URL does not parse, has no host, carries user info or a fragment, or is neither http nor https.",
			Why:   "A client refuses it before anything reaches the network, and most show this as a mistake in its configuration.",
			Do:    "Write the full endpoint in the configuration or registry entry, such as https://mcp.example.com/mcp. Move a login out of the URL into the target's credential setting.",
		},
		{
			Code: "HF002", Name: "url.placeholder", Grade: Dead, Severity: Error,
			Title: "The URL still holds a placeholder",
			Seen:  "The URL contains a brace, as in https://{tenant}.example.com/mcp.",
			Why:   "Clients dial the braces literally and fail at name resolution or with 404; one census met 70 such catalogue entries (registry#1643).",
			Do:    "Replace every {…} with its value. Declare what users must fill in under remotes[].variables of the server.json, so that clients ask for it.",
		},
		{
			Code: "HF003", Name: "dns.nxdomain", Grade: Dead, Severity: Error,
			Title: "The host name does not exist",
			Seen:  "The resolver answered that the host has no record (NXDOMAIN), and a second lookup agreed.",
			Why:   "No client gets as far as a connection; this is the commonest way for a catalogued server to be gone (254 hosts in registry#1643).",
			Do:    "Run `dig HOST A` and `dig HOST AAAA`, then restore the record or correct the name. Withdraw the catalogue entry if the server will not come back.",
		},
		{
			Code: "HF004", Name: "dns.servfail", Grade: Unknown, Severity: Warning,
			Title: "The resolver failed",
			Seen:  "The lookup of the host ended with SERVFAIL or another failure code instead of records.",
			Why:   "Clients behind the same resolver cannot connect while others can. The fault may be ours, so it does not count against the server.",
			Do:    "Check the zone and its DNSSEC signatures with `delv HOST` and `dig +trace HOST`. Compare with a public resolver, `dig @1.1.1.1 HOST`, before you blame the domain.",
		},
		{
			Code: "HF005", Name: "dns.timeout", Grade: Unknown, Severity: Warning,
			Title: "The resolver did not answer",
			Seen:  "No answer to the A and AAAA queries for the host came within the budget.",
			Why:   "A client spends its whole connect time on the name. Whether the domain or our own resolver is slow cannot be told from one place.",
			Do:    "Time `dig HOST` on the probing machine, and check /etc/resolv.conf and egress to port 53 (in a pod: the NetworkPolicy). Check the domain's name servers with `dig +trace HOST` if only this name is slow.",
		},
		{
			Code: "HF010", Name: "ssrf.blocked", Grade: Unknown, Severity: Warning,
			Title: "Our egress rules refuse this address",
			Seen:  "The host resolved to a loopback, private, link-local or reserved address, which the probe does not dial unless told to.",
			Why:   "Nothing was measured. A client on the public Internet would not reach such an address either.",
			Do:    "Allow the address range in this target's own configuration if it is internal by intention. Correct the public DNS record if it is not.",
		},
	}
}

func connections() []Entry {
	return []Entry{
		{
			Code: "HF006", Name: "tcp.refused", Grade: Dead, Severity: Error,
			Title: "Nothing listens on the port",
			Seen:  "The host refused the TCP connection (ECONNREFUSED) on every address.",
			Why:   "Every client fails at once with \"connection refused\".",
			Do:    "Start the server, and let it listen on 0.0.0.0 or :: rather than 127.0.0.1. Verify with `ss -ltn` on the host, or `kubectl get endpointslices -l kubernetes.io/service-name=NAME` in a cluster.",
		},
		{
			Code: "HF007", Name: "tcp.timeout", Grade: Dead, Severity: Error,
			Title: "The host does not answer connections",
			Seen:  "No address of the host completed the TCP handshake within the budget.",
			Why:   "A client hangs for its whole connect time-out before it reports an error, and agents hang with it.",
			Do:    "Open the port in the firewall, security group or NetworkPolicy on the way. Trace where packets end with `traceroute -T -p PORT HOST`, and check that the machine is up.",
		},
		{
			Code: "HF008", Name: "tcp.reset", Grade: Dead, Severity: Error,
			Title: "The connection was cut",
			Seen:  "The peer reset the connection after it was opened and before an answer had begun.",
			Why:   "Clients see \"connection reset by peer\" and cannot know whether their request was taken.",
			Do:    "Search the server's log for a crash or an out-of-memory kill at the time of the probe. Check proxies and firewalls on the way for a rule that cuts this traffic, and that the port expects what the URL's scheme says.",
		},
		{
			Code: "HF009", Name: "tcp.unreachable", Grade: Unknown, Severity: Warning,
			Title: "There is no route to the host",
			Seen:  "The system reported that the network or host is unreachable (ENETUNREACH, EHOSTUNREACH).",
			Why:   "Clients on this network cannot connect, others perhaps can: an IPv6-only name seen from an IPv4-only machine looks just so.",
			Do:    "Compare `curl -4` with `curl -6`, and try from another network. Publish an A record beside the AAAA record, or give the probing machine a route.",
		},
	}
}

func certificates() []Entry {
	return []Entry{
		{
			Code: "HF011", Name: "tls.expired", Grade: Dead, Severity: Error,
			Title: "The TLS certificate has expired",
			Seen:  "The certificate shown in the handshake has a NotAfter date in the past.",
			Why:   "Every client that verifies certificates refuses to connect, and none falls back (certificates and TLS broke 85 to 115 endpoints in registry#1579).",
			Do:    "Renew the certificate and reload whatever ends TLS. Confirm with `openssl s_client -connect HOST:443 -servername HOST </dev/null | openssl x509 -noout -enddate`, and let ACME or cert-manager do it next time.",
		},
		{
			Code: "HF012", Name: "tls.name", Grade: Dead, Severity: Error,
			Title: "The certificate names another host",
			Seen:  "None of the certificate's subject alternative names covers the host in the URL.",
			Why:   "Clients treat this as an impostor and stop before they send anything.",
			Do:    "Issue a certificate that lists the host, or publish a name that it does list. Check the ingress rule for the host if a default certificate is shown: SNI matched nothing.",
		},
		{
			Code: "HF013", Name: "tls.unknown_ca", Grade: Dead, Severity: Error,
			Title: "The certificate's issuer is not trusted",
			Seen:  "The chain shown in the handshake does not lead to a root of the trust store: a private or self-signed issuer, or a missing intermediate.",
			Why:   "Clients with a stock trust store refuse it. A browser may fetch a missing intermediate by itself, so that \"it works for me\"; MCP clients do not.",
			Do:    "Serve the full chain (fullchain.pem, not cert.pem). Use a public issuer for a public server; for an internal one add its CA to this target's trust settings.",
		},
		{
			Code: "HF014", Name: "tls.handshake", Grade: Dead, Severity: Error,
			Title: "The TLS handshake failed",
			Seen:  "The handshake ended without a session for a reason other than the certificate: an alert, no common version or cipher, or bytes that are not TLS.",
			Why:   "No client gets an encrypted connection, so none sends a request.",
			Do:    "Run `openssl s_client -connect HOST:PORT -servername HOST` and read the alert. Enable TLS 1.2 and 1.3, make sure that the port speaks TLS at all, and do not demand a client certificate of the public.",
		},
		{
			Code: "HF015", Name: "tls.expiring", Grade: Degraded, Severity: Warning,
			Title: "The TLS certificate expires soon",
			Seen:  "The certificate is valid, but its NotAfter date is less than 14 days away.",
			Why:   "All clients fail in the same minute when it lapses; below 3 days it is worth waking somebody.",
			Do:    "Renew it now, and find out why automation has not: `kubectl describe certificate NAME` with cert-manager, `certbot renew --dry-run` with certbot.",
		},
		{
			Code: "HF016", Name: "tls.not_yet_valid", Grade: Dead, Severity: Error,
			Title: "The TLS certificate is not valid yet",
			Seen:  "The certificate's NotBefore date lies in the future by the probe's clock.",
			Why:   "Clients with a correct clock refuse the connection until that date.",
			Do:    "Compare both clocks with `timedatectl`, since a wrong one shows the same. Put the previous certificate back until the new one has begun.",
		},
	}
}

func processes() []Entry {
	return []Entry{
		{
			Code: "HF017", Name: "stdio.start", Grade: Dead, Severity: Error,
			Title: "The command could not be started",
			Seen:  "The operating system refused to start the command: no such file, not executable, or a missing interpreter.",
			Why:   "A desktop client shows the server as failed and offers none of its tools.",
			Do:    "Run the command by hand as the same user with the same PATH. Write the program's full path in the configuration, and install the runtime it needs (node, uv, python) in the image.",
		},
		{
			Code: "HF018", Name: "stdio.exited", Grade: Dead, Severity: Error,
			Title: "The command ended before it answered",
			Seen:  "The process started, then ended without an answer to server/discover or initialize.",
			Why:   "Clients report a closed connection and rarely pass on what the process wrote to stderr.",
			Do:    "Read its stderr and exit code. Supply the environment variables and credentials it asks for, and pin the package's version so that a download at start cannot break it.",
		},
		{
			Code: "HF019", Name: "stdio.noise", Grade: Degraded, Severity: Warning,
			Title: "The command prints noise on stdout",
			Seen:  "Lines on stdout are not JSON-RPC messages: a banner, a log line, a progress bar.",
			Why:   "Stdout belongs to the protocol. Lenient clients skip such lines, strict ones report a parse error or give up (azure-devops-mcp#147).",
			Do:    "Send logs to stderr: `console.error` in Node, `print(..., file=sys.stderr)` in Python. Switch off start banners of frameworks and wrappers.",
		},
	}
}

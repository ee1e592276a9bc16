package mcp

import "slices"

// Era is one of the two ways in which a client and a server find together.
type Era int8

// The eras. EraUnknown is a state of its own: an answer that proves nothing
// (a time-out, a 503, a login wall) must never be read as "legacy".
const (
	EraUnknown Era = iota
	EraLegacy      // handshake by initialize, sessions; up to 2025-11-25
	EraModern      // stateless, version in every request; from 2026-07-28
)

// String gives the word used in reports: unknown, legacy or modern.
func (e Era) String() string {
	switch e {
	case EraLegacy:
		return "legacy"
	case EraModern:
		return "modern"
	default:
		return "unknown"
	}
}

// MarshalText writes the word that String gives.
func (e Era) MarshalText() ([]byte, error) { return []byte(e.String()), nil }

// UnmarshalText reads that word back; any other is EraUnknown, so that results
// of a later Holdfast can be read.
func (e *Era) UnmarshalText(text []byte) error {
	*e = EraUnknown
	for _, known := range []Era{EraLegacy, EraModern} {
		if known.String() == string(text) {
			*e = known
		}
	}
	return nil
}

// Revision is a dated version of the protocol, such as "2025-11-25". Dates in
// ISO form compare as strings.
type Revision string

// The revisions that Holdfast speaks.
const (
	Rev20241105 Revision = "2024-11-05"
	Rev20250326 Revision = "2025-03-26"
	Rev20250618 Revision = "2025-06-18"
	Rev20251125 Revision = "2025-11-25"
	Rev20260728 Revision = "2026-07-28"
)

// Traits says what one revision has. It is the only place in Holdfast that
// knows; everything else asks here instead of comparing dates.
type Traits struct {
	Revision Revision
	Era      Era
	// StreamableHTTP: one endpoint for POST; before it, HTTP+SSE with two.
	StreamableHTTP bool
	// VersionHeader: MCP-Protocol-Version is required after the handshake.
	VersionHeader bool
	// Batch: a JSON array of messages must be accepted.
	Batch bool
	// Elicitation, ElicitationURL: the server may ask the user, by form or URL.
	Elicitation, ElicitationURL bool
	// StructuredOutput: tools may have an outputSchema and structuredContent.
	StructuredOutput bool
	// ResourceMetadata: authorization is found through RFC 9728.
	ResourceMetadata bool
	// CoreTasks: the experimental tasks of 2025-11-25.
	CoreTasks bool
	// MirrorHeaders: Mcp-Method and Mcp-Name must repeat the body.
	MirrorHeaders bool
	// RequestMeta: version, capabilities and identity ride in every request.
	RequestMeta bool
	// CacheHints: list and read results carry ttlMs and cacheScope.
	CacheHints bool
}

// Revisions lists all known revisions, oldest first. The slice is the caller's.
func Revisions() []Traits {
	return []Traits{
		{Revision: Rev20241105, Era: EraLegacy},
		{Revision: Rev20250326, Era: EraLegacy, StreamableHTTP: true, Batch: true},
		{Revision: Rev20250618, Era: EraLegacy, StreamableHTTP: true, VersionHeader: true,
			Elicitation: true, StructuredOutput: true, ResourceMetadata: true},
		{Revision: Rev20251125, Era: EraLegacy, StreamableHTTP: true, VersionHeader: true,
			Elicitation: true, ElicitationURL: true, StructuredOutput: true, ResourceMetadata: true, CoreTasks: true},
		{Revision: Rev20260728, Era: EraModern, StreamableHTTP: true, VersionHeader: true,
			Elicitation: true, ElicitationURL: true, StructuredOutput: true, ResourceMetadata: true,
			MirrorHeaders: true, RequestMeta: true, CacheHints: true},
	}
}

// Lookup gives the traits of a revision, and false for one we do not know.
func Lookup(r Revision) (Traits, bool) {
	for _, t := range Revisions() {
		if t.Revision == r {
			return t, true
		}
	}
	return Traits{}, false
}

// Newest gives the newest revision of an era, or "" for EraUnknown.
func Newest(e Era) Revision {
	for _, t := range slices.Backward(Revisions()) {
		if t.Era == e {
			return t.Revision
		}
	}
	return ""
}

// EraOf gives the era that a version string belongs to. A well-formed date we
// do not know counts by its place in time, so that a server which is ahead of
// us is not mistaken for an old one; anything else is EraUnknown.
func EraOf(version string) Era {
	if !isDate(version) {
		return EraUnknown
	}
	if Revision(version) >= Rev20260728 {
		return EraModern
	}
	return EraLegacy
}

// Common picks the newest revision of an era that both we and offered have, or
// "" if there is none.
func Common(e Era, offered []string) Revision {
	for _, t := range slices.Backward(Revisions()) {
		if t.Era == e && slices.Contains(offered, string(t.Revision)) {
			return t.Revision
		}
	}
	return ""
}

// Older lists the revisions of the same era that come before r, newest first.
func Older(r Revision) []Revision {
	all := Revisions()
	var out []Revision
	for _, t := range slices.Backward(all) {
		if t.Revision < r && t.Era == EraOf(string(r)) {
			out = append(out, t.Revision)
		}
	}
	return out
}

// NeverWas is a well-formed version that no revision of the protocol has: what
// an honest server does not agree to.
const NeverWas Revision = "1999-01-01"

// Echoes tells whether a server answered NeverWas with NeverWas.
func Echoes(version string) bool { return Revision(version) == NeverWas }

func isDate(s string) bool {
	if len(s) != len("2006-01-02") || s[4] != '-' || s[7] != '-' {
		return false
	}
	for i, c := range []byte(s) {
		if i != 4 && i != 7 && (c < '0' || c > '9') {
			return false
		}
	}
	return true
}

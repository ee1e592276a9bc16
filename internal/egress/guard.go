package egress

import (
	"fmt"
	"net/netip"
)

// Guard decides which resolved addresses may be dialled. The zero value lets
// public unicast addresses pass and nothing else.
//
// Allow names prefixes that pass although they are not public, for example
// 127.0.0.0/8 for targets on this machine. An entry covers the address as it
// is dialled (IPv4-mapped IPv6 is the IPv4 address it maps): 127.0.0.0/8 does
// not cover 64:ff9b::7f00:1. Cloud metadata addresses never pass, not even
// when an entry covers them. IPv4 entries never cover IPv6 addresses and the
// other way round.
type Guard struct {
	Allow []netip.Prefix
}

// BlockedError says which address (or spelling of one) the Guard refused, and why.
type BlockedError struct {
	Addr   netip.Addr // invalid when the host was refused before it had an address
	Reason string     // a few words, e.g. "loopback"
}

func (e *BlockedError) Error() string {
	if !e.Addr.IsValid() {
		return "refused: " + e.Reason
	}
	return fmt.Sprintf("address %s refused: %s", e.Addr, e.Reason)
}

// Loopback is the allow list for targets on this machine.
func Loopback() []netip.Prefix {
	return []netip.Prefix{
		netip.MustParsePrefix("127.0.0.0/8"),
		netip.MustParsePrefix("::1/128"),
	}
}

// Private is the allow list for targets inside one's own network or cluster:
// RFC 1918, the shared address space of RFC 6598 (pods on some clouds) and
// unique local IPv6. Loopback and link-local are not in it.
func Private() []netip.Prefix {
	return []netip.Prefix{
		netip.MustParsePrefix("10.0.0.0/8"),
		netip.MustParsePrefix("172.16.0.0/12"),
		netip.MustParsePrefix("192.168.0.0/16"),
		netip.MustParsePrefix("100.64.0.0/10"),
		netip.MustParsePrefix("fc00::/7"),
	}
}

// Check returns nil when a may be dialled and a *[BlockedError] when not. It
// unmaps IPv4-mapped IPv6, and also judges the IPv4 address embedded in NAT64
// (64:ff9b::/96), 6to4 (2002::/16) and ISATAP addresses. A zone is ignored.
func (g Guard) Check(a netip.Addr) error {
	if !a.IsValid() {
		return &BlockedError{Addr: a, Reason: "not an address"}
	}
	bare := a.Unmap().WithZone("")
	inner, carries := embedded(bare)
	if isMetadata(bare) || carries && isMetadata(inner) {
		return &BlockedError{Addr: a, Reason: "cloud metadata service"}
	}
	if g.allows(bare) {
		return nil
	}
	if reason := special(bare); reason != "" {
		return &BlockedError{Addr: a, Reason: reason}
	}
	if carries {
		if reason := special(inner); reason != "" {
			return &BlockedError{Addr: a, Reason: "embeds " + inner.String() + " (" + reason + ")"}
		}
	}
	return nil
}

func (g Guard) allows(a netip.Addr) bool {
	for _, p := range g.Allow {
		if p.Addr().Is4In6() && p.Bits() >= 96 {
			p = netip.PrefixFrom(p.Addr().Unmap(), p.Bits()-96)
		}
		if p.Contains(a) {
			return true
		}
	}
	return false
}

// embedded returns the IPv4 address that a network on the way would take out
// of an IPv6 address and use.
func embedded(a netip.Addr) (netip.Addr, bool) {
	if !a.Is6() {
		return netip.Addr{}, false
	}
	b := a.As16()
	switch {
	case nat64.Contains(a):
		return netip.AddrFrom4([4]byte(b[12:16])), true
	case b[0] == 0x20 && b[1] == 0x02: // 6to4, RFC 3056
		return netip.AddrFrom4([4]byte(b[2:6])), true
	case b[8]&^0x02 == 0 && b[9] == 0 && b[10] == 0x5e && b[11] == 0xfe: // ISATAP, RFC 5214
		return netip.AddrFrom4([4]byte(b[12:16])), true
	}
	return netip.Addr{}, false
}

// special returns why an address is no public unicast address, "" when it is one.
func special(a netip.Addr) string {
	for i := range specials {
		if specials[i].prefix.Contains(a) {
			return specials[i].reason
		}
	}
	// IANA has given out global unicast from 2000::/3 only; 64:ff9b::/96 is
	// the one special block outside it that leads to the public internet.
	if a.Is6() && !globalUnicast.Contains(a) && !nat64.Contains(a) {
		return "not global unicast"
	}
	return ""
}

func isMetadata(a netip.Addr) bool {
	for i := range metadata {
		if metadata[i] == a {
			return true
		}
	}
	return false
}

type block struct {
	prefix netip.Prefix
	reason string
}

// The tables below are constants in all but the keyword.
var (
	nat64         = netip.MustParsePrefix("64:ff9b::/96") // RFC 6052
	globalUnicast = netip.MustParsePrefix("2000::/3")

	// IANA IPv4 and IPv6 special-purpose address registries, plus what the
	// registries call obsolete but routers may still honour. The blocks with
	// a reason of their own inside a larger one come first.
	specials = [...]block{
		v("0.0.0.0/32", "unspecified"),
		v("0.0.0.0/8", "this network"),
		v("10.0.0.0/8", "private"),
		v("100.64.0.0/10", "shared address space (CGNAT)"),
		v("127.0.0.0/8", "loopback"),
		v("169.254.0.0/16", "link-local"),
		v("172.16.0.0/12", "private"),
		v("192.0.0.0/24", "IETF protocol assignments"),
		v("192.0.2.0/24", "documentation"),
		v("192.88.99.0/24", "6to4 relay anycast"),
		v("192.168.0.0/16", "private"),
		v("198.18.0.0/15", "benchmarking"),
		v("198.51.100.0/24", "documentation"),
		v("203.0.113.0/24", "documentation"),
		v("224.0.0.0/4", "multicast"),
		v("255.255.255.255/32", "broadcast"),
		v("240.0.0.0/4", "reserved"),
		v("::/128", "unspecified"),
		v("::1/128", "loopback"),
		v("::/96", "IPv4-compatible"),
		v("::ffff:0:0:0/96", "IPv4-translated"),
		v("64:ff9b:1::/48", "local-use NAT64"),
		v("100::/64", "discard"),
		v("2001::/32", "Teredo"),
		v("2001:2::/48", "benchmarking"),
		v("2001:db8::/32", "documentation"),
		v("2001::/23", "IETF protocol assignments"),
		v("3fff::/20", "documentation"),
		v("5f00::/16", "segment routing"),
		v("fc00::/7", "unique local"),
		v("fe80::/10", "link-local"),
		v("fec0::/10", "site-local"),
		v("ff00::/8", "multicast"),
	}

	// Services that hand credentials or machine identity to whoever can reach
	// them. Each is a documented address of the cloud named.
	metadata = [...]netip.Addr{
		netip.MustParseAddr("169.254.169.254"), // AWS, Azure, Google, OpenStack, Oracle, DigitalOcean
		netip.MustParseAddr("169.254.170.2"),   // AWS ECS task credentials
		netip.MustParseAddr("169.254.170.23"),  // AWS EKS pod identity
		netip.MustParseAddr("169.254.0.23"),    // Tencent
		netip.MustParseAddr("169.254.42.42"),   // Scaleway
		netip.MustParseAddr("168.63.129.16"),   // Azure wire server, a public address
		netip.MustParseAddr("100.100.100.200"), // Alibaba
		netip.MustParseAddr("192.0.0.192"),     // Oracle classic
		netip.MustParseAddr("fd00:ec2::254"),   // AWS
		netip.MustParseAddr("fd00:ec2::23"),    // AWS EKS pod identity
		netip.MustParseAddr("fd20:ce::254"),    // Google
		netip.MustParseAddr("fd00:42::42"),     // Scaleway
		netip.MustParseAddr("fe80::a9fe:a9fe"), // OpenStack
	}
)

func v(prefix, reason string) block {
	return block{prefix: netip.MustParsePrefix(prefix), reason: reason}
}

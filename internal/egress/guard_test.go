package egress

import (
	"errors"
	"net/netip"
	"testing"
)

func TestGuardCheck(t *testing.T) {
	all := Guard{Allow: []netip.Prefix{netip.MustParsePrefix("0.0.0.0/0"), netip.MustParsePrefix("::/0")}}
	tests := []struct {
		addr                           string
		zero, loopback, private, every bool // passes the guard with that allow list
	}{
		{"93.184.215.14", true, true, true, true},
		{"1.1.1.1", true, true, true, true},
		{"100.63.255.255", true, true, true, true},
		{"100.128.0.0", true, true, true, true},
		{"172.15.255.255", true, true, true, true},
		{"172.32.0.0", true, true, true, true},
		{"223.255.255.255", true, true, true, true},
		{"2606:4700:4700::1111", true, true, true, true},
		{"2a00:1450:4001:81b::200e", true, true, true, true},
		{"::ffff:1.1.1.1", true, true, true, true},
		{"64:ff9b::101:101", true, true, true, true}, // NAT64 of a public address
		{"2002:101:101::1", true, true, true, true},  // 6to4 of a public address
		{"2606:4700::5efe:1.1.1.1", true, true, true, true},

		{"127.0.0.1", false, true, false, true},
		{"127.255.255.255", false, true, false, true},
		{"::1", false, true, false, true},
		{"::1%lo", false, true, false, true},
		{"::ffff:127.0.0.1", false, true, false, true},
		{"::ffff:127.0.0.1%eth0", false, true, false, true},
		{"10.0.0.0", false, false, true, true},
		{"172.16.0.1", false, false, true, true},
		{"172.31.255.255", false, false, true, true},
		{"192.168.0.1", false, false, true, true},
		{"100.64.0.1", false, false, true, true},
		{"fd12:3456::1", false, false, true, true},
		{"fc00::1", false, false, true, true},
		{"::ffff:10.1.2.3", false, false, true, true},

		{"0.0.0.0", false, false, false, true},
		{"0.1.2.3", false, false, false, true},
		{"169.254.1.1", false, false, false, true},
		{"192.0.0.1", false, false, false, true},
		{"192.0.2.1", false, false, false, true},
		{"192.88.99.1", false, false, false, true},
		{"198.18.0.1", false, false, false, true},
		{"198.19.255.255", false, false, false, true},
		{"198.51.100.1", false, false, false, true},
		{"203.0.113.1", false, false, false, true},
		{"224.0.0.1", false, false, false, true},
		{"239.255.255.255", false, false, false, true},
		{"240.0.0.1", false, false, false, true},
		{"255.255.255.255", false, false, false, true},
		{"::", false, false, false, true},
		{"::2", false, false, false, true},
		{"::7f00:1", false, false, false, true},
		{"::ffff:0:7f00:1", false, false, false, true},
		{"64:ff9b::7f00:1", false, false, false, true},
		{"64:ff9b::a00:1", false, false, false, true},
		{"64:ff9b:1::1", false, false, false, true},
		{"64:ff9b:1:ffff::101:101", false, false, false, true},
		{"64:ff9b:0:1::1", false, false, false, true},
		{"100::1", false, false, false, true},
		{"2001::1", false, false, false, true},
		{"2001:0:4136:e378:8000:63bf:3fff:fdd2", false, false, false, true},
		{"2001:2::1", false, false, false, true},
		{"2001:20::1", false, false, false, true},
		{"2001:db8::1", false, false, false, true},
		{"2002:7f00:1::", false, false, false, true},
		{"2002:a00:1::1", false, false, false, true},
		{"2002:c0a8:101::1", false, false, false, true},
		{"2606:4700::5efe:10.0.0.1", false, false, false, true},
		{"2606:4700::200:5efe:192.168.0.1", false, false, false, true},
		{"3fff::1", false, false, false, true},
		{"4000::1", false, false, false, true},
		{"5f00::1", false, false, false, true},
		{"fe80::1", false, false, false, true},
		{"fe80::1%eth0", false, false, false, true},
		{"fec0::1", false, false, false, true},
		{"ff02::1", false, false, false, true},

		{"169.254.169.254", false, false, false, false},
		{"169.254.170.2", false, false, false, false},
		{"169.254.170.23", false, false, false, false},
		{"100.100.100.200", false, false, false, false},
		{"168.63.129.16", false, false, false, false},
		{"fd00:ec2::254", false, false, false, false},
		{"fd00:ec2::254%eth0", false, false, false, false},
		{"fe80::a9fe:a9fe%eth0", false, false, false, false},
		{"::ffff:169.254.169.254", false, false, false, false},
		{"64:ff9b::a9fe:a9fe", false, false, false, false},
		{"2002:a9fe:a9fe::", false, false, false, false},
		{"fc00::5efe:169.254.169.254", false, false, false, false},
	}
	for _, tt := range tests {
		for _, g := range []struct {
			name  string
			guard Guard
			want  bool
		}{{"zero", Guard{}, tt.zero}, {"loopback", Guard{Loopback()}, tt.loopback}, {"private", Guard{Private()}, tt.private}, {"every", all, tt.every}} {
			err := g.guard.Check(netip.MustParseAddr(tt.addr))
			if (err == nil) != g.want {
				t.Errorf("guard %s, address %s: %v, want pass %v", g.name, tt.addr, err, g.want)
			}
			if err == nil {
				continue
			}
			if blocked, ok := errors.AsType[*BlockedError](err); !ok || blocked.Reason == "" {
				t.Errorf("guard %s, address %s: %#v is no *BlockedError with a reason", g.name, tt.addr, err)
			}
		}
	}
}

func TestGuardCheckInvalid(t *testing.T) {
	if err := (Guard{}).Check(netip.Addr{}); err == nil {
		t.Fatal("the zero address passed")
	}
}

func TestGuardAllowMapped(t *testing.T) {
	g := Guard{Allow: []netip.Prefix{netip.MustParsePrefix("::ffff:10.1.0.0/112")}}
	if err := g.Check(netip.MustParseAddr("10.1.2.3")); err != nil {
		t.Errorf("a mapped entry does not cover the address it maps: %v", err)
	}
	if err := g.Check(netip.MustParseAddr("10.2.2.3")); err == nil {
		t.Error("a mapped entry covers more than it says")
	}
}

// FuzzGuardCheck holds the zero Guard against an oracle that knows nothing of
// the tables: whatever passes is global unicast to netip and hides no
// non-public IPv4 address at any of the places translators take one from.
func FuzzGuardCheck(f *testing.F) {
	for _, s := range []string{"::1", "::ffff:10.0.0.1", "64:ff9b::a9fe:a9fe", "64:ff9b::101:101", "2002:a00:1::", "2002:101:101::", "2001:0:1::1", "fe80::1", "2606:4700::1111", "2606:4700::5efe:10.0.0.1", "::10.0.0.1", "64:ff9b:1::1"} {
		b := netip.MustParseAddr(s).As16()
		f.Add(b[:])
	}
	public4 := func(b []byte) bool {
		a := netip.AddrFrom4([4]byte(b))
		return a.IsGlobalUnicast() && !a.IsPrivate() && a.As4()[0] != 0 && a.As4()[0] < 224 &&
			(a.As4()[0] != 100 || a.As4()[1]&0xc0 != 64)
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		if len(raw) != 16 {
			return
		}
		a := netip.AddrFrom16([16]byte(raw))
		if (Guard{}).Check(a) != nil {
			return
		}
		u := a.Unmap()
		if !u.IsGlobalUnicast() || u.IsPrivate() || u.IsLoopback() {
			t.Fatalf("%s passed and is not public unicast", a)
		}
		if u.Is4() {
			if !public4(raw[12:16]) {
				t.Fatalf("%s passed", a)
			}
			return
		}
		switch {
		case raw[0] == 0 && raw[1] == 0x64, raw[0]|raw[1]|raw[2]|raw[3] == 0: // NAT64, or anything in ::/32
			if !public4(raw[12:16]) {
				t.Fatalf("%s passed with a non-public IPv4 address inside", a)
			}
		case raw[0] == 0x20 && raw[1] == 0x02:
			if !public4(raw[2:6]) {
				t.Fatalf("%s passed with a non-public IPv4 address inside", a)
			}
		case raw[0] == 0x20 && raw[1] == 0x01 && raw[2]|raw[3] == 0:
			t.Fatalf("Teredo address %s passed", a)
		}
	})
}

func BenchmarkGuardCheck(b *testing.B) {
	for _, s := range []string{"93.184.215.14", "2606:4700:4700::1111"} {
		a := netip.MustParseAddr(s)
		b.Run(s, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if err := (Guard{}).Check(a); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

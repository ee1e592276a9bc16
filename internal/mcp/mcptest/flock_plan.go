package mcptest

import (
	"crypto/x509"
	"errors"
	"net/netip"
)

// FlockPlan is what another process needs in order to find a Flock.
type FlockPlan struct {
	N      int
	Step   int
	Bounds []int
	Doors  []netip.AddrPort
	Closed netip.AddrPort
	Root   []byte // certificate, DER
}

// Plan describes the flock.
func (f *Flock) Plan() FlockPlan {
	return FlockPlan{N: f.n, Step: f.step, Bounds: f.bounds[:], Doors: f.doors, Closed: f.closed, Root: f.root}
}

// Remote gives a Flock that resolves and dials like the one described. It
// serves nothing and counts nothing.
func (p FlockPlan) Remote() (*Flock, error) {
	root, err := x509.ParseCertificate(p.Root)
	if err != nil {
		return nil, err
	}
	if len(p.Bounds) != int(kinds) || len(p.Doors) != flockDoors {
		return nil, errors.New("the plan is of another version")
	}
	f := &Flock{n: p.N, step: p.Step, bounds: [kinds]int(p.Bounds), doors: p.Doors, closed: p.Closed, roots: x509.NewCertPool()}
	f.roots.AddCert(root)
	return f, nil
}

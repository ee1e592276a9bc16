package mcptest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"fmt"
	"math/big"
	"net"
	"time"
)

const day = 24 * time.Hour

// issuer says who signs a host's certificate.
type issuer uint8

const (
	byWorld        issuer = iota // the world's root, which clients trust
	byIntermediate               // an intermediate of it, sent along
	byMissing                    // an intermediate that the host forgets to send
	byStranger                   // a root that nobody trusts
	bySelf                       // itself
)

// certificate is how a host's certificate differs from a good one.
type certificate struct {
	notBefore, notAfter time.Duration // from now
	names               []string      // default: the host's name
	issuer              issuer
}

// authority makes certificates. One key serves all of them: it is their
// contents that are under test.
type authority struct {
	key    *ecdsa.PrivateKey
	serial int64

	root, intermediate, stranger *x509.Certificate
}

func newAuthority() (*authority, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("make key: %w", err)
	}
	a := &authority{key: key}
	if a.root, err = a.authority("mcptest root", nil); err != nil {
		return nil, err
	}
	if a.intermediate, err = a.authority("mcptest intermediate", a.root); err != nil {
		return nil, err
	}
	a.stranger, err = a.authority("mcptest stranger", nil)
	return a, err
}

func (a *authority) authority(name string, parent *x509.Certificate) (*x509.Certificate, error) {
	tmpl := a.template(name, -2*365*day, 20*365*day)
	tmpl.IsCA, tmpl.BasicConstraintsValid, tmpl.KeyUsage = true, true, x509.KeyUsageCertSign
	if parent == nil {
		parent = tmpl
	}
	return a.sign(tmpl, parent)
}

func (a *authority) template(name string, from, to time.Duration) *x509.Certificate {
	a.serial++
	now := time.Now()
	return &x509.Certificate{
		SerialNumber: big.NewInt(a.serial),
		Subject:      pkix.Name{CommonName: name},
		NotBefore:    now.Add(from),
		NotAfter:     now.Add(to),
		// Names of one key would all have the same key id; chains are built by subject.
		SubjectKeyId: []byte(name),
	}
}

func (a *authority) sign(tmpl, parent *x509.Certificate) (*x509.Certificate, error) {
	der, err := x509.CreateCertificate(rand.Reader, tmpl, parent, a.key.Public(), a.key)
	if err != nil {
		return nil, fmt.Errorf("sign certificate of %s: %w", tmpl.Subject.CommonName, err)
	}
	return x509.ParseCertificate(der)
}

// leaf makes what a host shows.
func (a *authority) leaf(host string, spec certificate) (tls.Certificate, error) {
	tmpl := a.template(host, spec.notBefore, spec.notAfter)
	tmpl.KeyUsage = x509.KeyUsageDigitalSignature
	tmpl.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}
	names := spec.names
	if names == nil {
		names = []string{host}
	}
	for _, n := range names {
		if ip := net.ParseIP(n); ip != nil {
			tmpl.IPAddresses = append(tmpl.IPAddresses, ip)
		} else {
			tmpl.DNSNames = append(tmpl.DNSNames, n)
		}
	}
	parent := a.root
	switch spec.issuer {
	case byIntermediate, byMissing:
		parent = a.intermediate
	case byStranger:
		parent = a.stranger
	case bySelf:
		parent = tmpl
	}
	leaf, err := a.sign(tmpl, parent)
	if err != nil {
		return tls.Certificate{}, err
	}
	chain := [][]byte{leaf.Raw}
	if spec.issuer == byIntermediate {
		chain = append(chain, a.intermediate.Raw)
	}
	return tls.Certificate{Certificate: chain, PrivateKey: a.key, Leaf: leaf}, nil
}

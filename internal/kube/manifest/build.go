package manifest

import (
	"errors"
	"fmt"
)

// Build turns declarations into objects, in the order in which they can be
// applied. A gateway takes its servers from the same declarations. All errors
// come back at once, joined, those about a field as [strict.Problem] when the
// declaration was read from a file.
func Build(decls []Declaration, opts Options) (*Set, error) {
	if k := opts.kubernetes(); k < OldestKubernetes {
		return nil, fmt.Errorf("build manifests: Kubernetes 1.%d is too old: native sidecars and the preStop sleep need 1.%d", k, OldestKubernetes)
	}
	if opts.FrontImage == "" {
		return nil, errors.New("build manifests: the image of the front is not known")
	}
	set := &Set{}
	var errs []error
	for i := range decls {
		p := layOut(&decls[i], decls, opts, set)
		if err := p.objects(); err != nil {
			errs = append(errs, err)
		}
	}
	if err := set.unique(); err != nil {
		errs = append(errs, err)
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	set.order()
	return set, nil
}

func layOut(d *Declaration, all []Declaration, opts Options, set *Set) *plan {
	return serverPlan(d, opts, set)
}

// objects adds everything that the plan needs to the set.
func (p *plan) objects() error {
	config, err := p.configMap()
	if err != nil {
		return err
	}
	p.set.add(config)
	p.set.add(p.service())
	if p.sharesSessions() {
		p.set.add(p.peers())
	}
	deployment, err := p.deployment()
	if err != nil {
		return err
	}
	p.set.add(deployment)
	return nil
}

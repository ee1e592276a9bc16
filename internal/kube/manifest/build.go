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
		p, err := layOut(&decls[i], decls, opts, set)
		if err == nil {
			err = p.objects()
		}
		if err != nil {
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

// layOut plans one declaration; all are those beside it, itself included.
func layOut(d *Declaration, all []Declaration, opts Options, set *Set) (*plan, error) {
	if d.Gateway != nil {
		return gatewayPlan(d, all, opts, set)
	}
	p := serverPlan(d, opts, set)
	if ref := d.Server.Spec.Service; ref != nil && p.shape != watcher && ref.Name == p.name {
		return nil, d.errorf("spec.service.name", "the front's own Service is named after the MCPServer, so it would take the place of this one: name the MCPServer %s-mcp, for instance", p.name)
	}
	return p, nil
}

// objects adds everything that the plan needs to the set.
func (p *plan) objects() error {
	config, err := p.configMap()
	if err != nil {
		return err
	}
	deployment, err := p.deployment()
	if err != nil {
		return err
	}
	p.set.add(p.serviceAccount())
	p.set.add(p.role()...)
	p.set.add(config, p.networkPolicy(), p.service(), deployment)
	if p.sharesSessions() {
		p.set.add(p.peers())
	}
	if p.shape != watcher {
		p.set.add(p.disruptionBudget())
	}
	if p.scaling.Autoscaled() {
		p.set.add(p.autoscaler())
	}
	p.set.add(p.routes()...)
	p.set.add(p.monitors()...)
	if p.outside == nil {
		return nil
	}
	probe, err := p.outsideProbe()
	p.set.add(probe...)
	return err
}

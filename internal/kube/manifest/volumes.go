package manifest

import (
	"fmt"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
)

// volumes adds the volumes that the shape needs.
func (b *pod) volumes() {
	p := b.plan
	b.spec.Volumes = append(b.spec.Volumes, p.configVolume())
	b.because("volumes[config].projected.defaultMode", "0444: read-only for all, there is no secret in it")
	if secrets := p.secretVolume(); secrets != nil {
		b.spec.Volumes = append(b.spec.Volumes, *secrets)
		b.because("volumes[secrets].projected.defaultMode", "0440: readable through fsGroup")
		b.because("volumes[secrets]", "mounted, not in the environment: a rotated Secret arrives without a restart")
	}
	if p.sealsSessions() {
		b.spec.Volumes = append(b.spec.Volumes, corev1.Volume{Name: "session-keys", VolumeSource: corev1.VolumeSource{
			Secret: &corev1.SecretVolumeSource{SecretName: p.sessionKeys, DefaultMode: new(int32(0o440))},
		}})
		b.because("volumes[session-keys].secret.defaultMode", "0440: readable through fsGroup")
		b.because("volumes[session-keys]", "not stateless: session ids are sealed, and every replica must open them, after a restart too")
		p.set.note("Secret %s must hold at least one key of 32 random bytes before %s starts, for instance: head -c32 /dev/urandom >key && kubectl create secret generic %s --from-file=k1=key", p.sessionKeys, p.decl.Name(), p.sessionKeys)
	}
	if p.decl.Server == nil || p.decl.Server.Spec.Image == "" {
		return
	}
	b.spec.Volumes = append(b.spec.Volumes, scratch("tmp"))
	for i := range p.decl.Server.Spec.WritablePaths {
		b.spec.Volumes = append(b.spec.Volumes, scratch(fmt.Sprintf("writable-%d", i)))
	}
}

func scratch(name string) corev1.Volume {
	return corev1.Volume{Name: name, VolumeSource: corev1.VolumeSource{EmptyDir: &corev1.EmptyDirVolumeSource{SizeLimit: new(resource.MustParse("256Mi"))}}}
}

// configVolume joins the front's file and the contract in one folder.
func (p *plan) configVolume() corev1.Volume {
	sources := []corev1.VolumeProjection{{ConfigMap: &corev1.ConfigMapProjection{
		LocalObjectReference: corev1.LocalObjectReference{Name: p.name + "-front"},
		Items:                []corev1.KeyToPath{{Key: "holdfast.yaml", Path: "holdfast.yaml"}},
	}}}
	if p.decl.Server != nil && p.decl.Server.Spec.Contract != nil {
		ref := p.decl.Server.Spec.Contract.ConfigMap
		sources = append(sources, corev1.VolumeProjection{ConfigMap: &corev1.ConfigMapProjection{
			LocalObjectReference: corev1.LocalObjectReference{Name: ref.Name},
			Items:                []corev1.KeyToPath{{Key: ref.Key, Path: "contract.yaml"}},
		}})
	}
	return corev1.Volume{Name: "config", VolumeSource: corev1.VolumeSource{
		Projected: &corev1.ProjectedVolumeSource{Sources: sources, DefaultMode: new(int32(0o444))},
	}}
}

// secretVolume holds the keys that the front reads, at SECRET/KEY.
func (p *plan) secretVolume() *corev1.Volume {
	var sources []corev1.VolumeProjection
	for _, ref := range p.mountedSecrets() {
		sources = append(sources, corev1.VolumeProjection{Secret: &corev1.SecretProjection{
			LocalObjectReference: corev1.LocalObjectReference{Name: ref.Name},
			Items:                []corev1.KeyToPath{{Key: ref.Key, Path: ref.Name + "/" + ref.Key}},
		}})
	}
	if len(sources) == 0 {
		return nil
	}
	return &corev1.Volume{Name: "secrets", VolumeSource: corev1.VolumeSource{
		Projected: &corev1.ProjectedVolumeSource{Sources: sources, DefaultMode: new(int32(0o440))},
	}}
}

func (b *pod) frontMounts() []corev1.VolumeMount {
	out := []corev1.VolumeMount{{Name: "config", MountPath: configDir, ReadOnly: true}}
	if len(b.plan.mountedSecrets()) > 0 {
		out = append(out, corev1.VolumeMount{Name: "secrets", MountPath: secretDir, ReadOnly: true})
	}
	if b.plan.sealsSessions() {
		out = append(out, corev1.VolumeMount{Name: "session-keys", MountPath: sessionKeyDir, ReadOnly: true})
	}
	return out
}

func (b *pod) serverMounts() []corev1.VolumeMount {
	out := []corev1.VolumeMount{{Name: "tmp", MountPath: "/tmp"}}
	for i, path := range b.plan.decl.Server.Spec.WritablePaths {
		out = append(out, corev1.VolumeMount{Name: fmt.Sprintf("writable-%d", i), MountPath: path})
	}
	return out
}

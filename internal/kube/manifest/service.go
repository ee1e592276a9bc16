package manifest

import (
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
)

// servicePort is the port at which clients in the cluster find the front.
const servicePort = 80

// service is the address of the front.
func (p *plan) service() Object {
	s := &corev1.Service{
		TypeMeta:   metav1.TypeMeta{APIVersion: "v1", Kind: "Service"},
		ObjectMeta: p.meta(""),
		Spec: corev1.ServiceSpec{
			Type:            corev1.ServiceTypeClusterIP,
			Selector:        p.selector(),
			SessionAffinity: corev1.ServiceAffinityNone,
		},
	}
	o := Object{Object: s}
	s.Annotations = p.serviceAnnotations(&o)
	if p.shape != watcher {
		s.Spec.Ports = append(s.Spec.Ports, corev1.ServicePort{
			Name: "http", Port: servicePort, TargetPort: intstr.FromString("mcp"), Protocol: corev1.ProtocolTCP, AppProtocol: new("http"),
		})
		o.because("spec.ports[http].appProtocol", "plain HTTP inside the cluster; TLS ends at the route")
		o.because("spec.sessionAffinity", "any replica takes any session; affinity by address pins everybody behind one proxy to one pod")
	}
	s.Spec.Ports = append(s.Spec.Ports, corev1.ServicePort{
		Name: "admin", Port: adminPort, TargetPort: intstr.FromString("admin"), Protocol: corev1.ProtocolTCP, AppProtocol: new("http"),
	})
	o.because("spec.ports[admin]", "status and metrics; the NetworkPolicy says who gets there")
	return o
}

// peers is the headless Service by which replicas find each other.
func (p *plan) peers() Object {
	o := Object{Object: &corev1.Service{
		TypeMeta:   metav1.TypeMeta{APIVersion: "v1", Kind: "Service"},
		ObjectMeta: p.meta("-peers"),
		Spec: corev1.ServiceSpec{
			Type:                     corev1.ServiceTypeClusterIP,
			ClusterIP:                corev1.ClusterIPNone,
			Selector:                 p.selector(),
			PublishNotReadyAddresses: true,
			Ports: []corev1.ServicePort{{
				Name: "http", Port: publicPort, TargetPort: intstr.FromString("mcp"), Protocol: corev1.ProtocolTCP, AppProtocol: new("http"),
			}},
		},
	}}
	o.because("spec.clusterIP", "one address per replica: a session's home is one of them")
	o.because("spec.publishNotReadyAddresses", "a draining replica still finishes the sessions that live there")
	return o
}

package manifest

import (
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
)

// callsInFlight is the pod metric that the front publishes.
const callsInFlight = "holdfast_calls_in_flight"

// disruptionBudget lets a node be drained one pod at a time. It is written as
// a maximum: a minimum equal to the number of replicas would block every drain.
func (p *plan) disruptionBudget() Object {
	o := Object{Object: &policyv1.PodDisruptionBudget{
		TypeMeta:   metav1.TypeMeta{APIVersion: policyv1.SchemeGroupVersion.String(), Kind: "PodDisruptionBudget"},
		ObjectMeta: p.meta(""),
		Spec: policyv1.PodDisruptionBudgetSpec{
			MaxUnavailable:             new(intstr.FromInt32(1)),
			Selector:                   p.labelSelector(),
			UnhealthyPodEvictionPolicy: new(policyv1.AlwaysAllow),
		},
	}}
	o.because("spec.maxUnavailable", "one at a time; a minimum would block the drain of a node when it equals the replicas")
	o.because("spec.unhealthyPodEvictionPolicy", "a pod that does not work anyway must not block the drain of its node")
	return o
}

// autoscaler moves the number of pods between min and max.
func (p *plan) autoscaler() Object {
	period, periodWhy := p.times.scaleDownPeriod()
	h := &autoscalingv2.HorizontalPodAutoscaler{
		TypeMeta:   metav1.TypeMeta{APIVersion: autoscalingv2.SchemeGroupVersion.String(), Kind: "HorizontalPodAutoscaler"},
		ObjectMeta: p.meta(""),
		Spec: autoscalingv2.HorizontalPodAutoscalerSpec{
			ScaleTargetRef: autoscalingv2.CrossVersionObjectReference{APIVersion: "apps/v1", Kind: "Deployment", Name: p.name},
			MinReplicas:    new(p.scaling.Min),
			MaxReplicas:    *p.scaling.Max,
			Behavior: &autoscalingv2.HorizontalPodAutoscalerBehavior{
				ScaleUp: &autoscalingv2.HPAScalingRules{
					StabilizationWindowSeconds: new(int32(0)),
					SelectPolicy:               new(autoscalingv2.MaxChangePolicySelect),
					Policies: []autoscalingv2.HPAScalingPolicy{
						{Type: autoscalingv2.PercentScalingPolicy, Value: 100, PeriodSeconds: 15},
						{Type: autoscalingv2.PodsScalingPolicy, Value: 4, PeriodSeconds: 15},
					},
				},
				ScaleDown: &autoscalingv2.HPAScalingRules{
					StabilizationWindowSeconds: new(int32(300)),
					SelectPolicy:               new(autoscalingv2.MaxChangePolicySelect),
					Policies:                   []autoscalingv2.HPAScalingPolicy{{Type: autoscalingv2.PodsScalingPolicy, Value: 1, PeriodSeconds: period}},
				},
			},
		},
	}
	o := Object{Object: h}
	p.metrics(h, &o)
	o.because("spec.behavior.scaleUp.stabilizationWindowSeconds", "up at once: waiting callers cost more than a pod")
	o.because("spec.behavior.scaleDown.stabilizationWindowSeconds", "a lull of less than 5 minutes takes nothing away")
	o.because("spec.behavior.scaleDown.policies[0].value", "one pod at a time: each one that goes moves its sessions")
	o.because("spec.behavior.scaleDown.policies[0].periodSeconds", "%s", periodWhy)
	return o
}

// metrics chooses what the autoscaler looks at.
func (p *plan) metrics(h *autoscalingv2.HorizontalPodAutoscaler, o *Object) {
	if calls := p.scaling.CallsPerPod; calls != nil {
		h.Spec.Metrics = append(h.Spec.Metrics, autoscalingv2.MetricSpec{
			Type: autoscalingv2.PodsMetricSourceType,
			Pods: &autoscalingv2.PodsMetricSource{
				Metric: autoscalingv2.MetricIdentifier{Name: callsInFlight},
				Target: autoscalingv2.MetricTarget{Type: autoscalingv2.AverageValueMetricType, AverageValue: resource.NewQuantity(int64(*calls), resource.DecimalSI)},
			},
		})
		o.because("spec.metrics[Pods].pods.metric.name", "scaling.callsPerPod: what waits for an upstream burns no CPU, so calls are counted; an adapter must serve this metric")
	}
	percent := p.scaling.CPUPercent
	if percent == nil && p.scaling.CallsPerPod == nil {
		percent = new(int32(70))
	}
	if percent == nil {
		return
	}
	container := frontContainer
	if p.shape == sidecar || p.shape == wrapper {
		container = serverContainer
	}
	h.Spec.Metrics = append(h.Spec.Metrics, autoscalingv2.MetricSpec{
		Type: autoscalingv2.ContainerResourceMetricSourceType,
		ContainerResource: &autoscalingv2.ContainerResourceMetricSource{
			Name: corev1.ResourceCPU, Container: container,
			Target: autoscalingv2.MetricTarget{Type: autoscalingv2.UtilizationMetricType, AverageUtilization: percent},
		},
	})
	o.because("spec.metrics[ContainerResource].containerResource.container", "this container's CPU alone; the pod's sum would hide it behind the front's")
}

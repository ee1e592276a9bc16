package manifest

import (
	"fmt"
	"hash/fnv"
	"path"
	"regexp"
	"strconv"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/holdfast-mcp/holdfast/api/v1alpha1"
)

// outsideBudget is what one outside probe may take in all, when the
// declaration has no budget of its own.
const outsideBudget = 10

// outsideLabels keep the probe's pods apart from the server's, so that the
// Service never sends a call to one.
func (p *plan) outsideLabels() map[string]string {
	return merged(p.labels(), map[string]string{labelComponent: "outside-probe"})
}

// schedule spreads servers over the minutes: the remainder follows from the
// name, so it stays the same.
func (p *plan) schedule() (schedule, because string) {
	if p.outside.Schedule != "" {
		return p.outside.Schedule, "outside.schedule"
	}
	h := fnv.New32a()
	fmt.Fprintf(h, "%s/%s", p.namespace, p.name)
	return fmt.Sprintf("%d-59/5 * * * *", h.Sum32()%5), "every 5 minutes, at a minute that follows from the name: servers are not all probed at once"
}

// plainInterval is a schedule of every so many minutes.
var plainInterval = regexp.MustCompile(`/(\d+) \* \* \* \*$`)

// quiet is how long no success may be seen before somebody is told.
func (p *plan) quiet() (seconds int, because string) {
	schedule, _ := p.schedule()
	if m := plainInterval.FindStringSubmatch(schedule); m != nil {
		if minutes, err := strconv.Atoi(m[1]); err == nil && minutes > 0 {
			return 3 * 60 * minutes, fmt.Sprintf("three runs of schedule %q", schedule)
		}
	}
	return 6 * 3600, "6h: the schedule is not a plain interval"
}

// outsideProbe is the CronJob that walks the client's way from the public side.
func (p *plan) outsideProbe() ([]Object, error) {
	url := p.publicURL()
	image, imageWhy, err := p.opts.pin(p.opts.FrontImage)
	if err != nil {
		return nil, fmt.Errorf("front image: %w", err)
	}
	budget := int64(outsideBudget)
	if p.decl.Server != nil {
		budget = int64(p.decl.Server.Spec.Probe.Budget.Seconds())
	}
	schedule, scheduleWhy := p.schedule()
	deadline := 10*budget + 60
	job := &batchv1.CronJob{
		TypeMeta:   metav1.TypeMeta{APIVersion: batchv1.SchemeGroupVersion.String(), Kind: "CronJob"},
		ObjectMeta: p.meta("-outside"),
		Spec: batchv1.CronJobSpec{
			Schedule:                   schedule,
			TimeZone:                   new(p.outside.TimeZone),
			StartingDeadlineSeconds:    new(int64(120)),
			ConcurrencyPolicy:          batchv1.ForbidConcurrent,
			SuccessfulJobsHistoryLimit: new(int32(1)),
			FailedJobsHistoryLimit:     new(int32(5)),
			JobTemplate: batchv1.JobTemplateSpec{
				ObjectMeta: metav1.ObjectMeta{Labels: p.outsideLabels()},
				Spec: batchv1.JobSpec{
					BackoffLimit:            new(int32(0)),
					ActiveDeadlineSeconds:   &deadline,
					TTLSecondsAfterFinished: new(int32(86400)),
					Template: corev1.PodTemplateSpec{
						ObjectMeta: metav1.ObjectMeta{Labels: p.outsideLabels()},
						Spec:       p.outsidePod(image, url, budget),
					},
				},
			},
		},
	}
	job.Labels = p.outsideLabels()
	o := Object{Object: job}
	if len(p.expose) > 0 {
		const ignore = "lint.holdfast.dev/ignore"
		job.Annotations = map[string]string{ignore: "HF603=it walks the public way, and a holdfast monitor elsewhere sees the rest"}
		o.because(`metadata.annotations["`+ignore+`"]`, "it runs beside what it watches: it cannot see the cluster being gone")
	}
	o.because("spec.schedule", "%s", scheduleWhy)
	o.because("spec.concurrencyPolicy", "two probes at once would measure each other")
	o.because("spec.startingDeadlineSeconds", "a run that is 2 minutes late is left out; without a deadline 100 missed runs stop the CronJob for good")
	o.because("spec.failedJobsHistoryLimit", "evidence: the default keeps one")
	const in = "spec.jobTemplate.spec."
	o.because(in+"backoffLimit", "a failure is the finding; the default tries 6 more times and hides it")
	o.because(in+"activeDeadlineSeconds", "ten answers at the budget of %ds + 60s to schedule and pull", budget)
	o.because(in+"ttlSecondsAfterFinished", "a day")
	o.because(in+"template.spec.containers[check].image", "%s", imageWhy)
	r := &rules{}
	r.dns()
	r.url(url, "the published URL")
	meta := p.meta("-outside")
	meta.Labels = p.outsideLabels()
	selector := map[string]string{labelName: p.name, labelComponent: "outside-probe"}
	if p.monitoring == nil {
		p.set.note("%s: nobody is told when its outside probe fails: declare monitoring, or watch the CronJob %s-outside", p.decl.Name(), p.name)
	}
	p.set.note("%s is probed at %s from inside this cluster: a second Holdfast elsewhere (holdfast monitor) sees what this one cannot, such as the cluster being gone", p.decl.Name(), url)
	return []Object{r.policy(meta, selector), o}, nil
}

// calls are the declared checks as flags of `holdfast check`.
func (p *plan) calls() []string {
	if p.decl.Server == nil {
		return nil
	}
	var out []string
	for _, c := range p.decl.Server.Spec.Checks {
		call := "tool=" + c.Tool
		if c.Args != nil {
			call += " args=" + string(c.Args.Raw)
		}
		out = append(out, "--call", call)
	}
	return out
}

func (p *plan) outsidePod(image, url string, budget int64) corev1.PodSpec {
	args := append([]string{"check", url, "--budget", fmt.Sprintf("%ds", budget), "-o", "json"}, p.calls()...)
	pod := corev1.PodSpec{
		ServiceAccountName:            p.name,
		AutomountServiceAccountToken:  new(false),
		EnableServiceLinks:            new(false),
		RestartPolicy:                 corev1.RestartPolicyNever,
		TerminationGracePeriodSeconds: new(int64(10)),
		SecurityContext: &corev1.PodSecurityContext{
			RunAsNonRoot: new(true), RunAsUser: new(nonRoot), RunAsGroup: new(nonRoot), FSGroup: new(nonRoot),
			SeccompProfile: &corev1.SeccompProfile{Type: corev1.SeccompProfileTypeRuntimeDefault},
		},
	}
	check := corev1.Container{
		Name: "check", Image: image, ImagePullPolicy: pullPolicy(image),
		SecurityContext:          hardened(),
		Resources:                corev1.ResourceRequirements{Requests: quantities("20m", "32Mi", "16Mi"), Limits: quantities("", "128Mi", "64Mi")},
		TerminationMessagePolicy: corev1.TerminationMessageFallbackToLogsOnError,
	}
	if token := p.outside.Token; token != nil {
		args = append(args, "--token-file", path.Join(secretDir, token.Name, token.Key))
		check.VolumeMounts = []corev1.VolumeMount{{Name: "secrets", MountPath: secretDir, ReadOnly: true}}
		pod.Volumes = []corev1.Volume{tokenVolume(*token)}
	}
	check.Args = args
	pod.Containers = []corev1.Container{check}
	return pod
}

func tokenVolume(ref v1alpha1.KeyReference) corev1.Volume {
	return corev1.Volume{Name: "secrets", VolumeSource: corev1.VolumeSource{Projected: &corev1.ProjectedVolumeSource{
		DefaultMode: new(int32(0o440)),
		Sources: []corev1.VolumeProjection{{Secret: &corev1.SecretProjection{
			LocalObjectReference: corev1.LocalObjectReference{Name: ref.Name},
			Items:                []corev1.KeyToPath{{Key: ref.Key, Path: ref.Name + "/" + ref.Key}},
		}}},
	}}}
}

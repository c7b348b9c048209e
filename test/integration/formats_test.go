// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package integration

import (
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"accesskey.dev/operator/api/v1alpha1"
)

// formatKeys are the data keys of each format.
var formatKeys = map[v1alpha1.SecretFormat][]string{
	v1alpha1.FormatAWSCredentialsFile: {"cloud"},
	v1alpha1.FormatEnv:                {"aws.env"},
	v1alpha1.FormatRclone:             {"rclone.conf"},
	v1alpha1.FormatS3cfg:              {".s3cfg"},
	v1alpha1.FormatJSON:               {"credentials.json"},
	v1alpha1.FormatThanosObjstore:     {"objstore.yml"},
	v1alpha1.FormatLokiStack:          {"access_key_id", "access_key_secret", "bucketnames", "endpoint", "region"},
	v1alpha1.FormatHarborRegistry:     {"REGISTRY_STORAGE_S3_ACCESSKEY", "REGISTRY_STORAGE_S3_SECRETKEY"},
	v1alpha1.FormatFluxBucket:         {"accesskey", "secretkey"},
	v1alpha1.FormatLonghorn:           {"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_ENDPOINTS"},
	v1alpha1.FormatCSIS3:              {"accessKeyID", "secretAccessKey", "endpoint", "region"},
	v1alpha1.FormatPgBackRest:         {"s3.conf"},
	v1alpha1.FormatGitLabConnection:   {"connection"},
	v1alpha1.FormatS3FS:               {"passwd-s3fs"},
	v1alpha1.FormatMC:                 {"MC_HOST_s3"},
}

// withTemplate sets the template of the Secret.
func withTemplate(template v1alpha1.SecretTemplate) func(*v1alpha1.AccessKey) {
	return func(ak *v1alpha1.AccessKey) { ak.Spec.SecretTemplate = template.DeepCopy() }
}

// withData sets one value of the Secret beside the default keys.
func withData(key, text string) func(*v1alpha1.AccessKey) {
	return withTemplate(v1alpha1.SecretTemplate{Data: map[string]v1alpha1.DataTemplate{key: v1alpha1.DataTemplate(text)}})
}

// withoutDefaults has the pair under the operator's own keys, and once more in a value.
var withoutDefaults = withTemplate(v1alpha1.SecretTemplate{
	IncludeDefaults: ptr.To(false), Data: map[string]v1alpha1.DataTemplate{"pair": "{{ .AccessKeyID }}:{{ .SecretAccessKey }}"},
})

const bothHalves = "{{ .AccessKeyID }}:{{ .SecretAccessKey }}"

// holdsInData expects that a value of the Secret is made of the published pair.
func (w *world) holdsInData(ctx SpecContext, key string, p pair) {
	GinkgoHelper()
	Expect(w.secret(ctx, "backup").Data).To(HaveKeyWithValue(key, []byte(p.id+":"+p.secret)))
}

var _ = Describe("Formats", func() {
	It("are published together, and follow a rotation", func(ctx SpecContext) {
		w := newWorld(ctx)
		all := v1alpha1.SecretTemplate{Bucket: "photos"}
		for format := range formatKeys {
			all.Formats = append(all.Formats, format)
		}
		w.create(ctx, accessKey("backup", withTemplate(all)))
		w.issued(ctx, "backup", 1)
		p := w.rotatedNow(ctx)
		data, escaped := w.secret(ctx, "backup").Data, strings.NewReplacer("/", "%2F", "+", "%2B", "=", "%3D").Replace(p.secret)
		for format, keys := range formatKeys {
			var texts string
			for _, key := range keys {
				Expect(data).To(HaveKeyWithValue(key, Not(BeEmpty())), "%s", format)
				texts += string(data[key]) + "\n"
			}
			Expect(texts).To(And(ContainSubstring(p.id), Or(ContainSubstring(p.secret), ContainSubstring(escaped))), "%s", format)
		}
		Expect(w.service.History()).To(HaveLen(2))
		w.expectFree(ctx)
	})

	It("and what they name are added and removed without a new pair", func(ctx SpecContext) {
		w := newWorld(ctx)
		w.create(ctx, accessKey("backup"))
		p := w.issued(ctx, "backup", 1)
		w.changeAccessKey(ctx, "backup", withTemplate(v1alpha1.SecretTemplate{Formats: []v1alpha1.SecretFormat{v1alpha1.FormatFluxBucket}}))
		w.eventually(ctx, func(g Gomega) {
			g.Expect(w.secret(ctx, "backup").Data).To(And(HaveLen(7), HaveKeyWithValue("accesskey", []byte(p.id)), HaveKeyWithValue("secretkey", []byte(p.secret))))
		})
		w.changeAccessKey(ctx, "backup", withTemplate(v1alpha1.SecretTemplate{Formats: []v1alpha1.SecretFormat{v1alpha1.FormatMC}}))
		w.eventually(ctx, func(g Gomega) {
			g.Expect(w.secret(ctx, "backup").Data).To(And(HaveLen(6), HaveKey("MC_HOST_s3")))
		})
		Expect(w.issued(ctx, "backup", 1)).To(Equal(p))
		Expect(w.service.History()).To(HaveLen(1))
	})

	It("that need the endpoint wait for it", func(ctx SpecContext) {
		w := newBareWorld(ctx)
		w.createService(ctx, func(spec *v1alpha1.KeyServiceSpec) { spec.S3 = nil })
		w.create(ctx, accessKey("backup", withTemplate(v1alpha1.SecretTemplate{Formats: []v1alpha1.SecretFormat{v1alpha1.FormatMC}})))
		w.expectStalled(ctx, "backup", "InvalidTemplate", "data key MC_HOST_s3 (format MC)", "the KeyService has no s3.endpoint")
		Expect(w.service.History()).To(BeEmpty())
		w.changeService(ctx, func(service *v1alpha1.KeyService) { service.Spec.S3 = w.s3() })
		p := w.issued(ctx, "backup", 1)
		Expect(string(w.secret(ctx, "backup").Data["MC_HOST_s3"])).To(And(HavePrefix("https://"+p.id+":"), HaveSuffix(strings.TrimPrefix(w.planeServer.URL, "https://"))))
	})

	It("are refused beside data with one of their keys", func(ctx SpecContext) {
		for format, keys := range formatKeys {
			for _, key := range keys {
				manifest := accessKey("backup", withTemplate(v1alpha1.SecretTemplate{
					Formats: []v1alpha1.SecretFormat{format}, Bucket: "photos", IncludeDefaults: ptr.To(false), Data: map[string]v1alpha1.DataTemplate{key: "x"},
				}))
				manifest.Namespace = "default"
				Expect(kube.Create(ctx, manifest, client.DryRunAll)).To(MatchError(ContainSubstring("a key of data is also a key of one of the formats")), "%s: %s", format, key)
			}
		}
	})
})

var _ = Describe("Data templates", func() {
	It("are rendered again when they change, with the same pair", func(ctx SpecContext) {
		w := newWorld(ctx)
		w.create(ctx, accessKey("backup", withData("config", "https://{{ .Endpoint.Host }}:{{ .Endpoint.Port }} {{ .Region }} {{ .Namespace }}/{{ .Name }} {{ .User }}")))
		p := w.issued(ctx, "backup", 1)
		Expect(string(w.secret(ctx, "backup").Data["config"])).To(Equal(w.planeServer.URL + " us-east-1 " + w.namespace + "/backup " + alice))
		w.changeAccessKey(ctx, "backup", withData("other", bothHalves))
		w.eventually(ctx, func(g Gomega) {
			g.Expect(w.secret(ctx, "backup").Data).To(And(HaveKey("other"), Not(HaveKey("config"))))
		})
		w.holdsInData(ctx, "other", p)
		w.changeService(ctx, func(service *v1alpha1.KeyService) { service.Spec.S3.Endpoint = "http://other.example" })
		w.changeAccessKey(ctx, "backup", withData("url", "{{ .Endpoint }} {{ .Endpoint.TLS }}"))
		w.eventually(ctx, func(g Gomega) {
			g.Expect(w.secret(ctx, "backup").Data).To(HaveKeyWithValue("url", []byte("http://other.example false")))
		})
		Expect(w.accessKey(ctx, "backup").Status.Repairs).To(BeNil(), "a change of the template is no repair")
		Expect(w.issued(ctx, "backup", 1)).To(Equal(p))
		Expect(w.service.History()).To(HaveLen(1))
	})

	It("follow the previous key until it is revoked", func(ctx SpecContext) {
		w := newWorld(ctx)
		w.create(ctx, accessKey("backup", withData("previous", "{{ .PreviousAccessKeyID }} {{ .ExpiresAt }}")))
		old := w.issued(ctx, "backup", 1)
		w.rotatedNow(ctx)
		Expect(string(w.secret(ctx, "backup").Data["previous"])).To(HavePrefix(old.id + " 2"))
		w.stepTo(ctx, w.accessKey(ctx, "backup").Status.PreviousKeys[0].RevokeAt.Time)
		w.eventually(ctx, func(g Gomega) { g.Expect(string(w.secret(ctx, "backup").Data["previous"])).To(HavePrefix(" 2")) })
		w.issued(ctx, "backup", 2)
	})

	It("that cannot be rendered get no key", func(ctx SpecContext) {
		w := newWorld(ctx)
		w.addNoFinalizers(ctx)
		w.create(ctx, accessKey("backup", withData("config", "a\n{{ .Missing }}")))
		w.expectStalled(ctx, "backup", "InvalidTemplate", "data key config, line 2", "can't evaluate field Missing")
		w.expect(ctx, "backup", HaveCondition("Ready", metav1.ConditionUnknown, "Pending", "data key config, line 2"))
		w.step(ctx, resync)
		w.settle(ctx)
		Expect(w.service.History()).To(BeEmpty())
		Expect(w.accessKey(ctx, "backup").Finalizers).To(BeEmpty())
		w.changeAccessKey(ctx, "backup", withData("config", bothHalves))
		w.holdsInData(ctx, "config", w.issued(ctx, "backup", 1))
	})

	It("that become invalid leave the published pair as it is, and cost nothing", func(ctx SpecContext) {
		w := newWorld(ctx)
		w.create(ctx, accessKey("backup", withData("config", bothHalves)))
		p := w.issued(ctx, "backup", 1)
		w.changeAccessKey(ctx, "backup", withData("config", "{{ range 3 }}x{{ end }}"))
		w.expectStalled(ctx, "backup", "InvalidTemplate", "range, template and block are not supported")
		w.expect(ctx, "backup", HaveCondition("Ready", metav1.ConditionTrue, "Issued"))
		w.changeAccessKey(ctx, "backup", renewNow("now"))
		w.restart(ctx)
		w.step(ctx, 25*day) // past the renewal time
		w.settle(ctx)
		w.expectStalled(ctx, "backup", "InvalidTemplate")
		w.holdsInData(ctx, "config", p)
		w.expectFree(ctx)
		w.changeAccessKey(ctx, "backup", withData("config", bothHalves))
		w.holdsInData(ctx, "config", w.issued(ctx, "backup", 2))
		Expect(w.works(p)).To(BeTrue())
	})

	It("that only the pair itself shows to be invalid cost one key, which is published after the correction", func(ctx SpecContext) {
		w := newWorld(ctx)
		w.create(ctx, accessKey("backup", withData("config", `{{ if not (hasPrefix "DRYRUN" .AccessKeyID) }}{{ index .Region 99 }}{{ end }}`)))
		w.expectStalled(ctx, "backup", "InvalidTemplate", "index out of range: 99")
		w.step(ctx, resync)
		w.step(ctx, resync)
		w.changeAccessKey(ctx, "backup", withData("config", bothHalves))
		w.holdsInData(ctx, "config", w.issued(ctx, "backup", 1))
		Expect(w.service.History()).To(HaveLen(1))
	})

	It("are not published if a policy changes their values", func(ctx SpecContext) {
		w := newWorld(ctx)
		w.mutateSecrets(ctx, func(secret *corev1.Secret) { secret.Data["config"] = []byte("masked") })
		w.create(ctx, accessKey("backup", withData("config", bothHalves)))
		w.expectStalled(ctx, "backup", "SecretRefused", "another value of config")
		Expect(w.service.History()).To(BeEmpty())
	})

	DescribeTable("are restored with the same pair",
		func(ctx SpecContext, template func(*v1alpha1.AccessKey), edit func(*corev1.Secret)) {
			w := newWorld(ctx)
			w.create(ctx, accessKey("backup", template))
			p := w.issued(ctx, "backup", 1)
			before := w.secret(ctx, "backup")
			w.changeSecret(ctx, "backup", edit)
			w.eventually(ctx, func(g Gomega) { g.Expect(w.secret(ctx, "backup").Data).To(Equal(before.Data)) })
			Expect(w.issued(ctx, "backup", 1)).To(Equal(p))
			Expect(w.service.History()).To(HaveLen(1))
		},
		Entry("after an edit", withData("pair", bothHalves), func(secret *corev1.Secret) { secret.Data["pair"] = []byte("x") }),
		Entry("after a removal", withData("pair", bothHalves), func(secret *corev1.Secret) { delete(secret.Data, "pair") }),
		Entry("without the default keys", withoutDefaults, func(secret *corev1.Secret) { secret.Data["pair"] = []byte("x") }),
	)
})

func retainedAndDeleted(ctx SpecContext, w *world) {
	w.changeAccessKey(ctx, "backup", retained)
	w.delete(ctx, named(&v1alpha1.AccessKey{}, "backup"))
	w.gone(ctx, named(&v1alpha1.AccessKey{}, "backup"))
}

// rotatedNow requests a rotation and returns the new pair.
func (w *world) rotatedNow(ctx SpecContext) pair {
	GinkgoHelper()
	revision := w.accessKey(ctx, "backup").Status.Revision
	w.changeAccessKey(ctx, "backup", renewNow("rotation "+string('a'+rune(revision))))
	return w.issued(ctx, "backup", revision+1)
}

// expectFree expects that the next resync periods cost no request to the API server.
func (w *world) expectFree(ctx SpecContext) {
	GinkgoHelper()
	w.settle(ctx)
	w.requests.reset()
	for range 2 {
		w.step(ctx, resync)
	}
	w.settle(ctx)
	Expect(w.requests.reset()).To(BeEmpty())
}

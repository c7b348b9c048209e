// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package integration

import (
	"strconv"
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"accesskey.dev/operator/api/v1alpha1"
)

// series are the operator's metrics of an AccessKey or a KeyService, without its name and namespace; all if the name is empty.
func (w *world) series(name string) map[string]float64 {
	GinkgoHelper()
	found := map[string]float64{}
	for line := range strings.Lines(w.metricsText()) {
		metric, rest, labelled := strings.Cut(strings.TrimSpace(line), "{")
		list, value, _ := strings.Cut(rest, "} ")
		if !labelled || strings.HasPrefix(line, "#") {
			continue
		}
		labels := strings.Split(list, ",")
		var others []string
		for _, label := range labels {
			if label != `name="`+name+`"` && label != `namespace="`+w.namespace+`"` {
				others = append(others, label)
			}
		}
		if name != "" && len(others) != len(labels)-2 {
			continue
		}
		number, err := strconv.ParseFloat(value, 64)
		Expect(err).NotTo(HaveOccurred(), line)
		found[metric+"{"+strings.Join(others, ",")+"}"] = number
	}
	return found
}

var _ = Describe("The metrics", func() {
	It("follow an AccessKey from its issue to its deletion", func(ctx SpecContext) {
		w := newWorld(ctx)
		before := w.series("")
		rotations := func(cause, result string) float64 {
			series := `accesskey_rotations_total{cause="` + cause + `",result="` + result + `"}`
			return w.series("")[series] - before[series]
		}

		By("issuing")
		w.create(ctx, accessKey("backup"))
		w.issued(ctx, "backup", 1)
		w.settle(ctx)
		status := w.accessKey(ctx, "backup").Status
		seconds := func(t metav1.Time) float64 { return float64(t.Unix()) }
		Eventually(ctx, func() map[string]float64 { return w.series("backup") }).Should(Equal(map[string]float64{
			`accesskey_info{service_kind="KeyService",service_name="qumulo"}`: 1,
			`accesskey_issued_timestamp_seconds{}`:                            seconds(status.IssuedAt),
			`accesskey_expiration_timestamp_seconds{}`:                        seconds(status.ExpiresAt),
			`accesskey_renewal_timestamp_seconds{}`:                           seconds(status.RenewalTime),
			`accesskey_ready_status{condition="True"}`:                        1,
			`accesskey_ready_status{condition="False"}`:                       0,
			`accesskey_ready_status{condition="Unknown"}`:                     0,
		}))
		Expect(rotations("New", "succeeded")).To(BeEquivalentTo(1))

		Expect(w.series(serviceName)).To(And(
			HaveKeyWithValue(`keyservice_ready_status{condition="True",kind="KeyService"}`, 1.0),
			HaveKeyWithValue(`keyservice_key_quota{kind="KeyService"}`, 2.0),
			HaveKeyWithValue(`keyservice_users{kind="KeyService"}`, 1.0),
		))

		By("rotating, at first in vain")
		w.server.Down(true)
		w.changeAccessKey(ctx, "backup", renewNow("1"))
		w.eventually(ctx, func(g Gomega) {
			g.Expect(w.series("backup")).To(HaveKeyWithValue(`accesskey_consecutive_failures{}`, BeNumerically(">", 0)))
		})
		Expect(rotations("Requested", "failed")).To(BeNumerically(">", 0))
		w.server.Down(false)
		w.stepToAttempt(ctx, "backup")
		w.issued(ctx, "backup", 2)
		w.step(ctx, resync) // the shared listing
		w.eventually(ctx, func(g Gomega) {
			g.Expect(w.series("backup")).To(And(
				Not(HaveKey(`accesskey_consecutive_failures{}`)),
				HaveKeyWithValue(`accesskey_previous_keys{state="Active"}`, 1.0),
			))
			g.Expect(w.series(serviceName)).To(And(
				HaveKeyWithValue(`keyservice_keys{kind="KeyService"}`, 2.0),
				HaveKeyWithValue(`keyservice_full_users{kind="KeyService"}`, 1.0),
			))
		})
		Expect(rotations("Requested", "succeeded")).To(BeEquivalentTo(1))

		By("stalling")
		w.create(ctx, accessKey("stranger", withUser("local:nobody")))
		w.eventually(ctx, func(g Gomega) {
			g.Expect(w.series("stranger")).To(HaveKeyWithValue(`accesskey_stalled{reason="UserNotFound"}`, 1.0))
		})

		By("costing nothing")
		w.settle(ctx)
		w.requests.reset()
		w.service.ResetCalls()
		Expect(w.series("backup")).NotTo(BeEmpty())
		Expect(w.requests.reset()).To(BeEmpty())
		Expect(w.service.Calls()).To(BeEmpty())

		By("leaving nothing behind")
		for _, name := range []string{"backup", "stranger"} {
			w.delete(ctx, named(&v1alpha1.AccessKey{}, name))
			w.gone(ctx, named(&v1alpha1.AccessKey{}, name))
			Eventually(ctx, func() map[string]float64 { return w.series(name) }).Should(BeEmpty())
		}
	})
})

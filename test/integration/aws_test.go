// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package integration

import (
	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"accesskey.dev/operator/api/v1alpha1"
	"accesskey.dev/operator/test/services"
	"accesskey.dev/operator/test/simulator/aws"
)

// newAWSWorld makes a world with an account at AWS, whose KeyService has these changes. It returns the account and its user alice.
func newAWSWorld(ctx SpecContext, change func(*aws.Simulator, *v1alpha1.AWSService)) (*world, other) {
	GinkgoHelper()
	w := newBareWorld(ctx)
	o := serviceAt(services.AWS())(w.clock)
	configure := o.spec
	o.spec = func(spec *v1alpha1.KeyServiceSpec, url, secret string) {
		configure(spec, url, secret)
		change(o.server.(*aws.Simulator), spec.AWS)
	}
	w.use(ctx, o)
	return w, o
}

var _ = Describe("The identity of the operator at AWS", func() {
	It("is of the account that the KeyService names", func(ctx SpecContext) {
		w, o := newAWSWorld(ctx, func(_ *aws.Simulator, spec *v1alpha1.AWSService) { spec.AccountID = "210987654321" })
		w.create(ctx, accessKey("backup", withUser(o.user)))
		w.expectService(ctx, HaveCondition("Ready", metav1.ConditionFalse, "KeyServiceInvalid",
			"the credentials are of account 123456789012, and the KeyService's accountID is 210987654321; correct one of them"))
		Expect(o.server.LivePairs()).To(BeEmpty())

		w.changeService(ctx, func(ks *v1alpha1.KeyService) { ks.Spec.AWS.AccountID = aws.DefaultAccountID })
		w.expectService(ctx, HaveCondition("Ready", metav1.ConditionTrue, "ServiceReachable"), HaveField("Status.Identity", "aws/aws/123456789012"))
		w.stepToAttempt(ctx, "backup")
		Expect(w.works(w.issued(ctx, "backup", 1))).To(BeTrue())
	})

	It("is a role that it assumes with the external ID", func(ctx SpecContext) {
		w, o := newAWSWorld(ctx, func(account *aws.Simulator, spec *v1alpha1.AWSService) {
			spec.RoleARN, spec.ExternalID = account.AddRole("accesskey-operator", "team-a"), "team-b"
		})
		w.create(ctx, accessKey("backup", withUser(o.user)))
		w.expectService(ctx, HaveCondition("Ready", metav1.ConditionFalse, "Unauthorized", "assume role: role arn:aws:iam::123456789012:role/accesskey-operator", "the externalID"),
			HaveField("Status.RefusedCredentials.Count", int32(1)))
		Expect(o.server.LivePairs()).To(BeEmpty())

		w.changeService(ctx, func(ks *v1alpha1.KeyService) { ks.Spec.AWS.ExternalID = "team-a" })
		w.expectService(ctx, HaveCondition("Ready", metav1.ConditionTrue, "ServiceReachable"))
		w.stepToAttempt(ctx, "backup")
		Expect(w.works(w.issued(ctx, "backup", 1))).To(BeTrue())
	})
})

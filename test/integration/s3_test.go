// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package integration

import (
	"maps"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/utils/clock"

	"accesskey.dev/operator/api/v1alpha1"
	"accesskey.dev/operator/test/s3"
)

// serveS3 starts a real S3 server that accepts the keys of the world's services, and makes it the data plane of the KeyService.
func (w *world) serveS3(ctx SpecContext) *s3.Server {
	GinkgoHelper()
	binary, err := s3.Binary(ctx)
	Expect(err).NotTo(HaveOccurred())
	services := w.services
	server, err := s3.Start(ctx, binary, func() map[string]string {
		working := map[string]string{}
		for _, service := range services {
			maps.Copy(working, service.Working(service.Valid))
		}
		return working
	})
	Expect(err).NotTo(HaveOccurred())
	DeferCleanup(server.Stop)
	w.changeSecret(ctx, authority, func(ca *corev1.Secret) { ca.Data["ca.crt"] = append(ca.Data["ca.crt"], server.CA...) })
	w.changeService(ctx, func(service *v1alpha1.KeyService) {
		service.Spec.S3 = &v1alpha1.S3{Endpoint: server.Endpoint, Region: s3.Region}
	})
	return server
}

// opens lists the bucket at the data plane that a Secret names, with a pair, and returns the code with which it is refused.
func opens(ctx SpecContext, server *s3.Server, secret *corev1.Secret, p pair) (refused string) {
	GinkgoHelper()
	client, err := s3.NewClient(string(secret.Data[v1alpha1.SecretKeyEndpoint]), server.CA)
	Expect(err).NotTo(HaveOccurred())
	objects, err := client.List(ctx, s3.Pair{AccessKeyID: p.id, SecretAccessKey: p.secret})
	if code := s3.Refused(err); code != "" {
		return code
	}
	Expect(err).NotTo(HaveOccurred())
	Expect(objects).To(ConsistOf(s3.Object))
	return ""
}

var _ = DescribeTable("The pair in a Secret opens a real S3 server until its key is revoked, at",
	func(ctx SpecContext, service func(clock.PassiveClock) other) {
		w, o := newWorldOf(ctx, service)
		server := w.serveS3(ctx)

		By("issued")
		w.create(ctx, accessKey("backup", withUser(o.user)))
		old := w.issued(ctx, "backup", 1)
		secret := w.secret(ctx, "backup")
		Expect(opens(ctx, server, secret, old)).To(BeEmpty())

		By("rotated")
		w.stepTo(ctx, w.accessKey(ctx, "backup").Status.RenewalTime.Time)
		fresh := w.issued(ctx, "backup", 2)
		Expect(opens(ctx, server, w.secret(ctx, "backup"), fresh)).To(BeEmpty())
		if o.overlap {
			Expect(opens(ctx, server, secret, old)).To(BeEmpty())
			w.stepTo(ctx, w.accessKey(ctx, "backup").Status.PreviousKeys[0].RevokeAt.Time)
			w.expect(ctx, "backup", BeAtRest(), HaveField("Status.PreviousKeys", BeEmpty()))
		}
		Expect(opens(ctx, server, secret, old)).NotTo(BeEmpty())
		Expect(opens(ctx, server, secret, fresh)).To(BeEmpty())

		By("deleted")
		ak := w.accessKey(ctx, "backup")
		w.delete(ctx, ak)
		w.gone(ctx, ak)
		Expect(opens(ctx, server, secret, fresh)).NotTo(BeEmpty())
	},
	everyService(),
)

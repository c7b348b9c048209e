// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Package integration runs the operator's controllers against a real API server and a simulated Qumulo cluster, on a
// clock that the specs move.
package integration

import (
	"testing"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/log"

	"accesskey.dev/operator/internal/controller"
	"accesskey.dev/operator/test/cluster"
)

var (
	// plane is the control plane that all specs share; each has a namespace of its own in it.
	plane *cluster.Cluster
	// kube is an administrator's client, without a cache.
	kube client.Client
)

func TestIntegration(t *testing.T) {
	RegisterFailHandler(Fail)
	EnforceDefaultTimeoutsWhenUsingContexts()
	SetDefaultEventuallyTimeout(time.Minute)
	SetDefaultEventuallyPollingInterval(10 * time.Millisecond)
	SetDefaultConsistentlyDuration(200 * time.Millisecond)
	SetDefaultConsistentlyPollingInterval(20 * time.Millisecond)
	RunSpecs(t, "Integration")
}

var _ = BeforeSuite(func(ctx SpecContext) {
	log.SetLogger(GinkgoLogr)
	var err error
	plane, err = cluster.Start(ctx, "../../config/crd/bases")
	Expect(err).NotTo(HaveOccurred())
	DeferCleanup(func() { Expect(plane.Stop()).To(Succeed()) })
	kube, err = client.New(plane.Config, client.Options{Scheme: controller.Scheme()})
	Expect(err).NotTo(HaveOccurred())
	kubectl(ctx, "apply", "-k", "../../config/default")
	kubectl(ctx, "apply", "-k", "../../config/finalizer")
	kubectl(ctx, "patch", "mutatingadmissionpolicybinding", "accesskey-operator-finalizer", "--type=merge",
		"-p", `{"spec":{"matchResources":{"namespaceSelector":{"matchExpressions":[{"key":"`+withoutPolicy+`","operator":"DoesNotExist"}]}}}}`)
	Expect(plane.WaitForFinalizerPolicy(ctx)).To(Succeed())
})

// kubectl runs kubectl as the administrator, and expects it to succeed.
func kubectl(ctx SpecContext, arguments ...string) string {
	GinkgoHelper()
	out, err := plane.Kubectl(ctx, nil, arguments...)
	Expect(err).NotTo(HaveOccurred())
	return out
}

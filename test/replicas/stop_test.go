// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package replicas

import (
	"net/http"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"accesskey.dev/operator/api/v1alpha1"
	"accesskey.dev/operator/test/simulator"
)

// TestAStoppedManagerPublishesTheKeyThatItCreates stops the manager while it waits for the answer to a create. cmd has the test of
// how long it may wait.
func TestAStoppedManagerPublishesTheKeyThatItCreates(t *testing.T) {
	w := newWorld(t)
	manager := w.start("only")
	w.until("the leader", func() bool { return w.leader() != "" })
	arrived, delay := make(chan struct{}), simulator.Delay(3*time.Second)
	w.service.Inject(simulator.Rule{Path: "/v1/s3/access-keys/", Method: http.MethodPost}.Once(), func(rw http.ResponseWriter, r *http.Request, next http.Handler) {
		close(arrived)
		delay(rw, r, next)
	})
	w.addAccessKey("backup")
	<-arrived
	if err := manager.Stop(); err != nil {
		t.Errorf("the manager ended with %v", err)
	}
	if leader := w.leader(); leader != "" {
		t.Errorf("the lease is still held by %s", leader)
	}
	ak, secret, name := &v1alpha1.AccessKey{}, &corev1.Secret{}, client.ObjectKey{Namespace: namespace, Name: "backup"}
	w.must(w.kube.Get(t.Context(), name, ak))
	w.must(w.kube.Get(t.Context(), name, secret))
	if pairs := w.service.History(); len(pairs) != 1 || ak.Status.AccessKeyID != pairs[0].AccessKeyID || string(secret.Data[v1alpha1.SecretKeyAccessKeyID]) != pairs[0].AccessKeyID {
		t.Errorf("the keys are %v; the status has %+v", pairs, ak.Status)
	}
	if w.issued("") != 1 {
		t.Errorf("the AccessKey is not ready: %+v", ak.Status)
	}
}

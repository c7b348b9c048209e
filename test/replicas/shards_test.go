// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package replicas

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"accesskey.dev/operator/api/v1alpha1"
)

const servicesLease = "accesskey-operator-services"

// startShard starts a manager as the overlay's Deployment of the shard does.
func (w *world) startShard(shard string, more ...string) *process {
	w.Helper()
	deployment := &appsv1.Deployment{}
	w.must(w.kube.Get(context.Background(), client.ObjectKey{Namespace: "accesskey-system", Name: "accesskey-operator-" + shard}, deployment))
	arguments := slices.DeleteFunc(slices.Clone(deployment.Spec.Template.Spec.Containers[0].Args), func(argument string) bool {
		return strings.Contains(argument, "-bind-address=") // two of them share this host
	})
	return w.start(shard, append(arguments, more...)...)
}

// TestEachShardWorksOnItsOwn: with the overlay as it is shown, rights included.
func TestEachShardWorksOnItsOwn(t *testing.T) {
	const each = 100
	w := newWorld(t, "../../config/sharded", 0)
	own := map[string]map[string]bool{"a": {}, "b": {}}
	for shard, names := range own {
		for i := range each {
			name := fmt.Sprintf("%s-%03d", shard, i)
			w.addAccessKey(name, shard, "qumulo")
			names[name] = true
		}
	}
	w.addAccessKey("nobodys", "", "qumulo")
	shards := map[string]*process{}
	for shard := range own {
		shards[shard] = w.startShard(shard, "--resync-period=1s")
	}
	took := w.until(time.Minute, "the keys", func() bool { return w.issued("") == 2*each })
	t.Logf("%d AccessKeys were ready after %s", 2*each, took.Round(100*time.Millisecond))
	for shard, names := range own {
		if worked := w.workedOn(shards[shard]); !maps.Equal(worked, names) {
			t.Errorf("shard %s worked on %d AccessKeys: %v", shard, len(worked), slices.Sorted(maps.Keys(worked)))
		}
	}
	w.expectMade(2 * each)
	w.expectNobodys()
	w.expectCalm()

	// The one that looks after the key services dies, and the other one takes that over.
	former := w.holder(servicesLease)
	lost, left := "a", "b"
	if w.said(shards["b"], acquired, servicesLease) {
		lost, left = left, lost
	}
	shards[lost].Kill()
	w.addService("second")
	w.addAccessKey("late", left, "second")
	took = w.until(time.Minute, "the first key at a new service", func() bool { return w.issued("") == 2*each+1 })
	t.Logf("After the death of shard %s, the first key at a new KeyService took %s", lost, took.Round(100*time.Millisecond))
	if holder := w.holder(servicesLease); holder == former {
		t.Errorf("%s still looks after the key services", holder)
	}
	w.expectMade(2*each + 1)
}

// expectNobodys expects the AccessKey without a label to be as it was made, until it gets one.
func (w *world) expectNobodys() {
	w.Helper()
	ak := &v1alpha1.AccessKey{}
	w.must(w.kube.Get(context.Background(), client.ObjectKey{Namespace: namespace, Name: "nobodys"}, ak))
	if !equality.Semantic.DeepEqual(ak.Status, v1alpha1.AccessKeyStatus{}) || len(ak.Finalizers) > 0 {
		w.Errorf("somebody worked on what no shard selects: %+v", ak)
	}
	w.must(w.kube.Delete(context.Background(), ak))
}

// expectCalm expects no shard to write to the key service again and again, though each is asked to check it every second.
func (w *world) expectCalm() {
	w.Helper()
	version := func() string {
		service := &v1alpha1.KeyService{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "qumulo"}}
		w.must(w.kube.Get(context.Background(), client.ObjectKeyFromObject(service), service))
		return service.ResourceVersion
	}
	before := version()
	for range 30 {
		if after := version(); after != before {
			w.Errorf("the KeyService was written meanwhile: version %s became %s", before, after)
			return
		}
		time.Sleep(100 * time.Millisecond)
	}
}

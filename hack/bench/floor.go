// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/clock"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"accesskey.dev/operator/api/v1alpha1"
	"accesskey.dev/operator/internal/keyservice"
	"accesskey.dev/operator/internal/keyservice/connect"
)

// pattern is what the operator wrote for one AccessKey. The floor writes the same for each of its AccessKeys.
type pattern struct {
	// intent is the status before the create at the service, issued the one after it.
	intent, issued v1alpha1.AccessKeyStatus
	secret         corev1.Secret
	sizes          sizes
}

// sizes are the bytes that etcd holds for one key: an AccessKey as JSON, a Secret as protobuf. Each rotation
// has an event, as protobuf.
type sizes struct{ accessKey, secret, event int }

// learn lets the operator issue the keys of a batch, and reads what it writes for one of them.
func (w *world) learn(ctx context.Context, b batch) (p pattern, err error) {
	watcher, err := w.kube.Watch(ctx, &v1alpha1.AccessKeyList{}, client.InNamespace(b.namespaces[0]))
	if err != nil {
		return p, err
	}
	defer watcher.Stop()
	if _, err := w.apply(ctx, b); err != nil {
		return p, err
	}
	name := b.accessKey(0).Name
	for event := range watcher.ResultChan() {
		ak, ok := event.Object.(*v1alpha1.AccessKey)
		switch {
		case !ok || ak.Name != name:
		case ak.Status.Intent != nil:
			p.intent = ak.Status
		case isReady(ak):
			p.issued = ak.Status
			encoded, err := json.Marshal(ak)
			p.sizes.accessKey = len(encoded)
			return p, errors.Join(err, w.readPattern(ctx, client.ObjectKeyFromObject(ak), &p))
		}
	}
	return p, errors.New("the watch ended before the operator had issued the key to learn from")
}

func (w *world) readPattern(ctx context.Context, key client.ObjectKey, p *pattern) error {
	if p.intent.Intent == nil {
		return errors.New("the watch did not see the intent")
	}
	if err := w.kube.Get(ctx, key, &p.secret); err != nil {
		return err
	}
	p.sizes.secret = p.secret.Size()
	return nil
}

// floor is a client that does the work without a controller.
type floor struct {
	pattern
	batch
	world   *world
	service keyservice.Service
	// keyIDs that were created, by the number of the AccessKey.
	keyIDs []string
}

func (w *world) newFloor(ctx context.Context, p pattern, name string, count int) (*floor, error) {
	b, err := w.newBatch(ctx, name, count)
	if err != nil {
		return nil, err
	}
	b.floor = true
	service := &v1alpha1.ClusterKeyService{}
	if err := w.kube.Get(ctx, types.NamespacedName{Name: b.service}, service); err != nil {
		return nil, err
	}
	pool := &connect.Pool{Live: w.kube, SecretVersions: w.kube, ClusterNamespace: system, ResyncPeriod: time.Hour, Clock: clock.RealClock{}}
	connection, err := pool.Get(ctx, service)
	if err != nil {
		return nil, err
	}
	return &floor{pattern: p, batch: b, world: w, service: connection.Service, keyIDs: make([]string, b.count)}, nil
}

// run makes the writes and calls of the batch, in the operator's order, with as many workers as there are clients.
func (f *floor) run(ctx context.Context) (pace, error) {
	return f.world.track(ctx, f.batch, isReady, func(t *tracker) error {
		return each(ctx, f.world.clients, f.count, func(i int) error { return f.issue(ctx, t, i) })
	})
}

// clean deletes what would be in the operator's way: the Secrets, whose metadata it caches, and the keys at the service.
func (f *floor) clean(ctx context.Context) error {
	secrets := each(ctx, len(f.namespaces), len(f.namespaces), func(i int) error {
		return f.world.floor.DeleteAllOf(ctx, &corev1.Secret{}, client.InNamespace(f.namespaces[i]))
	})
	return errors.Join(secrets, each(ctx, len(f.namespaces), f.count, func(i int) error {
		return f.service.Delete(ctx, f.user(i), f.keyIDs[i])
	}))
}

// issue does for the i-th key what the user and the operator do.
func (f *floor) issue(ctx context.Context, t *tracker, i int) error {
	ak, kube := f.accessKey(i), f.world.floor
	ak.Finalizers = []string{v1alpha1.RevokeFinalizer}
	t.start(ak)
	if err := kube.Create(ctx, ak); err != nil {
		return err
	}
	if _, err := f.service.List(ctx, ak.Spec.User); err != nil {
		return err
	}
	if err := f.status(ctx, ak, &f.intent); err != nil {
		return err
	}
	credential, err := f.service.Create(ctx, ak.Spec.User, keyservice.CreateRequest{})
	if err != nil {
		return err
	}
	f.keyIDs[i] = credential.ID
	if err := kube.Create(ctx, f.secretOf(ak, credential)); err != nil {
		return err
	}
	return f.status(ctx, ak, &f.issued)
}

func (f *floor) status(ctx context.Context, ak *v1alpha1.AccessKey, status *v1alpha1.AccessKeyStatus) error {
	base := ak.DeepCopy()
	status.DeepCopyInto(&ak.Status)
	return f.world.floor.Status().Patch(ctx, ak, client.MergeFromWithOptions(base, client.MergeFromWithOptimisticLock{}))
}

// secretOf returns a Secret that the operator's cache does not select: its label has another value of the same length.
func (f *floor) secretOf(ak *v1alpha1.AccessKey, credential keyservice.Credential) *corev1.Secret {
	group := schema.GroupVersion{Group: floorGroup, Version: v1alpha1.GroupVersion.Version}
	secret := &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: ak.Namespace, Name: ak.Name, Labels: map[string]string{v1alpha1.ManagedByLabel: "accesskey-operat0r"}, Annotations: f.secret.Annotations,
			OwnerReferences: []metav1.OwnerReference{*metav1.NewControllerRef(ak, group.WithKind("AccessKey"))},
		},
		Type: f.secret.Type,
		Data: map[string][]byte{},
	}
	for key, value := range f.secret.Data {
		secret.Data[key] = value
	}
	secret.Data[v1alpha1.SecretKeyAccessKeyID] = []byte(credential.AccessKeyID)
	secret.Data[v1alpha1.SecretKeySecretAccessKey] = []byte(credential.SecretAccessKey.Reveal())
	return secret
}

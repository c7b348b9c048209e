// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package rights

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	testclock "k8s.io/utils/clock/testing"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"accesskey.dev/operator/api/v1alpha1"
	"accesskey.dev/operator/test/simulator"
	"accesskey.dev/operator/test/simulator/qumulo"
)

const day = 24 * time.Hour

// story is what an operator lives through, with a Qumulo cluster and a clock of its own.
type story struct {
	t        *testing.T
	recorder *recorder
	clock    *testclock.FakeClock
	service  *qumulo.Simulator
	server   *simulator.Server

	// namespace of the AccessKeys, and own of the operator.
	namespace, own string
	// shared is the name of a ClusterKeyService, empty where there is none.
	shared string
	// until ends the story early when it says so.
	until func() bool
}

// errEnough: the story was ended early.
var errEnough = errors.New("enough was seen")

func newStory(t *testing.T, namespace, own string) *story {
	s := &story{t: t, recorder: newRecorder(), clock: testclock.NewFakeClock(time.Now()), namespace: namespace, own: own, until: func() bool { return false }}
	s.service = qumulo.New(qumulo.Options{Clock: s.clock})
	s.service.AddUser("alice")
	s.service.AddUser("bert")
	server, err := simulator.Serve(s.service)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = server.Close() })
	s.server = server
	return s
}

// tell the whole life of keys: issued, rotated, published under another name, revoked; of a KeyService and a
// ClusterKeyService: held, granting, released.
func (s *story) tell(ctx context.Context) error {
	for _, step := range []struct {
		name string
		do   func(context.Context) error
	}{
		{"set up the KeyService", s.setUp},
		{"share a ClusterKeyService", s.share},
		{"issue", s.issue},
		{"grant", s.grant},
		{"repair", s.repair},
		{"rotate", s.rotate},
		{"publish under another name", s.rename},
		{"delete", s.delete},
	} {
		if err := step.do(ctx); err != nil {
			return fmt.Errorf("%s: %w", step.name, err)
		}
	}
	return nil
}

func (s *story) setUp(ctx context.Context) error {
	return s.create(ctx, append(s.secrets(s.namespace), &v1alpha1.KeyService{
		ObjectMeta: metav1.ObjectMeta{Namespace: s.namespace, Name: "qumulo"}, Spec: s.spec(),
	})...)
}

func (s *story) share(ctx context.Context) error {
	if s.shared == "" {
		return nil
	}
	return s.create(ctx, append(s.secrets(s.own),
		&v1alpha1.ClusterKeyService{
			ObjectMeta: metav1.ObjectMeta{Name: s.shared},
			Spec: v1alpha1.ClusterKeyServiceSpec{KeyServiceSpec: s.spec(), Grants: []v1alpha1.Grant{{
				NamespaceSelector: &metav1.LabelSelector{MatchLabels: map[string]string{"team": "a"}}, Users: []string{"local:bert"},
			}}},
		},
		s.accessKey("shared", "local:bert", v1alpha1.KindClusterKeyService, s.shared))...)
}

func (s *story) issue(ctx context.Context) error {
	if err := s.create(ctx, s.accessKey("backup", "local:alice", v1alpha1.KindKeyService, "qumulo")); err != nil {
		return err
	}
	return s.issued(ctx, "backup", 1)
}

func (s *story) grant(ctx context.Context) error {
	if s.shared == "" {
		return nil
	}
	if err := s.eventually(ctx, func() error { return s.stalled(ctx, "shared") }); err != nil {
		return err
	}
	namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: s.namespace}}
	if err := s.merge(ctx, namespace, `{"metadata":{"labels":{"team":"a"}}}`); err != nil {
		return err
	}
	return s.issued(ctx, "shared", 1)
}

// repair the Secret twice: the second event is sent as a change of the first, as nothing else has changed.
func (s *story) repair(ctx context.Context) error {
	for range 2 {
		secret := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: s.namespace, Name: "backup"}}
		if err := s.merge(ctx, secret, `{"stringData":{"MORE":"data"}}`); err != nil {
			return err
		}
		if err := s.eventually(ctx, func() error {
			now := &corev1.Secret{}
			if err := kube.Get(ctx, client.ObjectKeyFromObject(secret), now); err != nil || now.Data["MORE"] != nil {
				return errors.Join(err, fmt.Errorf("the Secret is not repaired; %w", s.describe(ctx, "backup")))
			}
			return nil
		}); err != nil {
			return err
		}
	}
	return nil
}

func (s *story) rotate(ctx context.Context) error {
	for revision := int64(2); revision <= 3; revision++ {
		if err := s.merge(ctx, s.named("backup"), fmt.Sprintf(`{"metadata":{"annotations":{"accesskey.dev/renew":"%d"}}}`, revision)); err != nil {
			return err
		}
		if err := s.issued(ctx, "backup", revision); err != nil {
			return err
		}
	}
	return nil
}

func (s *story) rename(ctx context.Context) error {
	if err := s.merge(ctx, s.named("backup"), `{"spec":{"secretName":"elsewhere"}}`); err != nil {
		return err
	}
	if err := s.issued(ctx, "backup", 4); err != nil {
		return err
	}
	s.clock.Step(11 * day) // past the overlap, and not yet at the next renewal
	former := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: s.namespace, Name: "backup"}}
	return s.gone(ctx, former)
}

func (s *story) delete(ctx context.Context) error {
	doomed := []client.Object{s.named("backup"), &v1alpha1.KeyService{ObjectMeta: metav1.ObjectMeta{Namespace: s.namespace, Name: "qumulo"}}}
	if s.shared != "" {
		doomed = append(doomed, s.named("shared"), s.sharedService())
	}
	doomed = append(doomed, s.secrets(s.namespace)...)
	doomed = append(doomed, s.secrets(s.own)...)
	for _, object := range doomed {
		if err := client.IgnoreNotFound(kube.Delete(ctx, object)); err != nil {
			return err
		}
	}
	if err := s.gone(ctx, doomed...); err != nil {
		return err
	}
	if left := s.service.LivePairs(); len(left) > 0 {
		return fmt.Errorf("%d keys are left", len(left))
	}
	return nil
}

func (s *story) spec() v1alpha1.KeyServiceSpec {
	return v1alpha1.KeyServiceSpec{
		Qumulo:    &v1alpha1.QumuloService{URL: s.server.URL, LoginSecretRef: &v1alpha1.SecretReference{Name: "login"}},
		TLS:       &v1alpha1.TLS{CASecretRef: &v1alpha1.CAReference{Name: "authority", Key: "ca.crt"}},
		RateLimit: v1alpha1.RateLimit{QPS: 1000, Burst: 1000},
	}
}

func (s *story) secrets(namespace string) []client.Object {
	return []client.Object{
		&corev1.Secret{
			ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "login"},
			StringData: map[string]string{"username": qumulo.DefaultUsername, "password": qumulo.DefaultPassword},
		},
		&corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "authority"}, Data: map[string][]byte{"ca.crt": s.server.CA}},
	}
}

func (s *story) accessKey(name, user, kind, service string) *v1alpha1.AccessKey {
	ak := s.named(name)
	ak.Spec = v1alpha1.AccessKeySpec{
		ServiceRef: v1alpha1.ServiceReference{Kind: kind, Name: service}, User: user,
		TTL: ptr.To(metav1.Duration{Duration: 40 * day}), RenewBefore: ptr.To(metav1.Duration{Duration: 10 * day}),
	}
	return ak
}

func (s *story) named(name string) *v1alpha1.AccessKey {
	return &v1alpha1.AccessKey{ObjectMeta: metav1.ObjectMeta{Namespace: s.namespace, Name: name}}
}

func (s *story) sharedService() *v1alpha1.ClusterKeyService {
	return &v1alpha1.ClusterKeyService{ObjectMeta: metav1.ObjectMeta{Name: s.shared}}
}

func (s *story) create(ctx context.Context, objects ...client.Object) error {
	for _, object := range objects {
		if err := kube.Create(ctx, object); err != nil {
			return err
		}
	}
	return nil
}

func (s *story) merge(ctx context.Context, object client.Object, patch string) error {
	return kube.Patch(ctx, object, client.RawPatch("application/merge-patch+json", []byte(patch)))
}

// issued waits until an AccessKey is Ready with this revision, and at rest.
func (s *story) issued(ctx context.Context, name string, revision int64) error {
	return s.eventually(ctx, func() error {
		ak := s.named(name)
		if err := kube.Get(ctx, client.ObjectKeyFromObject(ak), ak); err != nil {
			return err
		}
		if ak.Status.Revision != revision || !meta.IsStatusConditionTrue(ak.Status.Conditions, v1alpha1.ConditionReady) || len(ak.Status.Conditions) != 2 {
			return fmt.Errorf("AccessKey %s has revision %d and is %v", name, ak.Status.Revision, ak.Status.Conditions)
		}
		return nil
	})
}

// describe tells what is known of an AccessKey.
func (s *story) describe(ctx context.Context, name string) error {
	ak := s.named(name)
	err := kube.Get(ctx, client.ObjectKeyFromObject(ak), ak)
	return errors.Join(err, fmt.Errorf("AccessKey %s has %+v", name, ak.Status))
}

func (s *story) stalled(ctx context.Context, name string) error {
	ak := s.named(name)
	if err := kube.Get(ctx, client.ObjectKeyFromObject(ak), ak); err != nil {
		return err
	}
	if !meta.IsStatusConditionTrue(ak.Status.Conditions, v1alpha1.ConditionStalled) {
		return fmt.Errorf("AccessKey %s is %v", name, ak.Status.Conditions)
	}
	return nil
}

func (s *story) gone(ctx context.Context, objects ...client.Object) error {
	for _, object := range objects {
		if err := s.eventually(ctx, func() error {
			err := kube.Get(ctx, client.ObjectKeyFromObject(object), object)
			if apierrors.IsNotFound(err) {
				return nil
			}
			return errors.Join(err, fmt.Errorf("%T %s is still there", object, object.GetName()))
		}); err != nil {
			return err
		}
	}
	return nil
}

// eventually waits until the check holds. The clock goes on meanwhile.
func (s *story) eventually(ctx context.Context, check func() error) error {
	const patience, poll = 30 * time.Second, 20 * time.Millisecond
	for begin := time.Now(); ; time.Sleep(poll) {
		s.clock.Step(50 * time.Millisecond)
		if s.until() {
			return errEnough
		}
		err := check()
		if err == nil || ctx.Err() != nil || time.Since(begin) > patience {
			return err
		}
	}
}

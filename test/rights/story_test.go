// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package rights

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	eventsv1 "k8s.io/api/events/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/tools/events"
	testclock "k8s.io/utils/clock/testing"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"accesskey.dev/operator/api/v1alpha1"
	"accesskey.dev/operator/test/simulator"
	"accesskey.dev/operator/test/simulator/qumulo"
)

const day = 24 * time.Hour

// story is a sequence of user actions that makes an operator use all of its rights. It has its own Qumulo cluster and clock.
type story struct {
	t        *testing.T
	recorder *recorder
	clock    *testclock.FakeClock
	service  *qumulo.Simulator
	server   *simulator.Server

	// namespace is the namespace of the AccessKeys; own is the operator's.
	namespace, own string
	// shared is the name of the ClusterKeyService. If it is empty, there is none.
	shared string
	// events is the recorder of the operator.
	events events.EventRecorder
	// metrics returns the address of the operator's metrics endpoint. It is empty until the endpoint listens.
	metrics func() string
	// until ends the story early when it returns true.
	until func() bool
}

// errEnough is the error of a story that ended early.
var errEnough = errors.New("the story ended early")

func newStory(t *testing.T, namespace, own string) *story {
	s := &story{t: t, recorder: newRecorder(), clock: testclock.NewFakeClock(time.Now()), namespace: namespace, own: own, until: func() bool { return false }}
	s.serve(qumulo.Options{Clock: s.clock})
	s.service.AddUser("alice")
	s.service.AddUser("bert")
	return s
}

// serve starts the Qumulo cluster of the story.
func (s *story) serve(options qumulo.Options) {
	s.t.Helper()
	s.service = qumulo.New(options)
	server, err := simulator.Serve(s.service)
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { _ = server.Close() })
	s.server = server
}

// run runs the whole life of a few keys, of a KeyService and of a ClusterKeyService, from creation to deletion.
func (s *story) run(ctx context.Context) error {
	for _, step := range []struct {
		name string
		do   func(context.Context) error
	}{
		{"set up the KeyService", s.setUp},
		{"share a ClusterKeyService", s.share},
		{"issue", s.issue},
		{"read the metrics", s.readMetrics},
		{"grant", s.grant},
		{"repeat an event", s.repeatEvent},
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

// setUp has the certificates to trust in a ConfigMap.
func (s *story) setUp(ctx context.Context) error {
	spec := s.spec()
	spec.TLS = &v1alpha1.TLS{CARef: &v1alpha1.CASource{Kind: v1alpha1.CAConfigMap, Name: "authority", Key: "ca.crt"}}
	return s.create(ctx, append(s.secrets(s.namespace),
		s.configMap(),
		&v1alpha1.KeyService{ObjectMeta: metav1.ObjectMeta{Namespace: s.namespace, Name: "qumulo"}, Spec: spec})...)
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

// repair edits an annotation of the Secret, which the operator restores.
func (s *story) repair(ctx context.Context) error {
	secret := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: s.namespace, Name: "backup"}}
	if err := s.merge(ctx, secret, `{"metadata":{"annotations":{"`+v1alpha1.ExpiresAtAnnotation+`":"edited"}}}`); err != nil {
		return err
	}
	return s.eventually(ctx, func() error {
		err := kube.Get(ctx, client.ObjectKeyFromObject(secret), secret)
		if err != nil || secret.Annotations[v1alpha1.ExpiresAtAnnotation] == "edited" {
			return errors.Join(err, fmt.Errorf("the Secret is not repaired; %w", s.describe(ctx, "backup")))
		}
		return nil
	})
}

// repeatEvent sends an event twice with the operator's recorder, which sends the second as a patch of the first. The operator
// repeats an event only if the object has not changed in between, and no action of a user makes it do so reliably.
func (s *story) repeatEvent(ctx context.Context) error {
	ak, err := s.get(ctx, "backup")
	if err != nil {
		return err
	}
	for range 2 {
		s.events.Eventf(ak, nil, corev1.EventTypeNormal, "Repeated", "Test", "sent twice")
	}
	return s.eventually(ctx, func() error {
		var sent eventsv1.EventList
		err := kube.List(ctx, &sent, client.InNamespace(s.namespace))
		if !slices.ContainsFunc(sent.Items, func(event eventsv1.Event) bool { return event.Reason == "Repeated" && event.Series != nil }) {
			err = errors.Join(err, errors.New("no event has a series"))
		}
		return err
	})
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
	if err := s.eventually(ctx, func() error {
		ak, err := s.get(ctx, "backup")
		if err == nil && (ak.Status.SecretName != "elsewhere" || !atRest(ak)) {
			err = fmt.Errorf("the pair is not published under the new name; %w", s.describe(ctx, "backup"))
		}
		return err
	}); err != nil {
		return err
	}
	s.clock.Step(11 * day) // past the overlap, but before the next renewal
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
	doomed = append(doomed, s.configMap())
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

func (s *story) configMap() client.Object {
	return &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: s.namespace, Name: "authority"}, Data: map[string]string{"ca.crt": string(s.server.CA)}}
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

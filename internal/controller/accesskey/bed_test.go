// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package accesskey

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-logr/logr/funcr"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/tools/events"
	testclock "k8s.io/utils/clock/testing"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/log"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"accesskey.dev/operator/api/v1alpha1"
	"accesskey.dev/operator/internal/keyservice"
	"accesskey.dev/operator/internal/keyservice/connect"
	"accesskey.dev/operator/internal/secret"
	"accesskey.dev/operator/test/crash/kube"
	"accesskey.dev/operator/test/fake"
)

// userID is the user of the AccessKey as the fake service knows it.
const userID = "backup"

// The calls to the API server that most tests are about.
const (
	writesStatus = "patch status of AccessKey"
	writesSecret = "apply Secret team-a/backup"
)

var errTimeout = apierrors.NewTimeoutError("the request timed out", 0)

// bed is an AccessKey with its reconciler, an API server in memory whose calls can fail, and a fake key service. Whole stories
// are in test/crash and test/integration.
type bed struct {
	t          testing.TB
	clock      *testclock.FakeClock
	kube       *kube.Server
	cache      *kube.Cache
	service    *fake.Service
	connection *connect.Connection
	r          *Reconciler
	// gate stands between the reconciler and the API server; nil lets every call pass.
	gate kube.Gate
	// lag is how old a change of a kind of object is when the caches show it.
	lag map[string]time.Duration
	// calls to the API server and events of the last reconciliation.
	calls, events []string
	// log has the lines of the log at the default level.
	log []string
}

// bubble runs a test on a bed in a bubble, where the pauses between attempts take no time.
func bubble(t *testing.T, test func(*bed)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) { test(newBed(t, fake.Options{})) })
}

// newBed has an AccessKey without a status, and a service that lists all keys and resolves users.
func newBed(t testing.TB, options fake.Options) *bed {
	t.Helper()
	b := &bed{t: t, clock: testclock.NewFakeClock(noon), kube: kube.NewServer(), lag: map[string]time.Duration{}}
	options.Clock, options.Identity = b.clock, identity
	b.service = fake.New(options)
	b.service.AddUser(userID)
	b.create(newAccessKey(), keyService("service"), &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{Namespace: here.Namespace, Name: "credentials"},
		Data:       map[string][]byte{"access-key-id": []byte("id"), "secret-access-key": []byte("secret")},
	})
	b.restart()
	return b
}

// keyService returns a KeyService in use. Connecting it sends no request, so a fake can take the place of the service.
func keyService(name string) *v1alpha1.KeyService {
	return &v1alpha1.KeyService{
		ObjectMeta: metav1.ObjectMeta{Namespace: here.Namespace, Name: name, Finalizers: []string{v1alpha1.InUseFinalizer}},
		Spec: v1alpha1.KeyServiceSpec{Huawei: &v1alpha1.HuaweiService{
			URL: "https://iam.example", DomainID: name, CredentialsSecretRef: v1alpha1.SecretReference{Name: "credentials"},
		}},
	}
}

// restart makes a reconciler that remembers nothing.
func (b *bed) restart() {
	b.t.Helper()
	started := b.clock.Now()
	b.cache = kube.NewCache(b.kube, cache.Options{}, func(kind string) time.Duration { return b.lag[kind] })
	c := &kube.Client{Server: b.kube, Cache: b.cache, Gate: func(call kube.Call, carryOut func() error) error {
		b.calls = append(b.calls, call.String())
		if b.gate == nil {
			return carryOut()
		}
		return b.gate(call, carryOut)
	}}
	b.r = &Reconciler{
		Client: c, Live: c.Live(), Recorder: events.NewFakeRecorder(64), Clock: b.clock, ResyncPeriod: 10 * time.Minute,
		Pool:  &connect.Pool{Live: c.Live(), SecretVersions: c, ClusterNamespace: "operator", ResyncPeriod: 10 * time.Minute, Clock: b.clock},
		store: secret.Store{Client: c, Live: c.Live()}, limiter: limiter{slots: 1}, started: func() time.Time { return started },
	}
	if err := AddIndexes(context.Background(), b.cache); err != nil {
		b.t.Fatal(err)
	}
	b.use(struct {
		*fake.Service
		fake.AllLister
		fake.UserResolver
	}{b.service, b.service.AllLister(), b.service.UserResolver()})
}

// use puts a service behind the connection.
func (b *bed) use(service keyservice.Service) {
	b.t.Helper()
	b.cache.Deliver()
	var err error
	if b.connection, err = b.r.Pool.Get(context.Background(), b.kube.Get(kube.KeyService, here.Namespace, "service").(*v1alpha1.KeyService)); err != nil {
		b.t.Fatal(err)
	}
	b.connection.Service, b.connection.Capabilities, b.connection.Identity = service, keyservice.CapabilitiesOf(service), identity
}

// create creates objects with their status.
func (b *bed) create(objects ...client.Object) {
	b.t.Helper()
	for _, object := range objects {
		wanted := object.DeepCopyObject().(client.Object)
		b.must(b.kube.Create(object))
		wanted.SetResourceVersion(object.GetResourceVersion())
		wanted.SetUID(object.GetUID())
		b.must(b.kube.Update(wanted, true))
		object.SetResourceVersion(wanted.GetResourceVersion())
	}
}

// change changes the AccessKey and its status.
func (b *bed) change(change func(*v1alpha1.AccessKey)) {
	b.t.Helper()
	for _, status := range []bool{false, true} {
		ak := b.accessKey()
		change(ak)
		b.must(b.kube.Update(ak, status))
	}
}

// renew requests a rotation.
func (b *bed) renew() {
	b.change(func(ak *v1alpha1.AccessKey) { ak.Annotations = map[string]string{v1alpha1.RenewAnnotation: "now"} })
}

func (b *bed) delete(kind string) {
	b.t.Helper()
	b.must(b.kube.Delete(kube.Ref{Kind: kind, Namespace: here.Namespace, Name: here.Name}, nil))
}

func (b *bed) must(err error) {
	b.t.Helper()
	if err != nil {
		b.t.Fatal(err)
	}
}

// try reconciles once.
func (b *bed) try() (reconcile.Result, error) {
	b.cache.Deliver()
	b.calls = nil
	logger := funcr.New(func(_, line string) { b.log = append(b.log, line) }, funcr.Options{})
	result, err := b.r.Reconcile(log.IntoContext(context.Background(), logger), reconcile.Request{NamespacedName: here})
	b.events = received(b.r.Recorder.(*events.FakeRecorder))
	return result, err
}

// reconcile reconciles once and expects no error.
func (b *bed) reconcile() reconcile.Result {
	b.t.Helper()
	result, err := b.try()
	b.must(err)
	return result
}

// settle reconciles after each change and each pause, as the manager does, until nothing is left to do.
func (b *bed) settle() {
	b.t.Helper()
	for range 50 {
		before := b.kube.Get(kube.AccessKey, here.Namespace, here.Name)
		result := b.reconcile()
		after := b.kube.Get(kube.AccessKey, here.Namespace, here.Name)
		switch {
		case after == nil:
			return
		case before.GetResourceVersion() != after.GetResourceVersion():
		case result.RequeueAfter >= b.r.ResyncPeriod:
			return
		default:
			b.clock.Step(result.RequeueAfter)
		}
	}
	b.t.Fatalf("does not settle: %+v", b.accessKey().Status)
}

// accessKey returns the AccessKey as the API server has it.
func (b *bed) accessKey() *v1alpha1.AccessKey {
	b.t.Helper()
	return b.kube.Get(kube.AccessKey, here.Namespace, here.Name).(*v1alpha1.AccessKey)
}

// secret returns a Secret as the API server has it, or nil.
func (b *bed) secret(name string) *corev1.Secret {
	found, _ := b.kube.Get(kube.Secret, here.Namespace, name).(*corev1.Secret)
	return found
}

// expectKeys expects that so many keys were ever created, and so many still exist.
func (b *bed) expectKeys(created, existing int) {
	b.t.Helper()
	if c, e := len(b.service.History()), len(b.service.Keys(userID)); c != created || e != existing {
		b.t.Errorf("%d keys were created and %d exist, want %d and %d", c, e, created, existing)
	}
}

// expectPublished expects that the Secret holds the recorded pair of this revision, that the service accepts it, and that no
// operation is open.
func (b *bed) expectPublished(revision int64) {
	b.t.Helper()
	status, published := b.accessKey().Status, b.secret(here.Name)
	if published == nil {
		b.t.Fatalf("there is no Secret: %+v", status)
	}
	pair := secret.PairOf(published)
	if !b.service.Valid(pair.AccessKeyID, pair.SecretAccessKey.Reveal()) || status.AccessKeyID != pair.AccessKeyID ||
		status.Revision != revision || status.Intent != nil || status.SecretResourceVersion != published.ResourceVersion {
		b.t.Errorf("Secret %s holds access key %s: %+v", published.ResourceVersion, pair.AccessKeyID, status)
	}
}

func (b *bed) expectEvents(prefixes ...string) {
	b.t.Helper()
	if !slices.EqualFunc(b.events, prefixes, strings.HasPrefix) {
		b.t.Errorf("sent %q, want %q", b.events, prefixes)
	}
}

func (b *bed) expectCondition(conditionType, want string) {
	b.t.Helper()
	expectCondition(b.t, b.accessKey(), conditionType, want)
}

// count returns how many calls begin with a prefix.
func (b *bed) count(prefix string) (n int) {
	for _, call := range b.calls {
		if strings.HasPrefix(call, prefix) {
			n++
		}
	}
	return n
}

// on applies a gate to the calls that begin with a prefix.
func on(prefix string, gate kube.Gate) kube.Gate {
	return func(call kube.Call, carryOut func() error) error {
		if strings.HasPrefix(call.String(), prefix) {
			return gate(call, carryOut)
		}
		return carryOut()
	}
}

// once applies a gate to the first call that begins with a prefix.
func once(prefix string, gate kube.Gate) kube.Gate {
	met := false
	return on(prefix, func(call kube.Call, carryOut func() error) error {
		if met {
			return carryOut()
		}
		met = true
		return gate(call, carryOut)
	})
}

// loseAnswer carries out a call, and fails reports that it failed without carrying it out.
func loseAnswer(_ kube.Call, carryOut func() error) error { return errors.Join(carryOut(), errTimeout) }

func fails(err error) kube.Gate { return func(kube.Call, func() error) error { return err } }

// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package integration

import (
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"github.com/prometheus/client_golang/prometheus"
	admissionv1 "k8s.io/api/admissionregistration/v1"
	corev1 "k8s.io/api/core/v1"
	eventsv1 "k8s.io/api/events/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/metrics"

	"accesskey.dev/operator/api/v1alpha1"
	"accesskey.dev/operator/test/services"
	"accesskey.dev/operator/test/simulator"
	"accesskey.dev/operator/test/simulator/qumulo"
)

// estate is a world with every key service, each with an AccessKey of the same name.
type estate struct {
	world *world
	names []string
	// quoted are the AccessKeys whose conditions had the words of a service, without the credentials in them.
	quoted map[string]bool
	// admin are the operator's credentials by the host of the service, stranger is a server that must not get them.
	admin     map[string][]string
	stranger  *simulator.Core
	elsewhere *simulator.Server
}

// newEstate logs as much as the manager can be made to.
func newEstate(ctx SpecContext) (*world, *estate) {
	GinkgoHelper()
	w := newLoudWorld(ctx, loudest)
	e := &estate{world: w, quoted: map[string]bool{}, admin: map[string][]string{}, stranger: simulator.NewCore(w.clock)}
	var err error
	e.elsewhere, err = simulator.Serve(e.stranger)
	Expect(err).NotTo(HaveOccurred())
	DeferCleanup(e.elsewhere.Close)
	w.service.AddUser("bert")
	e.add(ctx, "qumulo-token", w.server, other{user: alice, secret: map[string]string{"token": w.token}, spec: func(spec *v1alpha1.KeyServiceSpec, url, secret string) {
		spec.Qumulo = &v1alpha1.QumuloService{URL: url, TokenSecretRef: &v1alpha1.TokenReference{Name: secret, Key: "token"}}
	}})
	login := map[string]string{"username": qumulo.DefaultUsername, "password": qumulo.DefaultPassword}
	e.add(ctx, "qumulo-login", w.server, other{user: "local:bert", secret: login, spec: services.Qumulo().Spec})
	for _, row := range services.All() {
		if row.Kind == "qumulo" {
			continue
		}
		o := serviceAt(row)(w.clock)
		server, err := simulator.Serve(o.server)
		Expect(err).NotTo(HaveOccurred())
		DeferCleanup(server.Close)
		w.services = append(w.services, o.server)
		e.add(ctx, row.Name, server, o)
	}
	return w, e
}

// add creates a KeyService with its Secret, and an AccessKey.
func (e *estate) add(ctx SpecContext, name string, server *simulator.Server, o other) {
	GinkgoHelper()
	spec := v1alpha1.KeyServiceSpec{
		TLS: &v1alpha1.TLS{CABundle: string(server.CA)}, RateLimit: v1alpha1.RateLimit{QPS: 1000, Burst: 1000},
	}
	secret := named(&corev1.Secret{StringData: o.secret}, name+"-credentials")
	o.spec(&spec, server.URL, secret.Name)
	e.world.create(ctx, secret, &v1alpha1.KeyService{ObjectMeta: metav1.ObjectMeta{Name: name}, Spec: spec})
	e.world.create(ctx, accessKey(name, withUser(o.user), func(ak *v1alpha1.AccessKey) { ak.Spec.ServiceRef.Name = name }))
	e.names = append(e.names, name)
	for key, value := range o.secret {
		if key != "username" && key != "access-key-id" {
			host := strings.TrimPrefix(server.URL, "https://")
			e.admin[host] = append(e.admin[host], value)
			e.world.seen = append(e.world.seen, value)
		}
	}
}

func (e *estate) each(do func(name string)) {
	for _, name := range e.names {
		do(name)
	}
}

// rest waits until every AccessKey is at rest, or gone if it is to be.
func (e *estate) rest(ctx SpecContext) {
	GinkgoHelper()
	for range 3 { // what was lost is settled, what failed is tried again, and what is old has ended
		e.world.step(ctx, resync+time.Second)
		e.world.settle(ctx)
	}
	e.each(func(name string) {
		e.world.eventually(ctx, func(g Gomega) {
			ak := &v1alpha1.AccessKey{}
			err := kube.Get(ctx, e.world.named(name), ak)
			if apierrors.IsNotFound(err) {
				return
			}
			g.Expect(err).NotTo(HaveOccurred())
			g.Expect(ak.DeletionTimestamp).To(BeNil())
			g.Expect(ak).To(BeAtRest(), "%s: %v", name, ak.Status)
		})
	})
}

// quote is what a service could say of a request: the operator's credentials as they were sent, and in other forms.
func (e *estate) quote(r *http.Request) string {
	body, _ := io.ReadAll(r.Body)
	sent := r.Header.Get("Authorization") + " " + string(body)
	var words []string // the secrets come first, because the operator cuts long messages
	if username, password, ok := r.BasicAuth(); ok {
		words = append(words, username+":"+password)
	}
	for _, secret := range e.admin[r.Host] {
		if len(e.admin[r.Host]) > 1 && !strings.Contains(sent+strings.Join(words, " "), secret) {
			continue // it is another KeyService's, of which this one knows nothing
		}
		words = append(words, secret, url.QueryEscape(secret), hex.EncodeToString([]byte(secret)),
			base64.StdEncoding.EncodeToString([]byte("a name:"+secret)))
	}
	return strings.Join(append(words, sent), " ")
}

func encode(value any) string {
	encoded, err := json.Marshal(value)
	if err != nil {
		panic(err)
	}
	return string(encoded)
}

// refuseSecrets makes the API server refuse every Secret of the operator, with a message that quotes the pair.
func (w *world) refuseSecrets(ctx SpecContext) (lift func(SpecContext)) {
	GinkgoHelper()
	policy := &admissionv1.ValidatingAdmissionPolicy{
		ObjectMeta: metav1.ObjectMeta{Name: w.namespace},
		Spec: admissionv1.ValidatingAdmissionPolicySpec{
			MatchConstraints: &admissionv1.MatchResources{
				NamespaceSelector: &metav1.LabelSelector{MatchLabels: map[string]string{corev1.LabelMetadataName: w.namespace}},
				ObjectSelector:    &metav1.LabelSelector{MatchLabels: map[string]string{v1alpha1.ManagedByLabel: v1alpha1.ManagedByValue}},
				ResourceRules: []admissionv1.NamedRuleWithOperations{{RuleWithOperations: admissionv1.RuleWithOperations{
					Operations: []admissionv1.OperationType{admissionv1.Create, admissionv1.Update},
					Rule:       admissionv1.Rule{APIGroups: []string{""}, APIVersions: []string{"v1"}, Resources: []string{"secrets"}},
				}}},
			},
			Validations: []admissionv1.Validation{{
				Expression:        "!has(object.data)",
				MessageExpression: `"denied: " + string(object.data.` + v1alpha1.SecretKeySecretAccessKey + `)`,
			}},
		},
	}
	binding := &admissionv1.ValidatingAdmissionPolicyBinding{
		ObjectMeta: metav1.ObjectMeta{Name: w.namespace},
		Spec:       admissionv1.ValidatingAdmissionPolicyBindingSpec{PolicyName: policy.Name, ValidationActions: []admissionv1.ValidationAction{admissionv1.Deny}},
	}
	Expect(kube.Create(ctx, policy)).To(Succeed())
	Expect(kube.Create(ctx, binding)).To(Succeed())
	refused := func(want bool) {
		GinkgoHelper()
		Eventually(ctx, func() bool {
			probe := &corev1.Secret{
				ObjectMeta: metav1.ObjectMeta{Namespace: w.namespace, Name: "probe", Labels: map[string]string{v1alpha1.ManagedByLabel: v1alpha1.ManagedByValue}},
				Data:       map[string][]byte{v1alpha1.SecretKeySecretAccessKey: []byte("probe")},
			}
			return kube.Create(ctx, probe, client.DryRunAll) != nil
		}).Should(Equal(want))
	}
	refused(true)
	return func(ctx SpecContext) {
		GinkgoHelper()
		Expect(kube.Delete(ctx, binding)).To(Succeed())
		Expect(kube.Delete(ctx, policy)).To(Succeed())
		refused(false)
	}
}

func plantedEvent(namespace, secret string) *eventsv1.Event {
	return &eventsv1.Event{
		Regarding:  corev1.ObjectReference{Kind: "ConfigMap", Namespace: namespace, Name: "planted"},
		ObjectMeta: metav1.ObjectMeta{Name: "planted"}, EventTime: metav1.NowMicro(), Type: corev1.EventTypeNormal, Reason: "Planted",
		Action: "Plant", ReportingController: "accesskey.dev/test", ReportingInstance: "test", Note: "issued " + url.QueryEscape(secret),
	}
}

// plantedFinalizer is a Secret with a secret where its metadata is kept.
func plantedFinalizer(secret string) *corev1.Secret {
	return &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Name: "planted", Finalizers: []string{"planted.example/" + hex.EncodeToString([]byte(secret))}}}
}

func plantMetric(secret string) {
	planted := prometheus.NewGauge(prometheus.GaugeOpts{Name: "planted", Help: "A secret.", ConstLabels: prometheus.Labels{"secret": secret}})
	Expect(metrics.Registry.Register(planted)).To(Succeed())
	DeferCleanup(func() { metrics.Registry.Unregister(planted) })
}

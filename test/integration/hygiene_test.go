// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package integration

import (
	"encoding/base64"
	"flag"
	"fmt"
	"html"
	"net/http"
	"strconv"
	"strings"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/klog/v2"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"accesskey.dev/operator/api/v1alpha1"
	"accesskey.dev/operator/test/simulator"
)

const (
	// loudest is the highest verbosity that the manager takes (cmd/main.go).
	loudest = 7
	// whole is that from which the Kubernetes client logs whole bodies; at 8 it begins to log the first kilobyte.
	whole = 10
)

var _ = Describe("Secret material", Serial, func() {
	It("shows nowhere but in Secrets, whatever fails, at the highest verbosity", func(ctx SpecContext) {
		w, e := newEstate(ctx)
		failing := func(failures []failure, rules ...simulator.Rule) {
			for _, f := range failures {
				By("while " + f.name)
				e.suffer(ctx, f.effect, rules...)
			}
		}
		writes := []simulator.Rule{{Method: http.MethodPost}, {Method: http.MethodPut}, {Method: http.MethodPatch}}

		By("issuing")
		failing(e.failures(), simulator.Rule{})
		failing(e.failures(), writes...)
		Expect(e.quoted).To(HaveLen(len(e.names)), "some service was not heard quoting, so this shows nothing of it")
		e.rest(ctx)

		By("rotating")
		e.each(func(name string) { w.changeAccessKey(ctx, name, renewNow("a")) })
		failing(e.failures(), writes...)
		e.rest(ctx)

		By("rotating while the API server refuses the Secret, and quotes it")
		lift := w.refuseSecrets(ctx)
		e.each(func(name string) { w.changeAccessKey(ctx, name, renewNow("b")) })
		e.each(func(name string) { w.expectStalled(ctx, name, "SecretRefused", "denied: [redacted]") })
		lift(ctx)
		e.rest(ctx)

		By("replacing what was edited")
		e.each(func(name string) {
			w.changeSecret(ctx, name, edited)
			w.changeAccessKey(ctx, name, renewNow("c")) // a repair alone revokes no previous key
		})
		e.rest(ctx)
		w.expectNoLeaks(ctx)

		By("deleting")
		e.each(func(name string) { w.delete(ctx, named(&v1alpha1.AccessKey{}, name)) })
		failing(e.failures(), simulator.Rule{})
		e.rest(ctx)
		w.expectNoLeaks(ctx)

		Expect(e.stranger.Calls()).To(BeEmpty(), "a request was sent on to another server")
		Expect(len(w.secrets())).To(BeNumerically(">", 30))
	})

	It("would be found in each of the places that are searched", func(ctx SpecContext) {
		w := newLoudWorld(ctx, loudest)
		w.createService(ctx)
		w.create(ctx, accessKey("backup"))
		w.issued(ctx, "backup", 1)
		w.expectNoLeaks(ctx)
		for channel, plant := range leaks(ctx, w) {
			const planted = "Planted-0123456789"
			plant(planted)
			w.settle(ctx)
			w.eventually(ctx, func(g Gomega) {
				g.Expect(leaksIn(w.shown(ctx)[channel], []string{planted})).NotTo(BeEmpty(), "planted in %s", channel)
			})
		}
	})

	It("is why the manager takes no higher verbosity: the Kubernetes client would log it", func(ctx SpecContext) {
		w := newLoudWorld(ctx, whole)
		w.createService(ctx)
		w.create(ctx, accessKey("backup"))
		pair := w.issued(ctx, "backup", 1)
		Expect(leaksIn(string(w.log.Contents()), []string{pair.secret})).NotTo(BeEmpty())
		Expect(w.log.Clear()).To(Succeed()) // what every spec promises is not for this one
	})
})

// newLoudWorld is a bare world whose operator, with the Kubernetes client, logs at this verbosity.
func newLoudWorld(ctx SpecContext, verbosity int) *world {
	GinkgoHelper()
	w := newStoppedWorld(ctx)
	w.verbosity = strconv.Itoa(verbosity)
	DeferCleanup(klog.CaptureState().Restore)
	var flags flag.FlagSet
	klog.InitFlags(&flags)
	Expect(flags.Set("logtostderr", "false")).To(Succeed())
	Expect(flags.Set("v", "7")).To(Succeed())
	klog.SetOutput(w.log)
	w.start()
	return w
}

// expectNoLeaks looks for every secret everywhere.
func (w *world) expectNoLeaks(ctx SpecContext) {
	GinkgoHelper()
	w.settle(ctx)
	secrets := w.secrets()
	for channel, text := range w.shown(ctx) {
		Expect(leaksIn(text, secrets)).To(BeEmpty(), "in "+channel)
	}
}

// leaks are ways for a secret to show, by the channel in which it then does.
func leaks(ctx SpecContext, w *world) map[string]func(secret string) {
	annotate := func(meta *metav1.ObjectMeta, secret string) {
		metav1.SetMetaDataAnnotation(meta, "planted", base64.StdEncoding.EncodeToString([]byte("a: "+secret)))
	}
	annotateKey := func(secret string) {
		w.changeAccessKey(ctx, "backup", func(ak *v1alpha1.AccessKey) { annotate(&ak.ObjectMeta, secret) })
	}
	annotateService := func(secret string) {
		w.changeService(ctx, func(service *v1alpha1.KeyService) { annotate(&service.ObjectMeta, secret) })
	}
	annotateSecret := func(secret string) {
		w.changeSecret(ctx, "backup", func(object *corev1.Secret) { annotate(&object.ObjectMeta, secret) })
	}
	return map[string]func(string){
		"the log":                                func(secret string) { klog.Info("the pair is ", []byte(secret)) },
		"the metrics":                            plantMetric,
		"the events":                             func(secret string) { w.create(ctx, plantedEvent(w.namespace, secret)) },
		"the accesskeys":                         annotateKey,
		"the cache of AccessKeys":                annotateKey,
		"the keyservices":                        annotateService,
		"the cache of key services":              annotateService,
		"the secrets":                            annotateSecret,
		"the cache of the metadata of Secrets":   func(secret string) { w.create(ctx, plantedFinalizer(secret)) },
		"the cache of the metadata of Namespace": func(secret string) { w.label(ctx, secret) },
		"other objects": func(secret string) {
			w.create(ctx, &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: "planted"}, BinaryData: map[string][]byte{"a": []byte("a " + secret)}})
		},
	}
}

// failure is something that a key service can do to a request.
type failure struct {
	name   string
	effect simulator.Effect
}

// refusing answers with a status and an error in the form of every service, which quotes what was sent.
func (e *estate) refusing(status int) simulator.Effect {
	return func(w http.ResponseWriter, r *http.Request, next http.Handler) {
		isForm := strings.HasPrefix(r.Header.Get("Content-Type"), "application/x-www-form-urlencoded") // AWS
		words := e.quote(r)
		if isForm {
			text := "<ErrorResponse><Error><Code>Test</Code><Message>" + html.EscapeString(words) + "</Message></Error></ErrorResponse>"
			simulator.Answer(status, http.Header{"Retry-After": {"1"}}, text)(w, r, next)
			return
		}
		simulator.Answer(status, http.Header{"Retry-After": {"1"}}, encode(map[string]any{
			"error_class": "test_error", "description": words, // Qumulo
			"httpStatus": status, "messages": []any{map[string]string{"errorCode": "test", "message": words}}, // IONOS
			"error_code": "TEST", "error_msg": words, // Huawei Cloud
			"error": map[string]string{"code": "99", "message": words}, // ONTAP
		}))(w, r, next)
	}
}

// malformed answers with a header that quotes what was sent and is none.
func (e *estate) malformed(w http.ResponseWriter, r *http.Request, _ http.Handler) {
	words := e.quote(r)
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		panic(err)
	}
	_, _ = conn.Write([]byte("HTTP/1.1 200 OK\r\n" + strings.ReplaceAll(words, ":", "") + "\r\n\r\n"))
	_ = conn.Close()
}

// failures are those that may quote, those that lead elsewhere, and those that lose an answer.
func (e *estate) failures() []failure {
	var all []failure
	for _, status := range []int{401, 403, 404, 409, 429, 500} {
		all = append(all, failure{"it answers " + http.StatusText(status), e.refusing(status)})
	}
	elsewhere := simulator.Answer(http.StatusTemporaryRedirect, http.Header{"Location": {e.elsewhere.URL + "/"}}, "")
	return append(all,
		failure{"it answers nonsense", func(w http.ResponseWriter, r *http.Request, next http.Handler) {
			simulator.Answer(http.StatusOK, nil, "<html>"+e.quote(r))(w, r, next)
		}},
		failure{"it does not speak HTTP", e.malformed},
		failure{"it sends the operator elsewhere", elsewhere},
		failure{"it loses its answers", simulator.DropAnswer()},
		failure{"it loses half of its answers", simulator.CutAnswer()},
	)
}

// suffer lets every service have the effect on what the rules say, until the operator has met it.
func (e *estate) suffer(ctx SpecContext, effect simulator.Effect, rules ...simulator.Rule) {
	GinkgoHelper()
	var lifts []func()
	for _, service := range e.world.services {
		for _, rule := range rules {
			lifts = append(lifts, service.Inject(rule, effect))
		}
	}
	// Longer than any back-off, pause or period.
	e.world.step(ctx, resync+time.Second)
	e.world.settle(ctx)
	e.each(func(name string) {
		ak := &v1alpha1.AccessKey{}
		Expect(client.IgnoreNotFound(kube.Get(ctx, e.world.named(name), ak))).To(Succeed())
		if strings.Contains(fmt.Sprint(ak.Status.Conditions), "[redacted]") {
			e.quoted[name] = true
		}
	})
	for _, lift := range lifts {
		lift()
	}
}

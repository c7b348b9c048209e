// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package crash

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"accesskey.dev/operator/api/v1alpha1"
	"accesskey.dev/operator/internal/plan"
	"accesskey.dev/operator/test/crash/kube"
	"accesskey.dev/operator/test/simulator"
)

const (
	// ttl and renewBefore of the AccessKeys. Recovery from a crash takes up to four minutes.
	ttl         = 30 * time.Minute
	renewBefore = 10 * time.Minute
)

// furnish creates a KeyService and what it needs. Changes by people take effect at once and never fail.
func (w *world) furnish() {
	spec := v1alpha1.KeyServiceSpec{RateLimit: v1alpha1.RateLimit{QPS: 20, Burst: 40}}
	w.site.Spec(&spec, serviceURL, credentials)
	w.create(&corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: namespace}})
	w.create(&corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: credentials}, StringData: w.site.user.Secret})
	w.create(&v1alpha1.KeyService{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "service"}, Spec: spec})
}

func (w *world) create(object client.Object) {
	if err := w.kube.Create(object); err != nil {
		panic(err) // a defect of the simulation
	}
}

// apply creates an AccessKey of the site's user.
func (w *world) apply(name string, strategy v1alpha1.RotationStrategy) {
	w.applyFor(w.site.user.Name, name, strategy)
}

func (w *world) applyFor(user, name string, strategy v1alpha1.RotationStrategy) {
	w.log("person", "applies AccessKey %s", name)
	w.create(w.newAccessKey(user, name, strategy))
	w.subjects[name] = &subject{name: name}
}

func (w *world) newAccessKey(user, name string, strategy v1alpha1.RotationStrategy) *v1alpha1.AccessKey {
	return &v1alpha1.AccessKey{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name},
		Spec: v1alpha1.AccessKeySpec{
			ServiceRef:  v1alpha1.ServiceReference{Kind: v1alpha1.KindKeyService, Name: "service"},
			User:        user,
			TTL:         ptr.To(metav1.Duration{Duration: ttl}),
			RenewBefore: ptr.To(metav1.Duration{Duration: renewBefore}),
			Rotation:    &v1alpha1.Rotation{Strategy: strategy},

			RolloutRestartTargets: w.targets,
		},
	}
}

// accessKey returns the stored AccessKey, or nil.
func (w *world) accessKey(name string) *v1alpha1.AccessKey {
	ak, _ := w.kube.Get(kube.AccessKey, namespace, name).(*v1alpha1.AccessKey)
	return ak
}

func (w *world) secret(name string) *corev1.Secret {
	secret, _ := w.kube.Get(kube.Secret, namespace, name).(*corev1.Secret)
	return secret
}

// edit changes an AccessKey, if it exists.
func (w *world) edit(name, what string, change func(*v1alpha1.AccessKey)) {
	if ak := w.accessKey(name); ak != nil {
		w.log("person", "%s of AccessKey %s", what, name)
		change(ak)
		w.mustUpdate(ak, false)
	}
}

// takeKubeDown makes the API server unavailable for a while. Calls that were sent before are carried out.
func (w *world) takeKubeDown(d time.Duration) {
	if w.kubeDown {
		return
	}
	w.log("kube", "is away for %s", d)
	w.kubeDown = true
	w.after(d, func() {
		w.log("kube", "is back")
		w.kubeDown = false
	})
}

// meddle changes an annotation of an object that does not matter to the operator, and so its version.
func (w *world) meddle(ref kube.Ref) {
	object := w.kube.Get(ref.Kind, ref.Namespace, ref.Name)
	if object == nil {
		return
	}
	w.log("person", "changes an annotation of %s", ref)
	annotations := maps.Clone(object.GetAnnotations())
	if annotations == nil {
		annotations = map[string]string{}
	}
	annotations["example.com/seen"] = fmt.Sprint(len(w.calls))
	object.SetAnnotations(annotations)
	w.mustUpdate(object, false)
}

func (w *world) mustUpdate(object client.Object, status bool) {
	w.touched = true
	if err := w.kube.Update(object, status); err != nil {
		panic(err) // a defect of the simulation
	}
}

// renewNow requests a rotation.
func (w *world) renewNow(name, token string) {
	w.edit(name, "requests a rotation", func(ak *v1alpha1.AccessKey) {
		metav1.SetMetaDataAnnotation(&ak.ObjectMeta, v1alpha1.RenewAnnotation, token)
	})
}

// setStrategy changes the rotation strategy.
func (w *world) setStrategy(name string, strategy v1alpha1.RotationStrategy) {
	if s, ak := w.subjects[name], w.accessKey(name); s != nil && ak != nil && w.operates(ak) && w.inPlace(ak) {
		s.begunInPlace = true
	}
	w.edit(name, "changes the strategy", func(ak *v1alpha1.AccessKey) { ak.Spec.Rotation = &v1alpha1.Rotation{Strategy: strategy} })
}

// operates reports whether an operation of an AccessKey is open, or a request of one that revoked its key without an intent.
func (w *world) operates(ak *v1alpha1.AccessKey) bool {
	return ak.Status.Intent != nil || !time.Now().After(w.carriedOut)
}

// templated is the data key of what setTemplate makes of the pair.
const templated = "pair"

// setTemplate changes what the Secret has beside its pair, and whether it has the default keys.
func (w *world) setTemplate(name, text string, defaults bool) {
	w.edit(name, "changes the template", func(ak *v1alpha1.AccessKey) {
		ak.Spec.SecretTemplate = &v1alpha1.SecretTemplate{IncludeDefaults: &defaults, Data: map[string]v1alpha1.DataTemplate{templated: v1alpha1.DataTemplate(text)}}
	})
}

// openWindows lets a pair be rotated only for a minute of every five. It can be rotated from its fifth minute on.
func (w *world) openWindows(name string) {
	w.edit(name, "adds windows", func(ak *v1alpha1.AccessKey) {
		ak.Spec.RenewBefore = ptr.To(metav1.Duration{Duration: ttl - 5*time.Minute})
		ak.Spec.Rotation.Windows = []v1alpha1.RotationWindow{{Cron: "*/5 * * * *", Duration: ptr.To(metav1.Duration{Duration: time.Minute})}}
	})
}

// wipeStatus removes the status, as a restore from a backup does.
func (w *world) wipeStatus(name string) {
	if ak := w.accessKey(name); ak != nil {
		w.log("person", "wipes the status of AccessKey %s", name)
		ak.Status = v1alpha1.AccessKeyStatus{}
		w.mustUpdate(ak, true)
	}
}

// deleteSecret and editSecret destroy the published pair.
func (w *world) deleteSecret(name string) {
	w.log("person", "deletes Secret %s", name)
	w.excuse(name)
	if w.secret(name) != nil {
		_ = w.kube.Delete(kube.Ref{Kind: kube.Secret, Namespace: namespace, Name: name}, nil) // it is there
	}
}

func (w *world) editSecret(name string) {
	w.log("person", "edits Secret %s", name)
	w.excuse(name)
	if secret := w.secret(name); secret != nil {
		secret.Data[v1alpha1.SecretKeySecretAccessKey] = []byte("edited")
		w.mustUpdate(secret, false)
	}
}

// forgeRecord edits the record on a Secret, so that it leads to a foreign key.
func (w *world) forgeRecord(name string, foreign simulator.Pair) {
	secret := w.secret(name)
	var record plan.Record
	if secret == nil || json.Unmarshal([]byte(secret.Annotations[v1alpha1.RecordAnnotation]), &record) != nil {
		return
	}
	w.log("person", "forges the record on Secret %s", name)
	w.touched = true
	past := metav1.NewTime(time.Now().Add(-time.Hour))
	record.PreviousKeys = []v1alpha1.PreviousKey{{KeyID: foreign.ID, AccessKeyID: foreign.AccessKeyID, IssuedAt: past, RevokeAt: past}}
	forged, err := json.Marshal(record)
	if err != nil {
		panic(err) // a defect of the simulation
	}
	secret.Annotations[v1alpha1.RecordAnnotation] = string(forged)
	w.mustUpdate(secret, false)
}

// restore replaces an AccessKey and its Secret by what a backup has of them: no UID, no status and no owner.
func (w *world) restore(name string) {
	ak, secret := w.accessKey(name), w.secret(name)
	if ak == nil || secret == nil {
		return
	}
	w.log("person", "restores AccessKey %s", name)
	w.touched = true
	gone := ak.DeepCopy()
	gone.Finalizers = nil
	w.mustUpdate(gone, false)
	_ = w.kube.Delete(kube.Ref{Kind: kube.AccessKey, Namespace: namespace, Name: name}, nil) // both are there
	_ = w.kube.Delete(kube.Ref{Kind: kube.Secret, Namespace: namespace, Name: name}, nil)
	w.create(&corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name, Labels: secret.Labels, Annotations: secret.Annotations}, Type: secret.Type, Data: secret.Data,
	})
	w.create(&v1alpha1.AccessKey{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name}, Spec: ak.Spec})
}

// setSuspended suspends or resumes an AccessKey. A suspended one gets no new pair.
func (w *world) setSuspended(name string, suspended bool) {
	if s := w.subjects[name]; s != nil && !s.brokenUntil.IsZero() {
		s.brokenUntil = time.Now().Add(repairTime)
	}
	w.edit(name, fmt.Sprintf("sets suspend: %t", suspended), func(ak *v1alpha1.AccessKey) { ak.Spec.Suspend = ptr.To(suspended) })
}

// removeKey deletes the current key at the service, unless the service has reused its ID for another pair.
func (w *world) removeKey(name string) {
	ak := w.accessKey(name)
	if ak == nil || !slices.ContainsFunc(w.site.History(), func(pair simulator.Pair) bool {
		return pair.Live() && pair.ID == ak.Status.KeyID && pair.AccessKeyID == ak.Status.AccessKeyID
	}) {
		return
	}
	w.log("person", "deletes key %s at the service", ak.Status.KeyID)
	w.excuse(name)
	w.site.RemoveKey(ak.Status.KeyID)
}

// delete deletes the AccessKey.
func (w *world) delete(name string) {
	w.log("person", "deletes AccessKey %s", name)
	w.touched = true
	if w.accessKey(name) != nil {
		_ = w.kube.Delete(kube.Ref{Kind: kube.AccessKey, Namespace: namespace, Name: name}, nil) // it is there
	}
}

// deleteEverything deletes all objects of the namespace.
func (w *world) deleteEverything() {
	w.log("person", "deletes the namespace")
	w.touched = true
	for _, kind := range []string{kube.Secret, kube.KeyService, kube.AccessKey} {
		for _, object := range w.kube.All(kind) {
			if object.GetNamespace() != namespace {
				continue
			}
			_ = w.kube.Delete(kube.Ref{Kind: kind, Namespace: namespace, Name: object.GetName()}, nil) // it is there
		}
	}
}

// verifyPairs gives the KeyService a data plane.
func (w *world) verifyPairs() {
	w.log("person", "gives the KeyService a data plane")
	service := w.kube.Get(kube.KeyService, namespace, "service").(*v1alpha1.KeyService)
	service.Spec.S3 = &v1alpha1.S3{Endpoint: "https://" + dataPlaneHost, Region: "us-east-1"}
	w.mustUpdate(service, false)
}

// changeService changes the KeyService and the metadata of its credentials, so that the operator connects again.
func (w *world) changeService() {
	w.log("person", "changes the Secret of the KeyService")
	w.verifyPairs()
	secret := w.secret(credentials)
	if secret == nil {
		return
	}
	metav1.SetMetaDataAnnotation(&secret.ObjectMeta, "touched", "yes")
	w.mustUpdate(secret, false)
}

// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package secret

import (
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	corev1ac "k8s.io/client-go/applyconfigurations/core/v1"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"accesskey.dev/operator/api/v1alpha1"
	"accesskey.dev/operator/internal/plan"
)

// results of Inspect about a Secret that once was published.
var (
	current    = plan.Secret{State: plan.SecretIntact, UpToDate: true}
	outdated   = plan.Secret{State: plan.SecretIntact}
	edited     = plan.Secret{State: plan.SecretEdited}
	abandoned  = plan.Secret{State: plan.SecretIntact, Adoptable: true}
	foreign    = plan.Secret{State: plan.SecretForeign}
	unverified = plan.Secret{State: plan.SecretUnverified}
	ownerless  = plan.Secret{State: plan.SecretUnverified, Adoptable: true}
)

func foreignOf(owner string) plan.Secret {
	return plan.Secret{State: plan.SecretForeign, Owner: owner}
}

func setData(key, value string) func(*corev1.Secret) {
	return func(s *corev1.Secret) { s.Data[key] = []byte(value) }
}

func annotate(key, value string) func(*corev1.Secret) {
	return func(s *corev1.Secret) { s.Annotations[key] = value }
}

func strip(annotation string) func(*corev1.Secret) {
	return func(s *corev1.Secret) { delete(s.Annotations, annotation) }
}

// recordNames replaces the ID of a key in the record.
func recordNames(instead, id string) func(*corev1.Secret) {
	return func(s *corev1.Secret) {
		annotate(v1alpha1.RecordAnnotation, strings.Replace(s.Annotations[v1alpha1.RecordAnnotation], `"keyID":"`+instead, `"keyID":"`+id, 1))(s)
	}
}

func editing(changes ...func(*corev1.Secret)) func(*world) {
	return func(w *world) {
		for _, change := range changes {
			w.edit(change)
		}
	}
}

func restoring(change func(*corev1.Secret)) func(*world) { return func(w *world) { w.restore(change) } }

// updated changes the template and the status, as if the Secret had been written since, and then touched by another writer.
func updated(change func(*world)) func(*world) {
	return func(w *world) {
		change(w)
		touched(w)
		w.AccessKey.Status.SecretTemplateDigest = w.Digest(w.record())
	}
}

func TestInspect(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(*world)
		want   plan.Secret
	}{
		{"a Secret as it was published is up to date", func(*world) {}, current},
		{"a Secret that does not exist is absent", (*world).remove, plan.Secret{State: plan.SecretAbsent}},
		{"a Secret that is being deleted is foreign", func(w *world) {
			w.edit(func(s *corev1.Secret) { s.Finalizers = []string{"example.com/backup"} })
			w.remove()
		}, foreign},

		{"a Secret with another access key ID is edited", editing(setData(v1alpha1.SecretKeyAccessKeyID, "AKIAX")), edited},
		{"a Secret with another secret is edited", editing(setData(v1alpha1.SecretKeySecretAccessKey, "guess")), edited},
		{"a Secret with a line break after the secret is edited", editing(setData(v1alpha1.SecretKeySecretAccessKey, secretValue+"\n")), edited},
		{"a Secret without the secret is edited", editing(func(s *corev1.Secret) { delete(s.Data, v1alpha1.SecretKeySecretAccessKey) }), edited},
		{"a Secret without data is edited", editing(func(s *corev1.Secret) { s.Data = nil }), edited},
		{"a Secret with another secret and the record of another key is edited", editing(setData(v1alpha1.SecretKeySecretAccessKey, "guess"), recordNames("K1", "K2")), edited},

		{"data of other writers does not matter", editing(setData("theirs", "data")), current},
		{"labels and annotations of other writers do not matter", editing(annotate("theirs", "a"), func(s *corev1.Secret) { s.Labels["theirs"] = "l" }), current},
		{"a label that was edited is out of date", editing(func(s *corev1.Secret) { s.Labels["app"] = "x" }), outdated},
		{"a label that was removed is out of date", editing(func(s *corev1.Secret) { delete(s.Labels, v1alpha1.ManagedByLabel) }), outdated},
		{"an annotation that was edited is out of date", editing(annotate("note", "x")), outdated},
		{"an annotation of the operator that was edited is out of date", editing(annotate(v1alpha1.AccessKeyIDAnnotation, "x")), outdated},
		{"an expiry that was removed is out of date", editing(strip(v1alpha1.ExpiresAtAnnotation)), outdated},
		{"an expiry of a former ttl is out of date", updated(func(w *world) { w.AccessKey.Spec.TTL = nil }), outdated},

		{"a Secret without the record keeps its pair", editing(strip(v1alpha1.RecordAnnotation)), outdated},
		{"a Secret with a record that cannot be read keeps its pair", editing(annotate(v1alpha1.RecordAnnotation, "{")), outdated},
		{"a Secret with the record of another key keeps its pair", editing(recordNames("K1", "K2")), outdated},
		{"previous keys in the record do not matter, because they are revoked without a new pair", editing(recordNames("K0", "K9")), current},
		{"a Secret with another endpoint keeps its pair", editing(setData(v1alpha1.SecretKeyEndpoint, "https://s3.other")), outdated},
		{"a Secret without the endpoint keeps its pair", editing(func(s *corev1.Secret) { delete(s.Data, v1alpha1.SecretKeyEndpoint) }), outdated},
		{"a Secret with a former endpoint of the KeyService keeps its pair", func(w *world) { w.S3.Endpoint = "https://s3.other" }, outdated},
		{"a Secret of a former template keeps its pair beside data of another writer", func(w *world) { w.edit(setData("theirs", "data")); w.S3.Region = "" }, outdated},
		{"a label that the template no longer has is out of date", func(w *world) { delete(w.AccessKey.Spec.SecretTemplate.Labels, "app") }, outdated},
		{"a key that is left over from a former template is noticed", updated(func(w *world) { w.S3.Region = "" }), outdated},

		{"a restored Secret whose ownership of fields is lost is intact", restoring(func(*corev1.Secret) {}), current},
		{"data of other writers does not matter in a restored Secret", restoring(setData("theirs", "data")), current},
		{"a restored Secret with a former endpoint keeps its pair", func(w *world) { w.restore(setData("theirs", "data")); w.S3.Endpoint = "https://s3.other" }, outdated},
		{"a restored Secret with a former region keeps its pair", func(w *world) { w.restore(func(*corev1.Secret) {}); w.S3.Region = "" }, outdated},
		{"a restored Secret with another secret is edited", restoring(setData(v1alpha1.SecretKeySecretAccessKey, "guess")), edited},
		{"a status that lost the digest trusts the record", func(w *world) { w.AccessKey.Status.SecretDigest = "" }, outdated},
		{"a lost status trusts the record", func(w *world) { w.AccessKey.Status = v1alpha1.AccessKeyStatus{} }, outdated},
		{"a Secret under a new name holds a copy of the published pair", func(w *world) { w.AccessKey.Status.SecretName = "former" }, plan.Secret{State: plan.SecretIntact, Copy: true}},
		{"also if the data beside the pair is another one", func(w *world) {
			w.AccessKey.Status.SecretName, w.AccessKey.Status.SecretDigest = "former", "other"
		}, plan.Secret{State: plan.SecretIntact, Copy: true}},
		{"or an earlier pair, which is compared with its record", func(w *world) {
			w.AccessKey.Status.SecretName, w.AccessKey.Status.SecretDigest = "former", "other"
			w.AccessKey.Status.Revision++
		}, outdated},
		{"a copy that a person made does not count", func(w *world) {
			w.AccessKey.Status.SecretName = "former"
			w.restore(func(*corev1.Secret) {})
		}, outdated},
		{"a record does not describe a pair that was edited after it", func(w *world) {
			w.AccessKey.Status = v1alpha1.AccessKeyStatus{}
			w.edit(setData(v1alpha1.SecretKeySecretAccessKey, "guess"))
		}, edited},

		{"a Secret without an owner is abandoned", editing(ownedBy()), abandoned},
		{"a Secret of a former AccessKey of the same name is abandoned", editing(ownedBy(ownerOf("backup", formerUID))), abandoned},
		{"a Secret whose owner does not control it is abandoned", editing(func(s *corev1.Secret) { s.OwnerReferences[0].Controller = ptr.To(false) }), abandoned},
		{"a Secret without an owner and with another secret is abandoned, but not intact", editing(ownedBy(), setData(v1alpha1.SecretKeySecretAccessKey, "guess")),
			plan.Secret{State: plan.SecretEdited, Adoptable: true}},
		{"a Secret without an owner and a record is foreign", editing(ownedBy(), strip(v1alpha1.RecordAnnotation)), foreign},
		{"a Secret of an AccessKey of another API group is foreign", editing(ownedBy(crossplanes)), foreignOf("AccessKey backup (iam.aws.crossplane.io/v1beta1)")},
		{"a Secret of another AccessKey is foreign", editing(ownedBy(ownerOf("other", "9d8e"))), foreignOf("AccessKey other")},
		{"a Secret of another kind of owner is foreign", editing(func(s *corev1.Secret) { s.OwnerReferences[0].Kind, s.OwnerReferences[0].UID = "Vault", "9d8e" }), foreignOf("Vault backup (accesskey.dev/v1alpha1)")},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newPublished(t)
			c.change(w)
			got := w.Inspect(w.secret())
			got.Record, got.Rendered, got.Writer = plan.Record{}, false, plan.Writer{}
			if !equality.Semantic.DeepEqual(got, c.want) {
				t.Errorf("Inspect = %+v\nwant %+v", got, c.want)
			}
		})
	}
}

func TestInspectReturnsTheRecord(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(*world)
		keyID  string
	}{
		{"of the status for the published pair", editing(strip(v1alpha1.RecordAnnotation)), "K1"},
		{"of the status, whatever the Secret claims", editing(recordNames("K1", "F1")), "K1"},
		{"on the Secret for a pair that the status does not record yet", func(w *world) { w.AccessKey.Status.KeyID, w.AccessKey.Status.SecretDigest = "K0", "d" }, "K1"},
		{"on the Secret for an abandoned one", func(w *world) { w.AccessKey.Status = v1alpha1.AccessKeyStatus{}; w.edit(ownedBy()) }, "K1"},
		{"on the Secret, as a claim, for an edited one", editing(setData(v1alpha1.SecretKeySecretAccessKey, "guess"), recordNames("K1", "F1")), "F1"},
	} {
		w := newPublished(t)
		c.change(w)
		if got := w.Inspect(w.secret()).Record; got.KeyID != c.keyID || got.Name != "backup" {
			t.Errorf("%s: Record = %+v, want that of key %s", c.name, got, c.keyID)
		}
	}
}

// TestACopiedSecretSaysWhoseItIs checks that the planner can tell a copy from the Secret of a former AccessKey.
func TestACopiedSecretSaysWhoseItIs(t *testing.T) {
	copied := newPublished(t).secret()
	copied.Namespace, copied.Name, copied.OwnerReferences = "team-b", "copy", nil
	other := Template{AccessKey: &v1alpha1.AccessKey{ObjectMeta: metav1.ObjectMeta{Namespace: "team-b", Name: "copy", UID: "9d8e"}}}
	if got := other.Inspect(copied); !got.Adoptable || got.Record.Namespace != "team-a" || got.Record.Name != "backup" || got.Record.UID != uid {
		t.Errorf("Inspect = %+v, want the record of team-a/backup", got)
	}
	copied.OwnerReferences = []metav1.OwnerReference{ownerOf("backup", uid)}
	if got := other.Inspect(copied); got.State != plan.SecretForeign {
		t.Errorf("Inspect = %+v, want a foreign Secret: another AccessKey controls it", got)
	}
}

// TestInspectKnowsTheOtherWriter, and whether the Secret was written from the template as it is now.
func TestInspectKnowsTheOtherWriter(t *testing.T) {
	applies := func(manager string, data map[string][]byte) func(*world) {
		return func(w *world) {
			secret := corev1ac.Secret("backup", "team-a").WithData(data)
			w.must(w.kube.Apply(w.Context(), secret, client.FieldOwner(manager), client.ForceOwnership))
		}
	}
	kubectl := plan.Writer{Manager: "kubectl-edit"}
	for _, c := range []struct {
		name     string
		change   func(*world)
		rendered bool
		want     plan.Writer
	}{
		{"nobody", func(*world) {}, true, plan.Writer{}},
		{"who edits the pair", editing(setData(v1alpha1.SecretKeySecretAccessKey, "guess")), false, kubectl},
		{"who applies the pair", applies("flux", map[string][]byte{v1alpha1.SecretKeyAccessKeyID: []byte("AKIAX")}), false, plan.Writer{Manager: "flux", Applies: true}},
		{"who edits a label", editing(func(s *corev1.Secret) { s.Labels["app"] = "x" }), true, kubectl},
		{"who edits the record", editing(annotate(v1alpha1.RecordAnnotation, "{")), true, kubectl},
		{"who edits the endpoint", editing(setData(v1alpha1.SecretKeyEndpoint, "https://s3.other")), true, kubectl},
		{"not who writes data of their own", editing(setData("theirs", "data")), true, plan.Writer{}},
		{"not who writes labels and annotations of their own", touched, true, plan.Writer{}},
		{"who writes the pair, rather than who edits a label later", func(w *world) {
			applies("flux", map[string][]byte{v1alpha1.SecretKeyAccessKeyID: []byte("AKIAX")})(w)
			w.edit(func(s *corev1.Secret) { s.Labels["app"] = "x" })
		}, false, plan.Writer{Manager: "flux", Applies: true}},
		{"nobody, but the template has changed", func(w *world) { w.S3.Region = "" }, false, plan.Writer{}},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newPublished(t)
			c.change(w)
			if got := w.Inspect(w.secret()); got.Writer != c.want || got.Rendered != c.rendered {
				t.Errorf("Writer %+v, Rendered %t", got.Writer, got.Rendered)
			}
		})
	}
}

// TestWhatAPolicyMadeOfAWriteIsUpToDate, as long as the Secret is as the API server left it.
func TestWhatAPolicyMadeOfAWriteIsUpToDate(t *testing.T) {
	w := newPublished(t)
	policy := editing(strip(v1alpha1.RecordAnnotation), func(s *corev1.Secret) { s.Labels[v1alpha1.ManagedByLabel] = "policy" })
	policy(w)
	w.AccessKey.Status.SecretResourceVersion = w.secret().ResourceVersion
	if got := w.Inspect(w.secret()); got.State != plan.SecretIntact || !got.UpToDate {
		t.Errorf("as it was left: %+v", got)
	}
	touched(w)
	if got := w.Inspect(w.secret()); got.State != plan.SecretIntact || got.UpToDate {
		t.Errorf("touched since: %+v", got)
	}
	w.Verified = w.secret().ResourceVersion
	if got := w.Inspect(w.secret()); !got.UpToDate {
		t.Errorf("verified since: %+v", got)
	}
}

// TestAPairOfTheOpenIntentIsFoundWithoutItsRecord, if the operator wrote it and the status does not record it.
func TestAPairOfTheOpenIntentIsFoundWithoutItsRecord(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(*world)
		want   plan.SecretState
	}{
		{"a policy removed the record", func(*world) {}, plan.SecretIntact},
		{"somebody wrote the pair since", editing(setData(v1alpha1.SecretKeySecretAccessKey, "guess")), plan.SecretEdited},
		{"no operation is open", func(w *world) { w.AccessKey.Status.Intent = nil }, plan.SecretEdited},
		{"the pair is a previous one", func(w *world) { w.AccessKey.Status.PreviousKeys[0].AccessKeyID = "AKIAK2" }, plan.SecretEdited},
		{"a copy", restoring(func(*corev1.Secret) {}), plan.SecretEdited},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newPublished(t)
			_, err := w.store().Publish(t.Context(), Write{w.AccessKey, "backup", w.secret(), w.newPair()})
			w.must(err)
			w.edit(strip(v1alpha1.RecordAnnotation))
			w.AccessKey.Status.Intent = &v1alpha1.Intent{Operation: v1alpha1.OperationCreate, Revision: 2, StartedAt: later}
			c.change(w)
			got := w.Inspect(w.secret())
			if got.State != c.want {
				t.Fatalf("%+v", got)
			}
			if record := got.Record; got.State == plan.SecretIntact && (record.KeyID != "AKIAK2" || record.AccessKeyID != "AKIAK2" || record.Revision != 2 ||
				!record.IssuedAt.Equal(&later) || !w.holds(w.secret(), record)) {
				t.Errorf("%+v", record)
			}
		})
	}
}

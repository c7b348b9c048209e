// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package secret

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"accesskey.dev/operator/api/v1alpha1"
)

// The errors of the API server quote the new secret, as those of a webhook can.
var (
	secrets      = schema.GroupResource{Resource: "secrets"}
	quoted       = newSecret + ", " + base64.StdEncoding.EncodeToString([]byte(newSecret))
	errForbidden = apierrors.NewForbidden(secrets, "backup", errors.New("exceeded quota: "+quoted))
	errTimeout   = apierrors.NewTimeoutError("the request timed out: "+quoted, 0)
)

const newSecret = "another+secret/value"

// attempt is what happens to one attempt to write the Secret.
type attempt func(w *world, write func() error) error

func carriedOut(_ *world, write func() error) error { return write() }

// failing does not carry the attempt out.
func failing(err error) attempt { return func(*world, func() error) error { return err } }

// after carries the attempt out, on a cluster that has changed before.
func after(change func(*world)) attempt {
	return func(w *world, write func() error) error { change(w); return write() }
}

// lost carries the attempt out and loses the answer. Then it changes the cluster.
func lost(changes ...func(*world)) attempt {
	return func(w *world, write func() error) error {
		err := errors.Join(write(), errTimeout)
		for _, change := range changes {
			change(w)
		}
		return err
	}
}

// attempts says what happens to each attempt; the last entry stands for all that follow. It counts the attempts.
func (w *world) attempts(happens ...attempt) (count *int) {
	count = new(int)
	w.intercept.Apply = func(ctx context.Context, kube client.WithWatch, object runtime.ApplyConfiguration, options ...client.ApplyOption) error {
		*count++
		return happens[min(*count, len(happens))-1](w, func() error { return kube.Apply(ctx, object, options...) })
	}
	return count
}

// newPair is the content of a second pair.
func (w *world) newPair() Content {
	record := w.record()
	record.KeyID, record.AccessKeyID, record.Revision = "K2", "AKIAK2", 2
	content, err := w.Render(Pair{AccessKeyID: "AKIAK2", SecretAccessKey: newSecret}, record)
	w.must(err)
	return content
}

func touched(w *world) { w.edit(func(s *corev1.Secret) { s.Labels["velero.io/backup"] = "yes" }) }

// publication is a call of Publish, what happens before and to each of its attempts, and what it comes to.
type publication struct {
	name    string
	before  func(*world)
	happens []attempt
	// written reports whether the Secret holds the new pair afterwards. err is a part of the error.
	attempts int
	written  bool
	err      string
	refused  bool
}

func (c publication) expect(t *testing.T, attempts int, err error) {
	t.Helper()
	if attempts != c.attempts || (err == nil) != (c.err == "") || err != nil && !strings.Contains(err.Error(), c.err) {
		t.Errorf("%d attempts, error %v; want %d, %q", attempts, err, c.attempts, c.err)
	}
	if Refused(err) != c.refused || errors.Is(err, ErrForeign) != strings.Contains(c.err, ErrForeign.Error()) {
		t.Errorf("%v is a refusal: %t, want %t", err, Refused(err), c.refused)
	}
	if text := fmt.Sprint(err); strings.Contains(text, "another") || strings.Contains(text, "YW5vdGhlci") {
		t.Errorf("the error reveals the secret: %s", text)
	}
}

func TestPublish(t *testing.T) {
	occupied := func(w *world) {
		theirs := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: "team-a", Name: "backup"}, Data: map[string][]byte{"theirs": []byte("kept")}}
		w.must(w.kube.Create(w.Context(), theirs))
	}
	const unwritten, written = false, true
	absent, exists := (*world).remove, editing(setData("theirs", "kept"))
	for _, c := range []publication{
		{"a Secret is created", absent, []attempt{carriedOut}, 1, written, "", false},
		{"a Secret is written over the one that was read", exists, []attempt{carriedOut}, 1, written, "", false},

		{"a Secret that was touched meanwhile is read again and written", exists, []attempt{after(touched), carriedOut}, 2, written, "", false},
		{"a Secret that was deleted meanwhile is created again", exists, []attempt{after((*world).remove)}, 1, written, "", false},
		{"a Secret of somebody else that appeared meanwhile is not overwritten", absent, []attempt{after(occupied), carriedOut}, 1, unwritten, ErrForeign.Error(), true},
		{"a Secret whose owner was changed meanwhile is not overwritten", exists, []attempt{after(editing(ownedBy())), carriedOut}, 1, unwritten, ErrForeign.Error(), true},

		{"nothing is sent to a Secret of somebody else", editing(ownedBy()), []attempt{carriedOut}, 0, unwritten, "writing Secret backup: " + ErrForeign.Error(), true},

		{"a new Secret is found although the answer was lost", absent, []attempt{lost()}, 1, written, "", false},
		{"a new pair is found although the answer was lost", exists, []attempt{lost()}, 1, written, "", false},
		{"a new pair is found although the Secret was touched since", absent, []attempt{lost(touched)}, 1, written, "", false},
		{"a new pair whose Secret was deleted since is written again", absent, []attempt{lost((*world).remove), carriedOut}, 2, written, "", false},
		{"a new pair whose Secret was taken over since is not published", absent, []attempt{lost(editing(ownedBy()))}, 1, unwritten, ErrForeign.Error(), true},
		{"a lost request is repeated", exists, []attempt{failing(errTimeout), failing(errTimeout), failing(errTimeout), carriedOut}, 4, written, "", false},
		{"a request that is lost every time is not a refusal", exists, []attempt{failing(errTimeout)}, publishAttempts.Steps, unwritten, "the request timed out: [redacted]", false},
		{"a canceled request is not a refusal", exists, []attempt{failing(context.Canceled)}, publishAttempts.Steps, unwritten, "context canceled", false},
		{"a lost answer is not a refusal if the Secret cannot be read", absent, []attempt{lost((*world).hide)}, publishAttempts.Steps, written, "reading Secret backup", false},

		{"a refusal ends the attempts", exists, []attempt{failing(errForbidden)}, 1, unwritten, "exceeded quota: [redacted]", true},
		{"a refusal after a conflict is one, because nothing was written", exists, []attempt{after(touched), failing(errForbidden)}, 2, unwritten, "exceeded quota: [redacted]", true},
		{"a refusal after a lost answer is none, because the pair may have been written", exists, []attempt{failing(errTimeout), failing(errForbidden)},
			publishAttempts.Steps, unwritten, "exceeded quota: [redacted]", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newPublished(t)
			c.before(w)
			current, content := w.secret(), w.newPair()
			attempts := w.attempts(c.happens...)
			published, err := w.store().Publish(t.Context(), Write{w.AccessKey, "backup", current, content})
			secret := w.secret()
			if holds := w.holdsContent(secret, content); holds != c.written || err == nil && published.Version != secret.ResourceVersion {
				t.Errorf("%+v, the Secret holds the new pair: %t, want %t: %+v", published, holds, c.written, secret)
			}
			if current != nil && string(secret.Data["theirs"]) != string(current.Data["theirs"]) && !strings.Contains(c.name, "deleted") {
				t.Errorf("data of another writer became %q", secret.Data["theirs"])
			}
			c.expect(t, *attempts, err)
		})
	}
}

// holdsContent reports whether a Secret is as rendered, and controlled by the AccessKey.
func (w *world) holdsContent(secret *corev1.Secret, content Content) bool {
	return equality.Semantic.DeepEqual(pick(secret.Data, content.Data), content.Data) && secret.Type == content.Type &&
		contains(secret.Labels, content.Labels) && contains(secret.Annotations, content.Annotations) &&
		equality.Semantic.DeepEqual(secret.OwnerReferences, []metav1.OwnerReference{ownerOf("backup", uid)})
}

// TestPublishOverwritesAndRemoves checks what becomes of fields that others have edited, or that the template no longer has.
func TestPublishOverwritesAndRemoves(t *testing.T) {
	w := newPublished(t)
	touched(w)
	w.edit(setData(v1alpha1.SecretKeySecretAccessKey, "guess"))
	w.S3, w.AccessKey.Spec.SecretTemplate, w.AccessKey.Spec.TTL = nil, nil, nil
	content := w.render()
	_, err := w.store().Publish(t.Context(), Write{w.AccessKey, "backup", w.secret(), content})
	w.must(err)
	secret := w.secret()
	if !slices.Equal(entries(secret.Data), entries(content.Data)) || !slices.Equal(entries(secret.Annotations), entries(content.Annotations)) ||
		!slices.Equal(entries(secret.Labels), []string{"app.kubernetes.io/managed-by=accesskey-operator", "velero.io/backup=yes"}) {
		t.Errorf("became %v, %v, %v", entries(secret.Data), secret.Labels, secret.Annotations)
	}
}

// TestTheAnswerIsComparedWithWhatWasSent: admission policies change Secrets.
func TestTheAnswerIsComparedWithWhatWasSent(t *testing.T) {
	for _, c := range []struct {
		name string
		make func(*corev1.Secret)
		want Published
		err  string
	}{
		{"nothing", func(*corev1.Secret) {}, Published{Changed: true}, ""},
		{"without the record", strip(v1alpha1.RecordAnnotation), Published{Changed: true, RecordRemoved: true}, ""},
		{"with more data", setData("theirs", "data"), Published{Changed: true}, ""},
		{"with another label", func(s *corev1.Secret) { s.Labels[v1alpha1.ManagedByLabel] = "policy" }, Published{Changed: true}, ""},
		{"with another region", setData(v1alpha1.SecretKeyDefaultRegion, "eu-central-1"), Published{Changed: true}, ""},
		{"with another value of a template", setData("config", "masked"), Published{}, "another value of config"},
		{"without a value of a template", func(s *corev1.Secret) { delete(s.Data, "config") }, Published{}, "another value of config"},
		{"with another secret", setData(v1alpha1.SecretKeySecretAccessKey, "fixed"), Published{}, "another value of AWS_SECRET_ACCESS_KEY"},
		{"without the access key ID", func(s *corev1.Secret) { delete(s.Data, v1alpha1.SecretKeyAccessKeyID) }, Published{}, "another value of AWS_ACCESS_KEY_ID"},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newPublished(t)
			w.AccessKey.Spec.SecretTemplate.Data = map[string]v1alpha1.DataTemplate{"config": "{{ .AccessKeyID }}"}
			w.intercept.Apply = func(ctx context.Context, kube client.WithWatch, object runtime.ApplyConfiguration, options ...client.ApplyOption) error {
				if err := kube.Apply(ctx, object, options...); err != nil {
					return err
				}
				w.edit(c.make)
				answer, err := json.Marshal(w.secret())
				w.must(err)
				return json.Unmarshal(answer, object)
			}
			got, err := w.store().Publish(t.Context(), Write{w.AccessKey, "backup", w.secret(), w.newPair()})
			got.Version = ""
			if got != c.want || (err == nil) != (c.err == "") || err != nil && (!strings.Contains(err.Error(), c.err) || !Refused(err)) {
				t.Errorf("%+v, %v", got, err)
			}
		})
	}
}

// TestDryRun asks the API server and changes nothing. Webhooks that cannot take part are asked by the write itself.
func TestDryRun(t *testing.T) {
	const unsupported = "admission webhook \"sign.example.com\" does not support dry run"
	for _, c := range []struct {
		answer error
		want   bool
	}{
		{nil, true}, {errForbidden, false}, {errTimeout, false}, {apierrors.NewBadRequest("denied"), false}, {apierrors.NewBadRequest(unsupported), true},
	} {
		w, attempts := newPublished(t), 0
		w.intercept.Apply = func(_ context.Context, _ client.WithWatch, _ runtime.ApplyConfiguration, options ...client.ApplyOption) error {
			attempts++
			if given := (&client.ApplyOptions{}).ApplyOptions(options).DryRun; !slices.Equal(given, []string{metav1.DryRunAll}) {
				t.Errorf("sent with the dry run %q", given)
			}
			return c.answer
		}
		err := w.store().DryRun(t.Context(), Write{w.AccessKey, "backup", w.secret(), w.newPair()})
		if (err == nil) != c.want || attempts != 1 || strings.Contains(fmt.Sprint(err), newSecret) {
			t.Errorf("answered with %v: %v after %d attempts", c.answer, err, attempts)
		}
	}
}

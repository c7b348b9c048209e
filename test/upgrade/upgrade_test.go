// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package upgrade

import (
	"flag"
	"fmt"
	"reflect"
	"slices"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"

	"accesskey.dev/operator/api/v1alpha1"
	"accesskey.dev/operator/test/simulator"
)

var update = flag.Bool("update", false, "write the golden files of the previous release")

// facts are what an upgrade or a downgrade must not change.
type facts struct {
	keyID, accessKeyID, userID, secretName, handled string
	issuedAt, expiresAt, renewalTime                time.Time
	revision                                        int64
	previous                                        []string // each with the time of its revocation and its state
	secret                                          types.UID
	pair                                            string
	live                                            []string // the keys of the service
}

// facts returns the facts of an AccessKey.
func (w *world) facts(s *service) facts {
	w.Helper()
	ak, secret := w.accessKey(s)
	status := &ak.Status
	f := facts{
		keyID: status.KeyID, accessKeyID: status.AccessKeyID, userID: status.UserID, secretName: status.SecretName, handled: status.LastHandledRenewal,
		issuedAt: status.IssuedAt.Time, expiresAt: status.ExpiresAt.Time, renewalTime: status.RenewalTime.Time, revision: status.Revision,
		secret: secret.UID, pair: pairOf(secret),
	}
	for _, p := range status.PreviousKeys {
		f.previous = append(f.previous, fmt.Sprint(p.KeyID, p.RevokeAt, p.State))
	}
	for _, p := range s.LivePairs() {
		f.live = append(f.live, p.ID+" "+p.AccessKeyID)
	}
	slices.Sort(f.live)
	return f
}

func pairOf(secret *corev1.Secret) string {
	return string(secret.Data[v1alpha1.SecretKeyAccessKeyID]) + " " + string(secret.Data[v1alpha1.SecretKeySecretAccessKey])
}

// allFacts returns the facts of every AccessKey, by service.
func (w *world) allFacts() map[string]facts {
	w.Helper()
	all := map[string]facts{}
	for _, s := range w.services {
		all[s.Kind] = w.facts(s)
	}
	return all
}

// TestLiveAccessKeysSurvive installs the previous release, upgrades it, and goes back. No switch may create, rotate or revoke a key.
// In between, each release rotates the keys, and in the end the previous one revokes them, so each reads the statuses of the other.
func TestLiveAccessKeysSurvive(t *testing.T) {
	old, current := previousRelease(t), today(t)
	w := newWorld(t, old)
	w.install(old)
	w.add()
	w.settled("the first key", func(ak *v1alpha1.AccessKey) bool { return ak.Status.KeyID != "" })
	w.rotate("by the previous release")
	if *update {
		w.writeGoldenFiles()
		return
	}

	w.switchTo(current, v1alpha1.DeletionPolicyRetain, w.allFacts())
	w.rotate("after the upgrade")
	w.expectRotated(3)

	want := w.allFacts()
	// The previous release does not know these fields.
	w.patch(`{"spec":{"secretTemplate":{"formats":["Env"]},"rotation":{"windows":[{"cron":"0 2 * * 6","duration":"4h"}]}}}`)
	w.until("the format Env", func() bool {
		return !slices.ContainsFunc(w.services, func(s *service) bool {
			_, secret := w.accessKey(s)
			return secret.Data["aws.env"] == nil
		})
	})
	w.switchTo(old, v1alpha1.DeletionPolicyDelete, want)
	w.expectOldFields()
	w.rotate("after the downgrade")
	w.expectRotated(4)

	for _, s := range w.services {
		if s.Kind == "ionos" { // deletes a key in its own time, which is five seconds for each of them
			continue
		}
		w.kubectl(nil, "delete", "accesskey", s.Kind, "-n", namespace, "--timeout=60s")
		for _, p := range s.LivePairs() {
			if p.CreatedBy != simulator.Person {
				t.Errorf("%s: the key %s was left", s.Kind, p.ID)
			}
		}
	}
}

// restored is the AccessKey that is deleted with Retain before each switch and created again after it, so each release adopts the
// keys from the record on the Secret that the other one wrote.
const restored = "huawei"

// switchTo installs a release, and checks that nothing happened to the keys. Another deletionPolicy, which has no effect on them,
// shows when the manager has reconciled the AccessKeys.
func (w *world) switchTo(r release, policy v1alpha1.DeletionPolicy, want map[string]facts) {
	w.Helper()
	w.kubectl(nil, "patch", "accesskey", restored, "-n", namespace, "--type=merge", `-p={"spec":{"deletionPolicy":"Retain"}}`)
	w.kubectl(nil, "delete", "accesskey", restored, "-n", namespace, "--timeout=60s")
	w.install(r)
	w.kubectl(w.manifest, "apply", "-f", "-")
	w.patch(`{"spec":{"deletionPolicy":%q}}`, policy)
	w.settled("reconciliation by "+r.name, func(ak *v1alpha1.AccessKey) bool { return ak.Status.ObservedGeneration == ak.Generation })
	for name, got := range w.allFacts() {
		if name == restored {
			got.renewalTime = want[name].renewalTime // the jitter depends on the UID
		}
		if !reflect.DeepEqual(got, want[name]) {
			w.Errorf("%s: after the switch to %s:\n%+v\nwant\n%+v", name, r.name, got, want[name])
		}
	}
}

// expectRotated checks that this many keys were created for each AccessKey, one by each rotation, and that the service has the
// keys that the status records and no others.
func (w *world) expectRotated(created int) {
	w.Helper()
	for _, s := range w.services {
		ak, secret := w.accessKey(s)
		made := 0
		for _, p := range s.History() {
			if p.CreatedBy != simulator.Person {
				made++
			}
		}
		if made != created {
			w.Errorf("%s: %d keys were created, want %d", s.Kind, made, created)
		}
		if !s.Valid(string(secret.Data[v1alpha1.SecretKeyAccessKeyID]), string(secret.Data[v1alpha1.SecretKeySecretAccessKey])) {
			w.Errorf("%s: the pair in the Secret does not work", s.Kind)
		}
		if got := 1 + len(ak.Status.PreviousKeys); got != min(s.Quota, created) {
			w.Errorf("%s: the status records %d keys, want %d", s.Kind, got, min(s.Quota, created))
		}
		for _, p := range s.LivePairs() {
			if p.CreatedBy != simulator.Person && !ak.Status.RecordsPair(p.AccessKeyID) {
				w.Errorf("%s: nothing records the key %s", s.Kind, p.ID)
			}
		}
	}
}

// expectOldFields checks what docs/upgrade.md says about a downgrade: fields that the previous release does not know are gone, and
// so is what they put into the Secret.
func (w *world) expectOldFields() {
	w.Helper()
	for _, s := range w.services {
		ak, secret := w.accessKey(s)
		if ak.Spec.SecretTemplate != nil && ak.Spec.SecretTemplate.Formats != nil || ak.Spec.Rotation != nil && ak.Spec.Rotation.Windows != nil || ak.Status.History != nil {
			w.Errorf("%s: fields that the CRD does not know are left: %+v %+v", s.Kind, ak.Spec, ak.Status.History)
		}
		if secret.Data["aws.env"] != nil || secret.Data["AWS_DEFAULT_REGION"] != nil {
			w.Errorf("%s: the Secret holds more than the previous release writes", s.Kind)
		}
	}
}

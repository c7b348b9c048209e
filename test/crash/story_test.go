// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package crash

import (
	"time"

	corev1 "k8s.io/api/core/v1"

	"accesskey.dev/operator/api/v1alpha1"
)

// story is what people do in a world, and when. Failures hit the operator meanwhile.
type story struct {
	name string
	// main: pairs of failures are tried, too.
	main bool
	// workers is how many AccessKeys are reconciled side by side, call by call; 0 means one. With workers, pairs of failures are
	// tried, too.
	workers int
	tell    func(*world, v1alpha1.RotationStrategy)
}

var stories = []story{
	{"issue", true, 0, func(w *world, s v1alpha1.RotationStrategy) {
		w.apply("a", s)
		w.run(5 * time.Minute)
	}},
	{"rotate", true, 0, func(w *world, s v1alpha1.RotationStrategy) {
		w.apply("a", s)
		w.run(33 * time.Minute)
	}},
	{"rotate twice", false, 0, func(w *world, s v1alpha1.RotationStrategy) {
		w.apply("a", s)
		w.run(55 * time.Minute)
	}},
	{"rotate in a window that closes soon", false, 0, func(w *world, s v1alpha1.RotationStrategy) {
		w.issue(s)
		w.openWindows("a") // from minute 5, 10 and 15, for a minute each; an operation is settled after the window
		w.run(7 * time.Minute)
		w.checkWindow("a")
	}},
	{"renew now", true, 0, func(w *world, s v1alpha1.RotationStrategy) {
		w.issue(s)
		w.renewNow("a", "now")
		w.run(5 * time.Minute)
	}},
	{"renew now, carried out late", false, 0, func(w *world, s v1alpha1.RotationStrategy) {
		w.issue(s)
		w.nextLandsLate = true
		w.renewNow("a", "now")
		w.run(5 * time.Minute)
	}},
	{"replace in place", false, 0, func(w *world, s v1alpha1.RotationStrategy) {
		w.issue(s)
		w.setStrategy("a", v1alpha1.StrategyReplace)
		w.renewNow("a", "now")
		w.run(5 * time.Minute)
	}},
	{"Secret deleted", false, 0, func(w *world, s v1alpha1.RotationStrategy) {
		w.issue(s)
		w.deleteSecret("a")
		w.run(5 * time.Minute)
	}},
	{"Secret edited", false, 0, func(w *world, s v1alpha1.RotationStrategy) {
		w.issue(s)
		w.editSecret("a")
		w.run(5 * time.Minute)
	}},
	{"Secret overwritten again and again", false, 0, func(w *world, s v1alpha1.RotationStrategy) {
		w.issue(s)
		w.runUntil(10*time.Minute, w.atRest)
		inUse := w.secret("a")
		for range 6 {
			w.editSecret("a")
			w.run(5 * time.Second)
		}
		w.checkStillWorks(inUse)
		w.deleteSecret("a")
		w.run(5 * time.Minute)
	}},
	{"a policy removes the record", false, 0, func(w *world, s v1alpha1.RotationStrategy) {
		w.kube.Policy = func(secret *corev1.Secret) { delete(secret.Annotations, v1alpha1.RecordAnnotation) }
		w.issue(s)
		w.renewNow("a", "now")
		w.run(5 * time.Minute)
	}},
	{"status lost", false, 0, func(w *world, s v1alpha1.RotationStrategy) {
		w.issue(s)
		w.wipeStatus("a")
		w.run(5 * time.Minute)
	}},
	{"restored", false, 0, func(w *world, s v1alpha1.RotationStrategy) {
		w.issue(s)
		w.runUntil(10*time.Minute, w.atRest)
		w.restore("a")
		w.run(5 * time.Minute)
	}},
	{"import", false, 0, func(w *world, s v1alpha1.RotationStrategy) {
		w.importKey("a", s)
		w.run(2 * time.Minute)
		w.renewNow("a", "now")
		w.run(3 * time.Minute)
	}},
	{"record forged during an operation", false, 0, func(w *world, s v1alpha1.RotationStrategy) {
		foreign, _, _ := w.site.makeKey() // the quota is not full
		w.run(time.Minute)                // longer than any list lag
		w.apply("a", s)
		w.runUntil(3*time.Minute, w.publishedOnly)
		w.forgeRecord("a", foreign)
		w.run(5 * time.Minute)
	}},
	{"suspended during a rotation", false, 0, func(w *world, s v1alpha1.RotationStrategy) {
		w.issue(s)
		w.renewNow("a", "now")
		w.runUntil(10*time.Minute, w.intentOpen)
		w.setSuspended("a", true)
		w.run(16 * time.Minute)
		w.checkSuspended("a")
		w.setSuspended("a", false)
	}},
	{"compromised", false, 0, func(w *world, s v1alpha1.RotationStrategy) {
		w.issue(s)
		leaked := w.nameCompromised("a", false)
		w.run(12 * time.Minute)
		w.checkCompromised("a", leaked)
	}},
	{"compromised in its overlap", false, 0, func(w *world, s v1alpha1.RotationStrategy) {
		w.issue(s)
		w.renewNow("a", "now")
		w.run(4 * time.Minute)
		leaked := w.nameCompromised("a", true)
		w.run(5 * time.Minute)
		w.checkCompromised("a", leaked)
	}},
	{"published under another name and back", false, 0, func(w *world, s v1alpha1.RotationStrategy) {
		w.issue(s)
		w.runUntil(10*time.Minute, w.atRest)
		inUse := w.secret("a")
		for _, name := range []string{"b", ""} {
			w.setSecretName("a", name)
			w.run(4 * time.Minute)
			w.checkKept(inUse)
		}
	}},
	{"template changed", false, 0, func(w *world, s v1alpha1.RotationStrategy) {
		const pair = "{{ .AccessKeyID }}:{{ .SecretAccessKey }}"
		w.issue(s)
		w.setTemplate("a", pair, false)
		w.run(time.Minute)
		w.setTemplate("a", "{{ .Missing }}", false)
		w.renewNow("a", "now")
		w.run(time.Minute)
		w.setTemplate("a", pair, true)
		w.run(5 * time.Minute)
	}},
	{"key gone", false, 0, func(w *world, s v1alpha1.RotationStrategy) {
		w.issue(s)
		w.removeKey("a")
		w.run(12 * time.Minute)
	}},
	{"delete", true, 0, func(w *world, s v1alpha1.RotationStrategy) {
		w.issue(s)
		w.delete("a")
		w.run(5 * time.Minute)
	}},
	{"delete during a rotation", false, 0, func(w *world, s v1alpha1.RotationStrategy) {
		w.issue(s)
		w.renewNow("a", "now")
		w.runUntil(10*time.Minute, w.intentOpen)
		w.delete("a")
		w.run(5 * time.Minute)
	}},
	{"everything deleted at once", false, 0, func(w *world, s v1alpha1.RotationStrategy) {
		w.apply("a", s)
		w.runUntil(3*time.Minute, func() bool { return w.secret("a") != nil })
		w.deleteEverything()
		w.run(5 * time.Minute)
	}},
	{"issue beside a foreign key", false, 0, func(w *world, s v1alpha1.RotationStrategy) {
		_, _, _ = w.site.makeKey() // the quota is not full
		w.run(time.Minute)         // longer than any list lag
		w.issue(s)
	}},
	{"two AccessKeys of one user", false, 0, func(w *world, s v1alpha1.RotationStrategy) {
		w.apply("a", s)
		w.apply("b", s)
		w.run(10 * time.Minute)
		w.delete("a")
		w.run(24 * time.Minute)
	}},
	{"two side by side", false, 2, func(w *world, s v1alpha1.RotationStrategy) {
		w.apply("a", s)
		w.apply("b", s)
		w.run(5 * time.Minute)
	}},
	{"two spellings of one user", false, 0, func(w *world, s v1alpha1.RotationStrategy) {
		w.apply("a", s)
		w.applyFor(w.site.user.Alias, "b", s)
		w.run(10 * time.Minute)
		w.delete("b")
		w.run(24 * time.Minute)
	}},
	{"rotate with a consumer", false, 0, func(w *world, s v1alpha1.RotationStrategy) {
		w.deployConsumer()
		w.issue(s)
		w.renewNow("a", "now")
		w.run(5 * time.Minute)
	}},
	{"KeyService changed during a rotation", false, 0, func(w *world, s v1alpha1.RotationStrategy) {
		w.issue(s)
		w.renewNow("a", "now")
		w.runUntil(10*time.Minute, w.intentOpen)
		w.changeService()
		w.run(5 * time.Minute)
	}},
	{"quarantine", false, 0, func(w *world, s v1alpha1.RotationStrategy) {
		w.issue(s)
		if !w.keepsOldKeys(s) {
			return
		}
		w.setQuarantine("a", 5*time.Minute)
		old := w.rotateNow("a")
		w.run(renewBefore + 2*time.Minute)
		w.checkQuarantined("a", old)
		w.run(5 * time.Minute) // before the next rotation could need its place
		w.checkRevoked(old)
	}},
	{"revoked when idle", false, 0, func(w *world, s v1alpha1.RotationStrategy) {
		w.issue(s)
		if !w.keepsOldKeys(s) {
			return
		}
		w.setWhenIdle("a", 3*time.Minute)
		old := w.rotateNow("a")
		w.run(renewBefore + 2*time.Minute) // a key whose last use is unknown stays until then
		w.checkRevoked(old)
	}},
	{"quarantine, enabled again", false, 0, func(w *world, s v1alpha1.RotationStrategy) {
		w.issue(s)
		if !w.keepsOldKeys(s) {
			return
		}
		w.setQuarantine("a", time.Hour)
		old := w.rotateNow("a")
		w.run(renewBefore + 2*time.Minute)
		w.enable("a", old)
		w.run(3 * time.Minute)
		w.checkEnabled("a", old)
		w.run(20 * time.Minute) // after another overlap, the next rotation needs its place
		w.checkRevoked(old)
	}},
}

// issue is how most stories begin.
func (w *world) issue(s v1alpha1.RotationStrategy) {
	w.apply("a", s)
	w.run(4 * time.Minute)
}

// publishedOnly reports whether a pair is published and not recorded yet.
func (w *world) publishedOnly() bool { return w.intentOpen() && w.secret("a") != nil }

func (w *world) intentOpen() bool {
	ak := w.accessKey("a")
	return ak != nil && ak.Status.Intent != nil
}

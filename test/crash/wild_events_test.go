// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package crash

import (
	"fmt"
	"time"

	"accesskey.dev/operator/api/v1alpha1"
)

// events are equally likely.
var events = []struct {
	takesRecord bool
	happen      func(w *wild, name string, ak *v1alpha1.AccessKey)
}{
	{happen: askForRenewal}, {happen: askForRenewal}, {happen: askForRenewal},
	{happen: func(w *wild, name string, _ *v1alpha1.AccessKey) { w.setStrategy(name, w.someStrategy()) }},
	{takesRecord: true, happen: func(w *wild, name string, _ *v1alpha1.AccessKey) { w.wipeStatus(name) }},
	{takesRecord: true, happen: func(w *wild, name string, _ *v1alpha1.AccessKey) { w.deleteSecret(name) }},
	{takesRecord: true, happen: func(w *wild, name string, _ *v1alpha1.AccessKey) { w.editSecret(name) }},
	{happen: func(w *wild, name string, _ *v1alpha1.AccessKey) { w.removeKey(name) }},
	{happen: func(w *wild, _ string, _ *v1alpha1.AccessKey) { w.makeForeignKey() }},
	{happen: func(w *wild, _ string, _ *v1alpha1.AccessKey) { w.removeForeignKey() }},
	{happen: func(w *wild, name string, _ *v1alpha1.AccessKey) { w.delete(name) }},
	{happen: func(w *wild, _ string, _ *v1alpha1.AccessKey) { w.changeService() }},
	{happen: func(w *wild, _ string, _ *v1alpha1.AccessKey) {
		w.takeServiceDown(pick(w.rng, time.Minute, time.Minute, 10*time.Minute, time.Hour, 24*time.Hour))
	}},
	{happen: func(w *wild, name string, ak *v1alpha1.AccessKey) { w.setSuspended(name, !ak.Suspended()) }},
	{happen: func(w *wild, _ string, _ *v1alpha1.AccessKey) { w.restart() }},
	{happen: func(w *wild, name string, _ *v1alpha1.AccessKey) {
		w.setTemplate(name, "{{ .AccessKeyID }}:{{ .SecretAccessKey }}", w.chanceOf(50))
	}},
	{happen: func(w *wild, name string, ak *v1alpha1.AccessKey) {
		if w.keepsOldKeys(ak.Spec.Rotation.Strategy) {
			w.setQuarantine(name, 5*time.Minute)
		}
	}},
}

func askForRenewal(w *wild, name string, _ *v1alpha1.AccessKey) {
	w.renewNow(name, fmt.Sprint(w.rng.IntN(1000)))
}

// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package crash

import (
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"accesskey.dev/operator/api/v1alpha1"
)

// importKey makes a key by hand, and applies an AccessKey that starts with it. The pair is in the wanted Secret.
func (w *world) importKey(name string, strategy v1alpha1.RotationStrategy) {
	pair, secret, err := w.site.makeKey()
	if err != nil {
		panic(err) // a defect of the simulation
	}
	w.imported = append(w.imported, pair.AccessKeyID)
	w.create(&corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name}, Type: corev1.SecretTypeOpaque, Data: map[string][]byte{
		v1alpha1.SecretKeyAccessKeyID: []byte(pair.AccessKeyID), v1alpha1.SecretKeySecretAccessKey: []byte(secret),
	}})
	w.run(time.Minute) // longer than any list lag
	w.log("person", "imports key %s", pair.ID)
	ak := w.newAccessKey(w.site.user.Name, name, strategy)
	ak.Spec.ImportFrom = &v1alpha1.ImportSource{SecretName: name}
	w.create(ak)
	w.subjects[name] = &subject{name: name}
}

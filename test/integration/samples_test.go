// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package integration

import (
	"os"
	"path/filepath"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"

	"accesskey.dev/operator/api/v1alpha1"
)

// needs are the keys that a KeyService reads from its Secrets, by the Secret's name.
func needs(spec v1alpha1.KeyServiceSpec) map[string][]string {
	keys := map[string][]string{}
	if q := spec.Qumulo; q != nil && q.TokenSecretRef != nil {
		keys[q.TokenSecretRef.Name] = []string{q.TokenSecretRef.Key}
	}
	if q := spec.Qumulo; q != nil && q.LoginSecretRef != nil {
		keys[q.LoginSecretRef.Name] = []string{"username", "password"}
	}
	if i := spec.IONOS; i != nil {
		keys[i.TokenSecretRef.Name] = []string{i.TokenSecretRef.Key}
	}
	if h := spec.Huawei; h != nil {
		keys[h.CredentialsSecretRef.Name] = []string{"access-key-id", "secret-access-key"}
	}
	if o := spec.ONTAP; o != nil {
		keys[o.CredentialsSecretRef.Name] = []string{"username", "password"}
	}
	if tls := spec.TLS; tls != nil && tls.CASecretRef != nil {
		keys[tls.CASecretRef.Name] = []string{tls.CASecretRef.Key}
	}
	return keys
}

// into turns the one object of this kind into its type.
func into(objects []*unstructured.Unstructured, kind string, object any) {
	GinkgoHelper()
	Expect(objects).To(ContainElement(HaveField("GetKind()", kind)))
	for _, candidate := range objects {
		if candidate.GetKind() == kind {
			Expect(runtime.DefaultUnstructuredConverter.FromUnstructured(candidate.Object, object)).To(Succeed())
		}
	}
}

var _ = DescribeTable("A sample is a complete set",
	func(file, kind string, selected func(v1alpha1.KeyServiceSpec) bool) {
		text, err := os.ReadFile(filepath.Join(repository, "config/samples", file))
		Expect(err).NotTo(HaveOccurred())
		objects, err := decode(string(text))
		Expect(err).NotTo(HaveOccurred())

		service, key := &v1alpha1.ClusterKeyService{}, &v1alpha1.AccessKey{}
		into(objects, kind, service)
		into(objects, "AccessKey", key)
		Expect(selected(service.Spec.KeyServiceSpec)).To(BeTrue())
		Expect(key.Spec.ServiceRef.Name).To(Equal(service.Name))

		held := map[string][]string{}
		for _, object := range objects {
			if object.GetKind() == "Secret" {
				secret := &corev1.Secret{}
				Expect(runtime.DefaultUnstructuredConverter.FromUnstructured(object.Object, secret)).To(Succeed())
				for key := range secret.StringData {
					held[secret.Name] = append(held[secret.Name], key)
				}
			}
		}
		for name, keys := range needs(service.Spec.KeyServiceSpec) {
			Expect(held).To(HaveKeyWithValue(name, ConsistOf(keys)))
			delete(held, name)
		}
		Expect(held).To(BeEmpty(), "Secrets that nothing refers to")
	},
	Entry("for Qumulo", "qumulo.yaml", "KeyService", func(spec v1alpha1.KeyServiceSpec) bool { return spec.Qumulo != nil }),
	Entry("for IONOS", "ionos.yaml", "KeyService", func(spec v1alpha1.KeyServiceSpec) bool { return spec.IONOS != nil }),
	Entry("for Huawei Cloud", "huawei.yaml", "KeyService", func(spec v1alpha1.KeyServiceSpec) bool { return spec.Huawei != nil }),
	Entry("for ONTAP", "ontap.yaml", "KeyService", func(spec v1alpha1.KeyServiceSpec) bool { return spec.ONTAP != nil }),
	Entry("for several teams", "cluster-qumulo.yaml", "ClusterKeyService", func(spec v1alpha1.KeyServiceSpec) bool { return spec.Qumulo != nil }),
)

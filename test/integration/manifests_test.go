// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package integration

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/util/yaml"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

const repository = "../.."

func decode(manifest string) (objects []*unstructured.Unstructured, err error) {
	for decoder := yaml.NewYAMLOrJSONDecoder(strings.NewReader(manifest), 4096); ; {
		object := &unstructured.Unstructured{}
		switch err := decoder.Decode(&object.Object); {
		case errors.Is(err, io.EOF):
			return objects, nil
		case err != nil:
			return nil, err
		case object.GetAPIVersion() == "" || object.GetKind() == "" || object.GetName() == "":
			return nil, errors.New("a manifest has an apiVersion, a kind and a name")
		}
		objects = append(objects, object)
	}
}

// apply applies a manifest server-side, where the API server is always strict about fields, into a namespace of its own.
func apply(ctx SpecContext, manifest string) error {
	GinkgoHelper()
	objects, err := decode(manifest)
	if err != nil {
		return err
	}
	namespace := (&world{}).newNamespace(ctx)
	for _, object := range objects {
		namespaced, err := kube.IsObjectNamespaced(object)
		if err != nil {
			return err
		}
		if namespaced && object.GetNamespace() == "" {
			object.SetNamespace(namespace)
		}
		if err := kube.Apply(ctx, client.ApplyConfigurationFromUnstructured(object), client.FieldOwner("reader")); err != nil {
			return err
		}
		DeferCleanup(func(ctx SpecContext) {
			Expect(client.IgnoreNotFound(kube.Delete(ctx, object))).To(Succeed())
		})
	}
	return nil
}

// The manifests in the documentation are validated in test/docs.
var _ = Describe("A sample", func() {
	samples, _ := filepath.Glob(filepath.Join(repository, "config/samples/*.yaml")) // the pattern is valid
	for _, path := range samples {
		It("is accepted: "+strings.TrimPrefix(path, repository+"/"), func(ctx SpecContext) {
			text, err := os.ReadFile(path)
			Expect(err).NotTo(HaveOccurred())
			Expect(apply(ctx, string(text))).To(Succeed())
		})
	}

	It("is found", func() {
		Expect(samples).To(ContainElement(HaveSuffix("config/samples/qumulo.yaml")))
	})

	It("is refused with a field that does not exist, a value that can't be, or a kind that nobody serves", func(ctx SpecContext) {
		const good = "apiVersion: accesskey.dev/v1alpha1\nkind: AccessKey\nmetadata: {name: a}\nspec: {serviceRef: {name: qumulo}, user: local:a, ttl: 720h}\n"
		Expect(apply(ctx, good)).To(Succeed())
		Expect(apply(ctx, strings.Replace(good, "user:", "usr:", 1))).To(MatchError(ContainSubstring("usr")))
		Expect(apply(ctx, strings.Replace(good, "720h", "1s", 1))).To(MatchError(apierrors.IsInvalid, "is invalid"))
		Expect(apply(ctx, strings.Replace(good, "AccessKey", "AccesKey", 1))).To(MatchError(ContainSubstring("AccesKey")))
		Expect(apply(ctx, strings.Replace(good, "metadata: {name: a}\n", "", 1))).To(MatchError(ContainSubstring("a name")))
	})
})

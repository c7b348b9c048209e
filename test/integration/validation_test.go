// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package integration

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"accesskey.dev/operator/api/v1alpha1"
)

// refusal is a manifest that the API server must refuse: a good one with a change.
type refusal struct {
	// path and keyword of the rule in the CRD that is broken; rule for one in CEL.
	path, keyword string
	// set are the changes by path; nil removes.
	set map[string]any
	// message is part of the answer.
	message string
}

// at is a refusal of one value.
func at(path, keyword string, value any, message string) refusal {
	return refusal{path, keyword, map[string]any{path: value}, message}
}

const (
	accessKeyKind = "AccessKey"
	rule          = "rule"
)

func text(length int) string { return strings.Repeat("x", length) }

// many is a map with n entries.
func many(n int) map[string]any {
	entries := map[string]any{}
	for i := range n {
		entries[fmt.Sprint("key", i)] = "value"
	}
	return entries
}

var _ = Describe("The API server", func() {
	for _, kind := range kinds() {
		It("accepts the "+kind+" that the refused ones are made from", func(ctx SpecContext) {
			Expect(kube.Create(ctx, good(kind), client.DryRunAll)).To(Succeed())
		})
		for _, r := range refusalsByKind[kind] {
			It(fmt.Sprintf("refuses %s with %s (%s: %s)", kind, describe(r.set), r.path, r.keyword), func(ctx SpecContext) {
				Expect(kube.Create(ctx, r.apply(good(kind)), client.DryRunAll)).To(MatchError(ContainSubstring(r.message)))
			})
		}
		It("has no rule for "+kind+" beside those that are broken here, and all of them", func(ctx SpecContext) {
			rules := rulesOf(ctx, kind)
			left := maps.Clone(rules)
			maps.DeleteFunc(left, func(id, _ string) bool { return slices.Contains(unbreakable, id) })
			broken := refusalsByKind[kind]
			if kind == accessKeyKind {
				broken = slices.Concat(broken, changesRefused)
			}
			for _, r := range broken {
				Expect(slices.ContainsFunc(slices.Collect(maps.Keys(rules)), func(id string) bool { return r.breaks(id, rules[id]) })).
					To(BeTrue(), "%s has no rule %q that says %q", r.path, r.keyword, r.message)
				maps.DeleteFunc(left, r.breaks)
			}
			Expect(slices.Sorted(maps.Keys(left))).To(BeEmpty(), "rules of the CRD that no spec here breaks")
		})
	}

	for _, r := range changesRefused {
		It(fmt.Sprintf("refuses a change of an AccessKey to %s (%s)", describe(r.set), r.path), func(ctx SpecContext) {
			manifest := good(accessKeyKind)
			manifest.SetNamespace((&world{}).newNamespace(ctx))
			Expect(kube.Create(ctx, manifest)).To(Succeed())
			Expect(kube.Update(ctx, r.apply(manifest))).To(MatchError(ContainSubstring(r.message)))
		})
	}
})

var _ = DescribeTable("The API server fills in", func(ctx SpecContext, kind string, set map[string]any, path string, value any) {
	manifest := refusal{set: set}.apply(good(kind))
	Expect(kube.Create(ctx, manifest, client.DryRunAll)).To(Succeed())
	filled, _, err := unstructured.NestedFieldNoCopy(manifest.Object, strings.Split(path, ".")...)
	Expect(err).NotTo(HaveOccurred())
	Expect(filled).To(Equal(value))
},
	Entry("the kind of service", accessKeyKind, nil, "spec.serviceRef.kind", "KeyService"),
	Entry("what becomes of a deleted AccessKey's keys", accessKeyKind, nil, "spec.deletionPolicy", "Delete"),
	Entry("the key of the token", v1alpha1.KindKeyService, nil, "spec.qumulo.tokenSecretRef.key", "token"),
	Entry("the key of the CA", v1alpha1.KindKeyService,
		map[string]any{"spec.tls.caSecretRef": map[string]any{"name": "ca"}}, "spec.tls.caSecretRef.key", "ca.crt"),
	Entry("the key of a CA in a ConfigMap", v1alpha1.KindKeyService,
		map[string]any{"spec.tls.caRef": map[string]any{"kind": "ConfigMap", "name": "ca"}}, "spec.tls.caRef.key", "ca.crt"),
	Entry("the timeout", v1alpha1.KindKeyService, nil, "spec.timeout", "30s"),
	Entry("the rate limit", v1alpha1.KindKeyService, nil, "spec.rateLimit", map[string]any{"qps": int64(20), "burst": int64(40)}),
	Entry("the other half of the rate limit", v1alpha1.KindClusterKeyService,
		map[string]any{"spec.rateLimit": map[string]any{"qps": int64(5)}}, "spec.rateLimit.burst", int64(40)),
)

func kinds() []string { return slices.Sorted(maps.Keys(refusalsByKind)) }

func (r refusal) apply(manifest *unstructured.Unstructured) *unstructured.Unstructured {
	GinkgoHelper()
	for path, value := range r.set {
		setField(manifest, path, value)
	}
	return manifest
}

// breaks reports whether the refusal is by the rule of a CRD with this ID and message.
func (r refusal) breaks(id, message string) bool {
	if r.keyword == rule {
		return strings.HasPrefix(id, r.path+" "+rule) && strings.Contains(r.message, message)
	}
	return id == r.path+" "+r.keyword
}

func describe(changes map[string]any) string {
	var words []string
	for _, path := range slices.Sorted(maps.Keys(changes)) {
		value := fmt.Sprint(changes[path])
		words = append(words, path+"="+value[:min(len(value), 40)])
	}
	return strings.Join(words, ", ")
}

// good is a manifest that is accepted.
func good(kind string) *unstructured.Unstructured {
	manifest := &unstructured.Unstructured{Object: map[string]any{}}
	manifest.SetGroupVersionKind(v1alpha1.GroupVersion.WithKind(kind))
	manifest.SetName("good")
	if kind == accessKeyKind {
		manifest.SetNamespace("default")
		setField(manifest, "spec", map[string]any{
			"serviceRef": map[string]any{"name": "qumulo"}, "user": "local:backup", "ttl": "720h", "renewBefore": "240h",
		})
		return manifest
	}
	if kind == v1alpha1.KindKeyService {
		manifest.SetNamespace("default")
	}
	setField(manifest, "spec", map[string]any{
		"qumulo": map[string]any{"url": "https://qumulo.example:8000", "tokenSecretRef": map[string]any{"name": "qumulo-admin"}},
	})
	return manifest
}

// setField sets the value at a path such as spec.user, or removes it.
func setField(manifest *unstructured.Unstructured, path string, value any) {
	GinkgoHelper()
	if value == nil {
		unstructured.RemoveNestedField(manifest.Object, strings.Split(path, ".")...)
		return
	}
	Expect(unstructured.SetNestedField(manifest.Object, value, strings.Split(path, ".")...)).To(Succeed())
}

// rulesOf are the rules for a kind's spec as installed: path and keyword, for CEL with a number, and CEL's message.
func rulesOf(ctx SpecContext, kind string) map[string]string {
	GinkgoHelper()
	mapping, err := kube.RESTMapper().RESTMapping(schema.GroupKind{Group: v1alpha1.GroupVersion.Group, Kind: kind})
	Expect(err).NotTo(HaveOccurred())
	crd := &unstructured.Unstructured{}
	crd.SetGroupVersionKind(schema.GroupVersionKind{Group: "apiextensions.k8s.io", Version: "v1", Kind: "CustomResourceDefinition"})
	Expect(kube.Get(ctx, client.ObjectKey{Name: mapping.Resource.GroupResource().String()}, crd)).To(Succeed())
	versions, _, err := unstructured.NestedSlice(crd.Object, "spec", "versions")
	Expect(err).NotTo(HaveOccurred())
	Expect(versions).To(HaveLen(1))
	spec, found, err := unstructured.NestedMap(versions[0].(map[string]any), "schema", "openAPIV3Schema", "properties", "spec")
	Expect(err).NotTo(HaveOccurred())
	Expect(found).To(BeTrue())
	rules := map[string]string{}
	collectRules("spec", spec, rules)
	return rules
}

func collectRules(path string, node map[string]any, rules map[string]string) {
	for _, keyword := range []string{"minLength", "maxLength", "pattern", "enum", "minimum", "maximum", "minItems", "maxItems", "minProperties", "maxProperties"} {
		if _, ok := node[keyword]; ok {
			rules[path+" "+keyword] = ""
		}
	}
	required, _, _ := unstructured.NestedStringSlice(node, "required")
	for _, field := range required {
		rules[path+"."+field+" required"] = ""
	}
	validations, _, _ := unstructured.NestedSlice(node, "x-kubernetes-validations")
	for i, validation := range validations {
		message, _, _ := unstructured.NestedString(validation.(map[string]any), "message")
		rules[fmt.Sprintf("%s %s %d", path, rule, i)] = message
	}
	if items, ok := node["items"].(map[string]any); ok {
		collectRules(path+"[]", items, rules)
	}
	if values, ok := node["additionalProperties"].(map[string]any); ok {
		collectRules(path+"{}", values, rules)
	}
	properties, _ := node["properties"].(map[string]any)
	for name, property := range properties {
		if name != "namespaceSelector" { // Kubernetes' own, with Kubernetes' own rules
			collectRules(path+"."+name, property.(map[string]any), rules)
		}
	}
}

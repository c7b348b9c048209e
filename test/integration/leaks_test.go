// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package integration

import (
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"slices"
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/metrics"

	"accesskey.dev/operator/api/v1alpha1"
	"accesskey.dev/operator/internal/controller"
)

// secrets are all that the spec came across, and all that its key services ever issued.
func (w *world) secrets() []string {
	all := slices.Clone(w.seen)
	for _, service := range w.services {
		all = append(all, service.Secrets()...)
	}
	slices.Sort(all)
	return slices.DeleteFunc(slices.Compact(all), func(secret string) bool { return secret == "" })
}

// leaksIn names the secrets that a text tells in any form, each with what is around it.
func leaksIn(text string, secrets []string) []string {
	text += undumped(text)
	var pairs []string
	for _, secret := range secrets {
		for _, written := range formsOf(secret) {
			pairs = append(pairs, written, "")
		}
	}
	if strings.NewReplacer(pairs...).Replace(text) == text {
		return nil // one look for all of them, instead of a thousand at megabytes
	}
	var found []string
	for _, secret := range secrets {
		for form, written := range formsOf(secret) {
			if at := strings.Index(text, written); at >= 0 {
				found = append(found, fmt.Sprintf("%s as %s: …%s", secret, form, text[max(0, at-300):min(len(text), at+len(written)+50)]))
			}
		}
	}
	return found
}

// formsOf a secret, by their names.
func formsOf(secret string) map[string]string {
	encoded, err := json.Marshal(secret)
	Expect(err).NotTo(HaveOccurred())
	forms := map[string]string{
		"plain text":         secret,
		"JSON":               strings.Trim(string(encoded), `"`),
		"Go":                 strings.Trim(fmt.Sprintf("%q", secret), `"`),
		"a query":            url.QueryEscape(secret),
		"a path":             url.PathEscape(secret),
		"hexadecimal":        hex.EncodeToString([]byte(secret)),
		"upper hexadecimal":  strings.ToUpper(hex.EncodeToString([]byte(secret))),
		"bytes":              strings.Trim(fmt.Sprintf("%d", []byte(secret)), "[]"),
		"bytes in Go syntax": strings.TrimSuffix(strings.TrimPrefix(fmt.Sprintf("%#v", []byte(secret)), "[]byte{"), "}"),
	}
	for before := range 3 { // whatever stands before it in the text that was encoded
		groups := (before + len(secret)) / 3 * 3
		padded := append(make([]byte, before), secret...)[:groups]
		skipped := (before + 2) / 3 * 4
		forms[fmt.Sprintf("base64 behind %d", before)] = base64.StdEncoding.EncodeToString(padded)[skipped:]
		forms[fmt.Sprintf("base64 for URLs behind %d", before)] = base64.URLEncoding.EncodeToString(padded)[skipped:]
	}
	return forms
}

// dumpLine is a line of hex.Dump, as the Kubernetes client logs what is not JSON.
var dumpLine = regexp.MustCompile(`[0-9a-f]{8}  ((?:[0-9a-f]{2}  ?){1,16}) *\|`)

// undumped is what the dumps in a text hold.
func undumped(text string) string {
	var decoded strings.Builder
	for _, line := range dumpLine.FindAllStringSubmatch(text, -1) {
		data, err := hex.DecodeString(strings.ReplaceAll(line[1], " ", ""))
		Expect(err).NotTo(HaveOccurred())
		decoded.Write(data)
	}
	return decoded.String()
}

// shown is everything that a run shows outside of Secrets, by channel.
func (w *world) shown(ctx SpecContext) map[string]string {
	GinkgoHelper()
	channels := map[string]string{
		"the log":                                string(w.log.Contents()),
		"the metrics":                            w.metricsText(),
		"the cache of AccessKeys":                dump(ctx, w.cache, &v1alpha1.AccessKeyList{}),
		"the cache of key services":              dump(ctx, w.cache, &v1alpha1.KeyServiceList{}, &v1alpha1.ClusterKeyServiceList{}),
		"the cache of the metadata of Secrets":   dump(ctx, w.cache, metadataList("", "Secret")),
		"the cache of the metadata of Namespace": dump(ctx, w.cache, metadataList("", "Namespace")),
	}
	maps.Copy(channels, w.objects(ctx))
	return channels
}

// dump is all that a cache holds of these kinds, as JSON and in Go's syntax.
func dump(ctx SpecContext, from cache.Cache, lists ...client.ObjectList) string {
	GinkgoHelper()
	var text strings.Builder
	for _, list := range lists {
		Expect(from.List(ctx, list, client.UnsafeDisableDeepCopy)).To(Succeed())
		encoded, err := json.Marshal(list)
		Expect(err).NotTo(HaveOccurred())
		fmt.Fprintf(&text, "%s\n%#v\n", encoded, list)
	}
	return text.String()
}

func metadataList(group, kind string) *metav1.PartialObjectMetadataList {
	list := &metav1.PartialObjectMetadataList{}
	list.SetGroupVersionKind(schema.GroupVersionKind{Group: group, Version: "v1", Kind: kind + "List"})
	return list
}

// objects are the objects of the API server, of every kind that there is: the events, the Secrets without their data, and
// all others.
func (w *world) objects(ctx SpecContext) map[string]string {
	GinkgoHelper()
	config := rest.CopyConfig(plane.Config)
	config.QPS = -1
	reader, err := dynamic.NewForConfig(config)
	Expect(err).NotTo(HaveOccurred())
	finder, err := discovery.NewDiscoveryClientForConfig(config)
	Expect(err).NotTo(HaveOccurred())
	groups, err := finder.ServerPreferredResources()
	Expect(err).NotTo(HaveOccurred())
	found := map[string]string{}
	for _, group := range groups {
		version, err := schema.ParseGroupVersion(group.GroupVersion)
		Expect(err).NotTo(HaveOccurred())
		for _, resource := range group.APIResources {
			if !slices.Contains(resource.Verbs, "list") {
				continue
			}
			channel := "other objects"
			switch resource.Name {
			case "secrets", "events", "accesskeys", "keyservices":
				channel = "the " + resource.Name
			}
			found[channel] += w.list(ctx, reader.Resource(version.WithResource(resource.Name)), resource.Namespaced)
		}
	}
	return found
}

// list is what there is of a resource in the world's namespaces, or in the cluster, without the data of Secrets.
func (w *world) list(ctx SpecContext, resource dynamic.NamespaceableResourceInterface, namespaced bool) string {
	GinkgoHelper()
	readers := []dynamic.ResourceInterface{resource}
	if namespaced {
		readers = []dynamic.ResourceInterface{resource.Namespace(w.namespace), resource.Namespace(w.clusterNamespace)}
	}
	var text strings.Builder
	for _, reader := range readers {
		list, err := reader.List(ctx, metav1.ListOptions{})
		Expect(err).NotTo(HaveOccurred())
		for i := range list.Items {
			if list.Items[i].GetKind() == "Secret" {
				unstructured.RemoveNestedField(list.Items[i].Object, "data")
			}
			encoded, err := json.Marshal(list.Items[i].Object)
			Expect(err).NotTo(HaveOccurred())
			text.Write(encoded)
		}
	}
	return text.String()
}

// metricsText is what the metrics endpoint answers.
func (w *world) metricsText() string {
	GinkgoHelper()
	own := prometheus.NewRegistry() // the manager's program registers them with controller-runtime's
	own.MustRegister(controller.Collectors()...)
	answer := httptest.NewRecorder()
	promhttp.HandlerFor(prometheus.Gatherers{metrics.Registry, own, w.metrics}, promhttp.HandlerOpts{}).
		ServeHTTP(answer, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	Expect(answer.Code).To(Equal(200))
	return answer.Body.String()
}

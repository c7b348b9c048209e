// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package integration

import (
	"bufio"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/util/yaml"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

const repository = "../.."

// excerpt is how a block of YAML begins that is no whole manifest on purpose.
const excerpt = "# An excerpt"

// texts are the files of the repository that show manifests, by path.
func texts() (samples, documents []string) {
	samples, _ = filepath.Glob(filepath.Join(repository, "config/samples/*.yaml"))
	documents, _ = filepath.Glob(filepath.Join(repository, "*.md"))
	_ = filepath.WalkDir(filepath.Join(repository, "docs"), func(path string, _ fs.DirEntry, _ error) error {
		if filepath.Ext(path) == ".md" {
			documents = append(documents, path)
		}
		return nil
	})
	return samples, documents
}

// block is a fenced block of a document, without the indent of its fence.
type block struct{ language, text string }

var fence = regexp.MustCompile("^( *)```+ *([a-zA-Z]*)")

func blocks(document string) (found []block) {
	var open *block
	indent := ""
	for lines := bufio.NewScanner(strings.NewReader(document)); lines.Scan(); {
		line := lines.Text()
		switch marks := fence.FindStringSubmatch(line); {
		case marks == nil && open != nil:
			open.text += strings.TrimPrefix(line, indent) + "\n"
		case marks != nil && open != nil:
			found, open = append(found, *open), nil
		case marks != nil:
			open, indent = &block{language: marks[2]}, marks[1]
		}
	}
	return found
}

var (
	topLevel = regexp.MustCompile(`(?m)^(apiVersion|kind):`)
	anyKind  = regexp.MustCompile(`(?m)^[ -]*kind:`)
)

// manifests returns the blocks that are to be applied, and whether there are others in YAML that name a kind.
func manifests(document string) (found []string, others bool) {
	for _, b := range blocks(document) {
		isYAML := b.language == "yaml" || b.language == "yml"
		switch {
		case strings.HasPrefix(b.text, excerpt):
		case topLevel.MatchString(b.text):
			found = append(found, b.text)
		case isYAML && anyKind.MatchString(b.text):
			others = true
		}
	}
	return found, others
}

func decode(manifest string) (objects []*unstructured.Unstructured, err error) {
	for decoder := yaml.NewYAMLOrJSONDecoder(strings.NewReader(manifest), 4096); ; {
		object := &unstructured.Unstructured{}
		switch err := decoder.Decode(&object.Object); {
		case errors.Is(err, io.EOF):
			return objects, nil
		case err != nil:
			return nil, err
		case object.GetAPIVersion() == "" || object.GetKind() == "" || object.GetName() == "":
			return nil, errors.New("a manifest has an apiVersion, a kind and a name; a block that is none begins with " + excerpt)
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

var _ = Describe("What the repository shows to apply", func() {
	samples, documents := texts()
	for _, path := range samples {
		It("is accepted: "+strings.TrimPrefix(path, repository+"/"), func(ctx SpecContext) {
			text, err := os.ReadFile(path)
			Expect(err).NotTo(HaveOccurred())
			Expect(apply(ctx, string(text))).To(Succeed())
		})
	}
	for _, path := range documents {
		It("is accepted: "+strings.TrimPrefix(path, repository+"/"), func(ctx SpecContext) {
			text, err := os.ReadFile(path)
			Expect(err).NotTo(HaveOccurred())
			found, others := manifests(string(text))
			Expect(found == nil && others).To(BeFalse(), "blocks of YAML name a kind, and none is a manifest or begins with "+excerpt)
			for _, manifest := range found {
				Expect(apply(ctx, manifest)).To(Succeed(), manifest)
			}
		})
	}

	It("is found", func() {
		Expect(samples).To(ContainElement(HaveSuffix("config/samples/qumulo.yaml")))
		Expect(documents).To(ContainElements(HaveSuffix("README.md"), HaveSuffix("docs/services/ontap.md")))
		Expect(slices.Compact(slices.Sorted(slices.Values(documents)))).To(HaveLen(len(documents)))
	})

	It("is refused with a field that does not exist, a value that can't be, or a kind that nobody serves", func(ctx SpecContext) {
		const good = "apiVersion: accesskey.dev/v1alpha1\nkind: AccessKey\nmetadata: {name: a}\nspec: {serviceRef: {name: qumulo}, user: local:a, ttl: 720h}\n"
		Expect(apply(ctx, good)).To(Succeed())
		Expect(apply(ctx, strings.Replace(good, "user:", "usr:", 1))).To(MatchError(ContainSubstring("usr")))
		Expect(apply(ctx, strings.Replace(good, "720h", "1s", 1))).To(MatchError(apierrors.IsInvalid, "is invalid"))
		Expect(apply(ctx, strings.Replace(good, "AccessKey", "AccesKey", 1))).To(MatchError(ContainSubstring("AccesKey")))
		Expect(apply(ctx, strings.Replace(good, "metadata: {name: a}\n", "", 1))).To(MatchError(ContainSubstring("a name")))
	})

	DescribeTable("is looked for in fenced blocks", func(document string, want int, others bool) {
		found, left := manifests(document)
		Expect(found).To(HaveLen(want))
		Expect(left).To(Equal(others))
	},
		Entry("a manifest", "text\n```yaml\napiVersion: v1\nkind: Secret\n```\ntext", 1, false),
		Entry("one in a list", "1. text\n\n   ```yaml\n   kind: Secret\n   apiVersion: v1\n   ```\n", 1, false),
		Entry("one that no language is said of", "```\napiVersion: v1\n```\n", 1, false),
		Entry("two", "```yaml\nkind: A\n```\n\n```yaml\nkind: B\n```\n", 2, false),
		Entry("a part that is said to be one", "```yaml\n# An excerpt of an AccessKey\nkind: AccessKey\n```\n", 0, false),
		Entry("a part that is not", "```yaml\nspec:\n  serviceRef:\n    kind: ClusterKeyService\n```\n", 0, true),
		Entry("no YAML", "```json\n{\"kind\": \"Secret\"}\n```\n", 0, false),
		Entry("text outside", "kind: Secret\n", 0, false),
	)
})

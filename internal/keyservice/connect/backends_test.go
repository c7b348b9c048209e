// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package connect

import (
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/yaml"
	"k8s.io/utils/clock"

	"accesskey.dev/operator/api/v1alpha1"
	"accesskey.dev/operator/test/bed"
	"accesskey.dev/operator/test/services"
	"accesskey.dev/operator/test/simulator"
)

const repository = "../../.."

// TestEveryBackendIsKnownEverywhere names the place that does not know a backend. These places and the backend itself are what a new
// service needs.
func TestEveryBackendIsKnownEverywhere(t *testing.T) {
	mentions := map[string]func(name string) string{
		"config/crd/bases/accesskey.dev_keyservices.yaml":        func(name string) string { return "has(self." + name + ")" },
		"config/crd/bases/accesskey.dev_clusterkeyservices.yaml": func(name string) string { return "has(self." + name + ")" },
		"README.md":                      func(name string) string { return "(docs/services/" + name + ".md)" },
		"docs/services/README.md":        func(name string) string { return "(" + name + ".md)" },
		"config/demo/kustomization.yaml": func(name string) string { return "- " + name + ".yaml" },
		"config/demo/simulators.yaml":    func(name string) string { return "--" + name + "-port=" },
	}
	for _, b := range backends {
		t.Run(b.name, func(t *testing.T) {
			for page, mention := range mentions {
				text, err := os.ReadFile(filepath.Join(repository, page))
				if err != nil || !strings.Contains(string(text), mention(b.name)) {
					t.Errorf("%s does not contain %q (%v)", page, mention(b.name), err)
				}
			}
			if _, err := os.Stat(filepath.Join(repository, "docs/services", b.name+".md")); err != nil {
				t.Error(err)
			}
			i := slices.IndexFunc(services.All(), func(s services.Service) bool { return s.Kind == b.name })
			if i < 0 {
				t.Fatal("the table in test/services has no such kind")
			}
			var spec v1alpha1.KeyServiceSpec
			services.All()[i].Spec(&spec, "https://service.example", "credentials")
			if !b.selected(&spec) || spec.Address() != "https://service.example" || !slices.Equal(spec.SecretNames(), []string{"credentials"}) {
				t.Errorf("the table refers to another service, or the API does not know its address and its Secret: %+v", spec)
			}
		})
	}
}

// sample is what a file in config/samples contains: a key service, an AccessKey and Secrets.
type sample struct {
	service, accessKey sampleObject
	secrets            map[string]*corev1.Secret
}

type sampleObject struct {
	Kind       string            `json:"kind"`
	Metadata   metav1.ObjectMeta `json:"metadata"`
	StringData map[string]string `json:"stringData"`
	Spec       json.RawMessage   `json:"spec"`
}

func readSample(t *testing.T, file string) sample {
	t.Helper()
	reader, err := os.Open(filepath.Join(repository, "config/samples", file))
	if err != nil {
		t.Fatal(err)
	}
	defer reader.Close() //nolint:errcheck // the file was only read
	ca := bed.Serve(t, simulator.NewCore(nil)).CA
	s := sample{secrets: map[string]*corev1.Secret{}}
	for decoder := yaml.NewYAMLOrJSONDecoder(reader, 4096); ; {
		var object sampleObject
		if err := decoder.Decode(&object); errors.Is(err, io.EOF) {
			return s
		} else if err != nil {
			t.Fatal(err)
		}
		switch object.Kind {
		case "Secret":
			held := &corev1.Secret{Data: map[string][]byte{}}
			for key, value := range object.StringData {
				held.Data[key] = []byte(value)
				if key == "ca.crt" {
					held.Data[key] = ca
				}
			}
			s.secrets[object.Metadata.Name] = held
		case "AccessKey":
			s.accessKey = object
		default:
			s.service = object
		}
	}
}

// TestASampleIsACompleteSet connects with the Secrets of each sample, and fails to connect without any key in them.
func TestASampleIsACompleteSet(t *testing.T) {
	files := []string{"cluster-qumulo.yaml"}
	for _, b := range backends {
		files = append(files, b.name+".yaml")
	}
	for _, file := range files {
		t.Run(file, func(t *testing.T) {
			s := readSample(t, file)
			var spec v1alpha1.KeyServiceSpec
			var accessKey v1alpha1.AccessKeySpec
			if err := errors.Join(json.Unmarshal(s.service.Spec, &spec), json.Unmarshal(s.accessKey.Spec, &accessKey)); err != nil {
				t.Fatal(err)
			}
			if accessKey.ServiceRef.Name != s.service.Metadata.Name {
				t.Errorf("the AccessKey refers to %s, and the key service is %s", accessKey.ServiceRef.Name, s.service.Metadata.Name)
			}
			try := func() error {
				_, _, err := connect(&spec, secrets{namespace: "team-a", byName: s.secrets}, endpoint{clock: clock.RealClock{}})
				return err
			}
			if err := try(); err != nil {
				t.Error(err)
			}
			for name, secret := range s.secrets {
				for key, value := range secret.Data {
					delete(secret.Data, key)
					if try() == nil {
						t.Errorf("nothing reads the key %s of the Secret %s", key, name)
					}
					secret.Data[key] = value
				}
			}
		})
	}
}

// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/yaml"

	"accesskey.dev/operator/hack/simulators/process"
	"accesskey.dev/operator/test/s3"
	"accesskey.dev/operator/test/simulator/admin"
)

// service is a key service. The demo applies its sample in a namespace of the same name.
type service struct {
	name    string
	account admin.Account
	// s3 is the S3 server that its keys open.
	s3     admin.S3
	client *s3.Client
}

// newService returns a service of bin/simulators. Its keys open the S3 server that it has itself, or else the shared one.
func newService(name string, from *process.Simulators) (service, error) {
	s := service{name: name, account: from.Accounts[name]}
	s.s3 = *cmp.Or(s.account.S3, from.S3)
	var err error
	s.client, err = s3.NewClient(s.s3.Endpoint, []byte(s.s3.CA))
	return s, err
}

// introduction says what the service is and where it runs.
func (s service) introduction() string {
	url := s.account.Spec["url"]
	if s.account.S3 == nil {
		return fmt.Sprintf("a simulated %s runs at %s", s.name, url)
	}
	return fmt.Sprintf("%s is versitygw, a real server with the API of AWS IAM, at %s; its keys open its own S3 server at %s", s.name, url, s.s3.Endpoint)
}

func (s service) accessKey() types.NamespacedName {
	return types.NamespacedName{Namespace: s.name, Name: "backup"}
}

func (s service) sample() string { return "config/samples/" + s.name + ".yaml" }

// authority returns the name of the Secret with the CA certificate.
func (s service) authority() string { return s.name + "-ca" }

// apply applies the sample with the address and credentials of the simulator, and with a short TTL.
func (d *demo) apply(ctx context.Context, s service) error {
	objects, err := s.read()
	if err != nil {
		return err
	}
	objects = append([]map[string]any{
		{"apiVersion": "v1", "kind": "Namespace", "metadata": map[string]any{"name": s.name}},
		{"apiVersion": "v1", "kind": "Secret", "metadata": map[string]any{"name": s.authority()}, "stringData": map[string]any{"ca.crt": ""}},
	}, objects...)
	var manifest bytes.Buffer
	for _, object := range objects {
		if err := s.point(object); err != nil {
			return err
		}
		if err := json.NewEncoder(&manifest).Encode(object); err != nil {
			return err
		}
	}
	_, err = d.cluster.Kubectl(ctx, manifest.Bytes(), "apply", "--namespace="+s.name, "-f", "-")
	return err
}

// read returns the objects of the sample.
func (s service) read() (objects []map[string]any, err error) {
	sample, err := os.Open(s.sample())
	if err != nil {
		return nil, err
	}
	defer sample.Close() //nolint:errcheck // the file was only read
	for decoder := yaml.NewYAMLOrJSONDecoder(sample, 4096); ; {
		object := map[string]any{}
		if err := decoder.Decode(&object); errors.Is(err, io.EOF) {
			return objects, nil
		} else if err != nil {
			return nil, err
		}
		objects = append(objects, object)
	}
}

// point fills in the values that a user of the sample has to fill in.
func (s service) point(object map[string]any) error {
	set := func(value any, path ...string) error { return unstructured.SetNestedField(object, value, path...) }
	switch object["kind"] {
	case "Secret":
		return s.fill(object)
	case "KeyService":
		for field, value := range s.account.Spec {
			if err := set(value, "spec", s.name, field); err != nil {
				return err
			}
		}
		return errors.Join(
			set(s.authority(), "spec", "tls", "caSecretRef", "name"),
			set(map[string]any{"endpoint": s.s3.Endpoint, "region": s.s3.Region}, "spec", "s3"),
		)
	case "AccessKey":
		errs := []error{set("1m", "spec", "ttl"), set("25s", "spec", "renewBefore")}
		if s.account.User != "" {
			errs = append(errs, set(s.account.User, "spec", "user"))
		}
		return errors.Join(errs...)
	}
	return nil
}

// fill replaces the values in a Secret.
func (s service) fill(secret map[string]any) error {
	data, _, err := unstructured.NestedStringMap(secret, "stringData")
	if err != nil {
		return err
	}
	known := map[string]string{"ca.crt": s.account.CA + s.s3.CA}
	maps.Copy(known, s.account.Secret)
	for key := range data {
		value, ok := known[key]
		if !ok {
			return fmt.Errorf("%s contains a Secret with the key %s, which the account at the simulator does not provide", s.sample(), key)
		}
		data[key] = value
	}
	return unstructured.SetNestedStringMap(secret, data, "stringData")
}

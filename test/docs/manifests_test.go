// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package docs

import (
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"testing"

	"k8s.io/apiextensions-apiserver/pkg/apis/apiextensions"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	structuralschema "k8s.io/apiextensions-apiserver/pkg/apiserver/schema"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/cel"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/defaulting"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/validation"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"sigs.k8s.io/yaml"

	"accesskey.dev/operator/api/v1alpha1"
)

// validator validates manifests as the API server does: it refuses unknown fields, and what the schemas and the CEL rules of the CRDs
// refuse. It knows the kinds of Kubernetes and of the operator, and accepts those of others.
type validator struct {
	scheme  *runtime.Scheme
	decoder runtime.Decoder
	crds    map[schema.GroupVersionKind]crd
}

// crd validates the objects of one kind.
type crd struct {
	structure *structuralschema.Structural
	schema    validation.SchemaValidator
	rules     *cel.Validator
}

func newValidator(t *testing.T) *validator {
	t.Helper()
	scheme := runtime.NewScheme()
	if err := errors.Join(clientgoscheme.AddToScheme(scheme), v1alpha1.AddToScheme(scheme)); err != nil {
		t.Fatal(err)
	}
	v := &validator{scheme, serializer.NewCodecFactory(scheme, serializer.EnableStrict).UniversalDeserializer(), map[schema.GroupVersionKind]crd{}}
	paths, err := filepath.Glob(filepath.Join(root, "config/crd/bases/*.yaml"))
	if err != nil || len(paths) != 3 {
		t.Fatalf("%d CRDs, %v", len(paths), err)
	}
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		var definition apiextensionsv1.CustomResourceDefinition
		if err := yaml.UnmarshalStrict(text, &definition); err != nil {
			t.Fatal(err)
		}
		version := definition.Spec.Versions[0]
		kind := schema.GroupVersionKind{Group: definition.Spec.Group, Version: version.Name, Kind: definition.Spec.Names.Kind}
		if v.crds[kind], err = newCRD(version.Schema.OpenAPIV3Schema); err != nil {
			t.Fatal(err)
		}
	}
	return v
}

func newCRD(properties *apiextensionsv1.JSONSchemaProps) (c crd, err error) {
	var internal apiextensions.JSONSchemaProps
	if err := apiextensionsv1.Convert_v1_JSONSchemaProps_To_apiextensions_JSONSchemaProps(properties, &internal, nil); err != nil {
		return c, err
	}
	if c.structure, err = structuralschema.NewStructural(&internal); err != nil {
		return c, err
	}
	c.rules = cel.NewValidator(c.structure, true, math.MaxInt64)
	c.schema, _, err = validation.NewSchemaValidator(&internal)
	return c, err
}

// validate returns what the API server would refuse in a manifest.
func (v *validator) validate(manifest []byte) error {
	var fields map[string]any
	if err := yaml.Unmarshal(manifest, &fields); err != nil {
		return err
	}
	group, err := schema.ParseGroupVersion(fmt.Sprint(fields["apiVersion"]))
	if err != nil {
		return err
	}
	if group != v1alpha1.GroupVersion && !v.scheme.IsVersionRegistered(group) {
		return nil
	}
	object, kind, err := v.decoder.Decode(manifest, nil, nil)
	if err != nil {
		return err
	}
	if accessor, err := meta.Accessor(object); err != nil || accessor.GetName() == "" {
		return errors.New("a manifest has a name in metadata; begin what is no whole manifest with " + excerpt + " of …")
	}
	if custom, ok := v.crds[*kind]; ok {
		return custom.validate(fields)
	}
	return nil
}

func (c crd) validate(fields map[string]any) error {
	defaulting.Default(fields, c.structure)
	found := validation.ValidateCustomResource(nil, fields, c.schema)
	broken, _ := c.rules.Validate(context.Background(), nil, c.structure, fields, nil, math.MaxInt64)
	return append(found, broken...).ToAggregate()
}

// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package accesskey

import (
	"strings"
	"testing"

	"accesskey.dev/operator/api/v1alpha1"
	"accesskey.dev/operator/test/fake"
)

// templated gives the Secret one value beside the pair.
func templated(text string) func(*v1alpha1.AccessKey) {
	return func(ak *v1alpha1.AccessKey) {
		ak.Generation++
		ak.Spec.SecretTemplate = &v1alpha1.SecretTemplate{Data: map[string]v1alpha1.DataTemplate{"config": v1alpha1.DataTemplate(text)}}
	}
}

func TestATemplateThatCannotBeRenderedCostsNothing(t *testing.T) {
	b := newBed(t, fake.Options{})
	b.change(templated("\n{{ .Missing }}"))
	b.settle()
	b.expectKeys(0, 0)
	b.expectCondition(v1alpha1.ConditionStalled, "True InvalidTemplate: the Secret cannot be rendered from secretTemplate: data key config, line 2: at <.Missing>: "+
		"can't evaluate field Missing in type secret.values; the Secret stays as it is until that is corrected")
	b.change(templated("{{ .AccessKeyID }}"))
	b.settle()
	b.expectKeys(1, 1)
	b.expectPublished(1)
	b.change(templated("{{ .Missing }}"))
	b.reconcile()
	b.expectEvents("Warning InvalidTemplate ")
	if b.reconcile(); len(b.calls) != 0 {
		t.Errorf("called %q", b.calls)
	}
	b.renew()
	b.settle()
	b.expectKeys(1, 1)
	b.expectPublished(1)
	if got := condition(b.accessKey(), v1alpha1.ConditionReady); !strings.HasPrefix(got, "True Issued") {
		t.Errorf("Ready is %s", got)
	}
}

// TestAPairThatTheTemplateDoesNotSuitIsKept: only the pair itself shows that, so its key is neither lost nor made again and again.
func TestAPairThatTheTemplateDoesNotSuitIsKept(t *testing.T) {
	b := newBed(t, fake.Options{})
	b.change(templated(`{{ if not (hasPrefix "DRYRUN" .AccessKeyID) }}{{ .Endpoint.Host }}{{ end }}`))
	b.settle()
	b.expectKeys(1, 1)
	if got := condition(b.accessKey(), v1alpha1.ConditionStalled); !strings.HasPrefix(got, "True InvalidTemplate: ") || !strings.Contains(got, "the KeyService has no s3.endpoint") {
		t.Errorf("Stalled is %s", got)
	}
	b.change(templated("{{ .AccessKeyID }}"))
	b.settle()
	b.expectKeys(1, 1)
	b.expectPublished(1)
}

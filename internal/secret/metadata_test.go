// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package secret

import (
	"testing"

	"k8s.io/apimachinery/pkg/api/equality"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"accesskey.dev/operator/internal/plan"
)

func TestFromMetadata(t *testing.T) {
	versioned := func(version string, owners ...metav1.OwnerReference) *metav1.PartialObjectMetadata {
		return &metav1.PartialObjectMetadata{ObjectMeta: metav1.ObjectMeta{Namespace: "team-a", Name: "backup", ResourceVersion: version, OwnerReferences: owners}}
	}
	owner := ownerOf("backup", uid)
	deleting := versioned("1000", owner)
	deleting.DeletionTimestamp = &issued
	for _, c := range []struct {
		name   string
		cached *metav1.PartialObjectMetadata
		change func(*Template)
		want   plan.Secret
	}{
		{"the version that was published is intact", versioned("1000", owner), nil, current},
		{"an older version in a cache that lags behind is intact", versioned("999", owner), nil, current},
		{"a newer version is read live", versioned("1001", owner), nil, unverified},
		{"a newer version that was verified since is intact", versioned("1001", owner), func(t *Template) { t.Verified = "1001" }, current},
		{"a version after one that was verified since is read live", versioned("1002", owner), func(t *Template) { t.Verified = "1001" }, unverified},
		{"a version with more digits is newer", versioned("10000", owner), nil, unverified},
		{"a version that cannot be compared is read live", versioned("v1000", owner), nil, unverified},
		{"without a recorded version the Secret is read live", versioned("1000", owner), func(t *Template) { t.AccessKey.Status.SecretResourceVersion = "" }, unverified},
		{"without a recorded key the Secret is read live", versioned("1000", owner), func(t *Template) { t.AccessKey.Status.KeyID = "" }, unverified},
		{"a Secret with another name than the published one is read live", versioned("1000", owner), func(t *Template) { t.AccessKey.Status.SecretName = "former" }, unverified},
		{"a Secret without an owner is read live", versioned("1000"), nil, ownerless},
		{"a Secret of another AccessKey is read live", versioned("1000", ownerOf("backup", formerUID)), nil, ownerless},
		{"a Secret that is being deleted is foreign", deleting, nil, foreign},
		{"no Secret is absent", nil, nil, plan.Secret{State: plan.SecretAbsent}},
		{"a changed template is out of date", versioned("1000", owner), func(t *Template) { t.S3 = nil }, outdated},
	} {
		t.Run(c.name, func(t *testing.T) {
			template := template()
			template.AccessKey.Status.SecretResourceVersion = "1000"
			template.AccessKey.Status.SecretTemplateDigest = template.Digest(template.record())
			if c.change != nil {
				c.change(&template)
			}
			want := c.want
			if want.State == plan.SecretIntact {
				want.Record = template.record()
			}
			if got := template.FromMetadata(c.cached); !equality.Semantic.DeepEqual(got, want) {
				t.Errorf("FromMetadata = %+v\nwant %+v", got, want)
			}
		})
	}
}

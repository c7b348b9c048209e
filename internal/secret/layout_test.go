// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package secret

import (
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/utils/ptr"

	"accesskey.dev/operator/api/v1alpha1"
	"accesskey.dev/operator/internal/plan"
)

// newTemplated returns a cluster with a published Secret that has a value of a template, and the default keys or not.
func newTemplated(t *testing.T, defaults bool) *world {
	w := newPublished(t)
	w.AccessKey.Spec.SecretTemplate.Data = map[string]v1alpha1.DataTemplate{"config": "{{ .AccessKeyID }}:{{ .SecretAccessKey }}"}
	w.AccessKey.Spec.SecretTemplate.IncludeDefaults = ptr.To(defaults)
	w.publish()
	return w
}

// publish writes the Secret from the template as it is, around the pair that the Secret holds.
func (w *world) publish() {
	w.Helper()
	content, err := w.Render(PairOf(w.secret()), w.record())
	w.must(err)
	published, err := w.store().Update(w.Context(), Write{w.AccessKey, "backup", w.secret(), content})
	w.must(err)
	status := &w.AccessKey.Status
	status.SecretResourceVersion, status.SecretDigest, status.SecretTemplateDigest = published.Version, content.Record.Digest, content.TemplateDigest
}

// withoutDefaults and withDefaults change the template.
func withoutDefaults(w *world) { w.AccessKey.Spec.SecretTemplate.IncludeDefaults = ptr.To(false) }
func withDefaults(w *world)    { w.AccessKey.Spec.SecretTemplate.IncludeDefaults = nil }

func (w *world) setTemplates(data map[string]v1alpha1.DataTemplate) {
	w.AccessKey.Spec.SecretTemplate.Data = data
}

// TestInspectTemplated checks a Secret whatever keys hold its pair.
func TestInspectTemplated(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(*world)
		want   plan.Secret
	}{
		{"a Secret as it was published is up to date", func(*world) {}, current},
		{"a value of a template that was edited is out of date", editing(setData("config", "x")), outdated},
		{"and one that was removed", editing(func(s *corev1.Secret) { delete(s.Data, "config") }), outdated},
		{"a template that was changed is out of date", func(w *world) { w.setTemplates(map[string]v1alpha1.DataTemplate{"config": "x"}) }, outdated},
		{"and one that was added", func(w *world) {
			w.setTemplates(map[string]v1alpha1.DataTemplate{"config": "{{ .AccessKeyID }}:{{ .SecretAccessKey }}", "other": "x"})
		}, outdated},
		{"and one that was removed from the template", func(w *world) { w.setTemplates(nil) }, outdated},
		{"and one that has become invalid", func(w *world) { w.setTemplates(map[string]v1alpha1.DataTemplate{"config": "{{ .Foo }}"}) }, outdated},
		{"the default keys are added with the same pair", withDefaults, outdated},
		{"and left out with the same pair", withoutDefaults, outdated},
		{"data of other writers does not matter", editing(setData("theirs", "data")), current},
		{"even under the other keys of a pair", func(w *world) {
			other := map[bool]pairKeys{true: ownPairKeys, false: defaultPairKeys}[w.AccessKey.DefaultKeys()]
			w.edit(setData(other.accessKeyID, "AKIAX"))
			w.edit(setData(other.secretAccessKey, "guess"))
		}, current},
		{"also in a restored Secret", func(w *world) {
			other := map[bool]pairKeys{true: ownPairKeys, false: defaultPairKeys}[w.AccessKey.DefaultKeys()]
			w.restore(setData(other.accessKeyID, "AKIAX"))
			w.edit(setData(other.secretAccessKey, "guess"))
		}, current},
		{"a restored Secret is intact", restoring(func(*corev1.Secret) {}), current},
		{"a restored Secret whose template was changed keeps its pair", func(w *world) { w.restore(func(*corev1.Secret) {}); w.setTemplates(nil) }, outdated},
		{"a lost status trusts the record", func(w *world) { w.AccessKey.Status = v1alpha1.AccessKeyStatus{} }, outdated},
		{"a pair that was edited is edited", func(w *world) { w.edit(setData(pairKeysOf(w.secret()).secretAccessKey, "guess")) }, edited},
		{"and so is one that was removed", func(w *world) {
			w.edit(func(s *corev1.Secret) { delete(s.Data, pairKeysOf(s).secretAccessKey) })
		}, edited},
	} {
		for _, defaults := range []bool{true, false} {
			w := newTemplated(t, defaults)
			c.change(w)
			got := w.Inspect(w.secret())
			got.Record, got.Rendered, got.Writer = plan.Record{}, false, plan.Writer{}
			want := c.want
			if same := c.name == "the default keys are added with the same pair" && defaults || c.name == "and left out with the same pair" && !defaults; same {
				want = current
			}
			if !equality.Semantic.DeepEqual(got, want) {
				t.Errorf("%s (default keys: %t): %+v\nwant %+v", c.name, defaults, got, want)
			}
			if got.State == plan.SecretIntact && PairOf(w.secret()) != pair {
				t.Errorf("%s (default keys: %t): the pair is %+v", c.name, defaults, PairOf(w.secret()).AccessKeyID)
			}
		}
	}
}

// TestWhatLeavesTheTemplateLeavesTheSecret, and the pair stays.
func TestWhatLeavesTheTemplateLeavesTheSecret(t *testing.T) {
	w := newTemplated(t, true)
	w.edit(setData("theirs", "data"))
	for _, c := range []struct {
		change func(*world)
		want   []string
	}{
		{withoutDefaults, []string{"access-key-id=AKIAK1", "config=AKIAK1:" + secretValue, "secret-access-key=" + secretValue, "theirs=data"}},
		{func(w *world) {
			w.setTemplates(map[string]v1alpha1.DataTemplate{"AWS_ACCESS_KEY_ID": "{{ .AccessKeyID }}-x", "AWS_SECRET_ACCESS_KEY": "x"})
		}, []string{"AWS_ACCESS_KEY_ID=AKIAK1-x", "AWS_SECRET_ACCESS_KEY=x", "access-key-id=AKIAK1", "secret-access-key=" + secretValue, "theirs=data"}},
		{func(w *world) { w.setTemplates(nil); withDefaults(w); w.S3 = nil },
			[]string{"AWS_ACCESS_KEY_ID=AKIAK1", "AWS_SECRET_ACCESS_KEY=" + secretValue, "theirs=data"}},
	} {
		c.change(w)
		w.publish()
		if got := entries(w.secret().Data); !equality.Semantic.DeepEqual(got, c.want) {
			t.Errorf("data %q\nwant %q", got, c.want)
		}
		if got := w.Inspect(w.secret()); !got.UpToDate || got.State != plan.SecretIntact {
			t.Errorf("%+v", got)
		}
		if PairOf(w.secret()) != pair || !wrote(w.secret()) {
			t.Errorf("the pair is %+v", PairOf(w.secret()).AccessKeyID)
		}
	}
}

// TestAnUpgradeAddsADefaultKeyWithTheSamePair: an earlier version did not write AWS_DEFAULT_REGION, so some people added it.
func TestAnUpgradeAddsADefaultKeyWithTheSamePair(t *testing.T) {
	for name, theirs := range map[string]func(*corev1.Secret){
		"alone":                    func(*corev1.Secret) {},
		"beside the key of others": setData(v1alpha1.SecretKeyDefaultRegion, "eu-central-1"),
	} {
		w := newPublished(t)
		w.S3.Region = ""
		w.publish()
		w.edit(theirs)
		w.S3.Region = "us-east-1"
		if got := w.Inspect(w.secret()); got.State != plan.SecretIntact || got.UpToDate {
			t.Errorf("%s: %+v", name, got)
		}
		w.publish()
		if got := w.secret(); PairOf(got) != pair || string(got.Data[v1alpha1.SecretKeyDefaultRegion]) != "us-east-1" {
			t.Errorf("%s: data %q", name, entries(got.Data))
		}
	}
}

// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package secret

import (
	"slices"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"

	"accesskey.dev/operator/api/v1alpha1"
	"accesskey.dev/operator/internal/plan"
)

// goldenRecord is the record of the template's AccessKey. Secrets in backups carry it, so its form must not change.
const goldenRecord = `{"uid":"5f6c","namespace":"team-a","name":"backup","service":"qumulo/6f1d","user":"auth_id:501","keyID":"K1",` +
	`"accessKeyID":"AKIAK1","revision":1,"issuedAt":"2026-03-01T12:00:00Z","renewal":"today",` +
	`"previousKeys":[{"keyID":"K0","accessKeyID":"AKIAK0","issuedAt":"2026-03-01T12:00:00Z","revokeAt":"2026-03-02T12:00:00Z"}],` +
	`"digest":"14a0ad8b23d5ca8b98f26e037687fdd1"}`

func TestRender(t *testing.T) {
	data := func(more ...string) []string {
		return slices.Concat([]string{"AWS_ACCESS_KEY_ID=AKIAK1"}, more, []string{"AWS_SECRET_ACCESS_KEY=" + secretValue})
	}
	labels, endpoint := []string{"app.kubernetes.io/managed-by=accesskey-operator", "app=backup"}, "AWS_ENDPOINT_URL_S3=https://s3.example:9000"
	keyID, expires, note := "accesskey.dev/access-key-id=AKIAK1", "accesskey.dev/expires-at=2026-03-31T12:00:00Z", "note=nightly"
	for _, c := range []struct {
		name                      string
		change                    func(*Template)
		data, labels, annotations []string
	}{
		{"with everything", func(*Template) {}, data("AWS_DEFAULT_REGION=us-east-1", endpoint, "AWS_REGION=us-east-1"), labels, []string{keyID, expires, note}},
		{"without a region", func(t *Template) { t.S3.Region = "" }, data(endpoint), labels, []string{keyID, expires, note}},
		{"without a data plane", func(t *Template) { t.S3 = nil }, data(), labels, []string{keyID, expires, note}},
		{"without a ttl", func(t *Template) { t.AccessKey.Spec.TTL, t.S3 = nil, nil }, data(), labels, []string{keyID, note}},
		{"without a template", func(t *Template) { t.AccessKey.Spec.SecretTemplate, t.S3 = nil, nil }, data(), labels[:1], []string{keyID, expires}},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := &world{TB: t, Template: template()}
			c.change(&w.Template)
			content := w.render()
			record := content.Annotations[v1alpha1.RecordAnnotation]
			delete(content.Annotations, v1alpha1.RecordAnnotation)
			got, want := [][]string{entries(content.Data), entries(content.Labels), entries(content.Annotations)}, [][]string{c.data, c.labels, c.annotations}
			if !equality.Semantic.DeepEqual(got, want) || content.Type != corev1.SecretTypeOpaque {
				t.Errorf("rendered %s\n%q\nwant %q", content.Type, got, want)
			}
			if c.name == "with everything" && record != goldenRecord || strings.Contains(record, secretValue) {
				t.Errorf("record %s\nwant %s", record, goldenRecord)
			}
		})
	}
	custom := &world{TB: t, Template: template()}
	custom.AccessKey.Spec.SecretTemplate.Type = "example.com/s3"
	if got := custom.render().Type; got != "example.com/s3" {
		t.Errorf("type = %s, want that of the template", got)
	}
}

// entries returns the sorted entries of a map as key=value.
func entries[V string | []byte](of map[string]V) (all []string) {
	for key, value := range of {
		all = append(all, key+"="+string(value))
	}
	return slices.Sorted(slices.Values(all))
}

// TestDigest checks that the digest changes with everything that a Secret is rendered from except for the pair, so that a
// change is noticed without a read of the Secret, and with nothing else, so that the Secret is not written in vain.
func TestDigest(t *testing.T) {
	for _, c := range []struct {
		name    string
		change  func(*Template)
		changes bool
	}{
		{"a label", func(t *Template) { t.AccessKey.Spec.SecretTemplate.Labels["app"] = "restore" }, true},
		{"another label", func(t *Template) { t.AccessKey.Spec.SecretTemplate.Labels["team"] = "a" }, true},
		{"an annotation", func(t *Template) { t.AccessKey.Spec.SecretTemplate.Annotations["note"] = "weekly" }, true},
		{"a label that becomes an annotation", func(t *Template) {
			t.AccessKey.Spec.SecretTemplate.Annotations["app"], t.AccessKey.Spec.SecretTemplate.Labels = "backup", nil
		}, true},
		{"no template", func(t *Template) { t.AccessKey.Spec.SecretTemplate = nil }, true},
		{"the type", func(t *Template) { t.AccessKey.Spec.SecretTemplate.Type = "example.com/s3" }, true},
		{"the endpoint", func(t *Template) { t.S3.Endpoint = "https://t.S3.other" }, true},
		{"the region", func(t *Template) { t.S3.Region = "" }, true},
		{"no data plane", func(t *Template) { t.S3 = nil }, true},
		{"the ttl, and therefore the expiry", func(t *Template) { t.AccessKey.Spec.TTL.Duration += time.Hour }, true},
		{"no ttl", func(t *Template) { t.AccessKey.Spec.TTL = nil }, true},
		{"the time of issue, and therefore the expiry", func(t *Template) { t.AccessKey.Status.IssuedAt = later }, true},
		{"the access key ID in an annotation", func(t *Template) { t.AccessKey.Status.AccessKeyID = "AKIAK2" }, true},
		{"the AccessKey, because it is the owner", func(t *Template) { t.AccessKey.UID = formerUID }, true},

		{"nothing", func(*Template) {}, false},
		{"the type if it is the default", func(t *Template) { t.AccessKey.Spec.SecretTemplate.Type = "Opaque" }, false},
		{"renewBefore", func(t *Template) { t.AccessKey.Spec.RenewBefore = &metav1.Duration{Duration: time.Hour} }, false},
		{"suspend", func(t *Template) { t.AccessKey.Spec.Suspend = ptr.To(true) }, false},
		{"labels of the AccessKey", func(t *Template) { t.AccessKey.Labels = map[string]string{"app": "other"} }, false},
		{"the previous keys", func(t *Template) { t.AccessKey.Status.PreviousKeys = nil }, false},
		{"the digest in the status", func(t *Template) { t.AccessKey.Status.SecretDigest = "d" }, false},
	} {
		before, after := template(), template()
		c.change(&after)
		if (before.Digest(before.record()) != after.Digest(after.record())) != c.changes {
			t.Errorf("%s changes the digest: %t, want %t", c.name, !c.changes, c.changes)
		}
	}
}

func TestTheDigestOfDataTellsKeysAndValuesApart(t *testing.T) {
	seen := map[string]int{}
	for i, data := range []map[string][]byte{
		{}, {"a": nil}, {"a": []byte("b")}, {"ab": nil}, {"a": []byte("b\nc=d")}, {"a": []byte("b"), "c": []byte("d")},
		{"a": []byte(`b"="c`)}, {"a": []byte("b"), `"c`: nil}, {"c": []byte("d"), "a": []byte("B")}, {"a": {0xff}}, {"a": {0xfe}},
	} {
		sum := digest(data)
		if other, taken := seen[sum]; taken || len(sum) != 32 {
			t.Errorf("digest %s of data %d is also that of data %d", sum, i, other)
		}
		seen[sum] = i
	}
}

func TestTheRecordIsReadAsItWasWritten(t *testing.T) {
	for name, change := range map[string]func(*plan.Record){
		"with everything":          func(*plan.Record) {},
		"without what is optional": func(r *plan.Record) { r.User, r.Renewal, r.PreviousKeys = "", "", nil },
	} {
		record := template().record()
		change(&record)
		content, err := template().Render(pair, record)
		record.Digest = digest(content.Data)
		got, ok := RecordOf(&corev1.Secret{ObjectMeta: metav1.ObjectMeta{Annotations: content.Annotations}})
		if err != nil || !ok || !equality.Semantic.DeepEqual(got, record) || !equality.Semantic.DeepEqual(content.Record, record) {
			t.Errorf("%s: read %+v, %t, %v\nwant %+v", name, got, ok, err, record)
		}
	}
	for _, text := range []string{"", "{", "null", "[]", `"K1"`, `{"keyID":""}`, `{"keyID":1}`} {
		secret := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Annotations: map[string]string{v1alpha1.RecordAnnotation: text}}}
		if got, ok := RecordOf(secret); ok {
			t.Errorf("%q is read as %+v", text, got)
		}
	}
}

func TestPairOf(t *testing.T) {
	content := (&world{TB: t, Template: template()}).render()
	if got := PairOf(&corev1.Secret{Data: content.Data}); got != pair {
		t.Errorf("PairOf = %s, %q", got.AccessKeyID, got.SecretAccessKey.Reveal())
	}
	if got := PairOf(&corev1.Secret{}); got != (Pair{}) {
		t.Errorf("PairOf an empty Secret = %s, %q", got.AccessKeyID, got.SecretAccessKey.Reveal())
	}
}

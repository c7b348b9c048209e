// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package upgrade

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"

	"accesskey.dev/operator/api/v1alpha1"
	"accesskey.dev/operator/internal/keyservice"
	"accesskey.dev/operator/internal/plan"
	"accesskey.dev/operator/internal/secret"
	"accesskey.dev/operator/test/simulator"
	"accesskey.dev/operator/test/simulator/qumulo"
)

// golden is what a release left in a cluster: an AccessKey and its Secret, as the API server returns them.
type golden struct {
	AccessKey v1alpha1.AccessKey `json:"accessKey"`
	// Secret is nil if the AccessKey has an open operation instead.
	Secret *corev1.Secret `json:"secret"`
	// Created is the ID of the key that the open operation created. The answer of the service was lost.
	Created string `json:"created"`
}

// writeGoldenFiles writes a file for each service, and one of an AccessKey with an open operation.
func (w *world) writeGoldenFiles() {
	w.Helper()
	get := func(arguments ...string) json.RawMessage {
		return []byte(w.kubectl(nil, append([]string{"get", "-n", namespace, "-o", "json"}, arguments...)...))
	}
	write := func(name string, content map[string]any) {
		text, err := json.MarshalIndent(content, "", "  ")
		must(w.T, err)
		must(w.T, os.WriteFile(filepath.Join("testdata", previous[:7]+"-"+name+".json"), append(text, '\n'), 0o644))
	}
	for _, s := range w.services {
		write(s.Kind, map[string]any{"accessKey": get("accesskey", s.Kind), "secret": get("secret", s.Kind, "--show-managed-fields")})
	}
	service, _ := w.services[0].Server.(*qumulo.Simulator)
	service.AddUser("open")
	service.Inject(simulator.Rule{Method: http.MethodPost, Path: "/v1/s3/access-keys/", Times: 1}, simulator.DropAnswer())
	w.kubectl(fmt.Appendf(nil, `{"apiVersion":"accesskey.dev/v1alpha1","kind":"AccessKey","metadata":{"name":"open","namespace":%q},"spec":{"serviceRef":{"name":"qumulo"},"user":"local:open"}}`, namespace), "apply", "-f", "-")
	w.kubectl(nil, "wait", "--for=jsonpath={.status.failures.count}=1", "accesskey/open", "-n", namespace, "--timeout=60s")
	write("open", map[string]any{"accessKey": get("accesskey", "open"), "created": service.Keys("local:open")[0].ID})
}

// TestTodaysCodeReadsEarlierReleases reads the golden files of each release for which there are any: every field of the status and
// of the record has its place, the Secret is recognized, and there is nothing to do to the keys.
func TestTodaysCodeReadsEarlierReleases(t *testing.T) {
	files, err := filepath.Glob("testdata/*.json")
	if err != nil || len(files) < 5 {
		t.Fatalf("found only the golden files %v: %v", files, err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".json"), func(t *testing.T) {
			text, err := os.ReadFile(file)
			must(t, err)
			var g golden
			must(t, json.Unmarshal(text, &g))
			var raw struct {
				AccessKey struct{ Status json.RawMessage }
			}
			must(t, json.Unmarshal(text, &raw))
			decode(t, raw.AccessKey.Status, &v1alpha1.AccessKeyStatus{})
			if g.Secret == nil {
				expectSettled(t, &g.AccessKey, g.Created)
				return
			}
			var record plan.Record
			decode(t, []byte(g.Secret.Annotations[v1alpha1.RecordAnnotation]), &record)
			expectRead(t, &g.AccessKey, g.Secret, record)
		})
	}
}

// decode decodes a document into a type that must know all of its fields, and must write all of them again.
func decode(t *testing.T, text []byte, into any) {
	t.Helper()
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.DisallowUnknownFields()
	must(t, decoder.Decode(into))
	again, err := json.Marshal(into)
	must(t, err)
	var before, after map[string]any
	must(t, json.Unmarshal(text, &before))
	must(t, json.Unmarshal(again, &after))
	if !reflect.DeepEqual(before, after) {
		t.Errorf("got  %v\nwant %v", after, before)
	}
}

// expectRead checks that the planner finds the pair in the Secret and leaves the keys alone.
func expectRead(t *testing.T, ak *v1alpha1.AccessKey, published *corev1.Secret, record plan.Record) {
	t.Helper()
	template := secret.Template{AccessKey: ak, Service: record.Service, S3: &v1alpha1.S3{Endpoint: string(published.Data[v1alpha1.SecretKeyEndpoint]), Region: string(published.Data[v1alpha1.SecretKeyRegion])}}
	found := template.Inspect(published)
	want := plan.RecordOf(ak, record.Service)
	want.Digest = record.Digest
	if found.State != plan.SecretIntact || !record.Describes(want) || !reflect.DeepEqual(record.PreviousKeys, ak.Status.PreviousKeys) {
		t.Errorf("the Secret is %s; the record is\n%+v, and the status\n%+v", found.State, record, want)
	}
	in := plan.Input{
		Now: ak.Status.IssuedAt.Add(time.Minute), Started: ak.Status.IssuedAt.Time, AccessKey: ak, Live: true, Secret: found, Next: plan.Secret{State: plan.SecretAbsent},
		UserID: ak.Status.UserID, Granted: true,
		Service: plan.Service{Identity: record.Service, Namespaced: true, Overlap: true, InUse: true, ClockKnown: true, ReadySince: ak.Status.IssuedAt.Time},
		Keys:    []plan.Key{{Key: keyservice.Key{ID: ak.Status.KeyID, AccessKeyID: ak.Status.AccessKeyID, OwnerUID: string(ak.UID)}}},
	}
	for _, p := range ak.Status.PreviousKeys {
		in.Keys = append(in.Keys, plan.Key{Key: keyservice.Key{ID: p.KeyID, AccessKeyID: p.AccessKeyID, OwnerUID: string(ak.UID)}})
	}
	switch action := plan.Next(in); action.Verb {
	case plan.Wait, plan.UpdateSecret: // the default keys have become more
	default:
		t.Errorf("the planner wants to %s (%s %s)", action.Verb, action.Reason, action.Detail)
	}
	for _, p := range ak.Status.PreviousKeys {
		in.Now = p.RevokeAt.Time
		if action := plan.Next(in); action.Verb != plan.Revoke || action.KeyID != p.KeyID {
			t.Errorf("at the end of the overlap, the planner wants to %s %s (%s)", action.Verb, action.KeyID, action.Detail)
		}
	}
	ak.Status.PreviousKeys, in.Keys, in.Now = nil, in.Keys[:1], ak.Status.RenewalTime.Time
	if action := plan.Next(in); action.Verb != plan.Create {
		t.Errorf("at the renewalTime, the planner wants to %s (%s %s)", action.Verb, action.Reason, action.Detail)
	}
}

// expectSettled checks that the planner deletes the key that the open operation created, because its secret is lost, and no other.
func expectSettled(t *testing.T, ak *v1alpha1.AccessKey, created string) {
	t.Helper()
	if ak.Status.Intent == nil || created == "" {
		t.Fatalf("there is no open operation: %+v", ak.Status)
	}
	started := ak.Status.Intent.StartedAt.Time
	in := plan.Input{
		Now: started.Add(time.Hour), Started: started, AccessKey: ak, Live: true,
		Secret: plan.Secret{State: plan.SecretAbsent}, Next: plan.Secret{State: plan.SecretAbsent}, Granted: true,
		Service: plan.Service{Identity: "qumulo", Namespaced: true, Overlap: true, InUse: true, ClockKnown: true, ReadySince: started},
		Keys:    []plan.Key{{Key: keyservice.Key{ID: created, AccessKeyID: created, CreatedAt: started.Add(time.Second)}}},
	}
	for _, known := range ak.Status.Intent.KnownKeyIDs {
		in.Keys = append(in.Keys, plan.Key{Key: keyservice.Key{ID: known, AccessKeyID: known, CreatedAt: started.Add(-time.Hour)}})
	}
	if action := plan.Next(in); action.Verb != plan.DeleteOrphan || action.KeyID != created {
		t.Errorf("the planner wants to %s %s (%s %s)", action.Verb, action.KeyID, action.Reason, action.Detail)
	}
}

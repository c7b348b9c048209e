// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"accesskey.dev/operator/test/simulator/admin"
)

// length is the duration of the story.
const length = 300 * time.Second

// step is something that happens in the story, after this time.
type step struct {
	after time.Duration
	what  string
	do    func(ctx context.Context) error
}

// tell rotates keys at four services, and lets things go wrong.
func (b *bed) tell(ctx context.Context) error {
	begin := time.Now()
	for _, s := range b.steps() {
		if err := sleepUntil(ctx, begin.Add(s.after)); err != nil {
			return err
		}
		b.say("%s", s.what)
		if err := s.do(ctx); err != nil {
			return fmt.Errorf("%s: %w", s.what, err)
		}
	}
	return sleepUntil(ctx, begin.Add(length))
}

func sleepUntil(ctx context.Context, at time.Time) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(time.Until(at)):
		return nil
	}
}

func (b *bed) steps() []step {
	kubectl := func(arguments ...string) func(context.Context) error {
		return func(ctx context.Context) error { return b.ignore(b.kubectl(ctx, "", arguments...)) }
	}
	return []step{
		{0, "AccessKeys are created", b.apply},
		{40 * time.Second, "two rotations are requested", kubectl("annotate", "accesskeys", "app-0", "app-1", "-n=team-a", "accesskey.dev/renew=1")},
		{50 * time.Second, "a key is compromised", b.compromise},
		{60 * time.Second, "a Secret is deleted", kubectl("delete", "secret", "app-3", "-n=team-a")},
		{70 * time.Second, "Qumulo is down for 45 seconds", b.inject(admin.Fault{Service: "qumulo", Effect: "answer", Parameter: "503"})},
		{110 * time.Second, "the credentials of Huawei are refused", kubectl("patch", "secret", "huawei", "-n=team-b", `-p={"stringData":{"secret-access-key":"wrong"}}`)},
		{115 * time.Second, "Qumulo works again", func(ctx context.Context) error { return b.simulators.Lift(ctx, "qumulo") }},
		{130 * time.Second, "an AccessKey names a user that does not exist", b.create(accessKey{"team-a", "typo", "KeyService/qumulo", "local:nobody", time.Minute})},
		{135 * time.Second, "somebody fills the quota of a user", b.fillQuota},
		{140 * time.Second, "ONTAP is slow for 40 seconds", b.inject(admin.Fault{Service: "ontap", Effect: "delay", Parameter: "1500ms"})},
		{180 * time.Second, "ONTAP is fast again", func(ctx context.Context) error { return b.simulators.Lift(ctx, "ontap") }},
		{185 * time.Second, "another writer overwrites a Secret again and again", b.contest},
	}
}

// ignore drops the output of kubectl.
func (b *bed) ignore(_ string, err error) error { return err }

func (b *bed) inject(fault admin.Fault) func(context.Context) error {
	return func(ctx context.Context) error { return b.simulators.Inject(ctx, fault) }
}

// object is a Kubernetes object.
type object map[string]any

// apply creates the key services, and AccessKeys with lifetimes of one to three minutes.
func (b *bed) apply(ctx context.Context) error {
	for _, namespace := range []string{"team-a", "team-b", "team-c"} {
		if _, err := b.kubectl(ctx, "", "create", "namespace", namespace); err != nil {
			return err
		}
	}
	err := errors.Join(
		b.keyService(ctx, "KeyService", "team-a", "qumulo", "qumulo"),
		b.keyService(ctx, "KeyService", "team-b", "huawei", "huawei"),
		b.keyService(ctx, "KeyService", "team-b", "ionos", "ionos"),
		b.keyService(ctx, "KeyService", "team-c", "ontap", "ontap"),
		b.keyService(ctx, "ClusterKeyService", "accesskey-system", "shared", "qumulo"),
		b.create(accessKey{"team-b", "archive", "KeyService/huawei", b.simulators.Accounts["huawei"].User, 90 * time.Second})(ctx),
		b.create(accessKey{"team-b", "media", "KeyService/ionos", "", 2 * time.Minute})(ctx),
	)
	for i := range 8 {
		ttl := time.Duration(60+15*i) * time.Second
		err = errors.Join(err, b.create(accessKey{"team-a", fmt.Sprintf("app-%d", i), "KeyService/qumulo", fmt.Sprintf("local:user-%d", i), ttl})(ctx))
	}
	for i := range 4 {
		ttl := time.Duration(60+20*i) * time.Second
		err = errors.Join(err,
			b.create(accessKey{"team-c", fmt.Sprintf("db-%d", i), "KeyService/ontap", fmt.Sprintf("db-%d", i), ttl})(ctx),
			b.create(accessKey{"team-c", fmt.Sprintf("web-%d", i), "ClusterKeyService/shared", fmt.Sprintf("local:user-%d", 8+i), ttl})(ctx))
	}
	return err
}

// keyService creates a key service with the account at its simulator, and the Secret with the credentials.
func (b *bed) keyService(ctx context.Context, kind, namespace, name, backend string) error {
	account := b.simulators.Accounts[backend]
	spec := object{}
	for field, value := range account.Spec {
		spec[field] = value
	}
	if _, ok := account.Secret["token"]; ok {
		spec["tokenSecretRef"] = object{"name": name, "key": "token"}
	} else {
		spec["credentialsSecretRef"] = object{"name": name}
	}
	metadata, all := object{"name": name, "namespace": namespace}, object{backend: spec, "tls": object{"caBundle": account.CA}}
	secret := object{"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "stringData": account.Secret}
	if kind == "ClusterKeyService" {
		metadata = object{"name": name}
		all["grants"] = []object{{"namespaceSelector": object{}, "users": []string{"local:*"}}}
	}
	return b.applyObjects(ctx, secret, object{"apiVersion": "accesskey.dev/v1alpha1", "kind": kind, "metadata": metadata, "spec": all})
}

// accessKey is an AccessKey, with its key service as kind/name.
type accessKey struct {
	namespace, name, service, user string
	ttl                            time.Duration
}

func (b *bed) create(key accessKey) func(context.Context) error {
	kind, service, _ := strings.Cut(key.service, "/")
	spec := object{"serviceRef": object{"kind": kind, "name": service}, "ttl": key.ttl.String()}
	if key.user != "" {
		spec["user"] = key.user
	}
	return func(ctx context.Context) error {
		return b.applyObjects(ctx, object{"apiVersion": "accesskey.dev/v1alpha1", "kind": "AccessKey", "metadata": object{"name": key.name, "namespace": key.namespace}, "spec": spec})
	}
}

func (b *bed) applyObjects(ctx context.Context, objects ...object) error {
	var manifest strings.Builder
	for _, o := range objects {
		if err := json.NewEncoder(&manifest).Encode(o); err != nil {
			return err
		}
	}
	return b.ignore(b.kubectl(ctx, manifest.String(), "apply", "-f", "-"))
}

func (b *bed) compromise(ctx context.Context) error {
	id, err := b.kubectl(ctx, "", "get", "accesskey", "app-2", "-n=team-a", "-o=jsonpath={.status.accessKeyID}")
	if err != nil {
		return err
	}
	return b.ignore(b.kubectl(ctx, "", "patch", "accesskey", "app-2", "-n=team-a", "--type=merge", fmt.Sprintf(`-p={"spec":{"compromisedKeyIDs":[%q]}}`, id)))
}

// fillQuota creates as many keys by hand as a user of Qumulo can have, and an AccessKey of the same user.
func (b *bed) fillQuota(ctx context.Context) error {
	for range 2 {
		request, err := http.NewRequestWithContext(ctx, http.MethodPost, b.simulators.URL+"/keys", strings.NewReader(`{"service": "qumulo", "user": "local:user-12"}`))
		if err != nil {
			return err
		}
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			return err
		}
		_ = response.Body.Close()
		if response.StatusCode != http.StatusOK {
			return errors.New(response.Status)
		}
	}
	return b.create(accessKey{"team-a", "full", "KeyService/qumulo", "local:user-12", time.Minute})(ctx)
}

// contest overwrites the pair in a Secret, as a tool does that also believes to own it.
func (b *bed) contest(ctx context.Context) error {
	secret, err := json.Marshal(object{"apiVersion": "v1", "kind": "Secret", "metadata": object{"name": "media", "namespace": "team-b"},
		"data": object{"AWS_SECRET_ACCESS_KEY": []byte("of another tool")}})
	if err != nil {
		return err
	}
	for range 12 {
		if _, err := b.kubectl(ctx, string(secret), "apply", "--server-side", "--force-conflicts", "--field-manager=vault", "-f", "-"); err != nil {
			return err
		}
		if err := sleepUntil(ctx, time.Now().Add(3*time.Second)); err != nil {
			return err
		}
	}
	return nil
}

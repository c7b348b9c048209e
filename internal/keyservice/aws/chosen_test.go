// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package aws

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"accesskey.dev/operator/internal/keyservice"
	"accesskey.dev/operator/test/bed"
	account "accesskey.dev/operator/test/simulator/aws"
)

const seaweed = "SeaweedFS 30GB 4.53"

func TestOnlySeaweedFSLetsTheOperatorChooseAnID(t *testing.T) {
	for server, want := range map[string]bool{
		"": false, "nginx": false, "SeaweedFS": false, "SeaweedFS 30GB 3.99": false, "SeaweedFS 30GB 4.21": false, "not SeaweedFS 30GB 4.53": false,
		"SeaweedFS 30GB 4.22": true, "SeaweedFS 8000GB 4.53": true, "SeaweedFS 30GB 5.00": true, "SeaweedFS 30GB 4.53 abcdef": true,
	} {
		b := newBed(t, account.Options{Server: server})
		if id := b.ChooseID("Alice", keyservice.Owner{}, 1, nil); id != "" {
			t.Errorf("%q: chose %s before the server has answered", server, id)
		}
		if _, err := b.List(t.Context(), "Alice"); err != nil {
			t.Fatal(err)
		}
		if id := b.ChooseID("Alice", keyservice.Owner{}, 1, nil); (id != "") != want {
			t.Errorf("%q: chose %q", server, id)
		}
	}
}

// TestSTSAtAnotherAddressDoesNotSayWhatIAMCanDo lets STS answer last.
func TestSTSAtAnotherAddressDoesNotSayWhatIAMCanDo(t *testing.T) {
	for iam, sts := range map[string]string{seaweed: "nginx", "nginx": seaweed} {
		b := newBed(t, account.Options{Server: iam})
		elsewhere := bed.Serve(t, account.New(account.Options{Server: sts, Clock: b.clock}))
		service := b.connect(t, func(c *Config) { c.STSURL, c.HTTP = elsewhere.URL, bed.Client(t, b.server, elsewhere) })
		if _, err := service.List(t.Context(), "Alice"); err != nil {
			t.Fatal(err)
		}
		if version, err := service.Probe(t.Context()); err != nil || strings.HasPrefix(version, "SeaweedFS 4.53 (") != (iam == seaweed) {
			t.Errorf("IAM at %q, STS at %q: got %q, %v", iam, sts, version, err)
		}
		if id := service.ChooseID("Alice", keyservice.Owner{}, 1, nil); (id != "") != (iam == seaweed) {
			t.Errorf("IAM at %q, STS at %q: chose %q", iam, sts, id)
		}
	}
}

func TestSeaweedFSIsNamedWithItsVersion(t *testing.T) {
	b := newBed(t, account.Options{Server: seaweed})
	if version, err := b.Probe(t.Context()); err != nil || !strings.HasPrefix(version, "SeaweedFS 4.53 (") {
		t.Errorf("got %q, %v", version, err)
	}
}

// chosenRequest lists the keys of Alice, and returns the request for her next key.
func (b *testBed) chosenRequest(t *testing.T) keyservice.CreateRequest {
	t.Helper()
	keys, err := b.List(t.Context(), "Alice")
	if err != nil {
		t.Fatal(err)
	}
	return keyservice.CreateRequest{ID: b.ChooseID("Alice", keyservice.Owner{}, 1, keys)}
}

func TestAKeyHasTheIDAndTheSecretThatTheOperatorChose(t *testing.T) {
	b := newBed(t, account.Options{Server: seaweed, ChoosesKeys: true})
	first := b.chosenRequest(t)
	if second := b.chosenRequest(t); second.ID == first.ID {
		t.Errorf("%s was chosen twice", first.ID)
	}
	made, err := b.Create(t.Context(), "Alice", first)
	if err != nil || made.ID != first.ID || len(made.SecretAccessKey.Reveal()) != secretLength || !b.account.Valid(made.AccessKeyID, made.SecretAccessKey.Reveal()) {
		t.Fatalf("got %v, %v", made, err)
	}
	_, err = b.Create(t.Context(), "Alice", first) // as a proxy does that repeats a request
	expectKind(t, err, keyservice.Ambiguous, "exists already")
	_, err = b.Create(t.Context(), "Alice", keyservice.CreateRequest{ID: "AKIAIOSFODNN7EXAMPLE"})
	expectKind(t, err, keyservice.Invalid, "not an ID as ChooseID gives it")
}

func TestAServerThatIgnoresTheChoiceLosesNoKey(t *testing.T) {
	b := newBed(t, account.Options{Server: seaweed})
	request := b.chosenRequest(t)
	b.answer("CreateAccessKey", 200, result("CreateAccessKey", "<AccessKey><AccessKeyId>OTHER</AccessKeyId><SecretAccessKey>geheim</SecretAccessKey></AccessKey>"))
	made, err := b.Create(t.Context(), "Alice", request)
	if err != nil || made.ID != "OTHER" || made.SecretAccessKey.Reveal() != "geheim" {
		t.Errorf("got %v, %v", made, err)
	}
}

func TestTheChosenSecretIsInNoError(t *testing.T) {
	b := newBed(t, account.Options{Server: seaweed, ChoosesKeys: true})
	request := b.chosenRequest(t)
	var secret string
	b.account.Inject(at("CreateAccessKey"), func(w http.ResponseWriter, r *http.Request, _ http.Handler) {
		secret = r.PostFormValue("SecretAccessKey")
		w.WriteHeader(http.StatusBadRequest)
		_, _ = fmt.Fprintf(w, "<ErrorResponse><Error><Code>InvalidInput</Code><Message>refused: %s</Message></Error></ErrorResponse>", strings.ReplaceAll(r.PostForm.Encode(), "&", " "))
	})
	_, err := b.Create(t.Context(), "Alice", request)
	expectKind(t, err, keyservice.Invalid, request.ID)
	if len(secret) != secretLength || strings.Contains(err.Error(), secret) {
		t.Errorf("the error quotes the secret %q: %v", secret, err)
	}
}

// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package connect

import (
	"errors"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"accesskey.dev/operator/api/v1alpha1"
	"accesskey.dev/operator/test/simulator/qumulo"
)

func trusting(ca string) func(*v1alpha1.KeyServiceSpec) {
	return func(spec *v1alpha1.KeyServiceSpec) { spec.TLS = &v1alpha1.TLS{CABundle: ca} }
}

func trustingSecret(spec *v1alpha1.KeyServiceSpec) {
	spec.TLS = &v1alpha1.TLS{CASecretRef: &v1alpha1.CAReference{Name: "ca", Key: "ca.crt"}}
}

func loggingIn(spec *v1alpha1.KeyServiceSpec) {
	spec.Qumulo.TokenSecretRef, spec.Qumulo.LoginSecretRef = nil, &v1alpha1.SecretReference{Name: "login"}
}

func at(url string) func(*v1alpha1.KeyServiceSpec) {
	return func(spec *v1alpha1.KeyServiceSpec) { spec.Qumulo.URL = url }
}

func TestAMissingSecretOrKeyIsNamed(t *testing.T) {
	const notFound, invalid = v1alpha1.ReasonCredentialsNotFound, v1alpha1.ReasonKeyServiceInvalid
	token := secret("team-a", "token", "token", "t")
	for name, test := range map[string]struct {
		secrets []client.Object
		change  func(*v1alpha1.KeyServiceSpec)
		reason  string
		message string
	}{
		"no Secret":                        {nil, nil, notFound, "Secret team-a/token does not exist; create it with the key token"},
		"a Secret in another namespace":    {[]client.Object{secret("team-b", "token", "token", "t")}, nil, notFound, "Secret team-a/token does not exist; create it with the key token"},
		"a name that leads elsewhere":      {nil, func(spec *v1alpha1.KeyServiceSpec) { spec.Qumulo.TokenSecretRef.Name = "../../team-b/secrets/token" }, notFound, "Secret team-a/../../team-b/secrets/token does not exist; create it with the key token"},
		"no key in the Secret":             {[]client.Object{secret("team-a", "token", "Token", "t")}, nil, notFound, "Secret team-a/token has no key token, or it is empty; add it"},
		"an empty token":                   {[]client.Object{secret("team-a", "token", "token", "")}, nil, notFound, "Secret team-a/token has no key token, or it is empty; add it"},
		"a token of only line breaks":      {[]client.Object{secret("team-a", "token", "token", "\r\n\n")}, nil, notFound, "Secret team-a/token has no key token, or it is empty; add it"},
		"a token that begins with a blank": {[]client.Object{secret("team-a", "token", "token", " t")}, nil, invalid, "the value of key token in Secret team-a/token begins or ends with a blank; remove it (nothing was sent to the service)"},
		"a token with a blank in it":       {[]client.Object{secret("team-a", "token", "token", "a b")}, nil, invalid, "set up the Qumulo client: the token has characters that no token has"},
		"no login":                         {nil, loggingIn, notFound, "Secret team-a/login does not exist; create it with the key username"},
		"no username":                      {[]client.Object{secret("team-a", "login", "password", "p")}, loggingIn, notFound, "Secret team-a/login has no key username, or it is empty; add it"},
		"no password":                      {[]client.Object{secret("team-a", "login", "username", "u")}, loggingIn, notFound, "Secret team-a/login has no key password, or it is empty; add it"},
		"neither token nor login": {
			nil, func(spec *v1alpha1.KeyServiceSpec) { spec.Qumulo.TokenSecretRef = nil }, invalid,
			"set up the Qumulo client: there is neither a token nor a username with its password",
		},
		"no CA":                   {[]client.Object{token}, trustingSecret, notFound, "Secret team-a/ca does not exist; create it with the key ca.crt"},
		"no key in the CA":        {[]client.Object{token, secret("team-a", "ca", "tls.crt", "x")}, trustingSecret, notFound, "Secret team-a/ca has no key ca.crt, or it is empty; add it"},
		"a CA that is no PEM":     {[]client.Object{token, secret("team-a", "ca", "ca.crt", "x")}, trustingSecret, invalid, "the CA bundle holds no PEM certificate"},
		"a bundle that is no PEM": {[]client.Object{token}, trusting("-----BEGIN CERTIFICATE-----\nx"), invalid, "the CA bundle holds no PEM certificate"},
		"a URL without TLS": {
			[]client.Object{token}, at("http://qumulo.example:8000"), invalid,
			"set up the Qumulo client: the URL does not begin with https://, and credentials are not sent otherwise; it should look like https://qumulo.example:8000",
		},
		"a URL that cannot be read": {
			[]client.Object{token}, at("https://qumulo:port"), invalid,
			"set up the Qumulo client: the URL cannot be read; it should look like https://qumulo.example:8000",
		},
		"a URL with a password": {
			[]client.Object{token}, at("https://admin:geheim@qumulo.example:8000"), invalid,
			"set up the Qumulo client: the URL holds a user; credentials belong in a Secret; it should look like https://qumulo.example:8000",
		},
		"no service": {
			nil, func(spec *v1alpha1.KeyServiceSpec) { spec.Qumulo = nil }, invalid,
			"the spec names no key service that this operator knows",
		},
	} {
		t.Run(name, func(t *testing.T) {
			p, _, _ := pool(test.secrets...)
			service := keyService(url)
			if test.change != nil {
				test.change(&service.Spec)
			}
			_, err := p.Get(t.Context(), service)
			e, ok := errors.AsType[*Error](err)
			if !ok || e.Reason != test.reason || err.Error() != test.message {
				t.Errorf("got %v\nwant %s: %s", err, test.reason, test.message)
			}
		})
	}
}

// TestCredentialsReachTheService signs in at a simulated cluster in every way that there is.
func TestCredentialsReachTheService(t *testing.T) {
	service, server := cluster(t)
	token, ca := service.AddToken(time.Time{}), string(server.CA)
	insecure := func(spec *v1alpha1.KeyServiceSpec) { spec.TLS = &v1alpha1.TLS{InsecureSkipVerify: ptr.To(true)} }
	checked := func(spec *v1alpha1.KeyServiceSpec) { spec.TLS = &v1alpha1.TLS{InsecureSkipVerify: ptr.To(false)} }
	for name, test := range map[string]struct {
		token   string
		changes []func(*v1alpha1.KeyServiceSpec)
		refused string
	}{
		"a token": {token, []func(*v1alpha1.KeyServiceSpec){trusting(ca)}, ""},
		"a token with the line break of an editor": {token + "\n", []func(*v1alpha1.KeyServiceSpec){trusting(ca)}, ""},
		"a token with that of another":             {token + "\r\n", []func(*v1alpha1.KeyServiceSpec){trusting(ca)}, ""},
		"a login, with line breaks":                {"", []func(*v1alpha1.KeyServiceSpec){trusting(ca), loggingIn}, ""},
		"a CA in a Secret":                         {token, []func(*v1alpha1.KeyServiceSpec){trustingSecret}, ""},
		"a certificate that is not looked at":      {token, []func(*v1alpha1.KeyServiceSpec){insecure}, ""},
		"a certificate that is":                    {token, []func(*v1alpha1.KeyServiceSpec){checked}, "certificate"},
		"a certificate of an unknown authority":    {token, nil, "certificate"},
		"another token":                            {"access-v1:other", []func(*v1alpha1.KeyServiceSpec){trusting(ca)}, "401"},
	} {
		t.Run(name, func(t *testing.T) {
			p, _, _ := pool(secret("team-a", "token", "token", test.token), secret("team-a", "ca", "ca.crt", ca+"\n"),
				secret("team-a", "login", "username", qumulo.DefaultUsername+"\n", "password", qumulo.DefaultPassword+"\r\n"))
			p.Transport = nil
			_, err := p.Get(t.Context(), keyService(server.URL, test.changes...))
			if (err == nil) != (test.refused == "") || err != nil && !strings.Contains(err.Error(), test.refused) {
				t.Errorf("got %v", err)
			}
		})
	}
}

func TestWhatAnEditorLeavesAroundACredentialIsNoPartOfIt(t *testing.T) {
	const blank, control, encoding = "begins or ends with a blank", "contains a line break", "is not UTF-8 text"
	for _, test := range []struct{ stored, want, refused string }{
		{"plain", "plain", ""},
		{"one\n", "one", ""},
		{"two\r\n", "two", ""},
		{"more\n\n\r\n", "more", ""},
		{"\ufeffmark", "mark", ""},
		{"\ufeffmark and break\r\n", "mark and break", ""},
		{"a blank inside", "a blank inside", ""},
		{"pässwörd", "pässwörd", ""},
		{" first", "", blank},
		{"last ", "", blank},
		{"last \r\n", "", blank},
		{"\ufeff first", "", blank},
		{"tab\t\n", "", blank},
		{"\nfirst", "", blank},
		{"no-break\u00a0", "", blank},
		{"\u200bwithout width", "", blank},
		{"twice\ufeff", "", blank},
		{"a\nb", "", control},
		{"a\x00b", "", control},
		{"\xff\xfes\x00e\x00", "", encoding},
	} {
		all := secrets{namespace: "team-a", byName: map[string]*corev1.Secret{"login": secret("team-a", "login", "password", test.stored)}}
		got, err := all.credential("login", "password")
		if test.refused == "" {
			if got.Reveal() != test.want || err != nil {
				t.Errorf("%q became %q, %v", test.stored, got.Reveal(), err)
			}
			continue
		}
		want := "the value of key password in Secret team-a/login " + test.refused
		if e, ok := errors.AsType[*Error](err); !ok || e.Reason != v1alpha1.ReasonKeyServiceInvalid || !strings.HasPrefix(err.Error(), want) || got != "" {
			t.Errorf("%q: got %v, want %s", test.stored, err, want)
		}
	}
}

func TestCredentialsOfKubernetesAreNotSentToAKeyService(t *testing.T) {
	for name, test := range map[string]struct {
		secretType corev1.SecretType
		key        string
		want       bool
	}{
		"no type":                     {"", "token", true},
		"Opaque":                      {corev1.SecretTypeOpaque, "token", true},
		"a custom type":               {"example.com/credentials", "token", true},
		"a username and a password":   {corev1.SecretTypeBasicAuth, "password", true},
		"an authority":                {corev1.SecretTypeTLS, "ca.crt", true},
		"a private key":               {corev1.SecretTypeTLS, "tls.key", false},
		"a ServiceAccount's token":    {corev1.SecretTypeServiceAccountToken, "token", false},
		"a token to join a cluster":   {corev1.SecretTypeBootstrapToken, "token-secret", false},
		"a registry's password":       {corev1.SecretTypeDockerConfigJson, ".dockerconfigjson", false},
		"a registry's old password":   {corev1.SecretTypeDockercfg, ".dockercfg", false},
		"a key of ssh":                {corev1.SecretTypeSSHAuth, "ssh-privatekey", false},
		"a future type of Kubernetes": {"kubernetes.io/another", "token", false},
	} {
		t.Run(name, func(t *testing.T) {
			stored := secrets{namespace: "team-a", byName: map[string]*corev1.Secret{
				"stored": {Type: test.secretType, Data: map[string][]byte{test.key: []byte("material")}},
			}}
			_, err := stored.value("stored", test.key)
			refused, _ := errors.AsType[*Error](err)
			if got := err == nil; got != test.want || !got && refused.Reason != v1alpha1.ReasonKeyServiceInvalid {
				t.Errorf("got %v", err)
			}
		})
	}
}

// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package connect

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	neturl "net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"accesskey.dev/operator/api/v1alpha1"
	"accesskey.dev/operator/internal/keyservice"
)

// iam answers as IAM and STS, and notes what was asked of whom and for which region, with which key and session token:
// "sts.eu-west-1.amazonaws.com GetCallerIdentity eu-west-1/sts AKIA1 token".
type iam struct{ asked []string }

func (i *iam) RoundTrip(request *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(request.Body)
	if err != nil {
		return nil, err
	}
	form, err := neturl.ParseQuery(string(body))
	if err != nil {
		return nil, err
	}
	action := form.Get("Action")
	words := []string{request.URL.Host + request.URL.Path, action}
	if _, credential, signed := strings.Cut(request.Header.Get("Authorization"), "Credential="); signed {
		scope := strings.Split(credential, "/")
		words = append(words, scope[2]+"/"+scope[3], scope[0])
	}
	if token := request.Header.Get("X-Amz-Security-Token"); token != "" {
		words = append(words, token)
	}
	if externalID := form.Get("ExternalId"); externalID != "" {
		words = append(words, "for "+externalID)
	}
	i.asked = append(i.asked, strings.Join(words, " "))
	answer := map[string]string{
		"GetCallerIdentity": "<Account>123456789012</Account>",
		"GetAccountSummary": "<SummaryMap><entry><key>AccessKeysPerUserQuota</key><value>2</value></entry></SummaryMap>",
	}[action]
	if strings.HasPrefix(action, "AssumeRole") {
		answer = "<Credentials><AccessKeyId>ASIA1</AccessKeyId><SecretAccessKey>s</SecretAccessKey><SessionToken>of-the-role</SessionToken>" +
			"<Expiration>" + time.Now().Add(time.Hour).UTC().Format(time.RFC3339) + "</Expiration></Credentials>"
	}
	text := "<" + action + "Response><" + action + "Result>" + answer + "</" + action + "Result></" + action + "Response>"
	return &http.Response{StatusCode: http.StatusOK, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(text)), Request: request}, nil
}

const (
	awsRole  = "arn:aws:iam::123456789012:role/accesskey-operator"
	otherIAM = "https://iam.example:7443/iam"
)

// awsSpec has the credentials AKIA1 of the Secret aws.
func awsSpec(changes ...func(*v1alpha1.AWSService)) v1alpha1.KeyServiceSpec {
	service := &v1alpha1.AWSService{AccountID: "123456789012", Region: "us-east-1", CredentialsSecretRef: &v1alpha1.SecretReference{Name: "aws"}}
	for _, change := range changes {
		change(service)
	}
	return v1alpha1.KeyServiceSpec{AWS: service, RateLimit: v1alpha1.RateLimit{QPS: 1000, Burst: 1000}}
}

func ambient(s *v1alpha1.AWSService) { s.CredentialsSecretRef = nil }

func inRegion(region string) func(*v1alpha1.AWSService) {
	return func(s *v1alpha1.AWSService) { s.Region = region }
}

func atURL(url, stsURL string) func(*v1alpha1.AWSService) {
	return func(s *v1alpha1.AWSService) { s.URL, s.STSURL = url, stsURL }
}

func assuming(s *v1alpha1.AWSService) { s.RoleARN, s.ExternalID = awsRole, "team-a" }

// connectTo connects with a ClusterKeyService, or with a KeyService of team-a, and returns what was asked.
func connectTo(t *testing.T, namespace string, spec v1alpha1.KeyServiceSpec, data ...string) (*Connection, []string, error) {
	t.Helper()
	meta := metav1.ObjectMeta{Name: "aws", UID: "uid-of-aws", Generation: 1, Namespace: namespace}
	var service v1alpha1.GenericKeyService = &v1alpha1.KeyService{ObjectMeta: meta, Spec: spec}
	if namespace == "" {
		service = &v1alpha1.ClusterKeyService{ObjectMeta: meta, Spec: v1alpha1.ClusterKeyServiceSpec{KeyServiceSpec: spec}}
	}
	data = append([]string{"access-key-id", "AKIA1", "secret-access-key", "geheim"}, data...)
	p, _, _ := pool(secret("team-a", "aws", data...), secret("accesskey-system", "aws", data...))
	server := &iam{}
	p.Transport = server
	connection, err := p.Get(t.Context(), service)
	return connection, server.asked, err
}

// irsa gives the Pod of the test a service account with a role.
func irsa(t *testing.T) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(file, []byte("of.the.pod"), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("AWS_WEB_IDENTITY_TOKEN_FILE", file)
	t.Setenv("AWS_ROLE_ARN", awsRole)
}

func TestAWSIsAskedWhereTheSpecSaysAndSignedForItsRegion(t *testing.T) {
	const iamHost = "iam.amazonaws.com GetAccountSummary us-east-1/iam "
	for name, test := range map[string]struct {
		changes []func(*v1alpha1.AWSService)
		data    []string
		asked   []string
	}{
		"the account":            {nil, nil, []string{"sts.us-east-1.amazonaws.com GetCallerIdentity us-east-1/sts AKIA1", iamHost + "AKIA1"}},
		"another region":         {[]func(*v1alpha1.AWSService){inRegion("eu-west-1")}, nil, []string{"sts.eu-west-1.amazonaws.com GetCallerIdentity eu-west-1/sts AKIA1", iamHost + "AKIA1"}},
		"no region":              {[]func(*v1alpha1.AWSService){inRegion("")}, nil, []string{"sts.us-east-1.amazonaws.com GetCallerIdentity us-east-1/sts AKIA1", iamHost + "AKIA1"}},
		"China":                  {[]func(*v1alpha1.AWSService){inRegion("cn-northwest-1")}, nil, []string{"sts.cn-northwest-1.amazonaws.com.cn GetCallerIdentity cn-northwest-1/sts AKIA1", "iam.cn-north-1.amazonaws.com.cn GetAccountSummary cn-north-1/iam AKIA1"}},
		"a session":              {nil, []string{"session-token", "t"}, []string{"sts.us-east-1.amazonaws.com GetCallerIdentity us-east-1/sts AKIA1 t", iamHost + "AKIA1 t"}},
		"another server":         {[]func(*v1alpha1.AWSService){atURL(otherIAM, ""), inRegion("eu-west-1")}, nil, []string{"iam.example:7443/iam GetCallerIdentity eu-west-1/sts AKIA1", "iam.example:7443/iam GetAccountSummary eu-west-1/iam AKIA1"}},
		"another server and STS": {[]func(*v1alpha1.AWSService){atURL(otherIAM, "https://sts.example")}, nil, []string{"sts.example GetCallerIdentity us-east-1/sts AKIA1", "iam.example:7443/iam GetAccountSummary us-east-1/iam AKIA1"}},
		"a role": {[]func(*v1alpha1.AWSService){assuming, inRegion("eu-west-1")}, nil, []string{
			"sts.eu-west-1.amazonaws.com AssumeRole eu-west-1/sts AKIA1 for team-a", "sts.eu-west-1.amazonaws.com GetCallerIdentity eu-west-1/sts ASIA1 of-the-role", iamHost + "ASIA1 of-the-role",
		}},
		"a role at another server": {[]func(*v1alpha1.AWSService){assuming, atURL(otherIAM, "")}, nil, []string{
			"iam.example:7443/iam AssumeRole us-east-1/sts AKIA1 for team-a", "iam.example:7443/iam GetCallerIdentity us-east-1/sts ASIA1 of-the-role", "iam.example:7443/iam GetAccountSummary us-east-1/iam ASIA1 of-the-role",
		}},
	} {
		t.Run(name, func(t *testing.T) {
			irsa(t) // which a Secret comes before
			_, asked, err := connectTo(t, "team-a", awsSpec(test.changes...), test.data...)
			if err != nil || !slices.Equal(asked, test.asked) {
				t.Errorf("%v\ngot  %q\nwant %q", err, asked, test.asked)
			}
		})
	}
}

func TestOnlyAClusterKeyServiceUsesTheIdentityOfThePod(t *testing.T) {
	irsa(t)
	_, asked, err := connectTo(t, "", awsSpec(ambient))
	if want := "sts.us-east-1.amazonaws.com AssumeRoleWithWebIdentity"; err != nil || len(asked) == 0 || asked[0] != want {
		t.Errorf("got %q, %v", asked, err)
	}
	for name, test := range map[string]struct {
		namespace string
		spec      v1alpha1.KeyServiceSpec
		message   string
	}{
		"a KeyService":               {"team-a", awsSpec(ambient), "set credentialsSecretRef: only a ClusterKeyService may use the identity of the operator's Pod"},
		"a KeyService with a role":   {"team-a", awsSpec(ambient, assuming), "set credentialsSecretRef: only a ClusterKeyService may use the identity of the operator's Pod"},
		"a KeyService with a url":    {"team-a", awsSpec(ambient, atURL(otherIAM, "")), "set credentialsSecretRef: the operator does not prove the identity of its own Pod to the server at a url"},
		"a ClusterKeyService, a url": {"", awsSpec(ambient, atURL(otherIAM, "")), "set credentialsSecretRef: the operator does not prove the identity of its own Pod to the server at a url"},
	} {
		_, asked, err := connectTo(t, test.namespace, test.spec)
		local, ok := errors.AsType[*Error](err)
		if !ok || local.Reason != v1alpha1.ReasonKeyServiceInvalid || err.Error() != test.message || len(asked) > 0 {
			t.Errorf("%s: got %v, asked %q", name, err, asked)
		}
	}
}

func TestAPodWithoutAnIdentityIsReported(t *testing.T) {
	for _, name := range []string{"AWS_WEB_IDENTITY_TOKEN_FILE", "AWS_ROLE_ARN", "AWS_CONTAINER_CREDENTIALS_FULL_URI", "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"} {
		t.Setenv(name, "")
	}
	_, asked, err := connectTo(t, "", awsSpec(ambient))
	local, ok := errors.AsType[*Error](err)
	if !ok || local.Reason != v1alpha1.ReasonKeyServiceInvalid || !strings.Contains(err.Error(), "the operator's Pod has no identity at AWS") || len(asked) > 0 {
		t.Errorf("got %v, asked %q", err, asked)
	}
}

func TestASessionTokenIsACredential(t *testing.T) {
	_, _, err := connectTo(t, "team-a", awsSpec(), "session-token", "geheim ")
	if want := "the value of key session-token in Secret team-a/aws begins or ends with a blank; remove it (nothing was sent to the service)"; err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}

func TestKeysOfAWSWaitUntilTheyWork(t *testing.T) {
	delayed := func(d time.Duration) func(*v1alpha1.AWSService) {
		return func(s *v1alpha1.AWSService) { s.ActivationDelay = &metav1.Duration{Duration: d} }
	}
	verified := func(spec v1alpha1.KeyServiceSpec) v1alpha1.KeyServiceSpec {
		spec.S3 = &v1alpha1.S3{Endpoint: "https://s3.us-east-1.amazonaws.com", Region: "us-east-1"}
		return spec
	}
	for name, test := range map[string]struct {
		spec v1alpha1.KeyServiceSpec
		want bool
	}{
		"at AWS":                          {awsSpec(), true},
		"at AWS, if told otherwise":       {awsSpec(delayed(0)), false},
		"at AWS, where they are verified": {verified(awsSpec()), false},
		"elsewhere":                       {awsSpec(atURL(otherIAM, "")), false},
		"elsewhere, if told otherwise":    {awsSpec(atURL(otherIAM, ""), delayed(time.Second)), true},
	} {
		connection, _, err := connectTo(t, "team-a", test.spec)
		if err != nil || connection.ActivatesLater != test.want {
			t.Errorf("%s: %v, %v", name, connection, err)
		}
		if atAWS := strings.HasPrefix(name, "at AWS"); connection.WorksOn > 0 != atAWS {
			t.Errorf("%s: a key works on for %s", name, connection.WorksOn)
		}
	}
}

func TestTheSpecOfAWSHasTheLastWord(t *testing.T) {
	connection, asked, err := connectTo(t, "team-a", awsSpec(func(s *v1alpha1.AWSService) { s.KeysPerUser = 4 }))
	if err != nil || connection.KeysPerUser != 4 || len(asked) != 1 {
		t.Errorf("got %v, %v, asked %q", connection, err, asked)
	}
	if connection.Identity != "aws/aws/123456789012" {
		t.Errorf("identity %s", connection.Identity)
	}
	_, _, err = connectTo(t, "team-a", awsSpec(func(s *v1alpha1.AWSService) { s.AccountID = "210987654321" }))
	if keyservice.KindOf(err) != keyservice.Invalid || !strings.Contains(err.Error(), "123456789012") || !strings.Contains(err.Error(), "210987654321") {
		t.Errorf("another account: %v", err)
	}
}

func TestTheSampleWithoutASecretIsComplete(t *testing.T) {
	irsa(t)
	s := readSample(t, "aws-irsa.yaml")
	var spec v1alpha1.ClusterKeyServiceSpec
	if err := json.Unmarshal(s.service.Spec, &spec); err != nil {
		t.Fatal(err)
	}
	if _, asked, err := connectTo(t, "", spec.KeyServiceSpec); err != nil || len(spec.Grants) == 0 || len(s.secrets) > 0 {
		t.Errorf("%v, asked %q", err, asked)
	}
}

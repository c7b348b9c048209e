// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/clock"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"

	"accesskey.dev/operator/api/v1alpha1"
	"accesskey.dev/operator/internal/keyservice/connect"
)

// ownIdentities are what the machine of a person can have who works with AWS, by the variables that the SDKs of AWS read.
func ownIdentities(t *testing.T) map[string]map[string]string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(file, []byte("own.token"), 0o600); err != nil {
		t.Fatal(err)
	}
	return map[string]map[string]string{
		"none":         {},
		"a key":        {"AWS_ACCESS_KEY_ID": "AKIAOWN", "AWS_SECRET_ACCESS_KEY": geheim, "AWS_SESSION_TOKEN": geheim, "AWS_PROFILE": "own"},
		"IRSA":         {"AWS_WEB_IDENTITY_TOKEN_FILE": file, "AWS_ROLE_ARN": "arn:aws:iam::123456789012:role/own"},
		"Pod Identity": {"AWS_CONTAINER_CREDENTIALS_FULL_URI": "http://169.254.170.23/v1/credentials", "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE": file},
	}
}

// awsService is a ClusterKeyService of AWS, which signs in with the identity of the operator's Pod.
func awsService(changes ...func(*v1alpha1.AWSService)) *v1alpha1.ClusterKeyService {
	aws := &v1alpha1.AWSService{AccountID: "123456789012", Region: "eu-west-1"}
	for _, change := range changes {
		change(aws)
	}
	return &v1alpha1.ClusterKeyService{ObjectMeta: metav1.ObjectMeta{Name: "aws", UID: "1", Generation: 1}, Spec: v1alpha1.ClusterKeyServiceSpec{
		KeyServiceSpec: v1alpha1.KeyServiceSpec{AWS: aws, RateLimit: v1alpha1.RateLimit{QPS: 1000, Burst: 1000}},
	}}
}

func withRole(aws *v1alpha1.AWSService) { aws.RoleARN = "arn:aws:iam::123456789012:role/operator" }

func withSecret(aws *v1alpha1.AWSService) {
	aws.CredentialsSecretRef = &v1alpha1.SecretReference{Name: "aws"}
}

// signInAt signs in at a service that refuses everything, and returns the authorization of each request.
func signInAt(t *testing.T, service *v1alpha1.ClusterKeyService) (asked []string, err error) {
	t.Helper()
	credentials := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: "accesskey-system", Name: "aws"}, Data: map[string][]byte{
		"access-key-id": []byte("AKIAOPERATOR"), "secret-access-key": []byte(geheim),
	}}
	c := fake.NewClientBuilder().WithScheme(newScheme()).WithObjects(credentials).Build()
	pool := &connect.Pool{
		Live: c, SecretVersions: c, ClusterNamespace: "accesskey-system", ResyncPeriod: time.Hour, Clock: clock.RealClock{},
		Transport: roundTripper(func(request *http.Request) (*http.Response, error) {
			asked = append(asked, request.URL.Host+" "+request.Header.Get("Authorization"))
			return &http.Response{StatusCode: http.StatusForbidden, Header: http.Header{}, Body: http.NoBody, Request: request}, nil
		}),
	}
	_, err = signIn(t.Context(), pool, service)
	return asked, err
}

// TestNobodySignsInAsTheOperatorWithAnIdentityOfTheirOwn: a service that the operator uses with the identity of its Pod is not asked at all.
func TestNobodySignsInAsTheOperatorWithAnIdentityOfTheirOwn(t *testing.T) {
	for name, environment := range ownIdentities(t) {
		t.Run(name, func(t *testing.T) {
			for variable, value := range environment {
				t.Setenv(variable, value)
			}
			for _, service := range []*v1alpha1.ClusterKeyService{awsService(), awsService(withRole)} {
				if asked, err := signInAt(t, service); !errors.Is(err, errPodIdentity) || len(asked) > 0 {
					t.Errorf("got %v, asked %q", err, asked)
				}
			}
			// With a Secret, it is the one of the operator.
			for _, service := range []*v1alpha1.ClusterKeyService{awsService(withSecret), awsService(withSecret, withRole)} {
				asked, err := signInAt(t, service)
				own := func(request string) bool { return !strings.Contains(request, "Credential=AKIAOPERATOR/") }
				if err == nil || len(asked) == 0 || slices.ContainsFunc(asked, own) {
					t.Errorf("got %v, asked %q", err, asked)
				}
			}
		})
	}
}

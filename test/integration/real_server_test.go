// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package integration

import (
	"context"
	"slices"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"accesskey.dev/operator/api/v1alpha1"
	"accesskey.dev/operator/test/s3"
	"accesskey.dev/operator/test/simulator"
)

// realServer is a key service that this project did not write: a server with an IAM API and an S3 server. Which keys exist and work is
// asked of the server itself.
type realServer struct {
	*s3.Recorder

	user     string
	endpoint string
	data     *s3.Client
	users    []string
}

// newRealServer returns a server to which it adds a user.
func newRealServer(ctx SpecContext, admin *s3.Admin, endpoint, user string) *realServer {
	GinkgoHelper()
	data, err := s3.NewClient(endpoint, admin.CA)
	Expect(err).NotTo(HaveOccurred())
	recorder, err := s3.NewRecorder(admin)
	Expect(err).NotTo(HaveOccurred())
	r := &realServer{Recorder: recorder, user: user, endpoint: endpoint, data: data}
	r.addUser(ctx, user)
	return r
}

// Valid reports whether the S3 server lets a pair list the bucket.
func (r *realServer) Valid(accessKeyID, secret string) bool {
	return r.opens(pair{accessKeyID, secret}) == ""
}

// opens lists the bucket with a pair, and returns the code with which the S3 server refuses it.
func (r *realServer) opens(p pair) (refused string) {
	GinkgoHelper()
	objects, err := r.data.List(context.Background(), s3.Pair{AccessKeyID: p.id, SecretAccessKey: p.secret})
	if code := s3.Code(err); code != "" {
		return code
	}
	Expect(err).NotTo(HaveOccurred())
	Expect(objects).To(ConsistOf(s3.Object))
	return ""
}

// History returns the pairs that were recorded. Those that the server does not list have ended, because some servers keep none.
func (r *realServer) History() []simulator.Pair {
	GinkgoHelper()
	listed := map[string]bool{}
	for _, user := range r.users {
		for _, key := range r.keys(user) {
			listed[key.ID] = true
		}
	}
	for _, known := range r.Core.LivePairs() {
		if !listed[known.ID] {
			r.End(known.ID, s3.Operator)
		}
	}
	return r.Core.History()
}

// LivePairs returns the pairs of the ledger that the server lists.
func (r *realServer) LivePairs() []simulator.Pair {
	GinkgoHelper()
	r.History()
	return r.Core.LivePairs()
}

// addUser creates a user whose keys open the bucket.
func (r *realServer) addUser(ctx context.Context, name string) {
	GinkgoHelper()
	Expect(r.AddUser(ctx, name)).To(Succeed())
	r.users = append(r.users, name)
}

// renameUser renames the server's user.
func (r *realServer) renameUser(ctx context.Context, newName string) {
	GinkgoHelper()
	Expect(r.RenameUser(ctx, r.user, newName)).To(Succeed())
	r.users[slices.Index(r.users, r.user)], r.user = newName, newName
}

// keys lists the keys of a user.
func (r *realServer) keys(user string) []s3.Key {
	GinkgoHelper()
	keys, err := r.Keys(context.Background(), user)
	Expect(err).NotTo(HaveOccurred())
	return keys
}

// makeKey creates a key of the server's user by hand.
func (r *realServer) makeKey() pair {
	GinkgoHelper()
	made, secret, err := r.MakeKey(r.user)
	Expect(err).NotTo(HaveOccurred())
	return pair{made.AccessKeyID, secret}
}

// service is the server as the world uses it, with its S3 server as the data plane.
func (r *realServer) service(changes ...func(*v1alpha1.AWSService)) other {
	return other{
		server: r,
		user:   r.user,
		secret: map[string]string{"access-key-id": r.Root.AccessKeyID, "secret-access-key": r.Root.SecretAccessKey},
		spec: func(spec *v1alpha1.KeyServiceSpec, url, secret string) {
			spec.AWS = &v1alpha1.AWSService{URL: url, CredentialsSecretRef: &v1alpha1.SecretReference{Name: secret}}
			for _, change := range changes {
				change(spec.AWS)
			}
			spec.S3 = &v1alpha1.S3{Endpoint: r.endpoint, Region: s3.Region, TLS: &v1alpha1.TLS{CABundle: string(r.CA)}}
		},
		overlap: true,
	}
}

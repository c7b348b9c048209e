// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package integration

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/xml"
	"io"
	"maps"
	"net/http"
	"net/http/httputil"
	"net/url"
	"sync"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"k8s.io/utils/clock"

	"accesskey.dev/operator/api/v1alpha1"
	"accesskey.dev/operator/test/s3"
	"accesskey.dev/operator/test/simulator"
)

// theOperator creates the keys that come through the proxy.
const theOperator = "the operator"

// realServer is a key service that this project did not write: a server with an IAM API and an S3 server, behind a proxy. The proxy
// counts the actions, meets faults as a simulator does, and records every pair that the operator creates. Which keys exist and work is
// asked of the server itself.
type realServer struct {
	*simulator.Core
	*s3.Admin

	user     string
	endpoint string
	data     *s3.Client
	proxy    *httputil.ReverseProxy

	mu      sync.Mutex
	actions map[string]int
	users   []string
	// hand are the keys that the spec created or deleted by hand.
	hand map[string]bool
}

// contextKey is the key of the original request in the context of a routed one.
type contextKey struct{}

// newRealServer returns a server to which it adds a user.
func newRealServer(ctx SpecContext, admin *s3.Admin, endpoint, user string) *realServer {
	GinkgoHelper()
	data, err := s3.NewClient(endpoint, admin.CA)
	Expect(err).NotTo(HaveOccurred())
	target, err := url.Parse(admin.URL)
	Expect(err).NotTo(HaveOccurred())
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(admin.CA)
	r := &realServer{
		Core: simulator.NewCore(clock.RealClock{}), Admin: admin, user: user, endpoint: endpoint, data: data,
		actions: map[string]int{}, hand: map[string]bool{},
	}
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}}
	DeferCleanup(transport.CloseIdleConnections)
	r.proxy = &httputil.ReverseProxy{
		Transport: transport,
		Rewrite: func(request *httputil.ProxyRequest) {
			request.SetURL(target)
			request.Out.Host = request.In.Host // which is signed
		},
		ModifyResponse: r.note,
	}
	r.Handle("/", func(w http.ResponseWriter, routed *http.Request) {
		w.Header().Del("Date") // the server sends its own
		r.proxy.ServeHTTP(w, routed.Context().Value(contextKey{}).(*http.Request))
	})
	r.addUser(ctx, user)
	return r
}

// ServeHTTP implements http.Handler. As at the simulator of AWS, rules of faults and Calls know a request by its action, such as
// "/CreateAccessKey".
func (r *realServer) ServeHTTP(w http.ResponseWriter, request *http.Request) {
	body, err := io.ReadAll(request.Body)
	if err != nil {
		return // the client has disconnected
	}
	form, _ := url.ParseQuery(string(body))
	action := form.Get("Action")
	r.mu.Lock()
	r.actions[action]++
	r.mu.Unlock()
	request.Body = io.NopCloser(bytes.NewReader(body))
	routed := request.WithContext(context.WithValue(request.Context(), contextKey{}, request))
	routed.URL, routed.Body = &url.URL{Path: "/" + action}, io.NopCloser(bytes.NewReader(body))
	r.Core.ServeHTTP(w, routed)
}

// note records the pair in an answer to CreateAccessKey.
func (r *realServer) note(response *http.Response) error {
	body, err := io.ReadAll(response.Body)
	response.Body = io.NopCloser(bytes.NewReader(body))
	var made struct {
		XMLName xml.Name `xml:"CreateAccessKeyResponse"`
		Key     struct {
			s3.Pair

			UserName string
		} `xml:"CreateAccessKeyResult>AccessKey"`
	}
	if xml.Unmarshal(body, &made) == nil {
		r.record(made.Key.UserName, theOperator, made.Key.Pair)
	}
	return err
}

func (r *realServer) record(user, by string, made s3.Pair) {
	id := made.AccessKeyID
	r.Record(simulator.Pair{ID: id, AccessKeyID: id, Owner: user, CreatedBy: by}, made.SecretAccessKey)
}

// Calls returns the number of requests of each action.
func (r *realServer) Calls() map[string]int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return maps.Clone(r.actions)
}

// ResetCalls sets all counts to zero.
func (r *realServer) ResetCalls() {
	r.mu.Lock()
	defer r.mu.Unlock()
	clear(r.actions)
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

// History returns the pairs of the ledger. Those that the server does not list any more have ended.
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
			by := theOperator
			if r.hand[known.ID] {
				by = simulator.Person
			}
			r.End(known.ID, by)
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

// keys lists the keys of a user.
func (r *realServer) keys(user string) []s3.Key {
	GinkgoHelper()
	keys, err := r.Keys(context.Background(), user)
	Expect(err).NotTo(HaveOccurred())
	return keys
}

// makeKey creates a key of the server's user by hand.
func (r *realServer) makeKey(ctx context.Context) pair {
	GinkgoHelper()
	made, err := r.MakeKey(ctx, r.user)
	Expect(err).NotTo(HaveOccurred())
	r.record(r.user, simulator.Person, made)
	return pair{made.AccessKeyID, made.SecretAccessKey}
}

// RemoveKey deletes a key of the server's user by hand.
func (r *realServer) RemoveKey(id string) bool {
	r.hand[id] = true
	return r.Admin.RemoveKey(context.Background(), r.user, id) == nil
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

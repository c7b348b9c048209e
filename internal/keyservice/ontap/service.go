// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package ontap

import (
	"context"
	"encoding/base64"
	"errors"
	"net/http"
	"net/url"
	"path"
	"strings"
	"sync/atomic"

	"accesskey.dev/operator/internal/keyservice"
	"accesskey.dev/operator/internal/keyservice/rest"
)

// Reasons of errors that a person has to act on.
const (
	// ReasonUserExists: an S3 user of that name exists, was not made by the operator, and has no free slot.
	ReasonUserExists = "UserExists"
	// ReasonSVMNotFound: the cluster has no such SVM, or none that the account may see, or it has no S3 server.
	ReasonSVMNotFound = "SVMNotFound"
	// ReasonVersionUnsupported: the cluster is older than the first version whose keys can end and be deleted.
	ReasonVersionUnsupported = "VersionUnsupported"
	// ReasonTTLUnsupported: the service does not allow keys to live that long, or without an end.
	ReasonTTLUnsupported = "TTLUnsupported"
	// ReasonApprovalRequired: the cluster did not carry out a change, because another administrator has to approve it
	// (multi-admin verification).
	ReasonApprovalRequired = "ApprovalRequired"
)

// Config says which SVM of which cluster to manage, and with which credentials.
type Config struct {
	// URL of the cluster's or the SVM's management interface: https and host, perhaps a port, nothing else.
	URL string
	// SVM is the name or the UUID of the SVM with the S3 server.
	SVM string
	// Username and Password of an ONTAP account with the application "http".
	Username string
	Password keyservice.Secret
	// HTTP is from rest.NewHTTPClient.
	HTTP *http.Client
	// Gate is shared by all clients with these credentials.
	Gate *rest.Gate
}

// Service is the S3 server of one SVM. Its methods take the names of S3 users.
type Service struct {
	client *rest.Client
	svm    string
	// cluster is what Connect last found out; nil before the first time.
	cluster atomic.Pointer[cluster]
	// unprobed is what Connect found out since the last Probe, so that the next one need not read it again.
	unprobed   atomic.Pointer[cluster]
	connecting rest.Flight[*cluster]
	users      userLocks
}

var (
	_ keyservice.Service       = (*Service)(nil)
	_ keyservice.AllLister     = (*Service)(nil)
	_ keyservice.Prober        = (*Service)(nil)
	_ keyservice.Connector     = (*Service)(nil)
	_ keyservice.Regenerator   = (*Service)(nil)
	_ keyservice.HandleChooser = (*Service)(nil)
	_ keyservice.Identifier    = (*Service)(nil)
)

// New checks the configuration and sends nothing. Its errors are of kind Invalid.
func New(config Config) (*Service, error) {
	client, err := newClient(config)
	if err != nil {
		return nil, &keyservice.Error{Kind: keyservice.Invalid, Op: "set up the ONTAP client", Err: err}
	}
	return &Service{client: client, svm: config.SVM}, nil
}

// newClient returns a client that sends requests with HTTP Basic authentication, which every ONTAP version has.
func newClient(config Config) (*rest.Client, error) {
	base, err := rest.BaseURL(config.URL, "https://cluster.example")
	if err != nil {
		return nil, err
	}
	// A value in a Secret often ends in a newline.
	username := strings.TrimRight(config.Username, "\r\n")
	password := strings.TrimRight(config.Password.Reveal(), "\r\n")
	switch {
	case config.HTTP == nil:
		return nil, errors.New("there is no HTTP client")
	case username == "" || password == "":
		return nil, errors.New("there is no username, or no password")
	case strings.Contains(username, ":"):
		return nil, errors.New("the username has a colon, which HTTP Basic authentication cannot carry")
	case !svmPattern.MatchString(config.SVM):
		return nil, errors.New("the SVM must be given by its name (letters, digits, '_', '-' and '.') or its UUID")
	}
	header := base64.StdEncoding.EncodeToString([]byte(username + ":" + password))
	return &rest.Client{
		Base: base, HTTP: config.HTTP, Redact: keyservice.NewRedactor(keyservice.Secret(header), keyservice.Secret(password)),
		Authorize: func(request *http.Request) { request.SetBasicAuth(username, password) },
		Gate:      config.Gate,
		Explain:   decodeProblem,
		Classify:  classify,
	}, nil
}

// Limits implements keyservice.Service. Before Connect they are those of a cluster with one key per user. There is no list
// lag: the calls are synchronous in every client of the vendor's, and a user is read from the cluster's one database.
func (s *Service) Limits() keyservice.Limits {
	return keyservice.Limits{KeysPerUser: s.cluster.Load().slots(), MaxTTL: maxTTL, ReusesIDs: true, DeletesUsers: true}
}

// Probe implements keyservice.Prober. It connects again, unless Connect was called since the last Probe, and proves that the
// account may see the users.
func (s *Service) Probe(ctx context.Context) (string, error) {
	connected := s.unprobed.Swap(nil)
	if connected == nil {
		var err error
		if connected, err = s.connect(ctx); err != nil {
			return "", err
		}
	}
	if _, _, err := s.page(ctx, connected, url.Values{"fields": {"name"}, "max_records": {"1"}}); err != nil {
		return "", err
	}
	return "ONTAP " + connected.version.String(), nil
}

// Identity implements keyservice.Identifier: "ontap/" and the UUIDs of the cluster and of the SVM. An account that is not
// shown the cluster's UUID gets the SVM's alone, which is unique by itself.
func (s *Service) Identity(ctx context.Context) (string, error) {
	connected, err := s.connected(ctx)
	if err != nil {
		return "", err
	}
	return strings.ToLower(path.Join("ontap", connected.uuid, connected.svm)), nil
}

// List implements keyservice.Service. A user that does not exist has no keys; Create makes the user.
func (s *Service) List(ctx context.Context, user string) ([]keyservice.Key, error) {
	if err := checkName(user); err != nil {
		return nil, readRequest(user).Fail(keyservice.Invalid, err)
	}
	connected, err := s.connected(ctx)
	if err != nil {
		return nil, err
	}
	found, err := s.read(ctx, connected, user)
	if err != nil || found == nil {
		return nil, err
	}
	return found.list(), nil
}

// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"accesskey.dev/operator/api/v1alpha1"
	"accesskey.dev/operator/test/services"
	"accesskey.dev/operator/test/simulator"
	"accesskey.dev/operator/test/simulator/admin"
)

// setting contains the settings of the command line.
type setting struct {
	host, s3Server, ontapVersion string
	qumuloUsers, iamS3Port       int
}

// service is a key service with the port of its API.
type service struct {
	services.Service

	port int
}

// running is a service that runs.
type running struct {
	*services.Account

	user services.User
	// s3 is the S3 server that its keys open, if it is another than that of the other services.
	s3    *admin.S3
	stops []func() error
}

func (r *running) stop() error {
	var errs []error
	for _, stop := range r.stops {
		errs = append(errs, stop())
	}
	return errors.Join(errs...)
}

// open creates a service and its users. The identities of the services and of their first users are the same in each run. Therefore
// manifests can contain the accounts, and a simulator that was restarted is the same service, which has lost its keys.
func (s service) open(ctx context.Context, is setting) (*running, error) {
	if s.Kind == "aws" && is.s3Server != "" {
		return startIAM(ctx, simulator.Address{Host: is.host, Port: is.iamS3Port}, is.s3Server)
	}
	open := s.Open
	if s.Kind == "ontap" {
		open = services.ONTAP(is.ontapVersion).Open
	}
	r := &running{Account: open(services.Options{Stable: true})}
	r.user = r.AddUser("backup")
	if s.Kind == "qumulo" {
		for i := range is.qumuloUsers {
			r.AddUser(fmt.Sprintf("user-%d", i))
		}
	}
	return r, nil
}

// run opens a service and serves its API. The caller must stop what it returns, also after an error.
func (s service) run(ctx context.Context, is setting) (*running, admin.Account, error) {
	r, err := s.open(ctx, is)
	if err != nil {
		return r, admin.Account{}, err
	}
	server, err := simulator.ServeAt(simulator.Address{Host: is.host, Port: s.port}, r.Server)
	if err != nil {
		return r, admin.Account{}, err
	}
	r.stops = append(r.stops, server.Close)
	fields, err := fields(r.Service, server.URL)
	return r, admin.Account{Spec: fields, CA: string(server.CA), Secret: r.user.Secret, User: r.user.Name, S3: r.s3}, err
}

// administrated returns what the admin endpoint can do with the service.
func (r *running) administrated() admin.Service {
	makeKey := func(name string) (simulator.Pair, string, error) {
		user := r.user // whose Owner matters where the keys belong to the user that signs in
		user.Name = name
		return r.MakeKey(user)
	}
	service := admin.Service{Name: r.Kind, Core: r.Core, Valid: r.Valid, MakeKey: makeKey, RemoveKey: r.RemoveKey}
	if counts, ok := r.Server.(interface {
		Use(accessKeyID, secret string) bool
	}); ok {
		service.Use = counts.Use
	}
	if disables, ok := r.Server.(interface{ SetActive(id string, active bool) }); ok {
		service.SetActive = disables.SetActive
	}
	return service
}

// fields returns the fields of a service in the spec of a KeyService that are text: all but the references to Secrets.
func fields(s services.Service, url string) (map[string]string, error) {
	var spec v1alpha1.KeyServiceSpec
	s.Spec(&spec, url, "")
	text, err := json.Marshal(spec)
	if err != nil {
		return nil, err
	}
	var byKind map[string]map[string]any
	if err := json.Unmarshal(text, &byKind); err != nil {
		return nil, err
	}
	fields := map[string]string{}
	for name, value := range byKind[s.Kind] {
		if text, ok := value.(string); ok {
			fields[name] = text
		}
	}
	return fields, nil
}

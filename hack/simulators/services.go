// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/json"
	"fmt"

	"accesskey.dev/operator/api/v1alpha1"
	"accesskey.dev/operator/test/services"
	"accesskey.dev/operator/test/simulator"
	"accesskey.dev/operator/test/simulator/admin"
)

// service is a key service, with the port of its simulator and the number of users in addition to backup.
type service struct {
	services.Service

	port, users int
}

// run serves the simulator and returns what the admin endpoint needs, and the account that it offers. The identities of the
// services and of their first users are the same in each run. Therefore manifests can contain the accounts, and a simulator that
// was restarted is the same service, which has lost its keys.
func (s service) run(host string) (*simulator.Server, admin.Service, admin.Account, error) {
	opened := s.Open(services.Options{Stable: true})
	user := opened.AddUser("backup")
	for i := range s.users {
		opened.AddUser(fmt.Sprintf("user-%d", i))
	}
	server, err := simulator.ServeAt(simulator.Address{Host: host, Port: s.port}, opened)
	if err != nil {
		return nil, admin.Service{}, admin.Account{}, fmt.Errorf("serving %s: %w", s.Title, err)
	}
	fields, err := s.fields(server.URL)
	return server, administrated(opened, user), admin.Account{Spec: fields, CA: string(server.CA), Secret: user.Secret, User: user.Name}, err
}

func administrated(opened *services.Account, first services.User) admin.Service {
	makeKey := func(name string) (simulator.Pair, string, error) {
		user := first // which tells the owner where the keys belong to the user that signs in
		user.Name = name
		return opened.MakeKey(user)
	}
	service := admin.Service{Name: opened.Kind, Core: opened.Core, Valid: opened.Valid, MakeKey: makeKey, RemoveKey: opened.RemoveKey}
	if counts, ok := opened.Server.(interface {
		Use(accessKeyID, secret string) bool
	}); ok {
		service.Use = counts.Use
	}
	if disables, ok := opened.Server.(interface{ SetActive(id string, active bool) }); ok {
		service.SetActive = disables.SetActive
	}
	return service
}

// fields returns the fields of the service in the spec of a KeyService that are text: all but the references to Secrets.
func (s service) fields(url string) (map[string]string, error) {
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

// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"time"

	"accesskey.dev/operator/test/simulator"
	"accesskey.dev/operator/test/simulator/admin"
	"accesskey.dev/operator/test/simulator/huawei"
	"accesskey.dev/operator/test/simulator/ionos"
	"accesskey.dev/operator/test/simulator/ontap"
	"accesskey.dev/operator/test/simulator/qumulo"
)

// setting is what the services have in common, and what the command line says of them.
type setting struct {
	clock        *admin.Clock
	ontapVersion string
	qumuloUsers  int
}

// service is one of the four, with how to start it.
type service struct {
	name, title string
	port        int
	start       func(setting) (admin.Service, admin.Account)
}

func services() []service {
	return []service{
		{name: "qumulo", title: "Qumulo Core", start: startQumulo},
		{name: "ionos", title: "IONOS Object Storage", start: startIONOS},
		{name: "huawei", title: "Huawei Cloud IAM", start: startHuawei},
		{name: "ontap", title: "NetApp ONTAP", start: startONTAP},
	}
}

// startQumulo has the local user backup and those that were asked for, and an access token that does not end.
func startQumulo(is setting) (admin.Service, admin.Account) {
	s := qumulo.New(qumulo.Options{Clock: is.clock})
	s.AddUser("backup")
	for i := range is.qumuloUsers {
		s.AddUser(fmt.Sprintf("user-%d", i))
	}
	return admin.Service{Core: s.Core, Valid: s.Valid, MakeKey: s.MakeKey, RemoveKey: s.RemoveKey},
		admin.Account{Spec: map[string]string{}, Secret: map[string]string{"token": s.AddToken(time.Time{})}, User: "local:backup"}
}

// startIONOS has one user, whose keys the token is for. Keys come and go as slowly as the real ones.
func startIONOS(is setting) (admin.Service, admin.Account) {
	const only = "operator"
	s := ionos.New(ionos.Options{Clock: is.clock, Provisioning: 2 * time.Second, Destroying: 2 * time.Second})
	token := s.AddUser(only)
	makeKey := func(string) (simulator.Pair, string, error) { return s.MakeKey(only, "made by hand") }
	return admin.Service{Core: s.Core, Valid: s.Valid, MakeKey: makeKey, RemoveKey: s.RemoveKey},
		admin.Account{Spec: map[string]string{}, Secret: map[string]string{"token": token}}
}

// startHuawei has the IAM user backup beside the operator's.
func startHuawei(is setting) (admin.Service, admin.Account) {
	s := huawei.New(huawei.Options{Clock: is.clock})
	return admin.Service{Core: s.Core, Valid: s.Valid, MakeKey: s.MakeKey, RemoveKey: s.RemoveKey}, admin.Account{
		Spec:   map[string]string{"domainID": huawei.DefaultDomainID},
		Secret: map[string]string{"access-key-id": huawei.DefaultAccessKeyID, "secret-access-key": huawei.DefaultSecretAccessKey},
		User:   s.AddUser("backup"),
	}
}

// startONTAP has no user but root: the operator makes them.
func startONTAP(is setting) (admin.Service, admin.Account) {
	s := ontap.New(ontap.Options{Clock: is.clock, Version: is.ontapVersion})
	makeKey := func(user string) (simulator.Pair, string, error) { return s.AddUser(user, "made by hand") }
	return admin.Service{Core: s.Core, Valid: s.Valid, MakeKey: makeKey, RemoveKey: s.RemoveKey}, admin.Account{
		Spec:   map[string]string{"svm": ontap.DefaultSVM},
		Secret: map[string]string{"username": ontap.DefaultUsername, "password": ontap.DefaultPassword},
		User:   "backup",
	}
}

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

// setting contains the settings of the command line.
type setting struct {
	ontapVersion string
	qumuloUsers  int
}

// service is a key service with a function that creates its simulator.
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

// startQumulo creates a cluster with the local user backup, the requested users and an access token that does not expire.
func startQumulo(is setting) (admin.Service, admin.Account) {
	s := qumulo.New(qumulo.Options{})
	s.AddUser("backup")
	for i := range is.qumuloUsers {
		s.AddUser(fmt.Sprintf("user-%d", i))
	}
	return admin.Service{Core: s.Core, Valid: s.Valid, MakeKey: s.MakeKey, RemoveKey: s.RemoveKey},
		admin.Account{Spec: map[string]string{}, Secret: map[string]string{"token": s.AddToken(time.Time{})}, User: "local:backup"}
}

// startIONOS creates a service with a single user. Creating and deleting keys takes time, as at the real service.
func startIONOS(setting) (admin.Service, admin.Account) {
	const only = "operator"
	s := ionos.New(ionos.Options{Provisioning: 2 * time.Second, Destroying: 2 * time.Second})
	token := s.AddUser(only)
	makeKey := func(string) (simulator.Pair, string, error) { return s.MakeKey(only, "made by hand") }
	return admin.Service{Core: s.Core, Valid: s.Valid, MakeKey: makeKey, RemoveKey: s.RemoveKey},
		admin.Account{Spec: map[string]string{}, Secret: map[string]string{"token": token}}
}

// startHuawei creates an account with the IAM user backup.
func startHuawei(setting) (admin.Service, admin.Account) {
	s := huawei.New(huawei.Options{})
	service := admin.Service{Core: s.Core, Valid: s.Valid, MakeKey: s.MakeKey, RemoveKey: s.RemoveKey, Use: s.Use, SetActive: s.SetActive}
	return service, admin.Account{
		Spec:   map[string]string{"domainID": huawei.DefaultDomainID},
		Secret: map[string]string{"access-key-id": huawei.DefaultAccessKeyID, "secret-access-key": huawei.DefaultSecretAccessKey},
		User:   s.AddUser("backup"),
	}
}

// startONTAP creates a cluster without users except root, because the operator creates them.
func startONTAP(is setting) (admin.Service, admin.Account) {
	s := ontap.New(ontap.Options{Version: is.ontapVersion})
	makeKey := func(user string) (simulator.Pair, string, error) { return s.AddUser(user, "made by hand") }
	return admin.Service{Core: s.Core, Valid: s.Valid, MakeKey: makeKey, RemoveKey: s.RemoveKey}, admin.Account{
		Spec:   map[string]string{"svm": ontap.DefaultSVM},
		Secret: map[string]string{"username": ontap.DefaultUsername, "password": ontap.DefaultPassword},
		User:   "backup",
	}
}

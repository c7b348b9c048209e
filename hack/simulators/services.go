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

// The identities of the services and of their users are the same in each run. Therefore manifests can contain the accounts, and a
// simulator that was restarted is the same service, which has lost its keys.
const (
	qumuloCluster = "7d5c1a2e-9a1b-4c53-8f0e-2d6b7c8e9f10"
	ontapCluster  = "1cd8a442-86d1-11e0-ae1c-123478563412"
	ionosUser     = "3f6c1d9a-0b7e-4a35-9c58-6e2d4b1a7f80"
	huaweiUser    = "07609fb9358010e21f7bc003751c7c32"
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

// startQumulo creates a cluster with the local user backup, the requested users and an access token that does not expire. The
// account of the administrator, which can log in with its password, is always the same.
func startQumulo(is setting) (admin.Service, admin.Account) {
	s := qumulo.New(qumulo.Options{ClusterID: qumuloCluster})
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
	token := s.AddUserWithToken(only, ionosUser, "the signature of a simulator")
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
		User:   s.AddUserWithID(huaweiUser, "backup"),
	}
}

// startONTAP creates a cluster without users except root, because the operator creates them.
func startONTAP(is setting) (admin.Service, admin.Account) {
	s := ontap.New(ontap.Options{Version: is.ontapVersion, UUID: ontapCluster})
	makeKey := func(user string) (simulator.Pair, string, error) { return s.AddUser(user, "made by hand") }
	return admin.Service{Core: s.Core, Valid: s.Valid, MakeKey: makeKey, RemoveKey: s.RemoveKey}, admin.Account{
		Spec:   map[string]string{"svm": ontap.DefaultSVM},
		Secret: map[string]string{"username": ontap.DefaultUsername, "password": ontap.DefaultPassword},
		User:   "backup",
	}
}

// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package connect

import (
	"net/http"

	"k8s.io/utils/clock"

	"accesskey.dev/operator/api/v1alpha1"
	"accesskey.dev/operator/internal/keyservice"
	"accesskey.dev/operator/internal/keyservice/huawei"
	"accesskey.dev/operator/internal/keyservice/ionos"
	"accesskey.dev/operator/internal/keyservice/ontap"
	"accesskey.dev/operator/internal/keyservice/qumulo"
	"accesskey.dev/operator/internal/keyservice/rest"
)

// input is what a backend needs to connect.
type input struct {
	spec    *v1alpha1.KeyServiceSpec
	secrets secrets
	// ownIdentity: the spec may use the identity of the operator's Pod.
	ownIdentity bool
	client      *http.Client
	gate        *rest.Gate
	clock       clock.PassiveClock
}

func connectQumulo(in input) (keyservice.Service, error) {
	config := qumulo.Config{URL: in.spec.Qumulo.URL, HTTP: in.client, Gate: in.gate}
	var err error
	switch q := in.spec.Qumulo; {
	case q.TokenSecretRef != nil:
		config.Token, err = in.secrets.credential(q.TokenSecretRef.Name, q.TokenSecretRef.Key)
	case q.LoginSecretRef != nil:
		config.Username, config.Password, err = in.secrets.pair(q.LoginSecretRef.Name, "username", "password")
	}
	if err != nil {
		return nil, err
	}
	return qumulo.New(config)
}

func connectIONOS(in input) (keyservice.Service, error) {
	token, err := in.secrets.credential(in.spec.IONOS.TokenSecretRef.Name, in.spec.IONOS.TokenSecretRef.Key)
	if err != nil {
		return nil, err
	}
	return ionos.New(ionos.Config{URL: in.spec.IONOS.URL, Token: token, HTTP: in.client, Gate: in.gate})
}

func connectHuawei(in input) (keyservice.Service, error) {
	id, secret, err := in.secrets.pair(in.spec.Huawei.CredentialsSecretRef.Name, "access-key-id", "secret-access-key")
	if err != nil {
		return nil, err
	}
	return huawei.New(huawei.Config{
		URL:             in.spec.Huawei.URL,
		DomainID:        in.spec.Huawei.DomainID,
		AccessKeyID:     id,
		SecretAccessKey: secret,
		HTTP:            in.client,
		Gate:            in.gate,
		Now:             in.clock.Now,
	})
}

func connectONTAP(in input) (keyservice.Service, error) {
	username, password, err := in.secrets.pair(in.spec.ONTAP.CredentialsSecretRef.Name, "username", "password")
	if err != nil {
		return nil, err
	}
	return ontap.New(ontap.Config{
		URL:      in.spec.ONTAP.URL,
		SVM:      in.spec.ONTAP.SVM,
		Username: username,
		Password: password,
		HTTP:     in.client,
		Gate:     in.gate,
	})
}

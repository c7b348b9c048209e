// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package ontap

import (
	"encoding/base64"
	"errors"
	"net/http"
	"strings"

	"accesskey.dev/operator/internal/keyservice"
	"accesskey.dev/operator/internal/keyservice/rest"
)

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
	}
	header := base64.StdEncoding.EncodeToString([]byte(username + ":" + password))
	return &rest.Client{
		Base: base, HTTP: config.HTTP, Redact: keyservice.NewRedactor(keyservice.Secret(header), keyservice.Secret(password)),
		Authorize: func(request *http.Request) { request.SetBasicAuth(username, password) },
		Explain:   decodeProblem,
		Classify:  classify,
	}, nil
}

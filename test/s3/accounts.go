// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package s3

import (
	"net"
	"net/http"
	"time"

	"accesskey.dev/operator/test/simulator"
)

// accountsBucket is the bucket in which versitygw looks for its accounts. versitygw can keep them in an object of another S3
// server. With its cache disabled, it reads the object for each request.
const accountsBucket = "accounts"

// account is an account of versitygw. An administrator may use every bucket.
type account struct {
	Access string `json:"access"`
	Secret string `json:"secret"`
	Role   string `json:"role"`
}

// serveAccounts serves the object with the accounts and returns the URL of the S3 server that seems to hold it.
func (s *Server) serveAccounts(keys func() map[string]string) (string, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /"+accountsBucket+"/users.json", func(w http.ResponseWriter, _ *http.Request) {
		accounts := map[string]account{}
		for id, secret := range keys() {
			accounts[id] = account{Access: id, Secret: secret, Role: "admin"}
		}
		simulator.WriteJSON(w, http.StatusOK, map[string]any{"accessAccounts": accounts})
	})
	s.accounts = &http.Server{Handler: mux, ReadHeaderTimeout: time.Minute}
	go func() { _ = s.accounts.Serve(listener) }() // returns after Close
	return "http://" + listener.Addr().String(), nil
}

// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"crypto/tls"
	"flag"
	"fmt"
	"os"
	"path/filepath"

	"github.com/prometheus/client_golang/prometheus"
	"sigs.k8s.io/controller-runtime/pkg/metrics/filters"
	metricsserver "sigs.k8s.io/controller-runtime/pkg/metrics/server"

	"accesskey.dev/operator/internal/controller"
)

// collectors returns the metrics that the operator adds to those of controller-runtime, except for those that it computes from its
// cache once it is the leader.
func collectors() []prometheus.Collector { return append(controller.Collectors(), buildInfo()) }

// metricsOptions are the flags of the metrics endpoint, with kubebuilder's names.
type metricsOptions struct {
	address  string
	secure   bool
	certPath string
	certName string
	certKey  string
}

func (o *metricsOptions) bind(flags *flag.FlagSet) {
	flags.StringVar(&o.address, "metrics-bind-address", "0", "Address of the metrics endpoint, such as :8443; 0 for none.")
	flags.BoolVar(&o.secure, "metrics-secure", true, "Serve metrics by HTTPS, and only to clients whose token may get /metrics. If false, by HTTP to everyone.")
	flags.StringVar(&o.certPath, "metrics-cert-path", "", "Directory with the certificate of the metrics endpoint, which is read again when it changes. Empty for a self-signed certificate.")
	flags.StringVar(&o.certName, "metrics-cert-name", "tls.crt", "File name of the certificate in --metrics-cert-path.")
	flags.StringVar(&o.certKey, "metrics-cert-key", "tls.key", "File name of the private key in --metrics-cert-path.")
}

// check returns an error if the certificate is missing. The endpoint would otherwise have a self-signed one, which nobody asked for.
func (o *metricsOptions) check() error {
	if o.certPath == "" || !o.secure {
		return nil
	}
	for _, name := range []string{o.certName, o.certKey} {
		if _, err := os.Stat(filepath.Join(o.certPath, name)); err != nil {
			return fmt.Errorf("--metrics-cert-path has no certificate for the metrics endpoint: %w", err)
		}
	}
	return nil
}

func (o *metricsOptions) server() metricsserver.Options {
	server := metricsserver.Options{BindAddress: o.address}
	if !o.secure {
		return server
	}
	server.SecureServing, server.FilterProvider = true, filters.WithAuthenticationAndAuthorization
	server.CertDir, server.CertName, server.KeyName = o.certPath, o.certName, o.certKey
	server.TLSOpts = []func(*tls.Config){withoutHTTP2}
	return server
}

// withoutHTTP2 turns off HTTP/2, whose streams a client can use to overload a server (CVE-2023-44487, CVE-2023-39325).
func withoutHTTP2(config *tls.Config) { config.NextProtos = []string{"http/1.1"} }

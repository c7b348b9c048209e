// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Package connect turns the spec of a KeyService into a connected Service. It is the only package that knows both Kubernetes
// and the backends.
package connect

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"k8s.io/utils/clock"

	"accesskey.dev/operator/api/v1alpha1"
	"accesskey.dev/operator/internal/keyservice"
	"accesskey.dev/operator/internal/keyservice/rest"
	"accesskey.dev/operator/internal/telemetry"
	"accesskey.dev/operator/internal/verify"
)

// Collectors are the metrics of all key services, for the manager's registry.
func Collectors() []prometheus.Collector { return rest.Collectors() }

// Error says what is wrong with a KeyService or its Secrets. Reason is the reason of a condition.
type Error struct {
	Reason string
	Err    error
}

// Error implements error.
func (e *Error) Error() string { return e.Err.Error() }

// Unwrap implements errors.Unwrap.
func (e *Error) Unwrap() error { return e.Err }

// backend is one kind of key service.
type backend struct {
	name string
	// selected reports whether the spec names this service.
	selected func(*v1alpha1.KeyServiceSpec) bool
	// connect blames the KeyService for an error that is not an *Error.
	connect func(input) (keyservice.Service, error)
}

var backends = []backend{
	{"qumulo", func(spec *v1alpha1.KeyServiceSpec) bool { return spec.Qumulo != nil }, connectQumulo},
	{"ionos", func(spec *v1alpha1.KeyServiceSpec) bool { return spec.IONOS != nil }, connectIONOS},
	{"huawei", func(spec *v1alpha1.KeyServiceSpec) bool { return spec.Huawei != nil }, connectHuawei},
	{"ontap", func(spec *v1alpha1.KeyServiceSpec) bool { return spec.ONTAP != nil }, connectONTAP},
	{"aws", func(spec *v1alpha1.KeyServiceSpec) bool { return spec.AWS != nil }, connectAWS},
}

// endpoint is what a Service is made of beside the spec and its Secrets.
type endpoint struct {
	clock clock.PassiveClock
	// service is the service's clock.
	service *keyservice.ServiceClock
	gate    *rest.Gate
	// ownIdentity: the spec may use the identity of the operator's Pod.
	ownIdentity bool
	// base carries the requests; nil for TLS over TCP.
	base http.RoundTripper
}

// connect makes a Service and its HTTP client from the spec and its Secrets. It sends nothing to the service.
func connect(spec *v1alpha1.KeyServiceSpec, material secrets, to endpoint) (keyservice.Service, *http.Client, error) {
	i := slices.IndexFunc(backends, func(b backend) bool { return b.selected(spec) })
	if i < 0 {
		return nil, nil, &Error{v1alpha1.ReasonKeyServiceInvalid, errors.New("the spec names no key service that this operator knows")}
	}
	config, err := transportConfig(spec, spec.TLS, material)
	if err != nil {
		return nil, nil, err
	}
	config.Backend, config.Timeout, config.Clock, config.Base = backends[i].name, timeoutOf(spec), to.service, to.base
	httpClient, err := rest.NewHTTPClient(config)
	if err != nil {
		return nil, nil, &Error{v1alpha1.ReasonKeyServiceInvalid, err}
	}
	service, err := backends[i].connect(input{spec, material, to.ownIdentity, httpClient, to.gate, to.clock})
	if _, blamed := errors.AsType[*Error](err); err != nil && !blamed {
		return nil, nil, &Error{v1alpha1.ReasonKeyServiceInvalid, err}
	}
	return service, httpClient, err
}

// connectDataPlane makes the client of the data plane; nil if the spec has none. It sends nothing.
func connectDataPlane(spec *v1alpha1.KeyServiceSpec, material secrets, to endpoint) (*verify.DataPlane, error) {
	if spec.S3 == nil {
		return nil, nil
	}
	config, err := transportConfig(spec, spec.DataPlaneTLS(), material)
	if err != nil {
		return nil, err
	}
	config.Backend, config.Timeout, config.Base = "s3", verify.Timeout, to.base
	httpClient, err := rest.NewHTTPClient(config)
	if err != nil {
		return nil, &Error{v1alpha1.ReasonKeyServiceInvalid, fmt.Errorf("s3: %w", err)}
	}
	// A data plane compares the time of a request with the real time, also where a test moves the operator's clock.
	dataPlane, err := verify.New(verify.Config{Endpoint: spec.S3.Endpoint, Region: spec.S3.Region, HTTP: httpClient, Now: clock.RealClock{}.Now})
	if err != nil {
		return nil, &Error{v1alpha1.ReasonKeyServiceInvalid, err}
	}
	return dataPlane, nil
}

// transportConfig returns what the spec says about connections.
func transportConfig(spec *v1alpha1.KeyServiceSpec, trust *v1alpha1.TLS, material secrets) (rest.TransportConfig, error) {
	config := rest.TransportConfig{QPS: float64(spec.RateLimit.QPS), Burst: int(spec.RateLimit.Burst), Trace: telemetry.ServiceCall}
	if trust == nil {
		return config, nil
	}
	config.ServerName = trust.ServerName
	config.InsecureSkipVerify = trust.InsecureSkipVerify != nil && *trust.InsecureSkipVerify
	if trust.CABundle != "" {
		config.CABundle = []byte(trust.CABundle)
	}
	if ref := trust.CA(); ref != nil {
		ca, err := material.authority(ref)
		if err != nil {
			return config, err
		}
		config.CABundle = []byte(ca)
	}
	return config, nil
}

// timeoutOf returns the timeout of a request.
func timeoutOf(spec *v1alpha1.KeyServiceSpec) time.Duration {
	if spec.Timeout == nil || spec.Timeout.Duration <= 0 {
		return rest.Timeout
	}
	return spec.Timeout.Duration
}

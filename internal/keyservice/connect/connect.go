// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Package connect turns the spec of a KeyService into a connected Service. It is the only package that knows both Kubernetes
// and the backends.
package connect

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/prometheus/client_golang/prometheus"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/utils/clock"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"accesskey.dev/operator/api/v1alpha1"
	"accesskey.dev/operator/internal/keyservice"
	"accesskey.dev/operator/internal/keyservice/rest"
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
}

// connect makes a Service from the spec and its Secrets. It sends nothing to the service.
func connect(spec *v1alpha1.KeyServiceSpec, material secrets, clock clock.PassiveClock, serviceClock *keyservice.ServiceClock, base http.RoundTripper) (keyservice.Service, error) {
	i := slices.IndexFunc(backends, func(b backend) bool { return b.selected(spec) })
	if i < 0 {
		return nil, &Error{v1alpha1.ReasonKeyServiceInvalid, errors.New("the spec names no key service that this operator knows")}
	}
	config := rest.TransportConfig{Backend: backends[i].name, QPS: float64(spec.RateLimit.QPS), Burst: int(spec.RateLimit.Burst), Clock: serviceClock, Base: base}
	if spec.TLS != nil {
		config.InsecureSkipVerify = spec.TLS.InsecureSkipVerify != nil && *spec.TLS.InsecureSkipVerify
		if spec.TLS.CABundle != "" {
			config.CABundle = []byte(spec.TLS.CABundle)
		}
		if ref := spec.TLS.CASecretRef; ref != nil {
			ca, err := material.value(ref.Name, ref.Key)
			if err != nil {
				return nil, err
			}
			config.CABundle = []byte(ca.Reveal())
		}
	}
	httpClient, err := rest.NewHTTPClient(config)
	if err != nil {
		return nil, &Error{v1alpha1.ReasonKeyServiceInvalid, err}
	}
	service, err := backends[i].connect(input{spec, material, httpClient, clock})
	if _, blamed := errors.AsType[*Error](err); err != nil && !blamed {
		return nil, &Error{v1alpha1.ReasonKeyServiceInvalid, err}
	}
	return service, err
}

// secrets are the Secrets of one KeyService by name.
type secrets struct {
	namespace string
	byName    map[string]*corev1.Secret
}

func readSecrets(ctx context.Context, reader client.Reader, spec *v1alpha1.KeyServiceSpec, namespace string) (secrets, error) {
	found := secrets{namespace: namespace, byName: map[string]*corev1.Secret{}}
	for _, name := range spec.SecretNames() {
		if len(validation.IsDNS1123Subdomain(name)) > 0 {
			continue // no Secret can have this name, and a name must not become another path
		}
		secret := &corev1.Secret{}
		err := reader.Get(ctx, types.NamespacedName{Namespace: namespace, Name: name}, secret)
		if apierrors.IsNotFound(err) {
			continue // value reports the reference
		}
		if err != nil {
			return secrets{}, fmt.Errorf("reading Secret %s/%s: %w", namespace, name, err)
		}
		found.byName[name] = secret
	}
	return found, nil
}

// digest changes with the data of the Secrets, and not with their metadata.
func (s secrets) digest() string {
	hash := sha256.New()
	for _, name := range slices.Sorted(maps.Keys(s.byName)) {
		for _, key := range slices.Sorted(maps.Keys(s.byName[name].Data)) {
			_, _ = fmt.Fprintf(hash, "%q %q %q ", name, key, s.byName[name].Data[key]) // never fails
		}
	}
	return hex.EncodeToString(hash.Sum(nil))
}

// value returns the value of a key of a Secret, without the line break that an editor leaves at the end.
func (s secrets) value(name, key string) (keyservice.Secret, error) {
	secret, ok := s.byName[name]
	if !ok {
		return "", &Error{v1alpha1.ReasonCredentialsNotFound, fmt.Errorf("Secret %s/%s does not exist; create it with the key %s", s.namespace, name, key)} //nolint:staticcheck // Secret is a kind
	}
	if !allowed(secret.Type, key) {
		return "", &Error{v1alpha1.ReasonKeyServiceInvalid, fmt.Errorf("Secret %s/%s is of type %s, whose %s is not for a key service; put the credentials into a Secret of their own", s.namespace, name, secret.Type, key)} //nolint:staticcheck // Secret is a kind
	}
	value := strings.TrimRight(string(secret.Data[key]), "\r\n")
	if value == "" {
		return "", &Error{v1alpha1.ReasonCredentialsNotFound, fmt.Errorf("Secret %s/%s has no key %s, or it is empty; add it", s.namespace, name, key)} //nolint:staticcheck // Secret is a kind
	}
	return keyservice.Secret(value), nil
}

// allowed reports whether a Secret of this type may be sent to a key service. A user who may create KeyServices but not read
// Secrets could have a credential sent to their own server. The credentials in Kubernetes' own types are worth more than those
// of a key service.
func allowed(secretType corev1.SecretType, key string) bool {
	switch secretType {
	case corev1.SecretTypeBasicAuth:
		return true
	case corev1.SecretTypeTLS:
		return key != corev1.TLSPrivateKeyKey
	default:
		return !strings.Contains(string(secretType), "kubernetes.io/")
	}
}

// pair returns the values of two keys of a Secret: a name and the secret that proves it.
func (s secrets) pair(name, publicKey, secretKey string) (public string, secret keyservice.Secret, err error) {
	first, err := s.value(name, publicKey)
	if err != nil {
		return "", "", err
	}
	secret, err = s.value(name, secretKey)
	return first.Reveal(), secret, err
}

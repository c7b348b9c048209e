// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package connect

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/validation"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"accesskey.dev/operator/api/v1alpha1"
	"accesskey.dev/operator/internal/keyservice"
)

// byteOrderMark is what some editors of Windows write at the beginning of a file.
const byteOrderMark = "\ufeff"

// secrets are the Secrets of one KeyService and the ConfigMaps with its certificates, by name.
type secrets struct {
	namespace  string
	byName     map[string]*corev1.Secret
	configMaps map[string]*corev1.ConfigMap
}

func readSecrets(ctx context.Context, reader client.Reader, spec *v1alpha1.KeyServiceSpec, namespace string) (secrets, error) {
	found := secrets{namespace: namespace, byName: map[string]*corev1.Secret{}, configMaps: map[string]*corev1.ConfigMap{}}
	for _, name := range spec.SecretNames() {
		secret := &corev1.Secret{}
		exists, err := read(ctx, reader, types.NamespacedName{Namespace: namespace, Name: name}, secret)
		if err != nil {
			return secrets{}, fmt.Errorf("reading Secret %s/%s: %w", namespace, name, err)
		}
		if exists {
			found.byName[name] = secret
		}
	}
	for _, ca := range spec.CAs() {
		if ca.Kind != v1alpha1.CAConfigMap {
			continue
		}
		certificates := &corev1.ConfigMap{}
		exists, err := read(ctx, reader, types.NamespacedName{Namespace: namespace, Name: ca.Name}, certificates)
		if err != nil {
			return secrets{}, fmt.Errorf("reading ConfigMap %s/%s: %w", namespace, ca.Name, err)
		}
		if exists {
			found.configMaps[ca.Name] = certificates
		}
	}
	return found, nil
}

// read reads an object, and reports whether it exists.
func read(ctx context.Context, reader client.Reader, name types.NamespacedName, object client.Object) (exists bool, err error) {
	if len(validation.IsDNS1123Subdomain(name.Name)) > 0 {
		return false, nil // no object can have this name, and a name must not become another path
	}
	err = reader.Get(ctx, name, object)
	return err == nil, client.IgnoreNotFound(err)
}

// digest changes with the data of the Secrets and the ConfigMaps, and not with their metadata.
func (s secrets) digest() string {
	hash := sha256.New()
	for _, name := range slices.Sorted(maps.Keys(s.byName)) {
		for _, key := range slices.Sorted(maps.Keys(s.byName[name].Data)) {
			_, _ = fmt.Fprintf(hash, "%q %q %q ", name, key, s.byName[name].Data[key]) // never fails
		}
	}
	for _, name := range slices.Sorted(maps.Keys(s.configMaps)) {
		for _, key := range slices.Sorted(maps.Keys(s.configMaps[name].Data)) {
			_, _ = fmt.Fprintf(hash, "ConfigMap %q %q %q ", name, key, s.configMaps[name].Data[key])
		}
	}
	return hex.EncodeToString(hash.Sum(nil))
}

// authority returns the PEM certificates to which a spec refers.
func (s secrets) authority(ref *v1alpha1.CASource) (string, error) {
	if ref.Kind == v1alpha1.CASecret {
		value, err := s.value(ref.Name, ref.Key)
		return value.Reveal(), err
	}
	certificates := s.configMaps[ref.Name]
	if certificates == nil {
		return "", notFound("ConfigMap %s/%s does not exist; create it with the key %s", s.namespace, ref.Name, ref.Key)
	}
	value := certificates.Data[ref.Key]
	if value == "" {
		return "", notFound("ConfigMap %s/%s has no key %s, or it is empty; add it", s.namespace, ref.Name, ref.Key)
	}
	return strings.TrimPrefix(value, byteOrderMark), nil
}

// value returns the value of a key of a Secret, without what an editor leaves around it: a byte order mark, and line breaks at
// the end.
func (s secrets) value(name, key string) (keyservice.Secret, error) {
	secret, ok := s.byName[name]
	if !ok {
		return "", notFound("Secret %s/%s does not exist; create it with the key %s", s.namespace, name, key)
	}
	if !allowed(secret.Type, key) {
		return "", invalid("Secret %s/%s is of type %s, whose %s is not for a key service; put the credentials into a Secret of their own", s.namespace, name, secret.Type, key)
	}
	value := strings.TrimRight(strings.TrimPrefix(string(secret.Data[key]), byteOrderMark), "\r\n")
	if value == "" {
		return "", notFound("Secret %s/%s has no key %s, or it is empty; add it", s.namespace, name, key)
	}
	return keyservice.Secret(value), nil
}

// credential returns a value with which the operator signs in. One that a person cannot have meant is not sent, because each
// refusal brings the account nearer to being locked.
func (s secrets) credential(name, key string) (keyservice.Secret, error) {
	value, err := s.value(name, key)
	if err != nil {
		return "", err
	}
	var problem string
	switch text := value.Reveal(); {
	case !utf8.ValidString(text):
		problem = "is not UTF-8 text; save the file as UTF-8 (PowerShell writes UTF-16 by default)"
	case strings.TrimFunc(text, blank) != text:
		problem = "begins or ends with a blank; remove it"
	case strings.ContainsFunc(text, unicode.IsControl):
		problem = "contains a line break or another control character; remove it"
	default:
		return value, nil
	}
	return "", invalid("the value of key %s in Secret %s/%s %s (nothing was sent to the service)", key, s.namespace, name, problem)
}

// blank reports whether a character cannot be seen: white space, a byte order mark, or a character without width.
func blank(r rune) bool {
	return unicode.IsSpace(r) || r == '\ufeff' || r == '\u200b' || r == '\u2060'
}

// pair returns the values of two keys of a Secret: a name and the secret that proves it.
func (s secrets) pair(name, publicKey, secretKey string) (public string, secret keyservice.Secret, err error) {
	first, err := s.credential(name, publicKey)
	if err != nil {
		return "", "", err
	}
	secret, err = s.credential(name, secretKey)
	return first.Reveal(), secret, err
}

// has reports whether a Secret exists and has a key.
func (s secrets) has(name, key string) bool {
	secret, ok := s.byName[name]
	return ok && len(secret.Data[key]) > 0
}

func notFound(format string, args ...any) error {
	return &Error{v1alpha1.ReasonCredentialsNotFound, fmt.Errorf(format, args...)}
}

func invalid(format string, args ...any) error {
	return &Error{v1alpha1.ReasonKeyServiceInvalid, fmt.Errorf(format, args...)}
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

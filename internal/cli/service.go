// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"accesskey.dev/operator/api/v1alpha1"
	"accesskey.dev/operator/internal/keyservice/connect"
)

// defaultOperatorNamespace is where the manifests install the operator.
const defaultOperatorNamespace = "accesskey-system"

// serviceArgument is the key service of a command: its name, and the flags about it.
type serviceArgument struct {
	cluster           bool
	operatorNamespace string
}

const serviceNotation = `SERVICE is the name of a KeyService in the namespace. A ClusterKeyService is named with --cluster, or as clusterkeyservice/NAME.`

func (a *serviceArgument) addFlags(command *cobra.Command) {
	command.Flags().BoolVar(&a.cluster, "cluster", false, "SERVICE is a ClusterKeyService.")
	command.Flags().StringVar(&a.operatorNamespace, "operator-namespace", defaultOperatorNamespace, "Namespace of the operator, which has the Secrets of ClusterKeyServices.")
}

// reference reads SERVICE: a name, or a kind and a name.
func (a *serviceArgument) reference(argument string) (v1alpha1.ServiceReference, error) {
	kind, name, both := strings.Cut(argument, "/")
	switch {
	case !both:
		name, kind = argument, "keyservice"
		if a.cluster {
			kind = "clusterkeyservice"
		}
	case a.cluster:
		return v1alpha1.ServiceReference{}, usageError("SERVICE is %q: give its kind or --cluster, not both", argument)
	}
	kinds := map[string][]string{
		v1alpha1.KindKeyService:        {"keyservice", "keyservices", "keyservices.accesskey.dev", "ks"},
		v1alpha1.KindClusterKeyService: {"clusterkeyservice", "clusterkeyservices", "clusterkeyservices.accesskey.dev", "cks"},
	}
	for found, spellings := range kinds {
		if slices.Contains(spellings, strings.ToLower(kind)) {
			return v1alpha1.ServiceReference{Kind: found, Name: name}, checkName(found, name)
		}
	}
	return v1alpha1.ServiceReference{}, usageError("SERVICE is %q: it must be NAME, keyservice/NAME or clusterkeyservice/NAME", argument)
}

// open connects to the API server, and reads the key service that SERVICE names.
func (s *session) open(ctx context.Context, name string, a *serviceArgument) (client.WithWatch, v1alpha1.GenericKeyService, error) {
	ref, err := a.reference(name)
	if err != nil {
		return nil, nil, err
	}
	c, err := s.client()
	if err != nil {
		return nil, nil, err
	}
	service, err := s.keyService(ctx, c, ref)
	return c, service, err
}

// keyService reads the key service of a reference.
func (s *session) keyService(ctx context.Context, c client.Client, ref v1alpha1.ServiceReference) (v1alpha1.GenericKeyService, error) {
	if ref.Kind == v1alpha1.KindClusterKeyService {
		service := &v1alpha1.ClusterKeyService{}
		err := c.Get(ctx, client.ObjectKey{Name: ref.Name}, service)
		if apierrors.IsNotFound(err) {
			return nil, fmt.Errorf("there is no ClusterKeyService %s; see kubectl get clusterkeyservices", ref.Name)
		}
		return service, err
	}
	namespace, err := s.namespace()
	if err != nil {
		return nil, err
	}
	service := &v1alpha1.KeyService{}
	err = c.Get(ctx, client.ObjectKey{Namespace: namespace, Name: ref.Name}, service)
	if apierrors.IsNotFound(err) {
		return nil, fmt.Errorf("there is no KeyService %s in namespace %s; choose another --namespace, or --cluster for a ClusterKeyService", ref.Name, namespace)
	}
	return service, err
}

// referenceTo returns the reference to a key service.
func referenceTo(service v1alpha1.GenericKeyService) v1alpha1.ServiceReference {
	if service.GetNamespace() == "" {
		return v1alpha1.ServiceReference{Kind: v1alpha1.KindClusterKeyService, Name: service.GetName()}
	}
	return v1alpha1.ServiceReference{Kind: v1alpha1.KindKeyService, Name: service.GetName()}
}

// pool returns a pool that connects with the user's own rights.
func (s *session) pool(c client.Client, operatorNamespace string) *connect.Pool {
	return &connect.Pool{Live: c, SecretVersions: c, ClusterNamespace: operatorNamespace, ResyncPeriod: time.Hour, Clock: s.clock}
}

// usesPodIdentity reports whether the operator signs in with the identity of its Pod, which nobody else has.
func usesPodIdentity(service v1alpha1.GenericKeyService) bool {
	aws := service.GetSpec().AWS
	return aws != nil && aws.CredentialsSecretRef == nil
}

// errPodIdentity says that the user cannot sign in as the operator does. The user may have an identity at AWS, too, but it is not the
// operator's: it may belong to another account, and what it may do says nothing about the operator.
var errPodIdentity = errors.New("the operator signs in with the identity of its Pod, which nobody else has, and your own credentials of AWS are not used instead; " +
	"to see the keys of a user with them, run aws iam list-access-keys --user-name USER")

// errNoCredentials says that the user may not read the credentials.
var errNoCredentials = errors.New("the credentials of the key service cannot be read with your rights")

// signIn connects to a key service as the operator does.
func signIn(ctx context.Context, pool *connect.Pool, service v1alpha1.GenericKeyService) (*connect.Connection, error) {
	if usesPodIdentity(service) {
		return nil, errPodIdentity
	}
	connection, err := pool.Get(ctx, service)
	if apierrors.IsForbidden(err) {
		return nil, fmt.Errorf("%w: get on secrets in namespace %s is missing", errNoCredentials, pool.SecretNamespace(service))
	}
	return connection, err
}

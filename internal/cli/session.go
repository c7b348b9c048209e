// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"fmt"
	"time"

	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/cli-runtime/pkg/genericclioptions"
	"k8s.io/cli-runtime/pkg/genericiooptions"
	"k8s.io/cli-runtime/pkg/printers"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"
	"k8s.io/utils/clock"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"accesskey.dev/operator/api/v1alpha1"
)

// fieldOwner is the field manager of what the plugin writes. Every write names it. It does not begin with kubectl, because Flux takes the fields
// of such managers over, and removes those that are not in Git: a compromised key would be forgotten before it is revoked.
const fieldOwner = client.FieldOwner("accesskey-cli")

// session is what the commands share: the connection to the API server, the streams and the clock.
type session struct {
	genericiooptions.IOStreams
	config *genericclioptions.ConfigFlags
	clock  clock.Clock
}

// newScheme returns a scheme with the types that the commands read and print.
func newScheme() *runtime.Scheme {
	scheme := runtime.NewScheme()
	for _, add := range []func(*runtime.Scheme) error{clientgoscheme.AddToScheme, v1alpha1.AddToScheme} {
		if err := add(scheme); err != nil {
			panic(err) // a defect of the program, which its first start reveals
		}
	}
	return scheme
}

// client returns a client of the API server, with the user's own rights.
func (s *session) client() (client.WithWatch, error) {
	config, err := s.config.ToRESTConfig()
	if err != nil {
		return nil, fmt.Errorf("%w; check --context and --kubeconfig, and see kubectl config get-contexts", err)
	}
	config.QPS = -1 // the API server has its own limits
	config.WarningHandler = rest.NewWarningWriter(s.ErrOut, rest.WarningWriterOptions{Deduplicate: true, Color: printers.AllowsColorOutput(s.ErrOut)})
	return client.NewWithWatch(config, client.Options{Scheme: newScheme()})
}

// namespace returns the namespace of the command line, or of the kubeconfig.
func (s *session) namespace() (string, error) {
	namespace, _, err := s.config.ToRawKubeConfigLoader().Namespace()
	return namespace, err
}

// namespaceOf returns the namespace, or the empty one, which stands for all namespaces.
func (s *session) namespaceOf(allNamespaces bool) (string, error) {
	if allNamespaces {
		return "", nil
	}
	return s.namespace()
}

// now returns the time in UTC.
func (s *session) now() time.Time { return s.clock.Now().UTC() }

// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/spf13/cobra"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/api/validate/content"
	"k8s.io/client-go/rest"

	"accesskey.dev/operator/api/v1alpha1"
)

// exitError is an error with an exit code of its own.
type exitError struct {
	code int
	err  error
}

func (e *exitError) Error() string { return e.err.Error() }
func (e *exitError) Unwrap() error { return e.err }

// usageError is an error of the command line.
func usageError(format string, args ...any) error {
	return &exitError{exitUsage, fmt.Errorf(format, args...)}
}

// explain says what to do about an error that does not say it.
func explain(err error) error {
	lost, unanswered := errors.AsType[*unansweredError](err)
	switch {
	case errors.Is(err, context.Canceled):
		return errors.New("interrupted")
	case unanswered:
		return fmt.Errorf("the API server at %s cannot be reached: %w; check --context, --kubeconfig and your network", lost.host, lost.err)
	case meta.IsNoMatchError(err):
		return fmt.Errorf("the cluster does not serve %s: install accesskey-operator, or choose another --context", v1alpha1.GroupVersion)
	case apierrors.IsUnauthorized(err):
		return fmt.Errorf("the API server does not accept your credentials (%w); log in again, or choose another --context", err)
	case apierrors.IsForbidden(err):
		return fmt.Errorf("%w; ask an administrator of the cluster for this right, or choose another --namespace", err)
	default:
		return err
	}
}

// unansweredError says that a request to the API server got no answer.
type unansweredError struct {
	host string
	err  error
}

func (e *unansweredError) Error() string { return e.err.Error() }
func (e *unansweredError) Unwrap() error { return e.err }

// roundTripper is a function that carries requests.
type roundTripper func(*http.Request) (*http.Response, error)

// RoundTrip implements http.RoundTripper.
func (f roundTripper) RoundTrip(request *http.Request) (*http.Response, error) { return f(request) }

// markUnanswered lets explain tell the API server from a key service that does not answer.
func markUnanswered(config *rest.Config) *rest.Config {
	config.Wrap(func(next http.RoundTripper) http.RoundTripper {
		return roundTripper(func(request *http.Request) (*http.Response, error) {
			response, err := next.RoundTrip(request)
			if err != nil {
				err = &unansweredError{request.URL.Host, err}
			}
			return response, err
		})
	})
	return config
}

// noArguments refuses arguments. cobra's own check takes them for the name of a command.
func noArguments(command *cobra.Command, args []string) error {
	if len(args) > 0 {
		return fmt.Errorf("%s takes no names, and %s was given", command.CommandPath(), strings.Join(args, " "))
	}
	return nil
}

// arguments requires one argument for each of the names. The last one may be repeated if its name ends with an ellipsis.
func arguments(names ...string) cobra.PositionalArgs {
	return func(command *cobra.Command, args []string) error {
		several := strings.HasSuffix(names[len(names)-1], "…")
		switch wanted := strings.Join(names, " "); {
		case len(args) < len(names):
			return fmt.Errorf("%s needs %s", command.CommandPath(), wanted)
		case len(args) > len(names) && !several:
			return fmt.Errorf("%s takes one %s, and %s was given", command.CommandPath(), wanted, strings.Join(args, " "))
		default:
			return nil
		}
	}
}

// checkName refuses what cannot be the name of an object, and would make another request of the one that is meant.
func checkName(kind, name string) error {
	if problems := content.IsPathSegmentName(name); name == "" || len(problems) > 0 {
		return usageError("%s %q: no object can have this name", kind, name)
	}
	return nil
}

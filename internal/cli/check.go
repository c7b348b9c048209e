// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"accesskey.dev/operator/api/v1alpha1"
	"accesskey.dev/operator/internal/keyservice"
	"accesskey.dev/operator/internal/keyservice/connect"
)

func newCheckCommand(s *session) *cobra.Command {
	argument := &serviceArgument{}
	var printed *output
	command := &cobra.Command{
		Use:   "check SERVICE",
		Short: "Check the way to a key service, its certificate, credentials, rights, clock and quota",
		Long: `Check the way to a key service, its certificate, credentials, rights, clock and quota, and the way to its data plane.

` + serviceNotation + `

The command changes nothing. It connects from this machine, which may have another way to the service than the cluster: the first
line says what the operator sees. To check the credentials it signs in with them, so it needs the right to get the Secrets of the
KeyService; without it, these lines are skipped. It sends no credentials before the operator would, if the service refused them.

The exit code is 1 if a check failed, and 3 if there are only warnings.`,
		Example: `  # Check the KeyService qumulo
  kubectl accesskey check qumulo

  # Check a ClusterKeyService
  kubectl accesskey check clusterkeyservice/huawei`,
		Args: arguments("SERVICE"),
		RunE: func(command *cobra.Command, args []string) error {
			return s.check(command.Context(), args[0], argument, printed)
		},
	}
	command.ValidArgsFunction = s.completeServices(argument)
	argument.addFlags(command)
	printed = newOutput(command, formatWide)
	return command
}

func (s *session) check(ctx context.Context, name string, argument *serviceArgument, o *output) error {
	c, service, err := s.open(ctx, name, argument)
	if err != nil {
		return err
	}
	found, err := s.observe(ctx, c, service, argument)
	if err != nil {
		return err
	}
	findings := found.judge()
	if err := s.printFindings(findings, o); err != nil {
		return err
	}
	switch worst(findings) {
	case checkFailed:
		return fmt.Errorf("%s does not work as it should", name)
	case checkWarning:
		return &exitError{exitFound, fmt.Errorf("%s works, with warnings", name)}
	default:
		return nil
	}
}

// observe reads and asks for everything that the findings are about.
func (s *session) observe(ctx context.Context, c client.Client, service v1alpha1.GenericKeyService, argument *serviceArgument) (*checked, error) {
	found := &checked{service: service, now: s.now()}
	pool := s.pool(c, argument.operatorNamespace)
	if reach, err := pool.Reach(ctx, service); err != nil {
		found.addressErr = withRight(err)
	} else {
		found.address = &reach
	}
	if service.GetSpec().S3 != nil {
		if reach, err := pool.ReachDataPlane(ctx, service); err != nil {
			found.dataPlaneErr = withRight(err)
		} else {
			found.dataPlane = &reach
		}
	}
	if found.signInErr = found.notTried(); found.signInErr != nil {
		return found, s.observeAccessKeys(ctx, c, found)
	}
	connection, err := signIn(ctx, pool, service)
	if err == nil {
		found.version, err = probe(ctx, connection)
	}
	if err != nil {
		found.signInErr = err
		if errors.Is(err, errNoCredentials) || errors.Is(err, errPodIdentity) {
			found.signInErr = fmt.Errorf("%w: %w", errNotTried, err)
		}
		return found, s.observeAccessKeys(ctx, c, found)
	}
	found.signedIn, found.identity, found.limits = true, connection.Identity, connection.Limits()
	listed, err := s.inventory(ctx, c, service, connection, &keysOptions{})
	found.keys, found.listErr = listed.keys, err
	return found, s.observeAccessKeys(ctx, c, found)
}

// notTried returns why the credentials are not sent; nil if they are.
func (c *checked) notTried() error {
	switch {
	case c.address == nil:
		return fmt.Errorf("%w: %w", errNotTried, c.addressErr)
	case c.address.Distrust != nil:
		return fmt.Errorf("%w, because the certificate is not trusted", errNotTried)
	case c.address.Err != nil:
		return fmt.Errorf("%w, because the service does not answer this machine", errNotTried)
	default:
		return nil
	}
}

// withRight names the right that is missing to read the certificates to trust.
func withRight(err error) error {
	if apierrors.IsForbidden(err) {
		return fmt.Errorf("the certificates to trust cannot be read with your rights: %w", err)
	}
	return err
}

// probe asks a service for its version, which takes valid credentials.
func probe(ctx context.Context, connection *connect.Connection) (string, error) {
	prober, ok := connection.Service.(keyservice.Prober)
	if !ok {
		return "", nil
	}
	return prober.Probe(ctx)
}

// observeAccessKeys reads the AccessKeys of the service that the user may see.
func (s *session) observeAccessKeys(ctx context.Context, c client.Client, found *checked) error {
	fallback, err := s.namespace()
	if err != nil {
		return err
	}
	seen, err := readView(ctx, c, found.service.GetNamespace(), fallback)
	if apierrors.IsForbidden(err) {
		return nil
	}
	of := serviceKey{referenceTo(found.service).Kind, client.ObjectKeyFromObject(found.service)}
	for _, ak := range seen.accessKeys {
		if serviceOf(&ak) == of {
			found.accessKeys = append(found.accessKeys, ak)
		}
	}
	return err
}

var checkTones = map[checkResult]tone{checkOK: good, checkWarning: warn, checkFailed: bad, checkSkipped: faint}

func (s *session) printFindings(findings []finding, o *output) error {
	table, wide := o.table()
	if !table {
		list, err := findingList(findings)
		if err != nil {
			return err
		}
		return o.print(s, list)
	}
	rows := make([]row, 0, len(findings))
	for _, found := range findings {
		rows = append(rows, row{tone: checkTones[found.result], cells: []any{found.check, string(found.result), found.message}})
	}
	return s.printTable([]metav1.TableColumnDefinition{column("CHECK"), column("RESULT"), column("MESSAGE")}, rows, wide, "")
}

// findingList returns findings as the objects that -o json and its like print.
func findingList(findings []finding) (*unstructured.UnstructuredList, error) {
	var items []*unstructured.Unstructured
	for _, found := range findings {
		item, err := newObject("Check", found.check, reportedCheck{string(found.result), found.message})
		if err != nil {
			return nil, err
		}
		items = append(items, item)
	}
	return listObjects("Check", items), nil
}

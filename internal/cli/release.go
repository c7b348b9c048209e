// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller/controllerutil"

	"accesskey.dev/operator/api/v1alpha1"
)

// releaseOptions are the flags of release.
type releaseOptions struct {
	allNamespaces, yes, retain, force bool
	timeout                           time.Duration
	operatorNamespace                 string
}

func newReleaseCommand(s *session) *cobra.Command {
	o := &releaseOptions{}
	command := &cobra.Command{
		Use:   "release",
		Short: "Prepare the end of the operator: list what waits for it, and revoke or keep the keys",
		Long: `List what waits for the operator before it can go, in a namespace or in the whole cluster. Run it before you uninstall the operator.

Without --yes it changes nothing. With --yes it deletes the AccessKeys of the namespace (with --all-namespaces, of the cluster) and
waits until the operator has revoked their keys and has removed its finalizers. With --yes --retain it keeps the keys at the services
and the Secrets in their namespaces. KeyServices and their Secrets stay, without finalizers.

If the operator is gone already, nobody removes the finalizers. --force removes them after the timeout, and lists the keys that go on
working at the services. It refuses to do so while the operator runs, because --retain does the same without losing track.

The exit code is 3 if something waits for the operator and --yes was not given.`,
		Example: `  # See what an uninstallation would have to wait for
  kubectl accesskey release --all-namespaces

  # Revoke all keys, then uninstall the operator
  kubectl accesskey release --all-namespaces --yes

  # Keep the keys and the Secrets
  kubectl accesskey release --all-namespaces --yes --retain`,
		Args: noArguments,
		RunE: func(command *cobra.Command, _ []string) error { return s.release(command.Context(), o) },
	}
	flags := command.Flags()
	flags.BoolVarP(&o.allNamespaces, "all-namespaces", "A", false, "The whole cluster, with its ClusterKeyServices.")
	flags.BoolVar(&o.yes, "yes", false, "Delete the AccessKeys, and wait until nothing waits for the operator.")
	flags.BoolVar(&o.retain, "retain", false, "Keep the keys at the services, and the Secrets.")
	flags.BoolVar(&o.force, "force", false, "Remove the finalizers of what is left after the timeout, if the operator is gone.")
	flags.DurationVar(&o.timeout, "timeout", 5*time.Minute, "How long to wait for the operator.")
	flags.StringVar(&o.operatorNamespace, "operator-namespace", defaultOperatorNamespace, "Namespace of the operator, with the lease that shows whether it runs.")
	return command
}

func (s *session) release(ctx context.Context, o *releaseOptions) error {
	c, err := s.client()
	if err != nil {
		return err
	}
	namespace, err := s.namespaceOf(o.allNamespaces)
	if err != nil {
		return err
	}
	found, err := s.readHeld(ctx, c, namespace)
	if err != nil {
		return err
	}
	steps := found.plan(o.retain)
	if len(steps) == 0 {
		s.printf("Nothing waits for the operator.\n")
		return nil
	}
	if err := s.printSteps(steps); err != nil {
		return err
	}
	if !o.yes {
		return s.offer(found, o)
	}
	if err := s.deleteAccessKeys(ctx, c, found, o.retain); err != nil {
		return err
	}
	left, err := s.waitReleased(ctx, c, namespace, o.timeout)
	switch {
	case err == nil:
		s.printf("Nothing waits for the operator any more.\n")
		return nil
	case !errors.Is(err, errStillHeld):
		return err
	case o.force:
		return s.letGo(ctx, c, left, o)
	default:
		return fmt.Errorf("%w; %s", err, s.adviseWaiting(ctx, c, o))
	}
}

// offer says what --yes would do.
func (s *session) offer(found *held, o *releaseOptions) error {
	revoked, kept := found.keyCount(o.retain)
	s.printf("\nNothing was changed. --yes deletes %s, revokes %s and keeps %s at the services.\n",
		count(len(found.accessKeys), "AccessKey", "AccessKeys"), count(revoked, "key", "keys"), count(kept, "key", "keys"))
	if o.force {
		s.printf("If the operator is gone, --force removes the finalizers after %s. These keys then go on working:\n", o.timeout)
		for _, line := range found.staying() {
			s.printf("  %s\n", line)
		}
	}
	return &exitError{exitFound, fmt.Errorf("%s for the operator", count(len(found.plan(o.retain)), "object waits", "objects wait"))}
}

func (s *session) printSteps(steps []releaseStep) error {
	rows := make([]row, 0, len(steps))
	for _, step := range steps {
		rows = append(rows, row{cells: []any{orNone(step.namespace), step.kind, step.name, orNone(step.finalizer), step.then}})
	}
	return s.printTable([]metav1.TableColumnDefinition{column("NAMESPACE"), column("KIND"), column("NAME"), column("FINALIZER"), column("THEN")}, rows, false, "")
}

// readHeld reads what waits for the operator in a namespace, or in the whole cluster if it is empty.
func (s *session) readHeld(ctx context.Context, c client.Client, namespace string) (*held, error) {
	found := &held{}
	var accessKeys v1alpha1.AccessKeyList
	if err := c.List(ctx, &accessKeys, client.InNamespace(namespace)); err != nil {
		return nil, err
	}
	found.accessKeys = accessKeys.Items
	var services v1alpha1.KeyServiceList
	if err := c.List(ctx, &services, client.InNamespace(namespace)); err != nil {
		return nil, err
	}
	for i := range services.Items {
		found.services = append(found.services, &services.Items[i])
	}
	if namespace == "" {
		var cluster v1alpha1.ClusterKeyServiceList
		if err := c.List(ctx, &cluster); err != nil {
			return nil, err
		}
		for i := range cluster.Items {
			found.services = append(found.services, &cluster.Items[i])
		}
	}
	for _, kind := range []schema.GroupVersionKind{corev1.SchemeGroupVersion.WithKind("Secret"), rbacv1.SchemeGroupVersion.WithKind("RoleBinding")} {
		if err := found.readOthers(ctx, c, namespace, kind); apierrors.IsForbidden(err) {
			s.notef("not seen: the %ss with the finalizer %s (your rights lack list on them)\n", kind.Kind, v1alpha1.InUseFinalizer)
		} else if err != nil {
			return nil, err
		}
	}
	return found, nil
}

// readOthers reads the metadata of the objects of a kind that have the in-use finalizer.
func (h *held) readOthers(ctx context.Context, c client.Client, namespace string, kind schema.GroupVersionKind) error {
	var list metav1.PartialObjectMetadataList
	list.SetGroupVersionKind(kind.GroupVersion().WithKind(kind.Kind + "List"))
	if err := c.List(ctx, &list, client.InNamespace(namespace)); err != nil {
		return err
	}
	for i := range list.Items {
		if controllerutil.ContainsFinalizer(&list.Items[i], v1alpha1.InUseFinalizer) {
			list.Items[i].SetGroupVersionKind(kind)
			h.others = append(h.others, list.Items[i])
		}
	}
	return nil
}

// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"accesskey.dev/operator/api/v1alpha1"
	"accesskey.dev/operator/internal/secret"
)

// exportOptions are the flags of export.
type exportOptions struct {
	format, key, bucket, file string
	show, force               bool
}

func newExportCommand(s *session) *cobra.Command {
	o := &exportOptions{}
	command := &cobra.Command{
		Use:   "export NAME (--format FORMAT | --key KEY)",
		Short: "Print the current pair in the format of an application, or write it to a file",
		Long: `Print the current pair of an AccessKey in the format of an application, or write it to a file.

--format is one of the formats of secretTemplate.formats. --key is a key of the AccessKey's Secret, and prints its value.

Without --show, the secret access key is replaced by ` + string(redacted) + `. A file always has the real one, and only its owner may
read it. The copy is not rotated with the AccessKey: it works until the pair expires or is revoked.`,
		Example: `  # Show what a configuration of rclone would look like
  kubectl accesskey export backup --format Rclone

  # Write a credentials file of the AWS SDKs
  kubectl accesskey export backup --format AWSCredentialsFile --file ~/.aws/credentials

  # Use the pair in this shell
  set -a; . <(kubectl accesskey export backup --format Env --show); set +a`,
		Args: arguments("NAME"),
		RunE: func(command *cobra.Command, args []string) error { return s.export(command.Context(), args[0], o) },
	}
	command.ValidArgsFunction = s.completeAccessKeys(1)
	flags := command.Flags()
	flags.StringVar(&o.format, "format", "", "Format to print, such as AWSCredentialsFile, Env or Rclone (see docs/formats.md).")
	flags.StringVar(&o.key, "key", "", "Key of the Secret whose value to print.")
	flags.StringVar(&o.bucket, "bucket", "", "Bucket for the formats that name one.")
	flags.StringVarP(&o.file, "file", "f", "", "Write to this file, which only its owner may read, instead of printing.")
	flags.BoolVar(&o.show, "show", false, "Print the secret access key.")
	flags.BoolVar(&o.force, "force", false, "Replace the file if it exists.")
	command.MarkFlagsOneRequired("format", "key")
	command.MarkFlagsMutuallyExclusive("format", "key")
	if err := command.RegisterFlagCompletionFunc("format", cobra.FixedCompletions(formatNames(), cobra.ShellCompDirectiveNoFileComp)); err != nil {
		panic(err) // the flag does not exist: a defect of the program
	}
	return command
}

func (s *session) export(ctx context.Context, name string, o *exportOptions) error {
	c, err := s.client()
	if err != nil {
		return err
	}
	ak, err := s.accessKey(ctx, c, name)
	if err != nil {
		return err
	}
	published, err := s.currentSecret(ctx, c, ak)
	if err != nil {
		return err
	}
	s3, err := s.dataPlaneOf(ctx, c, ak, published)
	if err != nil {
		return err
	}
	content, err := exported{ak, published, s3}.render(o, o.show || o.file != "")
	if err != nil {
		return err
	}
	if o.file == "" {
		_, err = s.Out.Write(content)
		return err
	}
	if err := writePrivate(o.file, content, o.force); err != nil {
		return err
	}
	s.notef("Wrote %s with the pair %s.\n", o.file, ak.Status.AccessKeyID)
	return nil
}

// currentSecret reads the Secret of an AccessKey, which must have the current pair.
func (s *session) currentSecret(ctx context.Context, c client.Client, ak *v1alpha1.AccessKey) (*corev1.Secret, error) {
	see := "see kubectl accesskey status " + ak.Name
	if ak.Status.KeyID == "" {
		return nil, fmt.Errorf("AccessKey %s has no pair yet; %s", ref(ak), see)
	}
	published := &corev1.Secret{}
	err := c.Get(ctx, client.ObjectKey{Namespace: ak.Namespace, Name: ak.Status.SecretName}, published)
	if apierrors.IsNotFound(err) {
		return nil, fmt.Errorf("Secret %s is gone; the operator creates it again: %s", ak.Status.SecretName, see) //nolint:staticcheck // Secret is a kind
	}
	if err != nil {
		return nil, fmt.Errorf("reading Secret %s of the AccessKey: %w", ak.Status.SecretName, err)
	}
	if id := secret.PairOf(published).AccessKeyID; id != ak.Status.AccessKeyID {
		return nil, fmt.Errorf("Secret %s has %s instead of access key %s, the current one; the operator repairs it: %s", //nolint:staticcheck // Secret is a kind
			published.Name, describePair(id), ak.Status.AccessKeyID, see)
	}
	if health := healthOf(ak); health.ready != string(metav1.ConditionTrue) {
		s.warnf("%s is not ready (%s), so the pair may not work; %s", ref(ak), health.reason, see)
	}
	return published, nil
}

func describePair(accessKeyID string) string {
	if accessKeyID == "" {
		return "no pair"
	}
	return "access key " + accessKeyID
}

// dataPlaneOf returns the data plane of an AccessKey's service: as the KeyService has it, or if the user may not read that, as the Secret
// has it; nil if there is none.
func (s *session) dataPlaneOf(ctx context.Context, c client.Client, ak *v1alpha1.AccessKey, published *corev1.Secret) (*v1alpha1.S3, error) {
	var service v1alpha1.GenericKeyService = &v1alpha1.KeyService{}
	of := serviceOf(ak)
	if of.kind == v1alpha1.KindClusterKeyService {
		service = &v1alpha1.ClusterKeyService{}
	}
	err := c.Get(ctx, of.NamespacedName, service)
	switch {
	case err == nil:
		return service.GetSpec().S3, nil
	case !apierrors.IsForbidden(err) && !apierrors.IsNotFound(err):
		return nil, err
	case len(published.Data[v1alpha1.SecretKeyEndpoint]) == 0:
		s.notef("The %s cannot be read, so the endpoint is left out.\n", of.kind)
		return nil, nil
	default:
		return &v1alpha1.S3{
			Endpoint: string(published.Data[v1alpha1.SecretKeyEndpoint]), Region: string(published.Data[v1alpha1.SecretKeyRegion]),
		}, nil
	}
}

// writePrivate writes a file that only its owner may read. It replaces a file only with force, and never leaves half of one.
func writePrivate(path string, content []byte, force bool) error {
	if _, err := os.Lstat(path); err == nil && !force {
		return fmt.Errorf("%s exists; use --force to replace it", path)
	}
	file, err := os.CreateTemp(filepath.Dir(path), ".accesskey-") // mode 0600
	if err != nil {
		return err
	}
	_, err = file.Write(content)
	err = errors.Join(err, file.Close())
	switch {
	case err != nil:
	case force:
		err = os.Rename(file.Name(), path)
	default: // a link is refused if the file was created meanwhile
		err = os.Link(file.Name(), path)
	}
	if !force || err != nil {
		err = errors.Join(err, os.Remove(file.Name()))
	}
	return err
}

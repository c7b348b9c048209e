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
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	"accesskey.dev/operator/api/v1alpha1"
	"accesskey.dev/operator/internal/plan"
	"accesskey.dev/operator/internal/secret"
)

// importOptions are the flags of import.
type importOptions struct {
	serviceArgument
	service, user, name           string
	accessKeyIDKey, secretKeyName string
	ttl                           time.Duration
}

func newImportCommand(s *session) *cobra.Command {
	o := &importOptions{}
	command := &cobra.Command{
		Use:   "import SECRET --service SERVICE",
		Short: "Write the manifest of an AccessKey that takes over an existing pair",
		Long: `Write the manifest of an AccessKey that takes over the existing pair in a Secret. Nothing is changed until you apply the manifest.

The AccessKey gets the name of the Secret and takes the Secret over, so that its consumers go on reading the same keys. With another
--name, the AccessKey gets a Secret of its own, and this Secret stays as it is.

The command finds the keys of the Secret that hold the pair by their names, and says which it took. It checks that both have a
value, and prints neither. Whether the service knows the pair shows when you apply the manifest.`,
		Example: `  # Bring the pair in the Secret app-credentials under control
  kubectl accesskey import app-credentials --service qumulo --user local:backup --ttl 720h | kubectl apply -f -

  # Publish the pair in another Secret, and leave this one as it is
  kubectl accesskey import app-credentials --name backup --service qumulo --user local:backup`,
		Args: arguments("SECRET"),
		RunE: func(command *cobra.Command, args []string) error {
			return s.importSecret(command.Context(), args[0], o)
		},
	}
	command.ValidArgsFunction = s.completeNames(&corev1.SecretList{}, 1)
	flags := command.Flags()
	flags.StringVar(&o.service, "service", "", "Key service that has the key: NAME, keyservice/NAME or clusterkeyservice/NAME.")
	flags.StringVar(&o.user, "user", "", "Owner of the key, in the notation of spec.user; empty for IONOS.")
	flags.DurationVar(&o.ttl, "ttl", 0, "Maximum lifetime of a pair, such as 720h. Without it, the pair is rotated only on request.")
	flags.StringVar(&o.name, "name", "", "Name of the AccessKey. Defaults to the name of the Secret.")
	flags.StringVar(&o.accessKeyIDKey, "access-key-id-key", "", "Key of the Secret that holds the access key ID. Found by its name by default.")
	flags.StringVar(&o.secretKeyName, "secret-access-key-key", "", "Key of the Secret that holds the secret access key. Found by its name by default.")
	command.MarkFlagsRequiredTogether("access-key-id-key", "secret-access-key-key")
	services := func(command *cobra.Command, _ []string, word string) ([]cobra.Completion, cobra.ShellCompDirective) {
		return s.completeServices(&o.serviceArgument)(command, nil, word)
	}
	if err := errors.Join(command.MarkFlagRequired("service"), command.RegisterFlagCompletionFunc("service", services)); err != nil {
		panic(err) // the flag does not exist: a defect of the program
	}
	return command
}

func (s *session) importSecret(ctx context.Context, name string, o *importOptions) error {
	of, err := o.reference(o.service)
	if err != nil {
		return err
	}
	if err := checkName("Secret", name); err != nil {
		return err
	}
	namespace, err := s.namespace()
	if err != nil {
		return err
	}
	c, err := s.client()
	if err != nil {
		return err
	}
	source := &corev1.Secret{}
	err = c.Get(ctx, client.ObjectKey{Namespace: namespace, Name: name}, source)
	if apierrors.IsNotFound(err) {
		return fmt.Errorf("namespace %s has no Secret %s; see kubectl get secrets", namespace, name)
	}
	if err != nil {
		return err
	}
	if err := s.checkImportService(ctx, c, of, o); err != nil {
		return err
	}
	ak, err := imported(source, of, o)
	if err != nil {
		return err
	}
	if found := (secret.Template{AccessKey: ak}).InspectImport(source); found.Problem != "" {
		return fmt.Errorf("%s; or give the AccessKey another --name, so that it gets a Secret of its own", found.Problem)
	}
	from := ak.Spec.ImportFrom
	s.notef("The pair is under %s and %s of Secret %s; its access key ID is %s.\n", from.AccessKeyIDKey, from.SecretAccessKeyKey, name, source.Data[from.AccessKeyIDKey])
	manifest, err := manifestOf(ak)
	if err != nil {
		return err
	}
	_, err = s.Out.Write(manifest)
	return err
}

// checkImportService checks what the import needs of its service, as far as the user may see it.
func (s *session) checkImportService(ctx context.Context, c client.Client, of v1alpha1.ServiceReference, o *importOptions) error {
	service, err := s.keyService(ctx, c, of)
	if apierrors.IsForbidden(err) {
		s.notef("The %s %s was not checked: your rights lack get on it.\n", of.Kind, of.Name)
		return nil
	}
	if err != nil {
		return err
	}
	spec := service.GetSpec()
	switch {
	case spec.IONOS != nil && o.user != "":
		return usageError("the keys of IONOS belong to the user of the token: leave --user out")
	case spec.IONOS == nil && o.user == "":
		return usageError("name the owner of the key with --user")
	case of.Kind == v1alpha1.KindClusterKeyService && spec.S3 == nil:
		return fmt.Errorf("ClusterKeyService %s has no s3, with which the operator checks an imported pair: set it, or use a KeyService", of.Name)
	default:
		return nil
	}
}

// manifestOf returns an AccessKey as a person would write it.
func manifestOf(ak *v1alpha1.AccessKey) ([]byte, error) {
	spec, err := runtime.DefaultUnstructuredConverter.ToUnstructured(&ak.Spec)
	if err != nil {
		return nil, err
	}
	if ak.Spec.TTL != nil {
		spec["ttl"] = plan.ShortDuration(ak.Spec.TTL.Duration)
	}
	return yaml.Marshal(map[string]any{
		"apiVersion": v1alpha1.GroupVersion.String(),
		"kind":       "AccessKey",
		"metadata":   map[string]string{"name": ak.Name, "namespace": ak.Namespace},
		"spec":       spec,
	})
}

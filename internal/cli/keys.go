// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"accesskey.dev/operator/api/v1alpha1"
	"accesskey.dev/operator/internal/keyservice"
	"accesskey.dev/operator/internal/keyservice/connect"
)

// keysOptions are the flags of keys.
type keysOptions struct {
	serviceArgument
	users         []string
	allNamespaces bool
	output        *output
}

// listedKey is a key at the service, and whose it is.
type listedKey struct {
	user string
	keyservice.Key
	owner
}

func newKeysCommand(s *session) *cobra.Command {
	o := &keysOptions{}
	command := &cobra.Command{
		Use:   "keys SERVICE",
		Short: "Compare the keys at a key service with the AccessKeys",
		Long: `Compare the keys at a key service with the AccessKeys.

` + serviceNotation + `

The command signs in to the service from this machine, with the credentials of the KeyService, so it needs the right to get its
Secrets. It changes nothing. Each key is one of these:

  managed   an AccessKey records it
  orphaned  the operator made it, and no AccessKey of the cluster records it: nobody rotates or revokes it
  foreign   the operator did not make it
  unknown   what was seen does not tell

IONOS and ONTAP store the operator's mark with a key. At other services, only the record on a Secret or in a status leads to an
orphan, and the other keys stay unknown. A key is called orphaned only if the AccessKeys of all namespaces were seen, so use
--all-namespaces to look for orphans. Another cluster that uses the same service has AccessKeys of its own: check it before you
delete an orphan.

Some services list keys only by user (Huawei Cloud, AWS). There, the command asks for the users of the AccessKeys and of the records on
Secrets. Name others with --user.

The exit code is 3 if there are orphaned keys.`,
		Example: `  # Compare the keys at the KeyService qumulo with the AccessKeys of the namespace
  kubectl accesskey keys qumulo

  # Look for orphans
  kubectl accesskey keys qumulo --all-namespaces

  # The keys of one user of a ClusterKeyService
  kubectl accesskey keys clusterkeyservice/huawei --user backup`,
		Args: arguments("SERVICE"),
		RunE: func(command *cobra.Command, args []string) error { return s.keys(command.Context(), args[0], o) },
	}
	command.ValidArgsFunction = s.completeServices(&o.serviceArgument)
	o.addFlags(command)
	command.Flags().StringArrayVar(&o.users, "user", nil, "List only the keys of this user, in the notation of spec.user. Can be repeated.")
	command.Flags().BoolVarP(&o.allNamespaces, "all-namespaces", "A", false, "Compare with the AccessKeys of all namespaces. Implied for a ClusterKeyService.")
	o.output = newOutput(command, formatWide)
	return command
}

// keys prints the keys at a service.
func (s *session) keys(ctx context.Context, argument string, o *keysOptions) error {
	c, service, err := s.open(ctx, argument, &o.serviceArgument)
	if err != nil {
		return err
	}
	pool := s.pool(c, o.operatorNamespace)
	connection, err := signIn(ctx, pool, service)
	if err != nil {
		return fmt.Errorf("the keys at %s cannot be listed: %w", argument, err)
	}
	found, err := s.inventory(ctx, c, service, connection, o)
	if err != nil {
		return err
	}
	if err := s.printKeys(found.keys, o.output); err != nil {
		return err
	}
	for _, missing := range found.missing {
		s.notef("%s\n", missing)
	}
	return orphansError(found.keys)
}

// inventory is the keys at a service, and what could not be seen of the AccessKeys.
type inventory struct {
	keys    []listedKey
	missing []string
}

// inventory lists the keys at a service and tells whose they are. AccessKeys are read before and after, so that a key that is created or
// revoked meanwhile is not taken for an orphan.
func (s *session) inventory(ctx context.Context, c client.Client, service v1alpha1.GenericKeyService, connection *connect.Connection, o *keysOptions) (inventory, error) {
	fallback, err := s.namespace()
	if err != nil {
		return inventory{}, err
	}
	namespace := fallback
	if o.allNamespaces || service.GetNamespace() == "" {
		namespace = ""
	}
	before, err := readView(ctx, c, namespace, fallback)
	if err != nil {
		return inventory{}, err
	}
	users := o.users
	if !connection.ListsAll && len(users) == 0 {
		users = before.users(serviceKey{referenceTo(service).Kind, client.ObjectKeyFromObject(service)}, connection.Identity)
	}
	keys, err := listKeys(ctx, connection, users, len(o.users) > 0)
	if err != nil {
		return inventory{}, fmt.Errorf("listing the keys at the service: %w", err)
	}
	after, err := readView(ctx, c, namespace, fallback)
	if err != nil {
		return inventory{}, err
	}
	seen := after.at(connection.Identity)
	seen.accessKeys = append(seen.accessKeys, before.at(connection.Identity).accessKeys...)
	found := inventory{keys: classifyAll(seen, keys, connection.Limits().Marks, s.now()), missing: after.missing}
	if !o.allNamespaces && seen.namespace != "" {
		found.missing = append(found.missing, fmt.Sprintf("compared with the AccessKeys of namespace %s only; --all-namespaces compares with those of all namespaces", seen.namespace))
	}
	if !connection.ListsAll {
		found.missing = append(found.missing, "the service lists keys by user, and these were asked for: "+nameUsers(seen.accessKeys, users))
	}
	return found, nil
}

// nameUsers names the users of a service as AccessKeys do.
func nameUsers(accessKeys []v1alpha1.AccessKey, users []string) string {
	names := make([]string, 0, len(users))
	for _, user := range users {
		names = append(names, spelling(accessKeys, user))
	}
	return cmp.Or(strings.Join(names, ", "), "none; name them with --user")
}

// listKeys returns the keys at the service by their users: of these users, or of all users if none is given. mustExist: it is an error
// if the service does not know one of them.
func listKeys(ctx context.Context, connection *connect.Connection, users []string, mustExist bool) (map[string][]keyservice.Key, error) {
	lister, listsAll := connection.Service.(keyservice.AllLister)
	if listsAll && len(users) == 0 {
		return lister.ListAll(ctx)
	}
	keys := map[string][]keyservice.Key{}
	for _, user := range users {
		owned, err := connection.List(ctx, user)
		if keyservice.KindOf(err) == keyservice.NotFound && !mustExist {
			continue // the user is gone, and so are its keys
		}
		if err != nil {
			return nil, err
		}
		keys[user] = owned
	}
	return keys, nil
}

// classifyAll tells whose each key is, and sorts the keys: what needs attention comes first.
func classifyAll(seen view, keys map[string][]keyservice.Key, marks bool, now time.Time) []listedKey {
	of := evidence{accessKeys: seen.accessKeys, records: seen.records, everywhere: seen.namespace == "", marks: marks, now: now}
	var all []listedKey
	for _, user := range slices.Sorted(maps.Keys(keys)) {
		for _, key := range keys[user] {
			all = append(all, listedKey{spelling(seen.accessKeys, user), key, of.classify(user, key)})
		}
	}
	order := []ownership{ownershipOrphaned, ownershipUnknown, ownershipForeign, ownershipManaged}
	slices.SortStableFunc(all, func(a, b listedKey) int {
		return cmp.Or(
			cmp.Compare(slices.Index(order, a.ownership), slices.Index(order, b.ownership)),
			cmp.Compare(a.user, b.user),
			a.CreatedAt.Compare(b.CreatedAt),
			cmp.Compare(a.ID, b.ID),
		)
	})
	return all
}

// spelling returns a user as an AccessKey names it, or else in the notation of the service.
func spelling(accessKeys []v1alpha1.AccessKey, user string) string {
	for i := range accessKeys {
		if accessKeys[i].Status.UserID == user && accessKeys[i].Spec.User != "" {
			return accessKeys[i].Spec.User
		}
	}
	return user
}

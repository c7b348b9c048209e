// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"cmp"
	"errors"
	"fmt"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"

	"accesskey.dev/operator/internal/keyservice"
)

var ownershipTones = map[ownership]tone{ownershipOrphaned: bad, ownershipUnknown: warn, ownershipForeign: plain, ownershipManaged: plain}

func (s *session) printKeys(keys []listedKey, o *output) error {
	table, wide := o.table()
	if !table {
		list, err := keyList(keys)
		if err != nil {
			return err
		}
		return o.print(s, list)
	}
	if len(keys) == 0 {
		s.notef("No keys found.\n")
		return nil
	}
	columns := []metav1.TableColumnDefinition{
		column("USER"), column("ACCESS KEY ID"), column("OWNERSHIP"), column("ACCESSKEY"), column("ROLE"), column("STATE"), column("CREATED"), column("DETAIL"),
		wideColumn("KEY ID"), wideColumn("EXPIRES"), wideColumn("LAST USED"),
	}
	rows := make([]row, 0, len(keys))
	for i := range keys {
		key := &keys[i]
		rows = append(rows, row{tone: ownershipTones[key.ownership], cells: []any{
			orNone(key.user), key.AccessKeyID, string(key.ownership), orNone(accessKeyName(key.accessKey)), orNone(key.role), string(stateOf(key.Key)), dateOrNone(key.CreatedAt), key.detail,
			key.ID, dateOrNone(key.ExpiresAt), dateOrNone(key.LastUsedAt),
		}})
	}
	return s.printTable(columns, rows, wide, "")
}

// keyList returns keys as the objects that -o json and its like print.
func keyList(keys []listedKey) (*unstructured.UnstructuredList, error) {
	var items []*unstructured.Unstructured
	for i := range keys {
		key := &keys[i]
		item, err := newObject("ServiceKey", key.ID, reportedServiceKey{
			key.user, key.AccessKeyID, string(key.ownership), accessKeyName(key.accessKey), key.role, string(stateOf(key.Key)),
			metav1.NewTime(key.CreatedAt), metav1.NewTime(key.ExpiresAt), metav1.NewTime(key.LastUsedAt), key.detail,
		})
		if err != nil {
			return nil, err
		}
		items = append(items, item)
	}
	return listObjects("ServiceKey", items), nil
}

func stateOf(key keyservice.Key) keyservice.State { return cmp.Or(key.State, keyservice.Active) }

// accessKeyName returns NAMESPACE/NAME; empty for no AccessKey.
func accessKeyName(name types.NamespacedName) string {
	if name.Name == "" {
		return ""
	}
	return name.String()
}

// date returns a time in the format of the API; empty for none.
func date(at time.Time) string {
	if at.IsZero() {
		return ""
	}
	return stamp(at)
}

func dateOrNone(at time.Time) string { return orNone(date(at)) }

// orNone shows that a column has no value, as kubectl does.
func orNone(text string) string { return cmp.Or(text, "<none>") }

// orphansError returns an error with its exit code if there are orphans.
func orphansError(keys []listedKey) error {
	orphans := 0
	for i := range keys {
		if keys[i].ownership == ownershipOrphaned {
			orphans++
		}
	}
	switch orphans {
	case 0:
		return nil
	case 1:
		return &exitError{exitFound, errors.New("1 key is orphaned, so nobody rotates or revokes it; delete it at the service if no other cluster uses it")}
	default:
		return &exitError{exitFound, fmt.Errorf("%d keys are orphaned, so nobody rotates or revokes them; delete them at the service if no other cluster uses them", orphans)}
	}
}

// count returns a number with the word for one or for several.
func count(n int, one, several string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, several)
}

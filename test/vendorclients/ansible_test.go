// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

//go:build ansible

package vendorclients

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"accesskey.dev/operator/internal/keyservice"
	backend "accesskey.dev/operator/internal/keyservice/ontap"
	"accesskey.dev/operator/internal/keyservice/rest"
	"accesskey.dev/operator/test/simulator"
	"accesskey.dev/operator/test/simulator/ontap"
)

// cluster is an ONTAP cluster, with the operator's own view of its users.
type cluster struct {
	*ontap.Simulator

	operator *backend.Service
}

// fleet is one cluster of each version. To Ansible they are the hosts of an inventory, by their versions.
type fleet struct {
	clusters map[string]cluster
	folder   string
}

func newFleet(t *testing.T, versions ...string) fleet {
	t.Helper()
	f := fleet{clusters: map[string]cluster{}, folder: t.TempDir()}
	inventory := ""
	for _, version := range versions {
		service := ontap.New(ontap.Options{Version: version})
		server, err := simulator.Serve(service)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = server.Close() })
		address, err := url.Parse(server.URL)
		if err != nil {
			t.Fatal(err)
		}
		inventory += fmt.Sprintf("%s port=%s\n", version, address.Port())
		f.clusters[version] = cluster{service, operatorOf(t, server)}
	}
	f.write(t, "inventory", inventory)
	return f
}

func operatorOf(t *testing.T, server *simulator.Server) *backend.Service {
	t.Helper()
	client, err := rest.NewHTTPClient(rest.TransportConfig{Backend: "ontap", QPS: 100, Burst: 100, CABundle: server.CA})
	if err != nil {
		t.Fatal(err)
	}
	operator, err := backend.New(backend.Config{
		URL: server.URL, SVM: ontap.DefaultSVM, Username: ontap.DefaultUsername, Password: ontap.DefaultPassword, HTTP: client,
	})
	if err == nil {
		err = operator.Connect(t.Context())
	}
	if err != nil {
		t.Fatal(err)
	}
	return operator
}

func (f fleet) write(t *testing.T, name, text string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(f.folder, name), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// result is what a task said of one host.
type result struct {
	Changed, Failed bool
	Msg             string
	pair
	// Response is the answer itself, of a module that passes it on.
	Response struct{ Records []pair }
}

type pair struct {
	AccessKey string `json:"access_key"`
	SecretKey string `json:"secret_key"`
}

// only returns the pair of an answer that was passed on.
func (r result) only(t *testing.T) pair {
	t.Helper()
	if len(r.Response.Records) != 1 || r.Response.Records[0].AccessKey == "" {
		t.Fatalf("got %+v", r)
	}
	return r.Response.Records[0]
}

const playbook = `
- hosts: all
  connection: local
  gather_facts: false
  vars:
    ansible_python_interpreter: "{{ ansible_playbook_python }}"
  module_defaults:
    group/netapp.ontap.netapp_ontap:
      hostname: 127.0.0.1
      http_port: "{{ port }}"
      username: ` + ontap.DefaultUsername + `
      password: ` + ontap.DefaultPassword + `
      https: true
      validate_certs: false
      use_rest: always
  tasks:
`

// play runs the tasks at all clusters, and returns what each said, by version. A task that fails does not end the play.
func (f fleet) play(t *testing.T, tasks ...string) []map[string]result {
	t.Helper()
	text := playbook
	for _, task := range tasks {
		text += "  - " + task + "\n    ignore_errors: true\n"
	}
	f.write(t, "playbook.yml", text)
	command := exec.CommandContext(t.Context(), "ansible-playbook", "-i", "inventory", "playbook.yml")
	command.Dir = f.folder
	command.Env = append(os.Environ(), "HOME="+f.folder, "ANSIBLE_STDOUT_CALLBACK=ansible.posix.json", "ANSIBLE_PIPELINING=1", "ANSIBLE_NOCOLOR=1")
	var trouble strings.Builder
	command.Stderr = &trouble
	out, err := command.Output()
	if err != nil {
		t.Fatalf("ansible-playbook: %v\n%s%s", err, out, trouble.String())
	}
	var report struct {
		Plays []struct {
			Tasks []struct{ Hosts map[string]result }
		}
	}
	if err := json.Unmarshal(out, &report); err != nil {
		t.Fatalf("reading what ansible-playbook wrote: %v\n%s", err, out)
	}
	if len(report.Plays) != 1 || len(report.Plays[0].Tasks) != len(tasks) {
		t.Fatalf("%d tasks were run as %s", len(tasks), out)
	}
	var results []map[string]result
	for _, task := range report.Plays[0].Tasks {
		results = append(results, task.Hosts)
	}
	return results
}

// users is a task of NetApp's module for S3 users, at the SVM unless the parameters name another.
func users(parameters string) string {
	if !strings.Contains(parameters, "vserver:") {
		parameters += ", vserver: " + ontap.DefaultSVM
	}
	return "netapp.ontap.na_ontap_s3_users: {" + parameters + "}"
}

// at has a task carried out at one version only.
func at(version, task string) string {
	return task + "\n    when: inventory_hostname == '" + version + "'"
}

// regenerate is a task of NetApp's module for any REST call: the one for S3 users learned regenerate_keys only after
// version 22.7 of the collection, which Debian has.
func regenerate(user string) string {
	return "netapp.ontap.na_ontap_restit: {method: PATCH, api: protocols/s3/services/" + ontap.DefaultSVMUUID + "/users/" + user +
		", query: {regenerate_keys: true}, body: {}}"
}

func TestAnsibleManagesTheUsersOfAnSVMBesideTheOperator(t *testing.T) {
	f := newFleet(t, ontap.V9141, ontap.V9161, ontap.V9191)
	for _, c := range f.clusters {
		makeOwn(t, c)
	}
	made := f.play(t,
		users("name: alice, comment: hello"),
		users("name: alice, comment: hello"),
		users("name: alice, comment: other"),
		at(ontap.V9161, users(`name: "al ice"`)),
		at(ontap.V9161, users("name: alice, vserver: nowhere")),
	)
	expectResult(t, made[3][ontap.V9161], false, "92405787")
	expectResult(t, made[4][ontap.V9161], false, "vserver nowhere does not exist")
	for version, c := range f.clusters {
		t.Run(version+": made, again, and modified", func(t *testing.T) {
			expectResult(t, made[0][version], true, "")
			expectResult(t, made[1][version], false, "")
			expectResult(t, made[2][version], true, "")
			if comment := c.Comment("alice"); comment != "other" {
				t.Errorf("the comment is %q", comment)
			}
			expectForeign(t, c, made[0][version].pair)
		})
		t.Run(version+": the operator makes a key beside it, or none", func(t *testing.T) { makeBeside(t, c, made[0][version].pair) })
	}
	regenerated := f.play(t, regenerate("alice"))
	for version, c := range f.clusters {
		t.Run(version+": regenerated", func(t *testing.T) {
			expectResult(t, regenerated[0][version], true, "")
			expectValid(t, c, made[0][version].pair, false)
			takeBack(t, c)
			expectForeign(t, c, regenerated[0][version].only(t))
		})
	}
	deleted := f.play(t, users("name: alice, state: absent"))
	for version, c := range f.clusters {
		t.Run(version+": deleted", func(t *testing.T) {
			expectResult(t, deleted[0][version], true, "")
			expectValid(t, c, regenerated[0][version].only(t), false)
			if left := c.Users(); len(left) != 1 || left[0] != own {
				t.Errorf("left are %v", left)
			}
		})
	}
}

// own is a user that the operator made.
const own = "operators-own"

func makeOwn(t *testing.T, c cluster) {
	t.Helper()
	owner := keyservice.Owner{UID: "6b0f9e0a-52c3-4f0e-9a53-0f3a2f1f5f10", Namespace: "team-a", Name: "backup"}
	made, err := c.operator.Create(t.Context(), own, keyservice.CreateRequest{Owner: owner})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { expectValid(t, c, pair{made.AccessKeyID, made.SecretAccessKey.Reveal()}, true) })
}

// makeBeside asks the operator for a key of alice, whose own stays as it is. Where a user has one key, there is no place.
func makeBeside(t *testing.T, c cluster, hers pair) {
	t.Helper()
	made, err := c.operator.Create(t.Context(), "alice", keyservice.CreateRequest{})
	switch room := c.operator.Limits().KeysPerUser > 1; {
	case room && err == nil:
		expectValid(t, c, pair{made.AccessKeyID, made.SecretAccessKey.Reveal()}, true)
	default:
		if refused, ok := errors.AsType[*keyservice.Error](err); room || !ok || refused.Reason != backend.ReasonUserExists {
			t.Errorf("got %v", err)
		}
	}
	expectValid(t, c, hers, true)
	if comment := c.Comment("alice"); comment != "other" {
		t.Errorf("the comment is %q", comment)
	}
}

// takeBack deletes the key that makeBeside made.
func takeBack(t *testing.T, c cluster) {
	t.Helper()
	if c.operator.Limits().KeysPerUser > 1 {
		if err := c.operator.Delete(t.Context(), "alice", "alice/2"); err != nil {
			t.Error(err)
		}
	}
}

// expectForeign: the pair works, and the operator lists it as alice's only key, which carries no mark of its own.
func expectForeign(t *testing.T, c cluster, hers pair) {
	t.Helper()
	expectValid(t, c, hers, true)
	keys, err := c.operator.List(t.Context(), "alice")
	if err != nil || len(keys) != 1 || keys[0].AccessKeyID != hers.AccessKey || keys[0].OwnerUID != "" {
		t.Errorf("the operator lists %+v, %v", keys, err)
	}
}

func expectValid(t *testing.T, c cluster, p pair, want bool) {
	t.Helper()
	if got := c.Valid(p.AccessKey, p.SecretKey); got != want {
		t.Errorf("%s works: %t", p.AccessKey, got)
	}
}

// expectResult compares what a task said; failure is a part of the message of one that failed.
func expectResult(t *testing.T, got result, changed bool, failure string) {
	t.Helper()
	if got.Changed != changed || got.Failed != (failure != "") || !strings.Contains(got.Msg, failure) {
		t.Errorf("got %+v, want changed %t, failure %q", got, changed, failure)
	}
}

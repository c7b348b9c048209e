// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"regexp"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/types"

	"accesskey.dev/operator/test/simulator"
	"accesskey.dev/operator/test/simulator/huawei"
	"accesskey.dev/operator/test/simulator/ionos"
	"accesskey.dev/operator/test/simulator/ontap"
	"accesskey.dev/operator/test/simulator/qumulo"
)

// keyServer is what the simulators have in common.
type keyServer interface {
	http.Handler
	Valid(accessKeyID, secret string) bool
	LivePairs() []simulator.Pair
	History() []simulator.Pair
}

// service is one simulated key service, with the sample that is applied for it in a namespace of its name.
type service struct {
	name      string
	simulator keyServer
	server    *simulator.Server
	// values are what the sample leaves open, and its URL.
	url    string
	values []string
}

func (s service) accessKey() types.NamespacedName {
	return types.NamespacedName{Namespace: s.name, Name: "backup"}
}

func (s service) sample() string { return "config/samples/" + s.name + ".yaml" }

func services() []service {
	q := qumulo.New(qumulo.Options{})
	q.AddUser("backup")
	i := ionos.New(ionos.Options{Provisioning: 2 * time.Second, Destroying: 2 * time.Second})
	h := huawei.New(huawei.Options{})
	o := ontap.New(ontap.Options{Version: ontap.V9161})
	return []service{
		{name: "qumulo", simulator: q, url: "https://qumulo.example:8000", values: []string{"access-v1:REPLACE-ME", q.AddToken(time.Time{})}},
		{name: "ionos", simulator: i, url: "https://s3.ionos.com", values: []string{"REPLACE-ME", i.AddUser("operator")}},
		{name: "huawei", simulator: h, url: "https://iam.eu-west-101.myhuaweicloud.eu", values: []string{
			"REPLACE-ME-ID", huawei.DefaultAccessKeyID, "REPLACE-ME-SECRET", huawei.DefaultSecretAccessKey,
			"07609fb9358010e21f7bc003751c7c32", h.AddUser("backup"),
		}},
		{name: "ontap", simulator: o, url: "https://cluster.example", values: []string{
			"username: accesskey-operator", "username: " + ontap.DefaultUsername, "REPLACE-ME", ontap.DefaultPassword,
		}},
	}
}

// withoutTLS finds where a sample that trusts public authorities can be told of the simulator's.
var withoutTLS = regexp.MustCompile(`(?m)^  s3:$`)

// apply applies the sample, pointed at the simulator and with a life that a demo can wait for.
func (d *demo) apply(ctx context.Context, s service) error {
	sample, err := os.ReadFile(s.sample())
	if err != nil {
		return err
	}
	values := append([]string{s.url, s.server.URL, "ttl: 720h", "ttl: 1m", "renewBefore: 240h", "renewBefore: 25s"}, s.values...)
	manifest := strings.NewReplacer(values...).Replace(string(sample))
	if !strings.Contains(manifest, "\n  tls:") {
		manifest = withoutTLS.ReplaceAllString(manifest, fmt.Sprintf("  tls:\n    caSecretRef: {name: %s-ca}\n  s3:", s.name))
	}
	ca := fmt.Sprintf("apiVersion: v1\nkind: Namespace\nmetadata: {name: %[1]s}\n---\napiVersion: v1\nkind: Secret\nmetadata: {name: %[1]s-ca}\nstringData:\n  ca.crt: %[2]q\n---\n", s.name, s.server.CA)
	_, err = d.cluster.Kubectl(ctx, []byte(ca+manifest), "apply", "--namespace="+s.name, "-f", "-")
	return err
}

// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Package chart tests the Helm chart in dist/chart: what it renders, that a real API server accepts that, and that the operator
// works as the chart installs it.
package chart

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/go-logr/logr"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/log"

	"accesskey.dev/operator/internal/controller"
	"accesskey.dev/operator/test/cluster"
)

var (
	// helm is the path of the Helm CLI.
	helm = os.Getenv("HELM")
	// plane is the control plane of all tests.
	plane *cluster.Cluster
	// kube is a client of the administrator, without a cache.
	kube client.Client
)

func TestMain(m *testing.M) {
	log.SetLogger(logr.Discard())
	code, err := run(m)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

func run(m *testing.M) (code int, err error) {
	if helm == "" {
		return 0, errors.New(`HELM is not set; run by make, or set it to the path of bin/helm, which "make helm" builds`)
	}
	ctx := context.Background()
	crds, err := foreignCRDs(ctx)
	if err != nil {
		return 0, err
	}
	if plane, err = cluster.Start(ctx, crds...); err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, plane.Stop()) }()
	if kube, err = client.New(plane.Config, client.Options{Scheme: controller.Scheme()}); err != nil {
		return 0, err
	}
	for _, name := range []string{namespace, "team-a", "team-b"} {
		restricted := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: name, Labels: map[string]string{"pod-security.kubernetes.io/enforce": "restricted"}}}
		if err := kube.Create(ctx, restricted); err != nil {
			return 0, err
		}
	}
	return m.Run(), nil
}

// foreignCRDs returns the files with the CRDs of other projects, whose objects the chart can create.
func foreignCRDs(ctx context.Context) (files []string, err error) {
	for module, names := range map[string][]string{
		"github.com/prometheus-operator/prometheus-operator": {
			"example/prometheus-operator-crd/monitoring.coreos.com_prometheusrules.yaml",
			"example/prometheus-operator-crd/monitoring.coreos.com_servicemonitors.yaml",
		},
		"github.com/cert-manager/cert-manager": {"deploy/crds/cert-manager.io_certificates.yaml"},
	} {
		out, err := exec.CommandContext(ctx, "go", "-C", "../../hack/crds", "mod", "download", "-json", module).Output()
		if err != nil {
			return nil, fmt.Errorf("downloading %s: %w: %s", module, err, out)
		}
		var downloaded struct{ Dir string }
		if err := json.Unmarshal(out, &downloaded); err != nil {
			return nil, err
		}
		for _, name := range names {
			files = append(files, filepath.Join(downloaded.Dir, name))
		}
	}
	return files, nil
}

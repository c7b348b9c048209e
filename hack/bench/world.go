// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/kubernetes"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"accesskey.dev/operator/api/v1alpha1"
	"accesskey.dev/operator/hack/simulators/process"
	"accesskey.dev/operator/internal/controller"
	"accesskey.dev/operator/test/cluster"
	"accesskey.dev/operator/test/s3"
)

// floorGroup has the same AccessKey in another API group: the same schema and rules, but no controller. bareGroup has no rules, too.
const (
	floorGroup = "floor.accesskey.dev"
	bareGroup  = "bare.accesskey.dev"
)

// system is the operator's namespace.
const system = "accesskey-system"

// world is a control plane with everything that a round needs.
type world struct {
	options
	directory  string
	cluster    *cluster.Cluster
	simulators *process.Simulators
	manager    *manager
	// kube is an administrator's client. floor is the same, but its AccessKeys are those of floorGroup.
	kube, floor client.WithWatch
	server      *kubernetes.Clientset
	// users of Qumulo that are in use.
	users int
}

func newWorld(ctx context.Context, o options, users int) (w *world, err error) {
	w = &world{options: o}
	defer func() {
		if err != nil {
			err = errors.Join(err, w.close())
		}
	}()
	if w.directory, err = os.MkdirTemp("", "accesskey-bench-"); err != nil {
		return w, err
	}
	crds, err := w.copyCRDs()
	if err != nil {
		return w, err
	}
	if w.cluster, err = cluster.Start(ctx, "config/crd/bases", crds); err != nil {
		return w, err
	}
	if err := w.connect(); err != nil {
		return w, err
	}
	if _, err := w.cluster.Kubectl(ctx, nil, "apply", "-k", "config/default"); err != nil {
		return w, err
	}
	if _, err := w.cluster.Kubectl(ctx, nil, "apply", "-k", "config/finalizer"); err != nil {
		return w, err
	}
	if err := w.cluster.WaitForFinalizerPolicy(ctx); err != nil {
		return w, err
	}
	arguments := []string{fmt.Sprintf("--qumulo-users=%d", users)}
	if o.verify {
		server, err := s3.Binary(ctx)
		if err != nil {
			return w, err
		}
		arguments = append(arguments, "--s3-server="+server)
	}
	if w.simulators, err = process.Start(ctx, arguments...); err != nil {
		return w, err
	}
	return w, nil
}

// copyCRDs writes the copies of the CRD to a folder.
func (w *world) copyCRDs() (folder string, err error) {
	original, err := os.ReadFile("config/crd/bases/" + v1alpha1.GroupVersion.Group + "_accesskeys.yaml")
	if err != nil {
		return "", err
	}
	folder = filepath.Join(w.directory, "crd")
	if err := os.Mkdir(folder, 0o700); err != nil {
		return "", err
	}
	for _, group := range []string{floorGroup, bareGroup} {
		replaced := bytes.Replace(original, []byte("group: "+v1alpha1.GroupVersion.Group), []byte("group: "+group), 1)
		replaced = bytes.Replace(replaced, []byte("name: accesskeys."+v1alpha1.GroupVersion.Group), []byte("name: accesskeys."+group), 1)
		if group == bareGroup {
			if replaced, err = withoutRules(replaced); err != nil {
				return "", err
			}
		}
		if err := os.WriteFile(filepath.Join(folder, group+".yaml"), replaced, 0o600); err != nil {
			return "", err
		}
	}
	return folder, nil
}

func (w *world) connect() (err error) {
	if w.kube, err = client.NewWithWatch(w.cluster.Config, client.Options{Scheme: controller.Scheme()}); err != nil {
		return err
	}
	if w.floor, err = w.clientOf(floorGroup); err != nil {
		return err
	}
	w.server, err = kubernetes.NewForConfig(w.cluster.Config)
	return err
}

// clientOf returns an administrator's client whose AccessKeys are those of an API group.
func (w *world) clientOf(group string) (client.WithWatch, error) {
	scheme := runtime.NewScheme()
	version := schema.GroupVersion{Group: group, Version: v1alpha1.GroupVersion.Version}
	scheme.AddKnownTypes(version, &v1alpha1.AccessKey{}, &v1alpha1.AccessKeyList{})
	metav1.AddToGroupVersion(scheme, version)
	if err := corev1.AddToScheme(scheme); err != nil {
		return nil, err
	}
	return client.NewWithWatch(w.cluster.Config, client.Options{Scheme: scheme})
}

func (w *world) close() error {
	var errs []error
	if w.manager != nil {
		errs = append(errs, w.manager.stop())
	}
	if w.simulators != nil {
		errs = append(errs, w.simulators.Stop())
	}
	if w.cluster != nil {
		errs = append(errs, w.cluster.Stop())
	}
	if errors.Join(errs...) != nil {
		return errors.Join(append(errs, fmt.Errorf("the manager's log is in %s", w.directory))...)
	}
	return os.RemoveAll(w.directory)
}

// fill creates the Secrets that have nothing to do with the operator.
func (w *world) fill(ctx context.Context) error {
	if w.unrelated == 0 {
		return nil
	}
	start := time.Now()
	namespaces, err := w.namespaces(ctx, "unrelated")
	if err != nil {
		return err
	}
	data := map[string][]byte{"data": bytes.Repeat([]byte("unrelated "), w.unrelKB*1000/10)}
	err = each(ctx, w.clients, w.unrelated, func(i int) error {
		return w.kube.Create(ctx, &corev1.Secret{
			ObjectMeta: metav1.ObjectMeta{Namespace: namespaces[i%len(namespaces)], Name: fmt.Sprintf("unrelated-%d", i)}, Data: data,
		})
	})
	say("Created %d Secrets of %d KB in %s", w.unrelated, w.unrelKB, time.Since(start).Round(time.Second))
	return err
}

// namespaces creates sixteen namespaces whose names begin with prefix.
func (w *world) namespaces(ctx context.Context, prefix string) ([]string, error) {
	names := make([]string, 16)
	for i := range names {
		names[i] = fmt.Sprintf("%s-%02d", prefix, i)
		if err := w.kube.Create(ctx, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: names[i]}}); err != nil {
			return nil, err
		}
	}
	return names, nil
}

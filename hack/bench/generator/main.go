// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Command generator is the yardstick of the bench: the least that a controller can do for an AccessKey. It makes up a pair, writes
// it to a Secret, and reports it in the status. It calls no service, and keeps no promise.
package main

import (
	"context"
	"crypto/rand"
	"flag"
	"fmt"
	"os"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller"
	"sigs.k8s.io/controller-runtime/pkg/controller/controllerutil"
	"sigs.k8s.io/controller-runtime/pkg/log"
	"sigs.k8s.io/controller-runtime/pkg/log/zap"
	"sigs.k8s.io/controller-runtime/pkg/metrics/server"

	"accesskey.dev/operator/api/v1alpha1"
)

// workers are as many as the operator has by default.
const workers = 16

func main() {
	if err := run(ctrl.SetupSignalHandler()); err != nil {
		fmt.Fprintln(os.Stderr, "generator:", err)
		os.Exit(1)
	}
}

// run takes the flags with which the bench starts the operator.
func run(ctx context.Context) error {
	group := flag.String("group", "", "API group of the AccessKeys.")
	metrics := flag.String("metrics-bind-address", "0", "Address of the metrics.")
	flag.Bool("metrics-secure", false, "Not supported.")
	flag.String("health-probe-bind-address", "0", "Not supported.")
	flag.Parse()
	log.SetLogger(zap.New())

	scheme := runtime.NewScheme()
	version := schema.GroupVersion{Group: *group, Version: v1alpha1.GroupVersion.Version}
	scheme.AddKnownTypes(version, &v1alpha1.AccessKey{}, &v1alpha1.AccessKeyList{})
	metav1.AddToGroupVersion(scheme, version)
	if err := corev1.AddToScheme(scheme); err != nil {
		return err
	}
	config, err := ctrl.GetConfig()
	if err != nil {
		return err
	}
	config.QPS = -1
	manager, err := ctrl.NewManager(config, ctrl.Options{Scheme: scheme, Metrics: server.Options{BindAddress: *metrics}})
	if err != nil {
		return err
	}
	if err := ctrl.NewControllerManagedBy(manager).For(&v1alpha1.AccessKey{}).Named("accesskey").
		WithOptions(controller.Options{MaxConcurrentReconciles: workers}).Complete(&generator{manager.GetClient()}); err != nil {
		return err
	}
	return manager.Start(ctx)
}

type generator struct{ client.Client }

// Reconcile implements reconcile.Reconciler.
func (g *generator) Reconcile(ctx context.Context, request ctrl.Request) (ctrl.Result, error) {
	ak := &v1alpha1.AccessKey{}
	if err := g.Get(ctx, request.NamespacedName, ak); err != nil || ak.Status.Revision > 0 {
		return ctrl.Result{}, client.IgnoreNotFound(err)
	}
	secret := &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{Namespace: ak.Namespace, Name: ak.Name},
		StringData: map[string]string{v1alpha1.SecretKeyAccessKeyID: rand.Text(), v1alpha1.SecretKeySecretAccessKey: rand.Text()},
	}
	if err := controllerutil.SetControllerReference(ak, secret, g.Scheme()); err != nil {
		return ctrl.Result{}, err
	}
	if err := g.Create(ctx, secret); client.IgnoreAlreadyExists(err) != nil {
		return ctrl.Result{}, err
	}
	base := ak.DeepCopy()
	ak.Status.Revision, ak.Status.SecretName = 1, ak.Name
	meta.SetStatusCondition(&ak.Status.Conditions, metav1.Condition{Type: v1alpha1.ConditionReady, Status: metav1.ConditionTrue, Reason: v1alpha1.ReasonIssued})
	return ctrl.Result{}, g.Status().Patch(ctx, ak, client.MergeFrom(base))
}

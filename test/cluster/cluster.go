// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Package cluster runs a real control plane on loopback for tests and the demo: etcd, kube-apiserver with RBAC, and the
// controllers of kube-controller-manager that the operator's users rely on.
package cluster

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"

	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"
	"sigs.k8s.io/controller-runtime/pkg/envtest"
)

// controllers are the controllers that the tests rely on. They delete the content of namespaces and the objects of deleted
// owners, create the default ServiceAccounts and the ReplicaSets of Deployments, and add the rules of config/rbac to the roles view, edit and admin.
const controllers = "namespace-controller,garbage-collector-controller,serviceaccount-controller,deployment-controller,clusterrole-aggregation-controller"

// Cluster is a running control plane.
type Cluster struct {
	// Config has the credentials of an administrator.
	Config *rest.Config
	// Kubeconfig is the path of the administrator's kubeconfig.
	Kubeconfig string

	environment *envtest.Environment
	manager     *exec.Cmd
	directory   string
	operator    operator
}

// Assets returns the folder with etcd, kube-apiserver, kube-controller-manager and kubectl, as printed by hack/controlplane.
func Assets() (string, error) {
	assets := os.Getenv("KUBEBUILDER_ASSETS")
	if assets == "" {
		return "", errors.New(`KUBEBUILDER_ASSETS is not set; run by make, or set it to the output of "go run ./hack/controlplane"`)
	}
	return assets, nil
}

// Start starts a control plane, which the caller must stop. It installs the CRDs in these folders at once. The garbage collector
// discovers CRDs that are applied later only after half a minute.
func Start(ctx context.Context, crds ...string) (*Cluster, error) {
	assets, err := Assets()
	if err != nil {
		return nil, err
	}
	c := &Cluster{environment: &envtest.Environment{
		BinaryAssetsDirectory:    assets,
		CRDDirectoryPaths:        crds,
		ErrorIfCRDPathMissing:    true,
		ControlPlaneStartTimeout: time.Minute,
		ControlPlaneStopTimeout:  time.Minute,
	}}
	// Some distributions enable this plugin. It requires the permission to delete an object in order to change its owner, and one on
	// the owner to block the owner's deletion.
	c.environment.ControlPlane.GetAPIServer().Configure().Append("enable-admission-plugins", "OwnerReferencesPermissionEnforcement")
	if c.directory, err = os.MkdirTemp("", "accesskey-cluster-"); err != nil {
		return nil, err
	}
	if err := c.prepareRestarts(assets); err != nil {
		return nil, errors.Join(err, os.RemoveAll(c.directory))
	}
	if c.Config, err = c.environment.Start(); err != nil {
		return nil, fmt.Errorf("starting etcd and kube-apiserver: %w", errors.Join(err, c.environment.Stop(), os.RemoveAll(c.directory)))
	}
	// Client-side throttling would only slow down the tests.
	c.Config.QPS = -1
	if err := c.startControllers(ctx, assets); err != nil {
		return nil, errors.Join(err, c.Stop())
	}
	return c, nil
}

func (c *Cluster) startControllers(ctx context.Context, assets string) error {
	c.Kubeconfig = filepath.Join(c.directory, "kubeconfig")
	if err := os.WriteFile(c.Kubeconfig, c.environment.KubeConfig, 0o600); err != nil {
		return err
	}
	logs, err := os.Create(filepath.Join(c.directory, "kube-controller-manager.log"))
	if err != nil {
		return err
	}
	defer logs.Close() //nolint:errcheck // the child has its own handle
	c.manager = exec.CommandContext(context.WithoutCancel(ctx), filepath.Join(assets, "kube-controller-manager"),
		"--kubeconfig="+c.Kubeconfig, "--authentication-kubeconfig="+c.Kubeconfig, "--authorization-kubeconfig="+c.Kubeconfig,
		"--controllers="+controllers, "--leader-elect=false", "--secure-port=0", "--kube-api-qps=200", "--kube-api-burst=400")
	c.manager.Stdout, c.manager.Stderr = logs, logs
	if err := c.manager.Start(); err != nil {
		return fmt.Errorf("starting kube-controller-manager: %w", err)
	}
	return nil
}

// Stop stops everything that Start started.
func (c *Cluster) Stop() error {
	var errs []error
	if c.manager != nil && c.manager.Process != nil {
		errs = append(errs, c.manager.Process.Signal(syscall.SIGKILL)) // it has no state to save
		_ = c.manager.Wait()                                           // returns the signal as an error
	}
	errs = append(errs, c.environment.Stop(), os.RemoveAll(c.directory))
	return errors.Join(errs...)
}

// KubeconfigFor writes a kubeconfig with a bearer token, such as that of a ServiceAccount, and returns its path.
func (c *Cluster) KubeconfigFor(name, token string) (string, error) {
	config := clientcmdapi.NewConfig()
	config.Clusters[name] = &clientcmdapi.Cluster{Server: c.Config.Host, CertificateAuthorityData: c.Config.CAData}
	config.AuthInfos[name] = &clientcmdapi.AuthInfo{Token: token}
	config.Contexts[name] = &clientcmdapi.Context{Cluster: name, AuthInfo: name}
	config.CurrentContext = name
	path := filepath.Join(c.directory, name+".kubeconfig")
	return path, clientcmd.WriteToFile(*config, path)
}

// Kubectl runs kubectl as the administrator and returns its output.
func (c *Cluster) Kubectl(ctx context.Context, stdin []byte, arguments ...string) (string, error) {
	assets, err := Assets()
	if err != nil {
		return "", err
	}
	return run(ctx, stdin, filepath.Join(assets, "kubectl"), append([]string{"--kubeconfig=" + c.Kubeconfig}, arguments...)...)
}

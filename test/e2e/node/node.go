// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Package node runs a real Kubernetes node with its control plane on this machine: etcd, kube-apiserver with the authorization
// modes Node and RBAC and Pod Security admission, kube-controller-manager, kube-scheduler, kube-proxy, the kubelet, containerd
// and runc. It runs in namespaces of its own, so it neither sees nor changes the network, the mounts and the processes of the
// machine.
package node

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"

	"accesskey.dev/operator/test/cluster"
)

const (
	// Address is the address of the node in the network of the Pods.
	Address = "10.244.0.1"
	// name is the name of the Node object. It is also in files/kube-proxy.yaml.
	name = "node"
	// home is the folder of the configuration.
	home = "/run/node"
	// authority is the certificate of the API server, which it creates itself and which is also its CA.
	authority = home + "/pki/apiserver.crt"
	// admin is the kubeconfig of the administrator.
	admin = home + "/admin.kubeconfig"
)

// Node is a running node.
type Node struct {
	// Config has the credentials of an administrator.
	Config *rest.Config
	// Kubeconfig is the path of the administrator's kubeconfig.
	Kubeconfig string

	options Options
	assets  string
	kubelet *process
}

// Options say what a node needs from its caller.
type Options struct {
	// Logs is the folder for the output of its programs.
	Logs string
	// DNS is the path of CoreDNS.
	DNS string
	// Images are the archives with the images that Pods can use. The image of the sandboxes is docker.io/library/accesskey-pause:dev.
	Images []string
}

// Start starts a node, in a process for which Inside returns true. It returns when Pods can be created. The node ends with this
// process. Only the logs stay.
func Start(ctx context.Context, options Options) (*Node, error) {
	assets, err := cluster.Assets()
	if err != nil {
		return nil, err
	}
	n := &Node{Kubeconfig: admin, options: options, assets: assets}
	for _, step := range []func(context.Context) error{
		func(context.Context) error { return mountAll() },
		network,
		func(context.Context) error { return n.configure() },
		n.startControlPlane,
		n.startRuntime,
		n.startWorkers,
		n.ready,
	} {
		if err := step(ctx); err != nil {
			return nil, fmt.Errorf("starting the node: %w", err)
		}
	}
	return n, nil
}

// startControlPlane starts etcd and kube-apiserver and waits until the API server is ready.
func (n *Node) startControlPlane(ctx context.Context) error {
	if _, err := n.start(filepath.Join(n.assets, "etcd"), "--data-dir=/run/etcd", "--unsafe-no-fsync", "--log-level=warn"); err != nil {
		return err
	}
	server, err := n.start(filepath.Join(n.assets, "kube-apiserver"),
		"--etcd-servers=http://127.0.0.1:2379", "--bind-address="+Address, "--advertise-address="+Address, "--cert-dir="+home+"/pki",
		"--authorization-mode=Node,RBAC", "--token-auth-file="+home+"/tokens.csv", "--allow-privileged",
		"--enable-admission-plugins=NodeRestriction,OwnerReferencesPermissionEnforcement", "--kubelet-preferred-address-types=InternalIP",
		"--service-cluster-ip-range=10.96.0.0/24", "--service-account-issuer=https://kubernetes.default.svc",
		"--service-account-signing-key-file="+home+"/service-accounts.key", "--service-account-key-file="+home+"/service-accounts.key")
	if err != nil {
		return err
	}
	return n.until(ctx, "kube-apiserver to be ready", server, func(ctx context.Context) error {
		config, err := clientcmd.BuildConfigFromFlags("", admin)
		if err != nil {
			return err
		}
		config.QPS = -1
		n.Config = config
		client, err := kubernetes.NewForConfig(config)
		if err != nil {
			return err
		}
		return client.RESTClient().Get().AbsPath("/readyz").Do(ctx).Error()
	})
}

// startRuntime starts containerd and imports the images.
func (n *Node) startRuntime(ctx context.Context) error {
	runtime, err := n.start("containerd", "--config="+home+"/containerd.toml")
	if err != nil {
		return err
	}
	err = n.until(ctx, "containerd to answer", runtime, func(ctx context.Context) error {
		_, err := run(ctx, nil, "ctr", "version")
		return err
	})
	if err != nil {
		return err
	}
	for _, image := range n.options.Images {
		if _, err := run(ctx, nil, "ctr", "--namespace=k8s.io", "images", "import", image); err != nil {
			return err
		}
	}
	return nil
}

// startWorkers starts the programs that need the API server.
func (n *Node) startWorkers(context.Context) error {
	kubeconfig := func(user string) string { return "--kubeconfig=" + home + "/" + user + ".kubeconfig" }
	for _, program := range [][]string{
		{filepath.Join(n.assets, "kube-controller-manager"), kubeconfig("kube-controller-manager"), "--use-service-account-credentials", "--leader-elect=false",
			"--root-ca-file=" + authority, "--service-account-private-key-file=" + home + "/service-accounts.key"},
		{filepath.Join(n.assets, "kube-scheduler"), kubeconfig("kube-scheduler"), "--leader-elect=false"},
		{filepath.Join(n.assets, "kube-proxy"), "--config=" + home + "/kube-proxy.yaml"},
		{n.options.DNS, "-conf=" + home + "/Corefile"},
	} {
		if _, err := n.start(program[0], program[1:]...); err != nil {
			return err
		}
	}
	return n.startKubelet()
}

func (n *Node) startKubelet() (err error) {
	n.kubelet, err = n.start(filepath.Join(n.assets, "kubelet"), "--config="+home+"/kubelet.yaml", "--kubeconfig="+home+"/kubelet.kubeconfig",
		"--hostname-override="+name, "--node-ip="+Address, "--cgroup-root=/"+os.Getenv(inside))
	return err
}

// RestartKubelet stops the kubelet and starts it again.
func (n *Node) RestartKubelet(ctx context.Context) error {
	if err := n.kubelet.stop(ctx); err != nil {
		return err
	}
	if err := n.startKubelet(); err != nil {
		return err
	}
	return n.until(ctx, "the kubelet to be healthy", n.kubelet, func(ctx context.Context) error {
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://127.0.0.1:10248/healthz", http.NoBody)
		if err != nil {
			return err
		}
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			return err
		}
		if response.StatusCode != http.StatusOK {
			err = errors.New(response.Status)
		}
		return errors.Join(err, response.Body.Close())
	})
}

// KillContainer kills the process of a container with SIGKILL. The ID is that of a ContainerStatus.
func (n *Node) KillContainer(ctx context.Context, id string) error {
	_, err := run(ctx, nil, "ctr", "--namespace=k8s.io", "tasks", "kill", "--signal=SIGKILL", strings.TrimPrefix(id, "containerd://"))
	return err
}

// ready waits until Pods can be scheduled and have a ServiceAccount.
func (n *Node) ready(ctx context.Context) error {
	client, err := kubernetes.NewForConfig(n.Config)
	if err != nil {
		return err
	}
	return n.until(ctx, "the Node to be ready", n.kubelet, func(ctx context.Context) error {
		node, err := client.CoreV1().Nodes().Get(ctx, name, metav1.GetOptions{})
		if err != nil {
			return err
		}
		for _, condition := range node.Status.Conditions {
			if condition.Type == corev1.NodeReady && condition.Status != corev1.ConditionTrue {
				return errors.New(condition.Message)
			}
		}
		_, err = client.CoreV1().ServiceAccounts(metav1.NamespaceDefault).Get(ctx, "default", metav1.GetOptions{})
		return err
	})
}

// until calls a check until it succeeds, the process ends, or a minute has passed.
func (n *Node) until(ctx context.Context, what string, needed *process, check func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	for {
		err := check(ctx)
		if err == nil {
			return nil
		}
		select {
		case <-needed.ended:
			return fmt.Errorf("waiting for %s: %s ended:\n%s", what, needed.name, needed.lastLines())
		case <-ctx.Done():
			return fmt.Errorf("waiting for %s: %w: the log is %s", what, err, needed.log)
		case <-time.After(200 * time.Millisecond):
		}
	}
}

// Kubectl runs kubectl as the administrator and returns its output.
func (n *Node) Kubectl(ctx context.Context, stdin []byte, arguments ...string) (string, error) {
	return run(ctx, stdin, filepath.Join(n.assets, "kubectl"), append([]string{"--kubeconfig=" + n.Kubeconfig}, arguments...)...)
}

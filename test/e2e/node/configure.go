// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package node

import (
	"context"
	"embed"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"
	"k8s.io/client-go/util/keyutil"
)

//go:embed files
var files embed.FS

// users maps the name of a kubeconfig to the user and the group that its token stands for.
var users = map[string][2]string{
	"admin":                   {"admin", "system:masters"},
	"kube-controller-manager": {"system:kube-controller-manager", ""},
	"kube-scheduler":          {"system:kube-scheduler", ""},
	"kube-proxy":              {"system:kube-proxy", ""},
	"kubelet":                 {"system:node:" + name, "system:nodes"},
}

// network prepares the network. The address of the bridge is the address of the node.
func network(ctx context.Context) error {
	for _, arguments := range []string{
		"link set lo up",
		// Without an address of its own, the bridge takes the lowest one of its ports. Then the Pods lose the node for some seconds
		// whenever a Pod comes or goes.
		"link add cni0 address 0a:58:0a:f4:00:01 type bridge",
		"address add " + Address + "/24 dev cni0",
		"link set cni0 up",
		"route add default dev cni0", // the addresses of Services need a route before kube-proxy replaces them
	} {
		if _, err := run(ctx, nil, "ip", strings.Fields(arguments)...); err != nil {
			return err
		}
	}
	for _, setting := range []string{"ipv4/ip_forward", "bridge/bridge-nf-call-iptables"} {
		if err := os.WriteFile("/proc/sys/net/"+setting, []byte("1"), 0o644); err != nil {
			return err
		}
	}
	return nil
}

// configure writes the configuration of all programs.
func (n *Node) configure() error {
	if err := os.MkdirAll(filepath.Join(home, "cni"), 0o755); err != nil {
		return err
	}
	for _, file := range []string{"containerd.toml", "kubelet.yaml", "kube-proxy.yaml", "Corefile", "network.conflist"} {
		text, err := files.ReadFile("files/" + file)
		if err != nil {
			return err
		}
		folder := home
		if file == "network.conflist" {
			folder = filepath.Join(home, "cni")
		}
		if err := os.WriteFile(filepath.Join(folder, file), text, 0o644); err != nil {
			return err
		}
	}
	var tokens strings.Builder
	for kubeconfig, user := range users {
		fmt.Fprintf(&tokens, "%[1]s-token,%[2]s,%[2]s,%[3]s\n", kubeconfig, user[0], user[1])
		if err := writeKubeconfig(kubeconfig); err != nil {
			return err
		}
	}
	if err := os.WriteFile(filepath.Join(home, "tokens.csv"), []byte(tokens.String()), 0o600); err != nil {
		return err
	}
	key, err := keyutil.MakeEllipticPrivateKeyPEM()
	if err != nil {
		return err
	}
	return keyutil.WriteKey(filepath.Join(home, "service-accounts.key"), key)
}

func writeKubeconfig(user string) error {
	config := clientcmdapi.NewConfig()
	config.Clusters[name] = &clientcmdapi.Cluster{Server: "https://" + Address + ":6443", CertificateAuthority: authority}
	config.AuthInfos[name] = &clientcmdapi.AuthInfo{Token: user + "-token"}
	config.Contexts[name] = &clientcmdapi.Context{Cluster: name, AuthInfo: name}
	config.CurrentContext = name
	return clientcmd.WriteToFile(*config, filepath.Join(home, user+".kubeconfig"))
}

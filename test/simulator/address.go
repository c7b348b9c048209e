// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package simulator

import (
	"cmp"
	"net"
	"strconv"
)

// Address is where a server listens, and the name by which its clients reach it.
type Address struct {
	// Host is the name of the server, such as that of a Kubernetes Service. The server then listens on all interfaces. If Host is
	// empty, it listens on the loopback interface only.
	Host string
	// Port is the port of the server. If it is 0, the server uses a free one.
	Port int
}

// Listen returns a listener, and the host and port for the clients.
func (a Address) Listen() (listener net.Listener, clients string, err error) {
	on := "127.0.0.1"
	if a.Host != "" {
		on = ""
	}
	if listener, err = net.Listen("tcp", net.JoinHostPort(on, strconv.Itoa(a.Port))); err != nil {
		return nil, "", err
	}
	_, port, err := net.SplitHostPort(listener.Addr().String())
	return listener, net.JoinHostPort(cmp.Or(a.Host, on), port), err
}

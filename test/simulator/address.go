// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package simulator

import (
	"cmp"
	"errors"
	"math/rand/v2"
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

// FreePort returns a port that nothing on the loopback interface uses. It is below the ports that systems choose for connections and for
// listeners on port 0, so that hardly anything takes it before the caller does.
func FreePort() (int, error) {
	for range 100 {
		port := 20000 + rand.IntN(10000)
		if listener, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port))); err == nil {
			return port, listener.Close()
		}
	}
	return 0, errors.New("found no free port")
}

// FreeAddress returns an address of the loopback interface with a free port.
func FreeAddress() (string, error) {
	port, err := FreePort()
	return net.JoinHostPort("127.0.0.1", strconv.Itoa(port)), err
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

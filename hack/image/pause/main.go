// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Command pause does nothing until it is asked to stop. A container runtime runs it in the sandbox of each Pod, to keep the
// namespaces of the Pod.
package main

import (
	"os"
	"os/signal"
	"syscall"
)

func main() {
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, syscall.SIGINT, syscall.SIGTERM)
	<-stop
}

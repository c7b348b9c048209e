// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package aws

import (
	"bytes"
	"encoding/xml"
	"net/http"
	"slices"
	"strings"
	"time"

	"accesskey.dev/operator/test/simulator"
)

// Namespaces of responses, and of the response to an unknown action.
const (
	iamNamespace   = "https://iam.amazonaws.com/doc/2010-05-08/"
	stsNamespace   = "https://sts.amazonaws.com/doc/2011-06-15/"
	faultNamespace = "http://webservices.amazon.com/AWSFault/2005-15-09"
)

// node is an element of a response: a text or other elements.
type node struct {
	name     string
	text     string
	children []node
}

func leaf(name, text string) node { return node{name: name, text: text} }

func branch(name string, children ...node) node { return node{name: name, children: children} }

// write writes a node. Texts are escaped.
func (n node) write(b *bytes.Buffer, markup Markup, namespace string) {
	name, children := n.name, n.children
	if markup == MarkupPrefix {
		name, children = "ns2:"+n.name, slices.Clone(n.children)
		slices.Reverse(children)
	}
	b.WriteString("<" + name)
	switch {
	case namespace != "" && markup == MarkupNamespace:
		b.WriteString(` xmlns="` + namespace + `"`)
	case namespace != "" && markup == MarkupPrefix:
		b.WriteString(` xmlns:ns2="` + namespace + `"`)
	}
	b.WriteString(">")
	_ = xml.EscapeText(b, []byte(n.text)) // writing to a buffer never fails
	for _, child := range children {
		child.write(b, markup, "")
	}
	b.WriteString("</" + name + ">")
}

// success returns the response to an action. A nil result is that of an action without a result.
func (s *Simulator) success(action string, result []node, requestID string) node {
	root := node{name: action + "Response"}
	if result != nil {
		root.children = append(root.children, branch(action+"Result", result...))
	}
	if s.options.Markup != MarkupPlain {
		root.children = append(root.children, branch("ResponseMetadata", leaf("RequestId", requestID)))
	}
	return root
}

// failure returns an error response.
func (s *Simulator) failure(refused *apiError, requestID string) node {
	failed := branch("Error", leaf("Code", refused.code), leaf("Message", refused.message))
	if s.options.Shape == ShapeBare {
		failed.children = append(failed.children, leaf("RequestId", requestID))
		return failed
	}
	kind := "Sender"
	if refused.status >= http.StatusInternalServerError {
		kind = "Receiver"
	}
	failed.children = append([]node{leaf("Type", kind)}, failed.children...)
	if s.options.Shape == ShapeList {
		failed = branch("Errors", failed)
	}
	return branch("ErrorResponse", failed, leaf("RequestId", requestID))
}

// write sends a response.
func (s *Simulator) write(w http.ResponseWriter, c *call, result []node, refused *apiError) {
	requestID := uuid()
	w.Header().Set("X-Amzn-Requestid", requestID)
	w.Header().Set("Content-Type", "text/xml")
	namespace := iamNamespace
	if c.sts() {
		namespace = stsNamespace
	}
	status, root := http.StatusOK, s.success(c.action, result, requestID)
	if refused != nil {
		status, root = refused.status, s.failure(refused, requestID)
		if refused.code == "InvalidAction" {
			namespace = faultNamespace
		}
		if s.options.Shape == ShapeBare {
			namespace = ""
		}
	}
	var body bytes.Buffer
	body.WriteString(xml.Header)
	root.write(&body, s.options.Markup, namespace)
	w.WriteHeader(status)
	_, _ = w.Write(body.Bytes()) // fails only if the client has disconnected
}

// uuid returns a random ID of a request.
func uuid() string {
	var parts []string
	for _, n := range []int{8, 4, 4, 4, 12} {
		parts = append(parts, simulator.Random(n, simulator.Hex))
	}
	return strings.Join(parts, "-")
}

// written is how AWS writes times.
func written(at time.Time) string { return at.UTC().Format("2006-01-02T15:04:05Z") }

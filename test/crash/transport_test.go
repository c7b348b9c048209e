// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package crash

import (
	"bytes"
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httptrace"
	"net/url"
	"strings"
	"syscall"
	"time"
)

// transport carries a process's requests to the simulator's handler, without a network.
type transport struct{ process *process }

// RoundTrip implements http.RoundTripper.
func (t transport) RoundTrip(request *http.Request) (*http.Response, error) {
	p, w := t.process, t.process.world
	body, err := readBody(request)
	if err != nil {
		return nil, err
	}
	call, write := describe(request, body)
	p.await(call)
	failure := w.fateOf(call, write)
	if w.serviceDown {
		w.log("service", "%s: down", call)
		return nil, &net.OpError{Op: "dial", Net: "tcp", Err: syscall.ECONNREFUSED}
	}
	if trace := httptrace.ContextClientTrace(request.Context()); trace != nil && trace.GotConn != nil {
		trace.GotConn(httptrace.GotConnInfo{})
	}
	if response, done, err := t.instead(failure, call, request, body); done {
		return response, err
	}
	response := w.handle(request, body)
	switch failure {
	case dieAfter:
		w.log("service", "%s: %d, and the operator is gone", call, response.StatusCode)
		p.die()
	case loseAnswer:
		w.log("service", "%s: %d, and the response is lost", call, response.StatusCode)
		return nil, io.ErrUnexpectedEOF
	default:
	}
	w.log("service", "%s: %d", call, response.StatusCode)
	return response, nil
}

// describe names a request, and reports whether it can change something. All requests of the API of AWS have the same path and method,
// and name their action in a form.
func describe(request *http.Request, body []byte) (call string, write bool) {
	call = request.Method + " " + request.URL.RequestURI()
	form, _ := url.ParseQuery(string(body)) // no other service sends forms
	if action := form.Get("Action"); action != "" {
		return call + action, !strings.HasPrefix(action, "Get") && !strings.HasPrefix(action, "List")
	}
	return call, request.Method != http.MethodGet
}

// instead handles a request that is not carried out, or not yet.
func (t transport) instead(failure failure, call string, request *http.Request, body []byte) (response *http.Response, done bool, err error) {
	p, w := t.process, t.process.world
	switch failure {
	case dieBefore:
		w.log("service", "%s: the operator is gone", call)
		p.die()
	case refuse:
		w.log("service", "%s: the connection breaks before", call)
		return nil, true, io.ErrUnexpectedEOF
	case failed:
		w.log("service", "%s: 503", call)
		return answer(http.StatusServiceUnavailable, request), true, nil
	case throttled:
		w.log("service", "%s: 429", call)
		return answer(http.StatusTooManyRequests, request), true, nil
	case dieLate:
		w.log("service", "%s: the operator is gone", call)
		w.landLate(call, request, body)
		p.die()
	case late:
		w.log("service", "%s: hangs", call)
		w.landLate(call, request, body)
		<-request.Context().Done()
		return nil, true, request.Context().Err()
	default:
	}
	return nil, false, nil
}

// landing is after how long a request that hangs is carried out: after the operator's timeout.
const landing = 45 * time.Second

func (w *world) landLate(call string, request *http.Request, body []byte) {
	w.carriedOut = time.Now().Add(landing)
	w.after(landing, func() {
		landed := w.handle(request, body)
		defer landed.Body.Close() //nolint:errcheck // memory
		w.log("service", "%s: lands late: %d", call, landed.StatusCode)
	})
}

func readBody(request *http.Request) ([]byte, error) {
	if request.Body == nil {
		return nil, nil
	}
	defer request.Body.Close() //nolint:errcheck // memory
	return io.ReadAll(request.Body)
}

// handle passes a request to the simulator, as if it had come over a connection.
func (w *world) handle(request *http.Request, body []byte) *http.Response {
	w.touched = true
	received := request.Clone(context.Background())
	received.RequestURI = request.URL.RequestURI()
	received.Host = request.URL.Host
	if request.Host != "" {
		received.Host = request.Host
	}
	var err error
	if received.URL, err = url.ParseRequestURI(received.RequestURI); err != nil {
		panic(err) // a defect of the simulation
	}
	received.Body, received.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
	recorder := httptest.NewRecorder()
	w.server(request).ServeHTTP(recorder, received)
	response := recorder.Result()
	response.Request = request
	return response
}

// server returns the handler of the host of a request.
func (w *world) server(request *http.Request) http.Handler {
	if request.URL.Host == dataPlaneHost {
		return w.plane
	}
	return w.site.Server
}

func answer(status int, request *http.Request) *http.Response {
	recorder := httptest.NewRecorder()
	recorder.WriteHeader(status)
	response := recorder.Result()
	response.Request = request
	return response
}

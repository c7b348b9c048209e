// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package rights

import (
	"bytes"
	"context"
	"io"
	"maps"
	"net/http"
	"sync"
)

// recorder records the operator's requests to the API server, and the rights that refused requests lacked.
type recorder struct {
	// line ends with hangUp. An operator whose caches never sync would otherwise keep its watches open, and the API server
	// would not stop.
	line   context.Context //nolint:containedctx // the context of all connections, not of one call
	hangUp context.CancelFunc

	mu      sync.Mutex
	used    map[asked]bool
	refused map[right]string
}

func newRecorder() *recorder {
	r := &recorder{used: map[asked]bool{}, refused: map[right]string{}}
	r.line, r.hangUp = context.WithCancel(context.Background())
	return r
}

// wrap wraps the transport of the operator's client.
func (r *recorder) wrap(next http.RoundTripper) http.RoundTripper { return recording{r, next} }

type recording struct {
	recorder *recorder
	next     http.RoundTripper
}

// RoundTrip implements http.RoundTripper.
func (r recording) RoundTrip(request *http.Request) (*http.Response, error) {
	asked, ok := askedBy(request)
	created := asked
	created.verb = "create"
	ctx, cancel := context.WithCancel(request.Context())
	context.AfterFunc(r.recorder.line, cancel)
	response, err := r.next.RoundTrip(request.WithContext(ctx))
	if err != nil || !ok {
		return response, err
	}
	r.recorder.mu.Lock()
	defer r.recorder.mu.Unlock()
	r.recorder.used[asked] = true
	switch response.StatusCode {
	case http.StatusCreated: // a server-side apply that creates the object uses two rights: patch and create
		r.recorder.used[created] = true
	case http.StatusForbidden:
		reason, _ := io.ReadAll(response.Body)
		response.Body = io.NopCloser(bytes.NewReader(reason))
		r.recorder.refused[missing(asked.right, string(reason))] = string(reason)
	}
	return response, err
}

// rights returns the rights that were used.
func (r *recorder) rights() []right {
	r.mu.Lock()
	defer r.mu.Unlock()
	distinct := map[right]bool{}
	for each := range r.used {
		distinct[each.right] = true
	}
	all := make([]right, 0, len(distinct))
	for each := range distinct {
		all = append(all, each)
	}
	return all
}

// requests returns the requests that were sent.
func (r *recorder) requests() map[asked]bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return maps.Clone(r.used)
}

// refusals returns the API server's messages by the right that was missing.
func (r *recorder) refusals() map[right]string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return maps.Clone(r.refused)
}

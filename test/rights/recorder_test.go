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

// recorder notes what the operator asks of the API server, and what it is refused for want of a right.
type recorder struct {
	// line is cut by hangUp: an operator whose caches never filled would hold on to it, and the API server could not end.
	line   context.Context //nolint:containedctx // of a connection, not of a call
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

// wrap is a wrapper of the client's transport.
func (r *recorder) wrap(next http.RoundTripper) http.RoundTripper { return recording{r, next} }

type recording struct {
	recorder *recorder
	next     http.RoundTripper
}

// RoundTrip implements http.RoundTripper.
func (r recording) RoundTrip(request *http.Request) (*http.Response, error) {
	asked, ok := askedBy(request)
	ctx, cancel := context.WithCancel(request.Context())
	context.AfterFunc(r.recorder.line, cancel)
	response, err := r.next.RoundTrip(request.WithContext(ctx))
	if err != nil || !ok {
		return response, err
	}
	r.recorder.mu.Lock()
	defer r.recorder.mu.Unlock()
	r.recorder.used[asked] = true
	if response.StatusCode == http.StatusForbidden {
		reason, _ := io.ReadAll(response.Body)
		response.Body = io.NopCloser(bytes.NewReader(reason))
		r.recorder.refused[asked.right] = string(reason)
	}
	return response, err
}

// rights that were used.
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

// requests that were sent.
func (r *recorder) requests() map[asked]bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return maps.Clone(r.used)
}

// refusals by the right that was asked for, with the API server's words.
func (r *recorder) refusals() map[right]string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return maps.Clone(r.refused)
}

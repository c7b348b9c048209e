// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package simulator

import (
	"bytes"
	"compress/gzip"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Rule selects the requests that meet a fault. The zero Rule selects every request until the fault is lifted.
type Rule struct {
	// Method is the HTTP method. If it is empty, every method matches.
	Method string
	// Path is a prefix of the request's path.
	Path string
	// Query is a substring of the raw query.
	Query string
	// Times is the number of requests that meet the fault. If it is 0, the fault stays until it is lifted.
	Times int
}

// Once returns the rule, limited to the next matching request.
func (r Rule) Once() Rule {
	r.Times = 1
	return r
}

func (r Rule) matches(request *http.Request) bool {
	return (r.Method == "" || r.Method == request.Method) &&
		strings.HasPrefix(request.URL.Path, r.Path) &&
		strings.Contains(request.URL.RawQuery, r.Query)
}

// Effect handles a request that meets a fault. It may call next, which is the service.
type Effect func(w http.ResponseWriter, r *http.Request, next http.Handler)

// Faults is the list of active faults. A request meets the first one that matches, in the order of injection.
type Faults struct {
	mu     sync.Mutex
	faults []*fault
}

type fault struct {
	rule   Rule
	left   int
	effect Effect
}

// Inject adds a fault and returns a function that lifts it. Lifting a fault that is already gone does nothing.
func (f *Faults) Inject(rule Rule, effect Effect) (lift func()) {
	injected := &fault{rule: rule, left: rule.Times, effect: effect}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.faults = append(f.faults, injected)
	return func() {
		f.mu.Lock()
		defer f.mu.Unlock()
		f.remove(injected)
	}
}

// LiftAll lifts every fault.
func (f *Faults) LiftAll() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.faults = nil
}

// take returns the effect of the first matching fault, or nil, and counts the request against that fault.
func (f *Faults) take(r *http.Request) Effect {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, candidate := range f.faults {
		if !candidate.rule.matches(r) {
			continue
		}
		if candidate.left--; candidate.left == 0 {
			f.remove(candidate)
		}
		return candidate.effect
	}
	return nil
}

func (f *Faults) remove(gone *fault) {
	f.faults = slices.DeleteFunc(f.faults, func(candidate *fault) bool { return candidate == gone })
}

// Refuse closes the connection without reading the request body. Use Server.Down to simulate a service that is not running.
func Refuse() Effect {
	return func(http.ResponseWriter, *http.Request, http.Handler) { hangUp() }
}

// Drop reads the whole request and closes the connection. The request is not carried out.
func Drop() Effect {
	return func(_ http.ResponseWriter, r *http.Request, _ http.Handler) {
		readBody(r)
		hangUp()
	}
}

// DropAnswer carries out the request and closes the connection without a response.
func DropAnswer() Effect {
	return func(_ http.ResponseWriter, r *http.Request, next http.Handler) {
		next.ServeHTTP(httptest.NewRecorder(), r)
		hangUp()
	}
}

// CutAnswer carries out the request and closes the connection in the middle of the response body.
func CutAnswer() Effect {
	return func(w http.ResponseWriter, r *http.Request, next http.Handler) {
		recorder := record(w, r, next)
		body := recorder.Body.Bytes()
		_, _ = w.Write(body[:len(body)/2])
		_ = http.NewResponseController(w).Flush()
		hangUp()
	}
}

// ReplaceAnswer carries out the request and sends another response body, such as a proxy's error page.
func ReplaceAnswer(body string) Effect {
	return func(w http.ResponseWriter, r *http.Request, next http.Handler) {
		record(w, r, next)
		_, _ = io.WriteString(w, body)
	}
}

// Delay carries out the request after d, which is real time. It does nothing if the client disconnects first.
func Delay(d time.Duration) Effect {
	return func(w http.ResponseWriter, r *http.Request, next http.Handler) { after(time.After(d))(w, r, next) }
}

// Hang carries out the request after release is closed. It does nothing if the client disconnects first. If release is nil,
// the request waits until the client disconnects.
func Hang(release <-chan struct{}) Effect { return after(release) }

// after carries out the request when ready delivers, unless the client disconnects first.
func after[T any](ready <-chan T) Effect {
	return func(w http.ResponseWriter, r *http.Request, next http.Handler) {
		readBody(r)
		select {
		case <-ready:
			next.ServeHTTP(w, r)
		case <-r.Context().Done():
			hangUp()
		}
	}
}

// HangAnswer carries out the request and sends no response. It closes the connection when the client disconnects.
func HangAnswer() Effect {
	return func(_ http.ResponseWriter, r *http.Request, next http.Handler) {
		next.ServeHTTP(httptest.NewRecorder(), r)
		<-r.Context().Done()
		hangUp()
	}
}

// Answer sends this response. The request is not carried out. The header may be nil.
func Answer(status int, header http.Header, body string) Effect {
	return func(w http.ResponseWriter, _ *http.Request, _ http.Handler) {
		maps.Copy(w.Header(), header)
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}
}

// Throttle responds with status 429 and this Retry-After header. The request is not carried out.
func Throttle(retryAfter string) Effect {
	return Answer(http.StatusTooManyRequests, http.Header{"Retry-After": {retryAfter}}, "")
}

// Endless sends a response body that does not end until the client disconnects. The request is not carried out.
func Endless(status int) Effect {
	return func(w http.ResponseWriter, _ *http.Request, _ http.Handler) {
		w.WriteHeader(status)
		block := make([]byte, 64<<10)
		for {
			if _, err := w.Write(block); err != nil {
				return
			}
		}
	}
}

// Bloat carries out the request and sends a response body of size spaces. The response announces this Content-Length.
func Bloat(size int64) Effect {
	return func(w http.ResponseWriter, r *http.Request, next http.Handler) {
		w.Header().Set("Content-Length", strconv.FormatInt(size, 10))
		announceBody(w, r, next)
		_, _ = io.CopyN(w, spaces{}, size) // fails when the client stops reading
	}
}

// Bomb is like Bloat, but compresses the response body. The response is small on the wire and large after decompression.
func Bomb(size int64) Effect {
	compressed := sync.OnceValue(func() []byte { // once, because compressing is slow
		var bomb bytes.Buffer
		writer, _ := gzip.NewWriterLevel(&bomb, gzip.BestSpeed) // fails only for an invalid level
		_, _ = io.CopyN(writer, spaces{}, size)
		_ = writer.Close() // writing to a buffer never fails
		return bomb.Bytes()
	})
	return func(w http.ResponseWriter, r *http.Request, next http.Handler) {
		w.Header().Set("Content-Encoding", "gzip")
		announceBody(w, r, next)
		_, _ = w.Write(compressed())
	}
}

// announceBody carries out the request and sends its status, or 200 if a response with that status cannot have a body.
func announceBody(w http.ResponseWriter, r *http.Request, next http.Handler) {
	recorder := httptest.NewRecorder()
	next.ServeHTTP(recorder, r)
	if recorder.Code == http.StatusNoContent {
		recorder.Code = http.StatusOK
	}
	w.WriteHeader(recorder.Code)
}

// spaces is an endless stream of spaces. JSON allows any number of them before a value.
type spaces struct{}

// Read implements io.Reader.
func (spaces) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = ' '
	}
	return len(p), nil
}

// readBody reads the body and keeps it for the handler. net/http notices that a client has disconnected only after the
// whole body was read.
func readBody(r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	r.Body = io.NopCloser(bytes.NewReader(body))
}

// record carries out the request and copies the status and the header of the response to w, but not its body.
func record(w http.ResponseWriter, r *http.Request, next http.Handler) *httptest.ResponseRecorder {
	recorder := httptest.NewRecorder()
	next.ServeHTTP(recorder, r)
	maps.Copy(w.Header(), recorder.Header())
	w.WriteHeader(recorder.Code)
	return recorder
}

// hangUp makes net/http close the connection without a response and without logging.
func hangUp() { panic(http.ErrAbortHandler) }

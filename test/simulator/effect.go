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
	"strconv"
	"sync"
	"time"
)

// Refuse closes the connection without reading the request's body. A service that is not there at all is Server.Down.
func Refuse() Effect {
	return func(http.ResponseWriter, *http.Request, http.Handler) { hangUp() }
}

// Drop reads the whole request and closes the connection without doing anything.
func Drop() Effect {
	return func(_ http.ResponseWriter, r *http.Request, _ http.Handler) {
		readBody(r)
		hangUp()
	}
}

// DropAnswer carries the request out and closes the connection without an answer.
func DropAnswer() Effect {
	return func(_ http.ResponseWriter, r *http.Request, next http.Handler) {
		next.ServeHTTP(httptest.NewRecorder(), r)
		hangUp()
	}
}

// CutAnswer carries the request out and closes the connection in the middle of the answer's body.
func CutAnswer() Effect {
	return func(w http.ResponseWriter, r *http.Request, next http.Handler) {
		recorder := record(w, r, next)
		body := recorder.Body.Bytes()
		_, _ = w.Write(body[:len(body)/2])
		_ = http.NewResponseController(w).Flush()
		hangUp()
	}
}

// ReplaceAnswer carries the request out and answers with another body, such as a proxy's.
func ReplaceAnswer(body string) Effect {
	return func(w http.ResponseWriter, r *http.Request, next http.Handler) {
		record(w, r, next)
		_, _ = io.WriteString(w, body)
	}
}

// Delay answers after d, or never if the client leaves first. The time is real.
func Delay(d time.Duration) Effect {
	return func(w http.ResponseWriter, r *http.Request, next http.Handler) {
		readBody(r)
		timer := time.NewTimer(d)
		defer timer.Stop()
		select {
		case <-timer.C:
			next.ServeHTTP(w, r)
		case <-r.Context().Done():
			hangUp()
		}
	}
}

// Hang does nothing until the client leaves or release is closed (nil: never); after a release the request is carried out.
func Hang(release <-chan struct{}) Effect {
	return func(w http.ResponseWriter, r *http.Request, next http.Handler) {
		readBody(r)
		select {
		case <-release:
			next.ServeHTTP(w, r)
		case <-r.Context().Done():
			hangUp()
		}
	}
}

// HangAnswer carries the request out and then answers nothing until the client leaves.
func HangAnswer() Effect {
	return func(_ http.ResponseWriter, r *http.Request, next http.Handler) {
		next.ServeHTTP(httptest.NewRecorder(), r)
		<-r.Context().Done()
		hangUp()
	}
}

// Answer answers so, without doing anything. header may be nil.
func Answer(status int, header http.Header, body string) Effect {
	return func(w http.ResponseWriter, _ *http.Request, _ http.Handler) {
		maps.Copy(w.Header(), header)
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}
}

// Throttle answers 429 with a Retry-After of so many seconds.
func Throttle(retryAfter string) Effect {
	return Answer(http.StatusTooManyRequests, http.Header{"Retry-After": {retryAfter}}, "")
}

// Endless answers with a body that does not end until the client leaves.
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

// Bloat carries the request out and answers with a body of so many bytes, which it announces.
func Bloat(size int64) Effect {
	return func(w http.ResponseWriter, r *http.Request, next http.Handler) {
		w.Header().Set("Content-Length", strconv.FormatInt(size, 10))
		recorder := httptest.NewRecorder()
		next.ServeHTTP(recorder, r)
		w.WriteHeader(bodied(recorder.Code))
		_, _ = io.CopyN(w, spaces{}, size) // fails when the client has had enough
	}
}

// Bomb is a Bloat that travels compressed, so that it is small on the wire.
func Bomb(size int64) Effect {
	compressed := sync.OnceValue(func() []byte { // once, since it takes its time
		var bomb bytes.Buffer
		writer, _ := gzip.NewWriterLevel(&bomb, gzip.BestSpeed) // a level that there is
		_, _ = io.CopyN(writer, spaces{}, size)
		_ = writer.Close() // a buffer takes everything
		return bomb.Bytes()
	})
	return func(w http.ResponseWriter, r *http.Request, next http.Handler) {
		recorder := httptest.NewRecorder()
		next.ServeHTTP(recorder, r)
		w.Header().Set("Content-Encoding", "gzip")
		w.WriteHeader(bodied(recorder.Code))
		_, _ = w.Write(compressed())
	}
}

// bodied is the status, or one that has a body.
func bodied(status int) int {
	if status == http.StatusNoContent {
		return http.StatusOK
	}
	return status
}

// spaces are what JSON allows any number of.
type spaces struct{}

// Read implements io.Reader.
func (spaces) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = ' '
	}
	return len(p), nil
}

// readBody reads the body and keeps it for the handler. net/http notices that a client has left only when there is
// nothing more to read from it.
func readBody(r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	r.Body = io.NopCloser(bytes.NewReader(body))
}

// record carries the request out, and copies the answer's status and header to w but not its body.
func record(w http.ResponseWriter, r *http.Request, next http.Handler) *httptest.ResponseRecorder {
	recorder := httptest.NewRecorder()
	next.ServeHTTP(recorder, r)
	maps.Copy(w.Header(), recorder.Header())
	w.WriteHeader(recorder.Code)
	return recorder
}

// hangUp makes net/http close the connection without a word.
func hangUp() { panic(http.ErrAbortHandler) }

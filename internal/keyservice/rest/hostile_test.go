// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package rest_test

import (
	"compress/gzip"
	"crypto/tls"
	"encoding/pem"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"testing"
	"time"

	"accesskey.dev/operator/internal/keyservice"
	"accesskey.dev/operator/internal/keyservice/rest"
	"accesskey.dev/operator/test/simulator"
)

// compressed answers with the gzip of a text that is repeated.
func compressed(text string, times int) simulator.Effect {
	return func(w http.ResponseWriter, r *http.Request, _ http.Handler) {
		if !strings.Contains(r.Header.Get("Accept-Encoding"), "gzip") {
			panic("the client takes no gzip, and this test shows nothing")
		}
		w.Header().Set("Content-Encoding", "gzip")
		zipped := gzip.NewWriter(w)
		for range times {
			if _, err := io.WriteString(zipped, text); err != nil {
				return
			}
		}
		_ = zipped.Close()
	}
}

// drip answers a byte at a time, without end.
func drip(w http.ResponseWriter, r *http.Request, _ http.Handler) {
	for r.Context().Err() == nil {
		_, _ = w.Write([]byte(" "))
		_ = http.NewResponseController(w).Flush()
		time.Sleep(time.Millisecond)
	}
}

func TestAnAnswerCannotExhaustMemoryOrTime(t *testing.T) {
	for name, test := range map[string]struct {
		effect simulator.Effect
		text   string
	}{
		"a bomb of gzip":      {compressed(strings.Repeat(" ", 1<<20), 1<<10), "the answer is larger than 16 MiB"}, // 1 MiB on the wire
		"a bomb of values":    {compressed(strings.Repeat("0,", 1<<10), 1<<9), "the answer has more than 300000 values"},
		"a bomb of elements":  {compressed(strings.Repeat("<a/>", 1<<10), 1<<9), "the answer has more than 300000 values"},
		"a header of 2 MiB":   {simulator.Answer(200, http.Header{"X-Long": {strings.Repeat("x", 2<<20)}}, ""), "response headers exceeded"},
		"a header of lines":   {simulator.Answer(200, http.Header{"X-Many": make([]string, 200_000)}, ""), "response headers exceeded"},
		"a byte now and then": {drip, "the service did not answer in time"},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBed(t)
			if _, err := b.send(t.Context(), t, safe); err != nil { // opens the connection
				t.Fatal(err)
			}
			b.Inject(simulator.Rule{}, test.effect)
			if strings.Contains(test.text, "in time") {
				b.client.Timeout = time.Second
			}
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			_, err := b.send(t.Context(), t, unsafe)
			runtime.ReadMemStats(&after)
			expectKind(t, err, unsafe, keyservice.Ambiguous, test.text)
			if made := (after.TotalAlloc - before.TotalAlloc) >> 20; made > 256 { // the server's own included
				t.Errorf("%d MiB were allocated", made)
			}
		})
	}
}

// serveTLS serves with this configuration until the test ends, and returns the certificate too.
func serveTLS(t *testing.T, config *tls.Config, handler http.HandlerFunc) (server *httptest.Server, certificate []byte) {
	t.Helper()
	server = httptest.NewUnstartedServer(handler)
	server.TLS = config
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.StartTLS()
	t.Cleanup(server.Close)
	return server, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.TLS.Certificates[0].Certificate[0]})
}

func TestOldTLSIsRefused(t *testing.T) {
	for version, accepted := range map[uint16]bool{tls.VersionTLS10: false, tls.VersionTLS11: false, tls.VersionTLS12: true, tls.VersionTLS13: true} {
		t.Run(tls.VersionName(version), func(t *testing.T) {
			reached := false
			config := &tls.Config{MinVersion: tls.VersionTLS10, MaxVersion: version}
			server, ca := serveTLS(t, config, func(http.ResponseWriter, *http.Request) { reached = true })
			for _, config := range []rest.TransportConfig{{CABundle: ca}, {InsecureSkipVerify: true}} {
				_, err := send(t.Context(), newClient(t, config), unsafe, server.URL)
				switch {
				case accepted && err != nil:
					t.Error(err)
				case !accepted:
					expectKind(t, err, unsafe, keyservice.Unavailable, "protocol version")
				}
			}
			if reached != accepted {
				t.Errorf("the request arrived: %t", reached)
			}
		})
	}
}

// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package ontap

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"accesskey.dev/operator/internal/keyservice"
	"accesskey.dev/operator/test/bed"
	netapp "accesskey.dev/operator/test/simulator/ontap"
)

func TestNewRefusesABadConfiguration(t *testing.T) {
	good := Config{URL: "https://cluster.example", SVM: "svm1", Username: "operator", Password: "p", HTTP: http.DefaultClient}
	bed.ExpectConfigurations(t, good, New, map[string]func(*Config) string{
		"an SVM by its UUID":  func(c *Config) string { c.SVM = netapp.DefaultSVMUUID; return "" },
		"no username":         func(c *Config) string { c.Username, c.Password = "\n", "geheim"; return "no username" },
		"no password":         func(c *Config) string { c.Password = ""; return "no password" },
		"a username of two":   func(c *Config) string { c.Username, c.Password = "a:b", "geheim"; return "colon" },
		"no HTTP client":      func(c *Config) string { c.HTTP = nil; return "HTTP client" },
		"no SVM":              func(c *Config) string { c.SVM = ""; return "name" },
		"a query for an SVM":  func(c *Config) string { c.SVM = "svm*"; return "name" },
		"two SVMs":            func(c *Config) string { c.SVM = "svm1|svm2"; return "name" },
		"an SVM with a slash": func(c *Config) string { c.SVM = "../a"; return "name" },
	})
}

func TestALineBreakAtTheEndOfACredentialIsNotPartOfIt(t *testing.T) {
	b := newBed(t, netapp.Options{})
	service := b.connectTo(t, Config{Username: netapp.DefaultUsername + "\n", Password: netapp.DefaultPassword + "\r\n"})
	if _, err := service.Probe(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestRequestsAreWhatTheServiceDocuments(t *testing.T) {
	b := newBed(t, netapp.Options{Version: netapp.V9191})
	var lines []string
	b.cluster.Inject(anyRequest, func(w http.ResponseWriter, r *http.Request, next http.Handler) {
		body, _ := io.ReadAll(r.Body)
		r.Body = io.NopCloser(bytes.NewReader(body))
		lines = append(lines, strings.TrimSpace(r.Method+" "+r.URL.RequestURI()+" "+string(body)))
		if r.Header.Get("Accept") != "application/json" || (len(body) > 0) != (r.Header.Get("Content-Type") == "application/json") {
			t.Errorf("%s: headers %v", r.Method, r.Header)
		}
		next.ServeHTTP(w, r)
	})
	b.create(t, "a+b@c", keyservice.CreateRequest{Owner: alice, TTL: 90 * time.Minute})
	b.create(t, "a+b@c", keyservice.CreateRequest{Owner: alice})
	for _, id := range []string{"a+b@c", "a+b@c/2"} {
		if err := b.Delete(t.Context(), "a+b@c", id); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := b.ListAll(t.Context()); err != nil {
		t.Fatal(err)
	}
	const read = "GET " + users + "/a+b@c?fields=name%2Ccomment%2Caccess_key%2Ckey_expiry_time%2Ckey_time_to_live%2Ckeys"
	want := []string{
		"GET /api/cluster?fields=version%2Cuuid",
		"GET /api/svm/svms?fields=name%2Cuuid&name=svm1",
		read, read,
		"POST " + users + `?return_records=true {"comment":"` + aliceMarked + `","key_time_to_live":"P0DT1H30M0S","name":"a+b@c"}`,
		read, read,
		"PATCH " + users + `/a+b@c {"comment":"` + aliceMarked + ` 2=team-a/backup/` + aliceUID + `"}`,
		"PATCH " + users + `/a+b@c?regenerate_keys=true {"key_id":2,"key_time_to_live":"P0DT0H0M0S"}`,
		read,
		"PATCH " + users + `/a+b@c?delete_keys=true {"comment":"` + made + ` 2=team-a/backup/` + aliceUID + `","key_id":1}`,
		read,
		"DELETE " + users + "/a+b@c",
		"GET " + users + "?fields=name%2Ccomment%2Caccess_key%2Ckey_expiry_time%2Ckey_time_to_live%2Ckeys&max_records=1000",
	}
	if got := strings.Join(lines, "\n"); got != strings.Join(want, "\n") {
		t.Errorf("got\n%s\nwant\n%s", got, strings.Join(want, "\n"))
	}
}

func TestAPairIsReadWhereverItIs(t *testing.T) {
	for _, body := range []string{
		`{"records":[{"access_key":"A"}]}`,
		`{"records":[{"secret_key":"S"}]}`,
		`{"records":[{"access_key":"A","keys":[{"id":1,"access_key":"A","secret_key":"S"}]}]}`,
	} {
		if made, ok := decodePair([]byte(body), 2); ok {
			t.Errorf("%s is taken for %+v", body, made)
		}
	}
	for name, body := range map[string]string{
		"as documented":           `{"num_records":1,"records":[{"name":"a","access_key":"A","secret_key":"S"}]}`,
		"without records":         `{"name":"a","access_key":"A","secret_key":"S"}`,
		"among the keys":          `{"records":[{"name":"a","keys":[{"id":1,"access_key":"O"},{"id":2,"access_key":"A","secret_key":"S"}]}]}`,
		"by a textual id":         `{"records":[{"keys":[{"id":"2","access_key":"A","secret_key":"S"}]}]}`,
		"beside another's":        `{"records":[{"access_key":"O","secret_key":"O","keys":[{"id":2,"access_key":"A","secret_key":"S"}]}]}`,
		"beside keys without one": `{"records":[{"access_key":"A","secret_key":"S","keys":[{"id":2,"access_key":"A"}]}]}`,
		"beside another secret":   `{"records":[{"keys":[{"id":2,"access_key":"A","secret_key":"S"},{"id":1,"access_key":"O","secret_key":"O"}]}]}`,
		"with odd neighbors":      `{"records":[{"access_key":"A","secret_key":"S","key_expiry_time":7,"svm":[1],"new":{}}]}`,
	} {
		t.Run(name, func(t *testing.T) {
			if made, ok := decodePair([]byte(body), 2); !ok || made.AccessKeyID != "A" || made.SecretAccessKey != "S" {
				t.Errorf("got %+v, %t", made, ok)
			}
		})
	}
}

func TestTheFirstKeyIsInSlotOne(t *testing.T) {
	for name, test := range map[string]struct{ body, want string }{
		"no key":                          {`{"name":"a"}`, "map[]"},
		"the only one":                    {`{"access_key":"A"}`, "map[1:A]"},
		"in both places":                  {`{"access_key":"A","keys":[{"id":1,"access_key":"A"}]}`, "map[1:A]"},
		"in the list only":                {`{"keys":[{"id":1,"access_key":"A"},{"id":2,"access_key":"B"}]}`, "map[1:A 2:B]"},
		"not in the list":                 {`{"access_key":"A","keys":[{"id":2,"access_key":"B"}]}`, "map[1:A 2:B]"},
		"gone, and the second shown":      {`{"access_key":"B","keys":[{"id":2,"access_key":"B"}]}`, "map[2:B]"},
		"gone, and listed without a key":  {`{"keys":[{"id":1},{"id":2,"access_key":"B"}]}`, "map[2:B]"},
		"another than the one beside":     {`{"access_key":"X","keys":[{"id":1,"access_key":"A"}]}`, "map[1:A]"},
		"in a list that is not for lists": {`{"access_key":"A","keys":null}`, "map[1:A]"},
	} {
		t.Run(name, func(t *testing.T) {
			wire := wireUser{Name: "a"}
			if err := json.Unmarshal([]byte(test.body), &wire); err != nil {
				t.Fatal(err)
			}
			found, err := wire.user()
			if err != nil {
				t.Fatal(err)
			}
			keys := map[int]string{}
			for slot, key := range found.keys {
				keys[slot] = key.AccessKeyID
			}
			if got := fmt.Sprint(keys); got != test.want {
				t.Errorf("got %s, want %s", got, test.want)
			}
		})
	}
}

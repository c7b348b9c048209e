// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package ontap

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"

	"accesskey.dev/operator/internal/keyservice"
	"accesskey.dev/operator/test/simulator"
	netapp "accesskey.dev/operator/test/simulator/ontap"
)

func TestNewSaysWhatIsWrongWithAConfiguration(t *testing.T) {
	good := Config{URL: "https://cluster.example", SVM: "svm1", Username: "operator", Password: "p", HTTP: http.DefaultClient}
	for name, test := range map[string]struct {
		change func(*Config)
		text   string // empty: accepted
	}{
		"a host":                {func(*Config) {}, ""},
		"a host and a port":     {func(c *Config) { c.URL += ":8443" }, ""},
		"a slash at its end":    {func(c *Config) { c.URL += "/" }, ""},
		"an IPv6 address":       {func(c *Config) { c.URL = "https://[fd00::1]" }, ""},
		"an SVM by its UUID":    {func(c *Config) { c.SVM = netapp.DefaultSVMUUID }, ""},
		"no URL":                {func(c *Config) { c.URL = "" }, "cannot be read"},
		"no scheme":             {func(c *Config) { c.URL = "cluster.example" }, "cannot be read"},
		"a space":               {func(c *Config) { c.URL = "https://a b" }, "cannot be read"},
		"plain HTTP":            {func(c *Config) { c.URL = "http://cluster.example" }, "https://"},
		"only a port":           {func(c *Config) { c.URL = "https://:443" }, "no host"},
		"a path":                {func(c *Config) { c.URL += "/api" }, "after the host"},
		"a query":               {func(c *Config) { c.URL += "?a=b" }, "after the host"},
		"a bare question mark":  {func(c *Config) { c.URL += "?" }, "after the host"},
		"a fragment":            {func(c *Config) { c.URL += "#a" }, "after the host"},
		"a password in the URL": {func(c *Config) { c.URL = "https://admin:geheim@cluster.example" }, "belong into a Secret"},
		"no username":           {func(c *Config) { c.Username, c.Password = "\n", "geheim" }, "no username"},
		"no password":           {func(c *Config) { c.Password = "" }, "no password"},
		"a username of two":     {func(c *Config) { c.Username, c.Password = "a:b", "geheim" }, "colon"},
		"no HTTP client":        {func(c *Config) { c.HTTP = nil }, "HTTP client"},
		"no SVM":                {func(c *Config) { c.SVM = "" }, "name"},
		"a query for an SVM":    {func(c *Config) { c.SVM = "svm*" }, "name"},
		"two SVMs":              {func(c *Config) { c.SVM = "svm1|svm2" }, "name"},
		"an SVM with a slash":   {func(c *Config) { c.SVM = "../a" }, "name"},
	} {
		t.Run(name, func(t *testing.T) {
			config := good
			test.change(&config)
			service, err := New(config)
			if test.text == "" {
				if err != nil || service == nil {
					t.Errorf("refused: %v", err)
				}
				return
			}
			expectKind(t, err, keyservice.Invalid, "set up the ONTAP client: ", test.text)
			if strings.Contains(err.Error(), "geheim") {
				t.Errorf("the error tells a secret: %v", err)
			}
		})
	}
}

func TestALineBreakAtTheEndOfACredentialIsNotPartOfIt(t *testing.T) {
	b := newBed(t, netapp.Options{})
	service := b.connectTo(t, Config{Username: netapp.DefaultUsername + "\n", Password: netapp.DefaultPassword + "\r\n"})
	if _, err := service.Probe(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestTheServicesWordsAreCutAndCleanedAndTellNoSecret(t *testing.T) {
	b := newBed(t, netapp.Options{})
	message := "line\nbreak\u0000\u001b[31m " + netapp.DefaultPassword + strings.Repeat(" long", 200)
	body, err := json.Marshal(map[string]any{"error": map[string]any{"code": 99, "message": message}})
	if err != nil {
		t.Fatal(err)
	}
	b.cluster.Inject(anyPost, simulator.Answer(400, nil, string(body)))
	_, err = b.Create(t.Context(), "backup", month)
	expectKind(t, err, keyservice.Invalid, "code 99: line break[31m [redacted] long", "…")
	if strings.ContainsAny(err.Error(), "\n\x00\x1b") || len(err.Error()) > 400 || strings.Contains(err.Error(), netapp.DefaultPassword) {
		t.Errorf("got %q", err)
	}
}

func TestAPrintedServiceOrConfigurationTellsNoSecret(t *testing.T) {
	config := Config{URL: "https://a", SVM: "svm1", Username: "admin", Password: "geheim", HTTP: http.DefaultClient}
	service, err := New(config)
	if err != nil {
		t.Fatal(err)
	}
	var log strings.Builder
	slog.New(slog.NewTextHandler(&log, nil)).Info("text", "config", config, "service", service)
	slog.New(slog.NewJSONHandler(&log, nil)).Info("json", "config", config.Password, "service", service)
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%d", "%x"} {
		fmt.Fprintf(&log, verb+verb+verb, config, service, *service)
	}
	if strings.Contains(log.String(), "geheim") || strings.Contains(log.String(), "67656865696d") {
		t.Errorf("got %s", log.String())
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
		"GET /api/cluster?fields=version",
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

func TestTimesThatCannotBeReadAreNoReasonToLoseAKey(t *testing.T) {
	for text, want := range map[string]time.Time{
		`"2023-12-31 19:00:00 -0500"`:    time.Date(2024, 1, 1, 0, 0, 0, 0, time.UTC),
		`"2024-01-01 00:00:00+00:00"`:    time.Date(2024, 1, 1, 0, 0, 0, 0, time.UTC),
		`"2023-11-13T23:28:03+05:30"`:    time.Date(2023, 11, 13, 17, 58, 3, 0, time.UTC),
		`"2024-01-01T00:00:00.000+0000"`: time.Date(2024, 1, 1, 0, 0, 0, 0, time.UTC),
		`"2024-01-01T00:00:00Z"`:         time.Date(2024, 1, 1, 0, 0, 0, 0, time.UTC),
		`"2024-01-01 00:00:00 +00:00"`:   time.Date(2024, 1, 1, 0, 0, 0, 0, time.UTC),
		`"tomorrow"`:                     {}, `""`: {}, `null`: {}, `1700000000`: {}, `{}`: {}, `"-"`: {},
	} {
		var user wireUser
		body := `{"name":"a","access_key":"A","key_expiry_time":` + text + `}`
		if err := json.Unmarshal([]byte(body), &user); err != nil || !user.Expires.Equal(want) || user.AccessKey != "A" {
			t.Errorf("%s: got %s, %v", text, user.Expires, err)
		}
	}
}

func TestAPairIsReadWhereverItIs(t *testing.T) {
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
			if made, secret, ok := decodePair([]byte(body), 2); !ok || made.accessKey != "A" || secret != "S" {
				t.Errorf("got %+v, %q, %t", made, secret, ok)
			}
		})
	}
}

func TestTheFirstKeyIsInItsPlaceWhereverItIsListed(t *testing.T) {
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
				keys[slot] = key.accessKey
			}
			if got := fmt.Sprint(keys); got != test.want {
				t.Errorf("got %s, want %s", got, test.want)
			}
		})
	}
}

// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"time"

	"k8s.io/apimachinery/pkg/util/yaml"

	"accesskey.dev/operator/test/simulator"
)

// prometheus is a running Prometheus (Debian: apt-get install prometheus).
type prometheus struct {
	url     string
	process *exec.Cmd
}

// configuration scrapes the manager as the ServiceMonitor does: by HTTPS with a token, with the labels of a target, and honoring those of
// the metrics.
const configuration = `
global: {scrape_interval: 2s, evaluation_interval: 2s}
rule_files: [rules.json]
scrape_configs:
- job_name: accesskey-operator-metrics
  scheme: https
  tls_config: {insecure_skip_verify: true}
  authorization: {credentials: %q}
  honor_labels: true
  static_configs:
  - targets: [%q]
    labels: {namespace: accesskey-system, service: accesskey-operator-metrics, pod: accesskey-operator-0, container: manager, endpoint: https}
`

func startPrometheus(ctx context.Context, directory, target, token string) (*prometheus, error) {
	rules, err := os.ReadFile("config/prometheus/rules.yaml")
	if err != nil {
		return nil, err
	}
	var object struct {
		Spec json.RawMessage `json:"spec"`
	}
	if err := yaml.Unmarshal(rules, &object); err != nil {
		return nil, err
	}
	file := filepath.Join(directory, "prometheus.yaml")
	err = errors.Join(
		os.WriteFile(filepath.Join(directory, "rules.json"), object.Spec, 0o600),
		os.WriteFile(file, fmt.Appendf(nil, configuration, token, target), 0o600),
	)
	if err != nil {
		return nil, err
	}
	address, err := simulator.FreeAddress()
	if err != nil {
		return nil, err
	}
	p := &prometheus{url: "http://" + address}
	p.process = exec.CommandContext(context.WithoutCancel(ctx), "prometheus", "--config.file="+file, "--storage.tsdb.path="+filepath.Join(directory, "tsdb"),
		"--web.listen-address="+address, "--log.level=warn")
	p.process.Stderr = os.Stderr
	return p, p.process.Start()
}

func (p *prometheus) stop() error {
	err := p.process.Process.Signal(syscall.SIGTERM)
	_ = p.process.Wait() // returns the signal as an error
	return err
}

// series is a time series in the answer to a query.
type series struct {
	Labels map[string]string `json:"metric"`
	Value  point             `json:"value"`  // of an instant query
	Values []point           `json:"values"` // of a range query
}

// point is a sample.
type point struct {
	at    float64 // seconds since 1970
	value float64
}

// UnmarshalJSON decodes [time, "value"].
func (p *point) UnmarshalJSON(text []byte) error {
	var value string
	if err := json.Unmarshal(text, &[]any{&p.at, &value}); err != nil {
		return err
	}
	number, err := strconv.ParseFloat(value, 64)
	p.value = number
	return err
}

// instant returns the result of a query at a time.
func (p *prometheus) instant(ctx context.Context, query string, at time.Time) ([]series, error) {
	return p.query(ctx, "query", url.Values{"query": {query}, "time": {seconds(at)}})
}

// rangeOf returns the results of a query between two times.
func (p *prometheus) rangeOf(ctx context.Context, query string, from, to time.Time) ([]series, error) {
	return p.query(ctx, "query_range", url.Values{"query": {query}, "start": {seconds(from)}, "end": {seconds(to)}, "step": {"4"}})
}

func (p *prometheus) query(ctx context.Context, path string, parameters url.Values) ([]series, error) {
	var data struct {
		Result []series `json:"result"`
	}
	if err := p.get(ctx, path+"?"+parameters.Encode(), &data); err != nil {
		return nil, fmt.Errorf("%s: %w", parameters.Get("query"), err)
	}
	return data.Result, nil
}

// get decodes the data of an answer of Prometheus.
func (p *prometheus) get(ctx context.Context, path string, into any) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, p.url+"/api/v1/"+path, http.NoBody)
	if err != nil {
		return err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close() //nolint:errcheck // the answer was read
	answer := struct {
		Data  any    `json:"data"`
		Error string `json:"error"`
	}{Data: into}
	if err := json.NewDecoder(response.Body).Decode(&answer); err != nil {
		return err
	}
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("%s: %s", response.Status, answer.Error)
	}
	return nil
}

func seconds(t time.Time) string { return strconv.FormatFloat(float64(t.UnixMilli())/1000, 'f', 3, 64) }

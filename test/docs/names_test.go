// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package docs

import (
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"accesskey.dev/operator/api/v1alpha1"
)

// TestEveryNameExists checks that the targets of make, files, flags, metrics, tests and fields that the documentation names exist.
func TestEveryNameExists(t *testing.T) {
	names := readNames(t)
	everyPage(t, names.unknown)
}

// names are what the documentation can name.
type names struct{ targets, flags, metrics, tests map[string]bool }

// otherFlags are the flags of other programs that the documentation names outside of commands.
var otherFlags = []string{
	"status-include-resources",          // velero
	"objstore",                          // Thanos
	"force-conflicts", "take-ownership", // helm
	"quota-backend-bytes",                      // etcd
	"qumulo-port", "ionos-port", "aws-s3-port", // simulators, which has such a flag for each service
}

// otherFields are fields of objects of others that the documentation names.
var otherFields = []string{
	"spec.restartAt",      // a Rollout of Argo
	"spec.storage.secret", // a LokiStack
	"spec.secretRef",      // a Bucket of Flux
}

func readNames(t *testing.T) names {
	t.Helper()
	n := names{map[string]bool{}, map[string]bool{}, map[string]bool{}, map[string]bool{}}
	for set, source := range map[*map[string]bool]struct{ file, pattern string }{
		&n.targets: {"Makefile", `(?m)^([a-z0-9-]+):`},
		&n.metrics: {"docs/reference/metrics.md", "(?m)^\\| `([a-z_]+)`"},
	} {
		collect(t, *set, source.file, source.pattern)
	}
	for _, page := range []string{"docs/reference/flags.md", "docs/reference/cli.md"} {
		collect(t, n.flags, page, "`--([a-z0-9-]+)`")
	}
	err := filepath.WalkDir(root, func(path string, _ fs.DirEntry, err error) error {
		relative, _ := filepath.Rel(root, path) // both are below the working folder
		switch {
		case err != nil:
			return err
		case strings.HasSuffix(path, "_test.go"):
			collect(t, n.tests, relative, `(?m)^func ((?:Test|Fuzz|Benchmark)\w+)\(`)
		case strings.HasPrefix(relative, "hack/") && strings.HasSuffix(path, ".go"):
			collect(t, n.flags, relative, `\.\w+Var\([^,]+, "([a-z0-9-]+)"|flag\w*\.\w+\("([a-z0-9-]+)"`)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for name, set := range map[string]map[string]bool{"targets": n.targets, "flags": n.flags, "metrics": n.metrics, "tests": n.tests} {
		if len(set) < 15 {
			t.Fatalf("found only the %s %v", name, set)
		}
	}
	for _, name := range otherFlags {
		n.flags[name] = true
	}
	return n
}

// collect adds what the groups of a pattern match in a file.
func collect(t *testing.T, into map[string]bool, file, pattern string) {
	t.Helper()
	source, err := os.ReadFile(filepath.Join(root, file))
	if err != nil {
		t.Fatal(err)
	}
	for _, found := range regexp.MustCompile(pattern).FindAllStringSubmatch(string(source), -1) {
		into[strings.Join(found[1:], "")] = true
	}
}

var (
	madeTarget = regexp.MustCompile(`(?m)(?:^|[(;&|] ?|then )make((?: -s| [a-z0-9-]+)+)`)
	comment    = regexp.MustCompile(`(?m)(?:^|\s)#.*$`)
	metric     = regexp.MustCompile(`\b((?:accesskey|keyservice)_[a-z_]+)(?:[^a-z_.]|$)`)
	series     = regexp.MustCompile(`_(?:bucket|sum|count)$`)
	goTest     = regexp.MustCompile(`\b(?:Test|Fuzz|Benchmark)[A-Z]\w+`)
	flagName   = regexp.MustCompile(`^--([a-z][a-z0-9-]*)`)
	filePath   = regexp.MustCompile(`^(?:api|cmd|config|dist|docs|hack|internal|test|\.ci|\.github)/[\w./*-]*$`)
	fieldPath  = regexp.MustCompile(`^(?:spec|status)(?:\.[a-zA-Z]+(?:\[\])?)+$`)
)

// unknown returns what a page names and the repository does not have.
func (n names) unknown(page *Page) (problems []problem) {
	for _, block := range page.Blocks {
		for _, command := range block.Commands() {
			problems = append(problems, n.unknownIn(Text{block.Line, command})...)
		}
		if block.Language == "" || block.Language == "promql" {
			problems = append(problems, n.unknownMetrics(Text{block.Line, block.Text})...)
		}
	}
	for _, code := range page.Code {
		problems = append(problems, n.unknownIn(code)...)
		problems = append(problems, n.unknownMetrics(code)...)
		if fault := n.faultOf(code.Text, page.Path); fault != "" {
			problems = append(problems, problemf(code.Line, "%s", fault))
		}
	}
	return problems
}

// faultOf returns what is wrong with a flag, a path or a field in backquotes.
func (n names) faultOf(code, page string) string {
	switch {
	case flagName.MatchString(code):
		name := flagName.FindStringSubmatch(code)[1]
		if !strings.HasSuffix(name, "-") && !n.flags[name] {
			return "no program of the repository has the flag --" + name + "; correct it, or add a flag of another program to otherFlags"
		}
	case filePath.MatchString(code):
		if !strings.Contains(code, "NAME") && missing(code, page) {
			return "there is no file or folder " + code + "; correct the path"
		}
	case fieldPath.MatchString(code):
		if !slices.Contains(otherFields, code) && !isField(code) {
			return "no resource of the operator has the field " + code + "; correct it, or add a field of another resource to otherFields"
		}
	}
	return ""
}

// unknownIn returns the targets and the tests in a command that do not exist.
func (n names) unknownIn(command Text) (problems []problem) {
	for _, call := range madeTarget.FindAllStringSubmatch(comment.ReplaceAllString(command.Text, ""), -1) {
		for target := range strings.FieldsSeq(call[1]) {
			if target != "-s" && !n.targets[target] {
				problems = append(problems, problemf(command.Line, "the Makefile has no target %s; correct it", target))
			}
		}
	}
	for _, name := range goTest.FindAllString(command.Text, -1) {
		if !n.tests[name] {
			problems = append(problems, problemf(command.Line, "there is no test %s; correct the name", name))
		}
	}
	return problems
}

func (n names) unknownMetrics(code Text) (problems []problem) {
	for _, found := range metric.FindAllStringSubmatch(code.Text, -1) {
		name := found[1]
		if !n.metrics[name] && !n.metrics[series.ReplaceAllString(name, "")] && !strings.HasSuffix(name, "_") {
			problems = append(problems, problemf(code.Line, "the operator has no metric %s; docs/reference/metrics.md lists them", name))
		}
	}
	return problems
}

// missing reports whether a path of the repository does not exist, or a path relative to the page.
func missing(path, page string) bool {
	for _, from := range []string{"", filepath.Dir(page)} {
		found, err := filepath.Glob(filepath.Join(root, from, path))
		if err == nil && len(found) > 0 {
			return false
		}
	}
	return true
}

// isField reports whether an AccessKey or a KeyService has a field.
func isField(path string) bool {
	for _, object := range []any{v1alpha1.AccessKey{}, v1alpha1.ClusterKeyService{}} {
		if hasField(reflect.TypeOf(object), strings.Split(path, ".")) {
			return true
		}
	}
	return false
}

// element returns the type that a pointer or a list leads to.
func element(of reflect.Type) reflect.Type {
	for of.Kind() == reflect.Pointer || of.Kind() == reflect.Slice {
		of = of.Elem()
	}
	return of
}

// hasField reports whether a type has a field with this path of JSON names.
func hasField(of reflect.Type, path []string) bool {
	of = element(of)
	if of.Kind() != reflect.Struct || len(path) == 0 || of.PkgPath() == "k8s.io/apimachinery/pkg/apis/meta/v1" {
		return len(path) == 0 || of.Kind() == reflect.Map || of.Kind() == reflect.Struct
	}
	for i := range of.NumField() {
		field := of.Field(i)
		name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
		rest := path[1:]
		if name == "" && field.Name != "TypeMeta" { // inline
			name, rest = path[0], path
		}
		if name == strings.TrimSuffix(path[0], "[]") && hasField(field.Type, rest) {
			return true
		}
	}
	return false
}

func TestANameThatDoesNotExistIsFound(t *testing.T) {
	n := readNames(t)
	for text, want := range map[string]string{
		"`make build`":                   "",
		"`make tset`":                    "target tset",
		"```\nmake -s control-plan\n```": "target control-plan",
		"```\nX=$(make -s control-plane) go test\n```":        "",
		"`test/docs/page.go`":                                 "",
		"`test/docs/pag.go`":                                  "no file or folder",
		"`docs/*.md`":                                         "",
		"`--resync-period=5m`":                                "",
		"`--resync`":                                          "--resync",
		"`accesskey_stalled{reason=\"X\"}`":                   "",
		"`accesskey_stalls`":                                  "accesskey_stalls",
		"`accesskey_service_request_duration_seconds_bucket`": "",
		"`TestEveryNameExists`":                               "",
		"`TestNoNameExists`":                                  "TestNoNameExists",
		"`status.failures.nextAttempt`":                       "",
		"`status.previousKeys[].revokeAt`":                    "",
		"`status.failure.nextAttempt`":                        "status.failure.",
		"`spec.grants[].maxTTL`":                              "",
	} {
		found := n.unknown(Parse("docs/page.md", []byte("# Page\n\n"+text+"\n")))
		if (len(found) == 0) != (want == "") || len(found) > 0 && !strings.Contains(found[0].text, want) {
			t.Errorf("%s: found %v, want %q", text, found, want)
		}
	}
}

// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Package contract is the contract of keyservice.Service as one suite, that the fake and every backend must pass: each
// backend against the simulator of its service, by TLS on loopback. The capabilities of a service decide which cases it meets.
package contract

import (
	"bytes"
	"fmt"
	"log"
	"log/slog"
	"os"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"testing"

	"accesskey.dev/operator/internal/keyservice"
	"accesskey.dev/operator/test/simulator/ontap"
)

// contractCase is a sentence of the contract.
type contractCase struct {
	name string
	// applies reports whether a service has what the case is about.
	applies func(s subject, service keyservice.Service) bool
	run     func(t *testing.T, s subject)
}

// cases are the contract.
var cases = slices.Concat(lifeCases, userCases, identityCases, quotaCases, pagingCases, settleCases, faultCases, answerCases, bodyCases, tlsCases, redactionCases)

// subjects are the fake, in several shapes, and every backend.
func subjects() []subject {
	return append(fakes(), qumuloSubject(), ionosSubject(), huaweiSubject(), awsSubject(), seaweedSubject(),
		ontapSubject(ontap.V9141), ontapSubject(ontap.V9161), ontapSubject(ontap.V9191))
}

func TestContract(t *testing.T) {
	for _, s := range subjects() {
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			service := s.connected(t)
			for _, c := range cases {
				if c.applies(s, service) {
					check(t, s, c.name, func(t *testing.T) { c.run(t, s) })
				}
			}
		})
	}
}

func TestEveryCaseAppliesToASubjectAndEverySubjectToMany(t *testing.T) {
	applied := map[string]int{}
	for _, s := range subjects() {
		service := s.connected(t)
		for _, c := range cases {
			if c.applies(s, service) {
				applied[c.name]++
				applied[s.name]++
			}
		}
		if applied[s.name] < len(lifeCases) {
			t.Errorf("%s meets %d cases only", s.name, applied[s.name])
		}
	}
	for _, c := range cases {
		if applied[c.name] == 0 {
			t.Errorf("nothing meets the case %q", c.name)
		}
	}
}

// connected is a backend that knows what its service can do.
func (s subject) connected(t *testing.T) keyservice.Service {
	t.Helper()
	b := s.start(t, 0)
	connect(t, b.Service)
	return b.Service
}

// simulated reports whether there is a simulator, and so a network that can fail.
func simulated(s subject, _ keyservice.Service) bool { return s.documented != nil }

func everyone(subject, keyservice.Service) bool { return true }

// able is for services with an optional ability.
func able[Ability any](_ subject, service keyservice.Service) bool { return is[Ability](service) }

// chooses is for services whose caller chooses the ID of a key.
func chooses(_ subject, service keyservice.Service) bool {
	chooser, ok := service.(keyservice.HandleChooser)
	return ok && chooser.ChooseID(alice, owner, 1, nil) != ""
}

// tally counts the checks that passed, by subject.
var tally = struct {
	sync.Mutex

	passed map[string]int
}{passed: map[string]int{}}

// check runs one check of a subject beside the others, and counts it.
func check(t *testing.T, s subject, name string, run func(t *testing.T)) {
	t.Helper()
	t.Run(name, func(t *testing.T) {
		t.Parallel()
		checkAlone(t, s, run)
	})
}

// checkAlone counts a check that has a subtest of its own already. One that is made of others is not counted itself.
func checkAlone(t *testing.T, s subject, run func(t *testing.T)) {
	t.Helper()
	t.Cleanup(func() {
		if !t.Failed() {
			tally.Lock()
			defer tally.Unlock()
			tally.passed[s.name]++
		}
	})
	run(t)
}

// logged is everything that anybody logged while the tests ran.
var logged = &safeBuffer{}

type safeBuffer struct {
	mu sync.Mutex
	bytes.Buffer
}

// Write implements io.Writer.
func (b *safeBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.Buffer.Write(p)
}

// String implements fmt.Stringer.
func (b *safeBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.Buffer.String()
}

func TestMain(m *testing.M) {
	slog.SetDefault(slog.New(slog.NewTextHandler(logged, &slog.HandlerOptions{Level: slog.LevelDebug})))
	log.SetOutput(logged)
	debug.SetGCPercent(400) // thousands of servers come and go
	code := m.Run()
	if testing.Verbose() {
		names := []string{}
		for name := range tally.passed {
			names = append(names, name)
		}
		slices.Sort(names)
		for _, name := range names {
			fmt.Printf("contract: %-20s %4d checks passed\n", strings.ReplaceAll(name, " ", "-"), tally.passed[name])
		}
	}
	os.Exit(code)
}

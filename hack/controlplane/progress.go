// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"fmt"
	"io"
	"strings"
	"sync"
	"time"
)

// progress reads what `go build -v` writes and turns it into a line now and then.
type progress struct {
	log   io.Writer
	title string
	start time.Time

	mu         sync.Mutex
	rest       []byte // of a line not yet ended
	compiled   int
	downloaded int
	messages   []string // the last lines that are neither a package nor a download
}

// Write implements io.Writer for the output of go.
func (p *progress) Write(data []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.rest = append(p.rest, data...)
	for {
		line, rest, ended := bytes.Cut(p.rest, []byte("\n"))
		if !ended {
			return len(data), nil
		}
		p.take(string(line))
		p.rest = rest
	}
}

func (p *progress) take(line string) {
	switch {
	case strings.HasPrefix(line, "go: downloading "):
		p.downloaded++
	case line != "" && !strings.ContainsAny(line, " \t"): // with -v, the name of a package
		p.compiled++
	case strings.TrimSpace(line) != "":
		p.messages = append(p.messages, line)
		p.messages = p.messages[max(0, len(p.messages)-15):]
	}
}

// tail returns the last lines that go wrote about what went wrong.
func (p *progress) tail() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.rest) > 0 {
		p.take(string(p.rest))
		p.rest = nil
	}
	return p.messages
}

func (p *progress) elapsed() time.Duration {
	return time.Since(p.start).Round(time.Second)
}

func (p *progress) String() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	doing := fmt.Sprintf("%d packages compiled", p.compiled)
	if p.compiled == 0 && p.downloaded > 0 {
		doing = fmt.Sprintf("%d modules downloaded", p.downloaded)
	}
	return fmt.Sprintf("building %s: %s, %s", p.title, doing, p.elapsed())
}

// every logs a line each interval until the returned function is called.
func (p *progress) every(interval time.Duration) (stop func()) {
	_, _ = fmt.Fprintf(p.log, "building %s\n", p.title)
	ticker := time.NewTicker(interval)
	done, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		for {
			select {
			case <-done:
				return
			case <-ticker.C:
				_, _ = fmt.Fprintln(p.log, p)
			}
		}
	}()
	return func() {
		ticker.Stop()
		close(done)
		<-ended
	}
}

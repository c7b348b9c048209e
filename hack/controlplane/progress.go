// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bufio"
	"fmt"
	"io"
	"strings"
	"time"
)

// progress summarizes the output of `go build -v`.
type progress struct {
	title      string
	start      time.Time
	compiled   int
	downloaded int
	messages   []string // the last lines that are neither packages nor downloads
}

// follow reads the output to its end. It logs the progress every ten seconds.
func (p *progress) follow(output io.Reader, log io.Writer) {
	lines := make(chan string)
	go func() {
		defer close(lines)
		for reader := bufio.NewReader(output); ; {
			line, err := reader.ReadString('\n')
			lines <- strings.TrimSuffix(line, "\n")
			if err != nil {
				return
			}
		}
	}()
	_, _ = fmt.Fprintf(log, "building %s\n", p.title)
	ticker := time.NewTicker(10 * time.Second)
	defer ticker.Stop()
	for {
		select {
		case line, open := <-lines:
			if !open {
				return
			}
			p.take(line)
		case <-ticker.C:
			_, _ = fmt.Fprintln(log, p)
		}
	}
}

func (p *progress) take(line string) {
	switch {
	case strings.HasPrefix(line, "go: downloading "):
		p.downloaded++
	case line != "" && !strings.ContainsAny(line, " \t"): // -v prints the names of packages
		p.compiled++
	case strings.TrimSpace(line) != "":
		p.messages = append(p.messages, line)
		p.messages = p.messages[max(0, len(p.messages)-15):]
	}
}

func (p *progress) elapsed() time.Duration { return time.Since(p.start).Round(time.Second) }

func (p *progress) String() string {
	doing := fmt.Sprintf("%d packages compiled", p.compiled)
	if p.compiled == 0 && p.downloaded > 0 {
		doing = fmt.Sprintf("%d modules downloaded", p.downloaded)
	}
	return fmt.Sprintf("building %s: %s, %s", p.title, doing, p.elapsed())
}

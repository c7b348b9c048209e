// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"bytes"
	"fmt"
	"os"
	"strings"
	"syscall"
	"testing"
	"unsafe"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/cli-runtime/pkg/genericiooptions"
)

// terminal opens a pseudo terminal: what is written to the one end can be read at the other.
func terminal(t *testing.T) (end, screen *os.File) {
	t.Helper()
	screen, err := os.OpenFile("/dev/ptmx", os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = screen.Close() })
	var number, unlocked int32
	control(t, screen, syscall.TIOCGPTN, &number)
	control(t, screen, syscall.TIOCSPTLCK, &unlocked)
	if end, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", number), os.O_RDWR, 0); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = end.Close() })
	return end, screen
}

// control sends a request to a terminal.
func control(t *testing.T, terminal *os.File, request uintptr, value *int32) {
	t.Helper()
	if _, _, errno := syscall.Syscall(syscall.SYS_IOCTL, terminal.Fd(), request, uintptr(unsafe.Pointer(value))); errno != 0 {
		t.Fatal(errno)
	}
}

// TestColours: a problem is red on a terminal, unless NO_COLOR is set, and in a file nothing is.
func TestColours(t *testing.T) {
	printed := func(s *session) error {
		return s.printTable([]metav1.TableColumnDefinition{column("Name"), column("Reason")}, []row{{[]any{"backup", "QuotaExceeded"}, bad}, {[]any{"media", "Issued"}, plain}}, false, "")
	}
	const red, reset = "\x1b[31m", "\x1b[0m"
	lines := func(before, after string) string {
		return "NAME     REASON\r\n" + before + "backup   QuotaExceeded" + after + "\r\nmedia    Issued\r\n"
	}
	t.Setenv("TERM", "xterm")
	for name, test := range map[string]struct {
		noColor bool
		want    string
	}{"on a terminal": {false, lines(red, reset)}, "with NO_COLOR": {true, lines("", "")}} {
		t.Run(name, func(t *testing.T) {
			if test.noColor {
				t.Setenv("NO_COLOR", "1")
			}
			end, screen := terminal(t)
			if err := printed(&session{IOStreams: genericiooptions.IOStreams{Out: end}}); err != nil {
				t.Fatal(err)
			}
			got := make([]byte, 1024)
			n, err := screen.Read(got)
			for err == nil && strings.Count(string(got[:n]), "\n") < 3 {
				var more int
				more, err = screen.Read(got[n:])
				n += more
			}
			if string(got[:n]) != test.want {
				t.Errorf("got %q, want %q (%v)", got[:n], test.want, err)
			}
		})
	}
	var file bytes.Buffer
	if err := printed(&session{IOStreams: genericiooptions.IOStreams{Out: &file}}); err != nil || strings.Contains(file.String(), "\x1b") {
		t.Errorf("got %q, %v", &file, err)
	}
}

// TestTextFromElsewhereCannotControlTheTerminal: messages of a service and names are printed without their escape sequences.
func TestTextFromElsewhereCannotControlTheTerminal(t *testing.T) {
	var out bytes.Buffer
	s := &session{IOStreams: genericiooptions.IOStreams{Out: &out, ErrOut: &out}}
	s.printf("%s %v %s\n", "\x1b[31mred", fmt.Errorf("\x1b]0;title"), s.paint(bad, "\x1b[2J"))
	s.warnf("%s", "\x1b[1m")
	if err := s.printTable([]metav1.TableColumnDefinition{column("Name")}, []row{{[]any{"\x1b[5m"}, plain}}, false, ""); err != nil {
		t.Fatal(err)
	}
	if strings.Contains(out.String(), "\x1b") {
		t.Errorf("got %q", &out)
	}
}

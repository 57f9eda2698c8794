//go:build unix

package help

import (
	"bytes"
	"io"
	"os/exec"
	"strings"
	"testing"

	"github.com/creack/pty"
	"github.com/spf13/cobra"

	"github.com/knakppp/knak/cmd/knak/terminal"
)

// At a terminal a topic goes to $PAGER, set for the width; where there is no such program, or none is wanted, to the terminal.
func TestPager(t *testing.T) {
	if _, err := exec.LookPath("tr"); err != nil {
		t.Skip("SKIPPED: a pager is started: there is no tr")
	}
	t.Setenv("TERM", "xterm")
	t.Setenv("NO_COLOR", "")
	t.Setenv("HOME", t.TempDir())
	for _, tt := range []struct{ pager, want string }{
		{"tr a-z A-Z", "THREE WRONG PINS LOCK A SIM"},
		{"", "\x1b[1mThe SIM's PIN\x1b[0m\r\n\r\nThree wrong PINs lock a SIM"},
		{"cat", "Three wrong PINs lock a SIM"},
		{"no-such-program-1234", "Three wrong PINs lock a SIM"},
	} {
		t.Run(tt.pager, func(t *testing.T) {
			t.Setenv("PAGER", tt.pager)
			master, slave, err := pty.Open()
			if err != nil {
				t.Fatal(err)
			}
			defer master.Close()
			if err := pty.Setsize(slave, &pty.Winsize{Rows: 24, Cols: 60}); err != nil {
				t.Fatal(err)
			}
			var shown bytes.Buffer
			read := make(chan struct{})
			go func() {
				defer close(read)
				_, _ = io.Copy(&shown, master) // it ends with an error when the other side is closed
			}()
			out := &terminal.Terminal{Out: terminal.Keep(slave), Style: terminal.Style{Color: "auto"}}
			if err := run(out, &cobra.Command{Use: "knak"}, []string{"pin"}); err != nil {
				t.Error(err)
			}
			slave.Close()
			<-read
			if !strings.Contains(shown.String(), tt.want) {
				t.Errorf("%q is not in\n%q", tt.want, shown.String())
			}
			for l := range strings.SplitSeq(shown.String(), "\r\n") {
				if len(l) > 100 { // 60 columns, and colours
					t.Errorf("too wide: %q", l)
				}
			}
		})
	}
}

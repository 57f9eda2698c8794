//go:build unix

package terminal

import (
	"bytes"
	"testing"

	"github.com/creack/pty"
)

// A command writes by an ErrorKeeper, behind which the terminal is still one: with its width, colour, and lines that are rewritten.
func TestTerminalBehindTheKeeper(t *testing.T) {
	t.Setenv("TERM", "xterm")
	t.Setenv("NO_COLOR", "")
	master, slave, err := pty.Open()
	if err != nil {
		t.Fatal(err)
	}
	defer master.Close()
	defer slave.Close()
	if err := pty.Setsize(slave, &pty.Winsize{Rows: 24, Cols: 91}); err != nil {
		t.Fatal(err)
	}
	out := Keep(slave)
	term := Terminal{Out: out}
	if !IsTerminal(out) || Width(out) != 91 || !term.Color(out) {
		t.Errorf("terminal %v, %d columns, colour %v", IsTerminal(out), Width(out), term.Color(out))
	}
	t.Setenv("TERM", "dumb")
	if IsTerminal(out) || term.Color(out) {
		t.Error("a dumb terminal is not dumb")
	}
	pipe := Keep(&bytes.Buffer{})
	if IsTerminal(pipe) || Width(pipe) != 0 {
		t.Error("a buffer is a terminal")
	}
	slave.Close()
	if _, err := out.Write([]byte("x")); err == nil || out.Err() == nil {
		t.Error("the error is not kept")
	}
}

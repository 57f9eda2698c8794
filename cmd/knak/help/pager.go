package help

import (
	"errors"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"strings"
	"syscall"

	"github.com/knakppp/knak/cmd/knak/terminal"
)

// paged lets a page be shown by $PAGER where standard output is a terminal, and writes it there otherwise.
func paged(t *terminal.Terminal, show func(io.Writer) error) error {
	command := []string{"less"}
	if named, ok := os.LookupEnv("PAGER"); ok {
		command = strings.Fields(named)
	}
	if !terminal.IsTerminal(t.Out) || len(command) == 0 || command[0] == "cat" {
		return show(t.Out)
	}
	path, err := exec.LookPath(command[0])
	if err != nil {
		return show(t.Out) // no such program: the page is what was asked for
	}
	pager := exec.Command(path, command[1:]...)
	pager.Stdout, pager.Stderr = terminal.File(t.Out), os.Stderr
	if _, ok := os.LookupEnv("LESS"); !ok {
		pager.Env = append(os.Environ(), "LESS=FRX") // as git does: colours, and no paging of what fits
	}
	// Ctrl-C is the pager's, which would else be left with the terminal and without us.
	interrupts := make(chan os.Signal, 1)
	signal.Notify(interrupts, os.Interrupt)
	defer signal.Stop(interrupts)
	in, err := pager.StdinPipe()
	if err != nil {
		return show(t.Out)
	}
	if err := pager.Start(); err != nil {
		return show(t.Out)
	}
	err = show(in)
	if errors.Is(err, syscall.EPIPE) || errors.Is(err, os.ErrClosed) {
		err = nil // it was left before the end
	}
	return errors.Join(err, in.Close(), pager.Wait())
}

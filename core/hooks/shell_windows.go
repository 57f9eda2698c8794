package hooks

import (
	"errors"
	"os/exec"
	"syscall"
)

// Dir is the word for no scripts.
const Dir = "none"

// Check says why this system runs no scripts.
func Check() error {
	return errors.New("scripts as pppd runs them need a Unix shell, which Windows does not have; a program can follow the dial by its events instead: knak dial --log-format json")
}

// Nothing is run that would have to be ended.
func group(*exec.Cmd) {}

func end(cmd *exec.Cmd, _ syscall.Signal) error { return cmd.Process.Kill() }

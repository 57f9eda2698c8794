//go:build linux

package main

import (
	"bufio"
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/knakppp/knak/core/device/devicetest"
	"github.com/knakppp/knak/core/port"
)

// On a terminal knak init asks for what is missing, dials again, and writes what was answered; a PIN into a file of its own.
func TestInitAsks(t *testing.T) {
	for _, c := range []struct{ scenario, prompt, answer, config, pin string }{
		{"", "Which modem? [1] ", "2\n", `port = "DIR/machine/dev/ttyUSB2"`, ""}, // two on the bus, and none is simulated in the process
		{"pin-needed", "PIN of the SIM: ", "1234\n", `pin-file = "DIR/modem.pin"`, "1234\n"},
		{"apn-no-carrier", "Access point name (APN) of the SIM's provider: ", "right.example\n", `apn = "right.example"`, ""},
	} {
		t.Run(c.scenario, func(t *testing.T) {
			program, err := os.Executable() // which is knak by that name (testscript.Main)
			if err != nil {
				t.Fatal(err)
			}
			dir := t.TempDir()
			master, path, err := port.OpenPTY()
			if err != nil {
				t.Fatal(err)
			}
			defer master.Close()
			tty, err := os.OpenFile(path, os.O_RDWR|unix.O_NOCTTY, 0)
			if err != nil {
				t.Fatal(err)
			}
			defer tty.Close()
			cooked, err := unix.IoctlGetTermios(int(tty.Fd()), unix.TCGETS)
			if err != nil {
				t.Fatal(err)
			}
			cooked.Lflag |= unix.ICANON | unix.ECHO
			if err := unix.IoctlSetTermios(int(tty.Fd()), unix.TCSETS, cooked); err != nil {
				t.Fatal(err)
			}
			config := filepath.Join(dir, "config.toml")
			cmd := exec.CommandContext(t.Context(), program)
			cmd.Args = []string{"knak", "init", "--output", config}
			if c.scenario != "" {
				cmd.Args = append(cmd.Args, "--sim", c.scenario)
			} else {
				machine := devicetest.New(t, filepath.Join(dir, "machine"))
				for i, tty := range []string{"ttyUSB0", "ttyUSB2"} {
					machine.USB(fmt.Sprint("1-", 1+i), "12d1:1506", devicetest.Interface{Number: "00", Class: "ff/02/01", Driver: "option", TTY: tty})
				}
				served := exec.CommandContext(t.Context(), program)
				served.Args = []string{"knak", "sim", "behaves", "--link", filepath.Join(dir, "machine", "dev", "ttyUSB2")}
				port, err := served.StdoutPipe()
				if err != nil {
					t.Fatal(err)
				}
				if err := served.Start(); err != nil {
					t.Fatal(err)
				}
				defer func() { _ = served.Process.Kill(); _ = served.Wait() }()
				if _, err := bufio.NewReader(port).ReadString('\n'); err != nil { // it is there now
					t.Fatal(err)
				}
				cmd.Env = append(os.Environ(), "KNAK_SYSROOT="+filepath.Join(dir, "machine"), "KNAK_STATE_DIR="+dir, "KNAK_RUNTIME_DIR="+dir)
			}
			cmd.Stdin = tty
			said, err := cmd.StderrPipe()
			if err != nil {
				t.Fatal(err)
			}
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			var all bytes.Buffer
			answered := false
			for b := make([]byte, 4096); ; {
				n, err := said.Read(b)
				all.Write(b[:n])
				if err != nil {
					break
				}
				if !answered && strings.HasSuffix(all.String(), c.prompt) {
					answered = true
					if c.pin != "" { // it is read only once it is not shown any more
						for end := time.Now().Add(30 * time.Second); time.Now().Before(end); time.Sleep(time.Millisecond) {
							now, err := unix.IoctlGetTermios(int(tty.Fd()), unix.TCGETS)
							if err != nil {
								t.Fatal(err)
							}
							if now.Lflag&unix.ECHO == 0 {
								break
							}
						}
					}
					if _, err := master.Write([]byte(c.answer)); err != nil {
						t.Fatal(err)
					}
				}
			}
			if err := cmd.Wait(); err != nil || !answered {
				t.Fatalf("%v, asked: %v: %s", err, answered, &all)
			}
			if strings.Contains(all.String(), "problem: ") || strings.Count(all.String(), "down: ") != 1 {
				t.Errorf("a question stands in the place of an account of what went wrong: %s", &all)
			}
			text, err := os.ReadFile(config)
			if want := strings.ReplaceAll(c.config, "DIR", dir); err != nil || !strings.Contains(string(text), want) {
				t.Errorf("%v: %s", err, text)
			}
			if c.pin != "" {
				secret, err := os.ReadFile(filepath.Join(dir, "modem.pin"))
				info, err2 := os.Stat(filepath.Join(dir, "modem.pin"))
				if err != nil || err2 != nil || string(secret) != c.pin || info.Mode().Perm() != 0o600 {
					t.Errorf("%q, %v, %v", secret, err, info)
				}
				if strings.Contains(all.String(), strings.TrimSpace(c.pin)) {
					t.Errorf("the PIN was shown: %s", &all)
				}
			}
		})
	}
}

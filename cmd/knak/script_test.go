package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/knakppp/knak/core/control"
	"github.com/knakppp/knak/core/device/devicetest"
	"github.com/knakppp/knak/core/port"
	"github.com/knakppp/knak/plugins/host"
	"github.com/knakppp/knak/plugins/host/serve"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){
		"knak":             main,
		host.Program:       func() { os.Exit(serve.Main(os.Stderr)) },
		"knak-plugin-demo": demoPlugin,
	})
}

// TestScript runs testdata/script: the commands as a user types them, each in a directory and with a runtime directory
// of its own, so that nothing of this machine's configuration is seen.
func TestScript(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir: "testdata/script",
		Condition: func(name string) (bool, error) {
			switch name {
			case "root":
				return os.Geteuid() == 0, nil
			case "tun":
				return hasTUN(), nil
			}
			return false, fmt.Errorf("no such condition: %s", name)
		},
		Setup: func(e *testscript.Env) error {
			e.Setenv("KNAK_RUNTIME_DIR", e.WorkDir+"/run")
			e.Setenv("KNAK_STATE_DIR", e.WorkDir+"/state")
			e.Setenv("XDG_CONFIG_HOME", e.WorkDir+"/config")
			e.Setenv("HOME", e.WorkDir)
			e.Setenv("NO_COLOR", "1")
			e.Setenv("KNAK_NO_ADAPT", "true") // experiments take real time; adapt.txtar has them
			e.Setenv("KNAK_PLUGINS_LOCK", e.WorkDir+"/config/plugins.lock")
			return os.MkdirAll(e.WorkDir+"/config", 0o700)
		},
		Cmds: map[string]func(ts *testscript.TestScript, neg bool, args []string){"status": checkStatus, "waitlink": waitLink, "waitfile": waitFile, "signwith": signWith, "servefiles": serveFiles, "finddemo": findDemo, "usb": addUSB, "uart": addUART, "listener": addListener, "heard": checkHeard},
	})
}

// hasTUN says whether this test may make a network namespace with a TUN device in it.
func hasTUN() bool {
	for _, program := range []string{"unshare", "ip", "sh"} {
		if _, err := exec.LookPath(program); err != nil {
			return false
		}
	}
	f, err := os.OpenFile("/dev/net/tun", os.O_RDWR, 0)
	if err != nil {
		return false
	}
	return f.Close() == nil && os.Geteuid() == 0
}

// checkStatus runs a command and compares its exit status: status 19 knak dial …
func checkStatus(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: status CODE COMMAND …")
	}
	err := ts.Exec(args[1], args[2:]...)
	code := "0"
	if exit, ok := err.(interface{ ExitCode() int }); ok {
		code = strconv.Itoa(exit.ExitCode())
	} else if err != nil {
		ts.Fatalf("%v", err)
	}
	if code != args[0] {
		ts.Fatalf("exit status %s, want %s", code, args[0])
	}
}

// waitLink waits until a dial that runs in the background has a link up, perhaps on a certain tty: waitlink NAME [TTY].
func waitLink(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 1 || len(args) > 2 {
		ts.Fatalf("usage: waitlink NAME [TTY]")
	}
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	for {
		st, err := control.AskStatus(ctx, ts.Getenv("KNAK_RUNTIME_DIR"), args[0])
		if err == nil && st.Up != nil && (len(args) == 1 || st.Device != nil && filepath.Base(st.Device.Port) == args[1]) {
			return
		}
		select {
		case <-time.After(10 * time.Millisecond):
		case <-ctx.Done():
			ts.Fatalf("%s did not come up: %v", args[0], err)
		}
	}
}

// waitFile waits until a program in the background has made a file: waitfile PATH.
func waitFile(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: waitfile PATH")
	}
	for end := time.Now().Add(20 * time.Second); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		if _, err := os.Stat(ts.MkAbs(args[0])); err == nil {
			return
		}
	}
	ts.Fatalf("%s was not made", args[0])
}

// findDemo puts the path of the demo plugin into $DEMO: finddemo.
func findDemo(ts *testscript.TestScript, neg bool, args []string) {
	path, err := exec.LookPath("knak-plugin-demo")
	if err != nil {
		ts.Fatalf("%v", err)
	}
	ts.Setenv("DEMO", path)
}

// addUSB adds a USB device to the tree below $WORK/machine, which KNAK_SYSROOT then names:
// usb PATH ID NUMBER,CLASS,DRIVER,TTY …
func addUSB(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 3 {
		ts.Fatalf("usage: usb PATH ID NUMBER,CLASS,DRIVER,TTY …")
	}
	dir := ts.MkAbs("machine")
	ts.Setenv("KNAK_SYSROOT", dir)
	var list []devicetest.Interface
	for _, a := range args[2:] {
		f := strings.Split(a, ",")
		if len(f) != 4 {
			ts.Fatalf("%q is not NUMBER,CLASS,DRIVER,TTY", a)
		}
		list = append(list, devicetest.Interface{Number: f[0], Class: f[1], Driver: f[2], TTY: strings.TrimPrefix(f[3], "-")})
	}
	devicetest.New(ts, dir).USB(args[0], args[1], list...)
}

// addUART adds a serial port of the machine itself: uart DEVICE TTY.
func addUART(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: uart DEVICE TTY")
	}
	dir := ts.MkAbs("machine")
	ts.Setenv("KNAK_SYSROOT", dir)
	devicetest.New(ts, dir).UART(args[0], args[1])
}

// addListener puts a pseudo-terminal behind each of these ttys that writes down whether it is opened and what it hears, and says
// nothing; with "answers" first it answers AT commands: listener [answers] TTY …
func addListener(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) == 0 {
		ts.Fatalf("usage: listener [answers] TTY …")
	}
	answers := args[0] == "answers"
	if answers {
		args = args[1:]
	}
	machine := devicetest.Machine{T: ts, Dir: ts.MkAbs("machine")}
	for _, tty := range args {
		master, slave, err := port.OpenPTY()
		if err != nil {
			ts.Fatalf("%v", err)
		}
		heard, err := os.Create(ts.MkAbs("heard-" + tty))
		if err != nil {
			ts.Fatalf("%v", err)
		}
		ts.Defer(func() { _ = master.Close(); _ = heard.Close() })
		machine.Behind(tty, slave)
		master.OnOpen(func() { fmt.Fprintln(heard, "opened") })
		go func() {
			buf := make([]byte, 256)
			for {
				n, err := master.Read(buf)
				fmt.Fprint(heard, strings.ReplaceAll(string(buf[:n]), "\r", "\n"))
				if answers && n > 0 {
					_, _ = master.Write([]byte(strings.Repeat("\r\nOK\r\n", strings.Count(string(buf[:n]), "\r"))))
				}
				if err != nil && !errors.Is(err, port.ErrHungUp) {
					return
				}
			}
		}()
	}
}

// checkHeard says what the listeners behind these ttys heard, line by line: heard COMMAND,… TTY …, and "heard nothing TTY …" that they
// were not even opened, which resets an Arduino.
func checkHeard(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: heard nothing|COMMAND,COMMAND,… TTY …")
	}
	for _, tty := range args[1:] {
		b, err := os.ReadFile(ts.MkAbs("heard-" + tty))
		if err != nil {
			ts.Fatalf("%v", err)
		}
		said := map[string]bool{}
		for line := range strings.Lines(string(b)) {
			said[strings.TrimSpace(line)] = true
		}
		want := map[string]bool{}
		if args[0] != "nothing" {
			want["opened"] = true
			for _, command := range strings.Split(args[0], ",") {
				want[command] = true
			}
		}
		if !maps.Equal(said, want) {
			ts.Fatalf("%s heard %q", tty, b)
		}
	}
}

//go:build linux

package interop

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestHooks: a script that was written for pppd's ip-up and ip-down runs unchanged, while the interface is there; one
// that hangs is ended, and holds up neither the link nor the end.
func TestHooks(t *testing.T) {
	dir := t.TempDir()
	log := filepath.Join(dir, "log")
	write := func(name, body string) {
		if err := os.WriteFile(filepath.Join(dir, name), []byte("#!/bin/sh\n"+body+"\n"), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	line := `echo "$(basename $0) $1 $4 $6 there=$(test -e /sys/class/net/$1 && echo yes) IPLOCAL=$IPLOCAL up=${CONNECT_TIME:+told}" >> ` + log
	write("ip-up", line+"; sleep 1000")
	write("ip-down", line)
	s := startSimulator(t, "behaves")
	k := dialSimulator(t, s, "--hooks", dir, "--hook-timeout", "2s", "--ipparam", "site")
	up := k.WaitUp(t, limit)
	k.Signal(syscall.SIGTERM)
	if code := k.Exit(t, limit); code != 5 {
		t.Errorf("status %d, want 5", code)
	}
	b, err := os.ReadFile(log)
	if err != nil {
		t.Fatal(err)
	}
	got := strings.Split(strings.TrimSpace(string(b)), "\n")
	end := up.Interface + " " + up.Local + " site there="
	if len(got) != 2 || !strings.HasPrefix(got[0], "ip-up "+end) || !strings.HasPrefix(got[1], "ip-down "+end) ||
		!strings.HasSuffix(got[0], "IPLOCAL="+up.Local+" up=") || !strings.HasSuffix(got[1], "up=told") {
		t.Errorf("the scripts wrote %q", got)
	}
	if up.ElapsedMS > (2 * time.Second).Milliseconds() {
		t.Errorf("up after %d ms: the script held it up", up.ElapsedMS)
	}
}

//go:build linux

package main

import (
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/knakppp/knak/core/sdnotify"
)

// The service manager of a dial hears that it is ready when the link is up, what it is at, and that it ends.
func TestServiceManager(t *testing.T) {
	program, err := os.Executable() // which is knak by that name (testscript.Main)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	manager, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: filepath.Join(dir, "notify"), Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	defer manager.Close()
	cmd := exec.CommandContext(t.Context(), program)
	cmd.Args = []string{"knak", "dial", "--sim", "behaves", "--plane", "none", "--once"}
	cmd.Env = append(os.Environ(), sdnotify.Variable+"="+manager.LocalAddr().String(), "KNAK_RUNTIME_DIR="+dir, "KNAK_STATE_DIR="+dir, "XDG_CONFIG_HOME="+dir, "HOME="+dir)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	all := ""
	if err := manager.SetReadDeadline(time.Now().Add(time.Minute)); err != nil {
		t.Fatal(err)
	}
	for b := make([]byte, 4096); !strings.Contains(all, "STOPPING=1\n"); {
		n, err := manager.Read(b)
		if err != nil {
			t.Fatalf("%v after\n%s", err, all)
		}
		all += string(b[:n])
	}
	if err := cmd.Wait(); err != nil {
		t.Error(err)
	}
	_, after, ready := strings.Cut(all, "READY=1\nSTATUS=up: 192.0.2.2\n")
	if !ready || !strings.HasPrefix(all, "STATUS=dialling") || !strings.Contains(after, "STATUS=down: ") {
		t.Errorf("the manager heard\n%s", all)
	}
}

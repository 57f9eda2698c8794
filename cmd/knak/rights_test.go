package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/knakppp/knak/core/control"
)

// A dial that is up can neither be read nor dumped by others of its user, and where it starts no program the kernel
// refuses it what a process needs that was taken over.
func TestDialGivesUpItsRights(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("SKIPPED: needs root, to be another user: run the tests as root")
	}
	const user = 12345
	dir := t.TempDir()
	for _, d := range []string{filepath.Dir(dir), dir} {
		if err := os.Chmod(d, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Chown(dir, user, user); err != nil {
		t.Fatal(err)
	}
	c := exec.Command("/proc/self/exe", "dial", "--sim", "behaves", "--plane", "none", "--link", "mine", "-q")
	c.Args[0] = "knak" // which the test binary then is
	c.Env = []string{"KNAK_RUNTIME_DIR=" + dir + "/run", "KNAK_STATE_DIR=" + dir + "/state", "HOME=" + dir, "PATH=" + os.Getenv("PATH")}
	c.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: user, Gid: user}}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.Process.Kill(); _ = c.Wait() }()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	for {
		if st, err := control.AskStatus(ctx, dir+"/run", "mine"); err == nil && st.Up != nil {
			break
		}
		if ctx.Err() != nil {
			t.Fatal("it did not come up")
		}
		time.Sleep(5 * time.Millisecond)
	}
	// proc(5): what is in /proc/PID belongs to root while the process is not dumpable.
	info, err := os.Stat(fmt.Sprintf("/proc/%d/environ", c.Process.Pid))
	if err != nil || info.Sys().(*syscall.Stat_t).Uid != 0 {
		t.Errorf("others of its user may read it: %v, %v", info, err)
	}
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", c.Process.Pid))
	if err != nil || !strings.Contains(string(status), "Seccomp:\t2") {
		t.Errorf("no filter: %v\n%s", err, status)
	}
}

package host

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// Whoever starts removes what two killed programs left, processes too, and nothing that is in use, however many start at once.
func TestSweep(t *testing.T) {
	base := t.TempDir()
	old, inUse := newMark(), newMark()
	marked := func(m mark) *exec.Cmd {
		cmd := exec.Command("/bin/sleep", "100")
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		if err := m.put(cmd.Process.Pid); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = cmd.Process.Kill() }) // most have ended
		return cmd
	}
	gone, stays := marked(old), marked(inUse)
	left := filepath.Join(base, runtimePrefix+"1")
	half := filepath.Join(base, newPrefix+"2")
	for _, dir := range []string{left, half} {
		if err := os.MkdirAll(filepath.Join(dir, "plugin-dir3"), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, LockName), fmt.Appendln(nil, uint64(old)), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	long := time.Now().Add(-time.Hour)
	if err := os.Chtimes(half, long, long); err != nil {
		t.Fatal(err)
	}
	var mu sync.Mutex
	var dirs []string
	var all sync.WaitGroup
	for range 50 {
		all.Go(func() {
			dir, lock, err := makeRuntime(base, inUse)
			if err != nil {
				t.Error(err)
				return
			}
			mu.Lock()
			defer mu.Unlock()
			dirs = append(dirs, dir)
			t.Cleanup(func() { _ = lock.Close() })
		})
	}
	all.Wait()
	for _, dir := range dirs {
		if st, err := os.Stat(filepath.Join(dir, LockName)); err != nil || st.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v", dir, err)
		}
	}
	for _, dir := range []string{left, half} {
		if _, err := os.Stat(dir); err == nil {
			t.Errorf("%s was not swept", dir)
		}
	}
	if err := gone.Wait(); err == nil || !strings.Contains(err.Error(), "killed") {
		t.Errorf("a process of two killed programs ended with %v", err)
	}
	if len(inUse.processes()) != 1 {
		t.Errorf("process %d of a host that runs was ended", stays.Process.Pid)
	}
}

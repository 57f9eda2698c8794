package host

import (
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"
)

// Whoever starts removes what two killed programs left, and nothing that is in use, however many start at once.
func TestSweep(t *testing.T) {
	base := t.TempDir()
	left := filepath.Join(base, runtimePrefix+"1")
	half := filepath.Join(base, newPrefix+"2")
	for _, dir := range []string{left, half} {
		if err := os.MkdirAll(filepath.Join(dir, "plugin-dir3"), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, LockName), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	old := time.Now().Add(-time.Hour)
	if err := os.Chtimes(half, old, old); err != nil {
		t.Fatal(err)
	}
	var mu sync.Mutex
	var dirs []string
	var all sync.WaitGroup
	for range 50 {
		all.Go(func() {
			dir, lock, err := makeRuntime(base)
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
}

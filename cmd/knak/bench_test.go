package main

import (
	"os/exec"
	"path/filepath"
	"testing"
)

// BenchmarkQuirksList starts the program from its file each time.
func BenchmarkQuirksList(b *testing.B) {
	binary := filepath.Join(b.TempDir(), "knak")
	if out, err := exec.Command("go", "build", "-trimpath", "-ldflags", "-s -w", "-o", binary, ".").CombinedOutput(); err != nil {
		b.Fatalf("%v: %s", err, out)
	}
	for b.Loop() {
		if out, err := exec.Command(binary, "quirks", "list").Output(); err != nil || len(out) == 0 {
			b.Fatal(err)
		}
	}
}

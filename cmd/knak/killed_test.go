//go:build linux

package main

import (
	"bytes"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/knakppp/knak/core/plane/nstest"
)

// TestKilledAtAnyMoment: three links on a host with a network and an /etc of its own, killed at moments by chance (kill -9),
// once or several at once. Whoever comes next (doctor --fix, or the same dials again, which end in order) leaves resolv.conf,
// routes, addresses, interfaces, locks and sockets as they were. KNAK_KILLS says how many rounds of three.
func TestKilledAtAnyMoment(t *testing.T) {
	if testing.Short() {
		t.Skip("SKIPPED: -short was given, and it dials for some seconds")
	}
	if nstest.Process(t, "HOME=/run/home", "XDG_RUNTIME_DIR=", "XDG_CONFIG_HOME=", "XDG_STATE_HOME=") {
		killedHost(t)
	}
}

func killedHost(t *testing.T) {
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	rounds := 2
	if text := os.Getenv("KNAK_KILLS"); text != "" {
		n, err := strconv.Atoi(text)
		must(err)
		rounds = n
	}
	program, err := os.Executable()
	must(err)
	for _, dir := range []string{"/run", "/etc", "/var/lib"} {
		must(unix.Mount("none", dir, "tmpfs", 0, ""))
	}
	must(os.MkdirAll("/run/home", 0o700))
	must(os.Mkdir("/run/lock", 0o777))
	must(os.Chmod("/run/lock", 0o777|fs.ModeSticky))
	must(os.WriteFile("/etc/resolv.conf", []byte("# by hand\nnameserver 192.0.2.250\n"), 0o640))
	nstest.LAN(t)
	const links = 3
	knak := func(out *bytes.Buffer, args ...string) *exec.Cmd {
		cmd := exec.Command(program)
		cmd.Args = append([]string{"knak"}, args...)
		cmd.Stdout, cmd.Stderr = out, out
		return cmd
	}
	modem := func(i int) string { return fmt.Sprintf("/run/modem%d", i) }
	for i := range links {
		cmd := knak(&bytes.Buffer{}, "sim", "behaves", "--link", modem(i))
		must(cmd.Start())
		t.Cleanup(func() { _ = cmd.Process.Kill() })
	}
	for i := range links {
		for end := time.Now().Add(30 * time.Second); ; time.Sleep(5 * time.Millisecond) {
			if _, err := os.Stat(modem(i)); err == nil {
				break
			} else if time.Now().After(end) {
				t.Fatal(err)
			}
		}
	}
	dial := func(i int, more ...string) (*exec.Cmd, *bytes.Buffer) {
		var out bytes.Buffer
		cmd := knak(&out, append([]string{"dial", "--port", modem(i), "--plane", "tun", "--dns", "file", "--interface", fmt.Sprintf("kn%d", i),
			"--hooks", "none", "--link", fmt.Sprintf("l%d", i), "--no-prove"}, more...)...)
		must(cmd.Start())
		return cmd, &out
	}
	seed := rand.Uint64()
	chance := rand.New(rand.NewPCG(seed, 0))
	before := hostFiles(t)
	kills, changed := 0, 0
	for round := range rounds {
		var all []*exec.Cmd
		for i := range links {
			cmd, _ := dial(i)
			all = append(all, cmd)
			time.Sleep(time.Duration(chance.IntN(60)) * time.Millisecond)
		}
		for _, i := range chance.Perm(links) {
			time.Sleep(time.Duration(chance.IntN(400)) * time.Millisecond)
			_ = all[i].Process.Kill() // it may have ended
			kills++
		}
		for _, cmd := range all {
			_ = cmd.Wait() // it was killed
		}
		if hostFiles(t) != before {
			changed++
		}
		if round%2 == 0 {
			var out bytes.Buffer
			_ = knak(&out, "doctor", "--fix").Run() // it ends with 1 where anything else would stop a dial
		} else {
			for i := range links {
				cmd, out := dial(i, "--once")
				if err := cmd.Wait(); err != nil {
					t.Errorf("seed %d, round %d, link %d: %v: %s", seed, round, i, err, out)
				}
			}
		}
		if after := hostFiles(t); after != before {
			t.Fatalf("seed %d, round %d: the host was\n%s\nand is\n%s", seed, round, before, after)
		}
	}
	if changed == 0 && rounds >= 10 {
		t.Errorf("seed %d: %d kills have changed nothing", seed, kills)
	}
	t.Logf("seed %d: %d kills in %d rounds, after %d of them something was left, and was put right", seed, kills, rounds, changed)
}

// hostFiles is the state of this test's host: its network, and each file of its own with owner, mode and content.
func hostFiles(t *testing.T) string {
	t.Helper()
	lines := nstest.State(t)
	for _, dir := range []string{"/etc", "/run/lock", "/run/knak"} {
		_ = filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() || strings.HasSuffix(path, ".lock") { // a link's own lock file stays, empty
				return nil
			}
			var st unix.Stat_t
			if err := unix.Lstat(path, &st); err != nil {
				t.Fatal(err)
			}
			content, _ := os.ReadFile(path) // of a socket there is none
			lines = append(lines, fmt.Sprintf("file %s %o %d %d %q", path, st.Mode, st.Uid, st.Gid, content))
			return nil
		})
	}
	return strings.Join(lines, "\n")
}

package resolv

import (
	"context"
	"encoding/json"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"runtime"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/knakppp/knak/core/plane/undo"
)

// hostWith makes a host with a resolv.conf, and gives functions by which a link of a name goes up.
func hostWith(t *testing.T, content string) (h Host, path string, up func(name string, last byte) *undo.List) {
	t.Helper()
	h, path = Host{Run: t.TempDir()}, filepath.Join(t.TempDir(), "resolv.conf")
	if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
	return h, path, func(name string, last byte) *undo.List {
		t.Helper()
		var u undo.List
		_, err := h.Set(t.Context(), Config{Mode: File, Interface: name, Servers: []netip.Addr{netip.AddrFrom4([4]byte{10, 0, 0, last})}, Path: path,
			Notice: func(string, string, ...any) {}}, &u)
		if err != nil {
			t.Fatal(err)
		}
		return &u
	}
}

func read(t *testing.T, path string) string {
	t.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(content)
}

// Two links that end in the order in which they began, and in the other: the one that is up has its servers there, and in
// the end the file is the same file.
func TestTwoLinksEndInAnyOrder(t *testing.T) {
	for _, order := range [][]int{{0, 1}, {1, 0}} {
		_, path, up := hostWith(t, "nameserver 192.0.2.1\n")
		before, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		links := []*undo.List{up("knak0", 53), up("knak1", 54)}
		if got := read(t, path); !strings.Contains(got, "nameserver 10.0.0.54\n") {
			t.Errorf("the second link's servers are not there: %q", got)
		}
		if err := links[order[0]].Run(); err != nil {
			t.Error(err)
		}
		if got, want := read(t, path), fmt.Sprintf("nameserver 10.0.0.%d\n", 53+order[1]); !strings.HasSuffix(got, want) {
			t.Errorf("%v: with one link left: %q, want %q", order, got, want)
		}
		if err := links[order[1]].Run(); err != nil {
			t.Error(err)
		}
		after, err := os.Stat(path)
		if got := list(t, filepath.Dir(path)); got != "resolv.conf -rw-r--r-- \"nameserver 192.0.2.1\\n\"\n" || err != nil || !os.SameFile(before, after) {
			t.Errorf("%v: left behind:\n%s", order, got)
		}
	}
}

// Links that were killed are put right by whoever comes next, whatever its name: hangup and doctor (Repair), or a dial.
func TestKilledLinksArePutRight(t *testing.T) {
	for _, next := range []string{"Repair", "a dial"} {
		h, path, up := hostWith(t, "search lan\nnameserver 192.0.2.1\n")
		killed(t, h, path, "knak0", "10.0.0.53")
		killed(t, h, path, "knak1", "10.0.0.54")
		left, err := h.Leftover(path)
		if err != nil || fmt.Sprint(left) != fmt.Sprintf("[{%s [knak1]}]", path) { // the second one has found the first one dead
			t.Errorf("left over: %v, %v", left, err)
		}
		if next == "Repair" {
			if done, err := h.Repair(t.Context(), path, func(string, string, ...any) {}); err != nil || !reflect.DeepEqual(done, left) {
				t.Errorf("%v, %v", done, err)
			}
		} else if err := up("knak7", 57).Run(); err != nil {
			t.Error(err)
		}
		if got := list(t, filepath.Dir(path)); got != "resolv.conf -rw-r--r-- \"search lan\\nnameserver 192.0.2.1\\n\"\n" {
			t.Errorf("%s left behind:\n%s", next, got)
		}
		if left, err := h.Leftover(path); err != nil || len(left) > 0 {
			t.Errorf("after it: %v, %v", left, err)
		}
		if done, err := h.Repair(t.Context(), path, nil); err != nil || len(done) > 0 {
			t.Errorf("a second time: %v, %v", done, err)
		}
	}
}

// killed lets another process take the file and end without giving it back.
func killed(t *testing.T, h Host, path, name, server string) {
	t.Helper()
	c := exec.Command(os.Args[0])
	c.Env = append(os.Environ(), "TAKE="+strings.Join([]string{h.Run, path, name, server}, "|"))
	if out, err := c.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
}

func TestMain(m *testing.M) {
	take := strings.Split(os.Getenv("TAKE"), "|")
	if len(take) != 4 {
		os.Exit(m.Run())
	}
	var u undo.List
	_, err := Host{Run: take[0]}.Set(context.Background(), Config{Mode: File, Interface: take[2], Servers: []netip.Addr{netip.MustParseAddr(take[3])}, Path: take[1],
		Notice: func(string, string, ...any) {}}, &u)
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
}

// A record in resolvconf(8) outlives the dial that has made it, too.
func TestKilledRecordsAreTakenBack(t *testing.T) {
	h, calls := fakeHost(t, false, "resolvconf")
	cfg, _ := config(t, Resolvconf)
	var u undo.List
	if _, err := h.Set(t.Context(), cfg, &u); err != nil {
		t.Fatal(err)
	}
	if left, err := h.Leftover(cfg.Path); err != nil || len(left) > 0 {
		t.Errorf("while it is up: %v, %v", left, err)
	}
	if err := u.Run(); err != nil {
		t.Error(err)
	}
	calls()
	dead := self()
	dead.Start++
	text, err := json.Marshal(dead)
	if err != nil {
		t.Fatal(err)
	}
	for name, content := range map[string][]byte{"knak3.knak": text, "knak4.knak": []byte("{"), "other": text} {
		if err := os.WriteFile(filepath.Join(h.recordsDir(), name), content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	left, err := h.Repair(t.Context(), cfg.Path, func(string, string, ...any) {})
	if err != nil || fmt.Sprint(left) != "[{resolvconf [knak3 knak4]}]" {
		t.Errorf("%v, %v", left, err)
	}
	if got := calls(); got != "resolvconf -d knak3.knak\nresolvconf -d knak4.knak\n" {
		t.Errorf("%q", got)
	}
	if left, err := h.Leftover(cfg.Path); err != nil || len(left) > 0 {
		t.Errorf("after it: %v, %v", left, err)
	}
}

// A container has its resolv.conf mounted over the file: it cannot be replaced (rename(2), EBUSY), only be overwritten;
// and often nothing can be made beside it.
func TestAMountedFile(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("SKIPPED: needs root, to mount a file: run the tests as root")
	}
	runtime.LockOSThread() // never unlocked: the thread and its name space end with the test
	if err := unix.Unshare(unix.CLONE_FS | unix.CLONE_NEWNS); err != nil {
		t.Skipf("SKIPPED: no mount namespaces here: %v", err)
	}
	if err := unix.Mount("none", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		t.Skipf("SKIPPED: %v", err)
	}
	for _, readOnly := range []bool{false, true} {
		h, path, up := hostWith(t, "below")
		outside := filepath.Join(t.TempDir(), "resolv.conf")
		const original = "nameserver 192.0.2.1\noptions ndots:0\n"
		if err := os.WriteFile(outside, []byte(original), 0o644); err != nil {
			t.Fatal(err)
		}
		if readOnly {
			dir := filepath.Dir(path)
			for _, err := range []error{unix.Mount(dir, dir, "", unix.MS_BIND, ""), unix.Mount(dir, dir, "", unix.MS_BIND|unix.MS_REMOUNT|unix.MS_RDONLY, "")} {
				if err != nil {
					t.Skipf("SKIPPED: %v", err)
				}
			}
			defer unix.Unmount(dir, unix.MNT_DETACH)
		}
		if err := unix.Mount(outside, path, "", unix.MS_BIND, ""); err != nil {
			t.Skipf("SKIPPED: no mounts here: %v", err)
		}
		defer unix.Unmount(path, unix.MNT_DETACH)
		first := up("knak0", 53)
		if got := read(t, outside); !strings.Contains(got, "nameserver 10.0.0.53\n") || strings.Contains(got, "192.0.2.1") {
			t.Errorf("read-only %v: %q", readOnly, got)
		}
		second := up("knak1", 54)
		for _, u := range []*undo.List{first, second} {
			if err := u.Run(); err != nil {
				t.Error(err)
			}
		}
		if got := read(t, outside); got != original {
			t.Errorf("read-only %v: %q", readOnly, got)
		}
		if left, err := h.Leftover(path); err != nil || len(left) > 0 {
			t.Errorf("read-only %v: %v, %v", readOnly, left, err)
		}
		if entries, err := os.ReadDir(filepath.Dir(path)); err != nil || len(entries) != 1 {
			t.Errorf("read-only %v: left behind: %v, %v", readOnly, entries, err)
		}
	}
}

// Where nothing can be made beside a link, what it leads to is changed.
func TestALinkInAReadOnlyDirectory(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("SKIPPED: needs root, to mount a directory: run the tests as root")
	}
	h, path, up := hostWith(t, "")
	target := filepath.Join(t.TempDir(), "resolv.conf")
	if err := os.WriteFile(target, []byte("nameserver 192.0.2.1\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(target, path); err != nil {
		t.Fatal(err)
	}
	dir := filepath.Dir(path)
	for _, err := range []error{unix.Mount(dir, dir, "", unix.MS_BIND, ""), unix.Mount(dir, dir, "", unix.MS_BIND|unix.MS_REMOUNT|unix.MS_RDONLY, "")} {
		if err != nil {
			t.Skipf("SKIPPED: no mounts here: %v", err)
		}
	}
	defer unix.Unmount(dir, unix.MNT_DETACH)
	u := up("knak0", 53)
	if got := read(t, path); !strings.Contains(got, "10.0.0.53") {
		t.Errorf("%q", got)
	}
	if left, err := h.Leftover(path); err != nil || len(left) > 0 {
		t.Errorf("%v, %v", left, err)
	}
	if err := u.Run(); err != nil {
		t.Error(err)
	}
	if got := list(t, filepath.Dir(target)); got != "resolv.conf -rw-r--r-- \"nameserver 192.0.2.1\\n\"\n" {
		t.Errorf("left behind:\n%s", got)
	}
}

// What another program did to our file is done to the original.
func TestEdits(t *testing.T) {
	l := claim{Interface: "knak0", Servers: []netip.Addr{netip.MustParseAddr("10.0.0.53")}}
	const original = "# by hand\nsearch lan\nnameserver 192.0.2.1\nnameserver 192.0.2.2\noptions edns0\n"
	const base = "# Made by knak for the link knak0. The file that was here comes back when the link ends.\nnameserver 10.0.0.53\nsearch lan\noptions edns0\n"
	if got := string(content(l, []byte(original), nil)); got != base {
		t.Fatalf("%q", got)
	}
	for _, c := range []struct{ name, now, want string }{
		{"nothing", base, original},
		{"an option", base + "options rotate\n", original + "options rotate\n"},
		{"a search list goes", strings.Replace(base, "search lan\n", "", 1), strings.Replace(original, "search lan\n", "", 1)},
		{"a search list is another", strings.Replace(base, "search lan\n", "search home\n", 1), strings.Replace(original, "search lan\n", "", 1) + "search home\n"},
		{"a server behind ours", base + "nameserver 198.51.100.1\n",
			"# by hand\nsearch lan\nnameserver 192.0.2.1\nnameserver 192.0.2.2\nnameserver 198.51.100.1\noptions edns0\n"},
		{"a server in front of ours", strings.Replace(base, "nameserver 10", "nameserver 198.51.100.1\nnameserver 10", 1),
			"# by hand\nsearch lan\nnameserver 198.51.100.1\nnameserver 192.0.2.1\nnameserver 192.0.2.2\noptions edns0\n"},
		{"our mark goes", strings.SplitN(base, "\n", 2)[1], original},
		{"our server goes", strings.Replace(base, "nameserver 10.0.0.53\n", "", 1), original},
	} {
		if got := string(editOf([]byte(base), []byte(c.now), l.Servers).apply([]byte(original))); got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}

func TestStartOf(t *testing.T) {
	line := "7 (a) b (c)) S " + strings.Repeat("1 ", 18) + "4711 5"
	if n, ok := startOf([]byte(line)); n != 4711 || !ok {
		t.Errorf("%d, %v", n, ok)
	}
	for _, bad := range []string{"", "7", "7 (x) S 1", strings.Replace(line, ") S ", ") Z ", 1)} {
		if _, ok := startOf([]byte(bad)); ok {
			t.Errorf("%q was taken", bad)
		}
	}
	if !runs(self()) {
		t.Error("this process does not run")
	}
	o := self()
	o.Start++
	if runs(o) {
		t.Error("another process with this one's id runs")
	}
}

func FuzzParseState(f *testing.F) {
	st := &state{Version: 1, Original: node{Kind: kindFile, Mode: 0o644, Content: []byte("nameserver 192.0.2.1\n")},
		Links:   []claim{{Interface: "knak0", Owner: owner{"b", 7, 9}, Servers: []netip.Addr{netip.MustParseAddr("10.0.0.53")}}},
		Written: [][]byte{[]byte("x")}, Added: []addition{{Line: "nameserver 192.0.2.7"}}, Servers: []netip.Addr{netip.MustParseAddr("10.0.0.53")}}
	f.Add(st.format(), []byte("search lan\n"))
	f.Add([]byte(`{"version":1,"original":{"kind":"none"},"links":null,"written":null,"servers":null}`), []byte("nameserver 1.2.3.4"))
	f.Fuzz(func(t *testing.T, text, now []byte) {
		st, err := parseState(text)
		if err != nil {
			return
		}
		if again, err := parseState(st.format()); err != nil || string(again.format()) != string(st.format()) {
			t.Errorf("%v: %s", err, st.format())
		}
		// Whatever stands in a state and in the file, the file is put right, and nothing stays beside it.
		d := newDisk()
		k := &keeper{disk: d, path: "/etc/resolv.conf", states: statesOf("/etc/resolv.conf", ""), runs: func(owner) bool { return false }, notice: func(string, string, ...any) {}}
		d.put(k.path, node{Kind: kindFile, Mode: 0o644, Content: now})
		d.put(k.states[0], node{Kind: kindFile, Mode: 0o600, Content: text})
		if _, err := k.change(same); err != nil {
			t.Fatal(err)
		}
		if _, err := k.change(same); err != nil || len(d.names) > 1 || marked(d.names[k.path].Content) && !marked(st.Original.Content) && !marked(now) {
			t.Errorf("%v, %d files", err, len(d.names))
		}
	})
}

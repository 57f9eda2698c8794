package resolv

import (
	"errors"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/knakppp/knak/core/plane/undo"
)

var servers = []netip.Addr{netip.MustParseAddr("10.0.0.53"), netip.MustParseAddr("2001:db8::53")}

func config(t *testing.T, mode string) (Config, *[]string) {
	notices := new([]string)
	return Config{Mode: mode, Interface: "knak0", Servers: servers, Default: true, Path: filepath.Join(t.TempDir(), "resolv.conf"),
		Notice: func(level, format string, args ...any) { *notices = append(*notices, fmt.Sprintf(format, args...)) }}, notices
}

func list(t *testing.T, dir string) string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	for _, e := range entries {
		info, err := e.Info()
		if err != nil {
			t.Fatal(err)
		}
		data, _ := os.ReadFile(filepath.Join(dir, e.Name()))
		fmt.Fprintf(&b, "%s %v %q\n", e.Name(), info.Mode(), data)
	}
	return b.String()
}

func TestFileIsPutBackAsItWas(t *testing.T) {
	for _, c := range []struct {
		name string
		make func(path string) error
	}{
		{"a file", func(path string) error { return os.WriteFile(path, []byte("search lan\nnameserver 192.0.2.1"), 0o640) }},
		{"a symbolic link", func(path string) error {
			if err := os.WriteFile(path+".target", []byte("nameserver 192.0.2.1\noptions edns0\n"), 0o600); err != nil {
				return err
			}
			return os.Symlink("resolv.conf.target", path)
		}},
		{"a link that leads nowhere", func(path string) error { return os.Symlink("nowhere", path) }},
		{"no file", func(string) error { return nil }},
	} {
		t.Run(c.name, func(t *testing.T) {
			cfg, _ := config(t, File)
			if err := c.make(cfg.Path); err != nil {
				t.Fatal(err)
			}
			before := list(t, filepath.Dir(cfg.Path))
			var u undo.List
			if mode, err := (Host{Run: t.TempDir()}).Set(t.Context(), cfg, &u); err != nil || mode != File {
				t.Fatal(mode, err)
			}
			info, err := os.Lstat(cfg.Path)
			if err != nil || info.Mode() != 0o644 {
				t.Errorf("our file: %v, %v", info, err)
			}
			data, _ := os.ReadFile(cfg.Path)
			if !strings.Contains(string(data), "\nnameserver 10.0.0.53\nnameserver 2001:db8::53\n") || strings.Contains(string(data), "192.0.2.1") {
				t.Errorf("our file holds:\n%s", data)
			}
			if err := u.Run(); err != nil {
				t.Error(err)
			}
			if after := list(t, filepath.Dir(cfg.Path)); after != before {
				t.Errorf("before:\n%s\nafter:\n%s", before, after)
			}
		})
	}
}

func TestFileKeepsWhatIsNotAboutServers(t *testing.T) {
	cfg, _ := config(t, File)
	cfg.Servers = append(slices.Clone(servers), netip.MustParseAddr("10.0.0.3"), netip.MustParseAddr("10.0.0.4"))
	got := string(content(claim{Interface: cfg.Interface, Servers: cfg.Servers}, []byte("# old\n\n; old\n  nameserver 192.0.2.1\nsearch lan home\noptions rotate"), nil))
	want := "# Made by knak for the link knak0. The file that was here comes back when the link ends.\n" +
		"nameserver 10.0.0.53\nnameserver 2001:db8::53\nnameserver 10.0.0.3\nsearch lan home\noptions rotate\n"
	if got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestFileThatSomebodyElseWroteStays(t *testing.T) {
	cfg, notices := config(t, File)
	if err := os.WriteFile(cfg.Path, []byte("nameserver 192.0.2.1\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	var u undo.List
	if _, err := (Host{Run: t.TempDir()}).Set(t.Context(), cfg, &u); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(cfg.Path, []byte("nameserver 192.0.2.9\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := u.Run(); err != nil {
		t.Error(err)
	}
	if got := list(t, filepath.Dir(cfg.Path)); got != "resolv.conf -rw-r--r-- \"nameserver 192.0.2.9\\n\"\n" {
		t.Errorf("left behind:\n%s", got)
	}
	if len(*notices) != 1 {
		t.Errorf("notices: %q", *notices)
	}
}

func TestFileThatCannotBeWritten(t *testing.T) {
	cfg, notices := config(t, File)
	cfg.Path = filepath.Join(cfg.Path, "no", "such", "resolv.conf")
	var u undo.List
	if _, err := (Host{Run: t.TempDir()}).Set(t.Context(), cfg, &u); err == nil {
		t.Error("asked for by name, a failure must be an error")
	}
	cfg.Mode = System
	mode, err := Host{Programs: []string{}, Run: t.TempDir()}.Set(t.Context(), cfg, &u)
	if err != nil || mode != None || len(*notices) != 1 {
		t.Errorf("system: %q, %v, notices %q; want a notice only", mode, err, *notices)
	}
	if err := u.Run(); err != nil {
		t.Error(err)
	}
}

// fakeHost has programs that write down how they were called.
func fakeHost(t *testing.T, resolved bool, programs ...string) (Host, func() string) {
	t.Helper()
	dir := t.TempDir()
	calls := filepath.Join(dir, "calls")
	for _, p := range programs {
		script := "#!/bin/sh\n{ echo \"${0##*/} $*\"; cat; env | grep -v -e ^PWD= -e ^_= -e ^SHLVL= -e ^OLDPWD= | sort; } >>" + calls + "\n"
		if strings.HasSuffix(p, "!") {
			p = strings.TrimSuffix(p, "!")
			script += "echo it is broken >&2; exit 3\n"
		}
		if err := os.WriteFile(filepath.Join(dir, p), []byte(script), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if resolved {
		socket := filepath.Join(dir, "systemd/resolve/io.systemd.Resolve")
		if err := os.MkdirAll(filepath.Dir(socket), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(socket, nil, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return Host{Programs: []string{dir}, Run: dir}, func() string {
		data, _ := os.ReadFile(calls)
		os.Remove(calls)
		return strings.ReplaceAll(string(data), "LC_ALL=C\nPATH=/usr/sbin:/usr/bin:/sbin:/bin\n", "")
	}
}

func TestSystemTakesWhatTheHostHas(t *testing.T) {
	t.Setenv("SECRET", "must not be seen by programs")
	for _, c := range []struct {
		name      string
		resolved  bool
		programs  []string
		isDefault bool
		mode      string
		set, undo string
	}{
		{"systemd-resolved runs", true, []string{"resolvectl", "resolvconf"}, true, Resolved,
			"resolvectl dns knak0 10.0.0.53 2001:db8::53\nresolvectl domain knak0 ~.\nresolvectl default-route knak0 true\n", "resolvectl revert knak0\n"},
		{"systemd-resolved runs, not the default route", true, []string{"resolvectl"}, false, Resolved,
			"resolvectl dns knak0 10.0.0.53 2001:db8::53\nresolvectl default-route knak0 false\n", "resolvectl revert knak0\n"},
		{"systemd-resolved is installed only", false, []string{"resolvectl", "resolvconf"}, true, Resolvconf,
			"resolvconf -a knak0.knak\nnameserver 10.0.0.53\nnameserver 2001:db8::53\n", "resolvconf -d knak0.knak\n"},
		{"resolvconf, not the default route", false, []string{"resolvconf"}, false, None, "", ""},
		{"nothing", false, nil, true, File, "", ""},
		{"nothing, not the default route", false, nil, false, None, "", ""},
		{"resolvconf is broken", false, []string{"resolvconf!"}, true, None, "resolvconf -a knak0.knak\nnameserver 10.0.0.53\nnameserver 2001:db8::53\n", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			host, calls := fakeHost(t, c.resolved, c.programs...)
			cfg, _ := config(t, "")
			cfg.Default = c.isDefault
			var u undo.List
			mode, err := host.Set(t.Context(), cfg, &u)
			if err != nil || mode != c.mode {
				t.Errorf("mode %q, %v; want %q", mode, err, c.mode)
			}
			if got := calls(); got != c.set {
				t.Errorf("set with\n%s\nwant\n%s", got, c.set)
			}
			if err := u.Run(); err != nil {
				t.Error(err)
			}
			if got := calls(); got != c.undo {
				t.Errorf("undone with\n%s\nwant\n%s", got, c.undo)
			}
		})
	}
}

func TestModeByNameThatTheHostLacks(t *testing.T) {
	host, _ := fakeHost(t, false, "resolvectl")
	for _, mode := range []string{Resolved, Resolvconf} {
		cfg, _ := config(t, mode)
		var u undo.List
		if _, err := host.Set(t.Context(), cfg, &u); !errors.Is(err, ErrUnavailable) {
			t.Errorf("%s: %v", mode, err)
		}
	}
	cfg, _ := config(t, "dnsmasq")
	if _, err := host.Set(t.Context(), cfg, new(undo.List)); !errors.Is(err, ErrMode) {
		t.Errorf("an unknown mode gave %v", err)
	}
}

// In another network name space ("ip netns exec") the host's services know nothing of the link's interface: resolvectl sends
// them its number, which is another interface's there. A resolv.conf that is everybody's is not the link's to change.
func TestAnotherNetworkNamespace(t *testing.T) {
	const socket = "systemd/resolve/io.systemd.Resolve"
	for _, apart := range []bool{false, true} {
		proc, run, bin := t.TempDir(), t.TempDir(), t.TempDir()
		called := filepath.Join(t.TempDir(), "called")
		write := func(path, text string, mode os.FileMode) {
			t.Helper()
			if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, []byte(text), mode)); err != nil {
				t.Fatal(err)
			}
		}
		write(filepath.Join(proc, "1/net/dev"), "", 0o644)
		write(filepath.Join(run, socket), "", 0o644)
		for _, name := range []string{"resolvectl", "resolvconf"} {
			write(filepath.Join(bin, name), "#!/bin/sh\necho $0 >>"+called+"\n", 0o755)
		}
		own := filepath.Join(proc, "self/net/dev")
		if apart {
			write(own, "", 0o644)
		} else if err := errors.Join(os.MkdirAll(filepath.Dir(own), 0o755), os.Link(filepath.Join(proc, "1/net/dev"), own)); err != nil {
			t.Fatal(err)
		}
		h := Host{Programs: []string{bin}, Run: run, Proc: proc}
		cfg, told := config(t, System)
		write(cfg.Path, "nameserver 192.0.2.1\n", 0o644)
		var u undo.List
		mode, err := h.Set(t.Context(), cfg, &u)
		_, calls := os.Stat(called)
		if want := map[bool]string{false: Resolved, true: None}[apart]; err != nil || mode != want || (calls == nil) == apart {
			t.Errorf("apart %v: mode %q, %v; programs: %v", apart, mode, err, calls)
		}
		if apart && (len(*told) != 1 || !strings.Contains((*told)[0], "this network name space")) {
			t.Errorf("a person is told %q", *told)
		}
		cfg.Mode = Resolved
		if _, err := h.Set(t.Context(), cfg, &u); errors.Is(err, errElsewhere) != apart || errors.Is(h.Check(Resolved), errElsewhere) != apart {
			t.Errorf("apart %v, asked for: %v; before the dial: %v", apart, err, h.Check(Resolved))
		}
	}
}

// A resolver of this host's own asks others, and whoever became one of those would have the host's names.
func TestServersBehindAStub(t *testing.T) {
	run := t.TempDir()
	for name, text := range map[string]string{
		"stub":                               "nameserver 127.0.0.53\nnameserver 192.0.2.1\n",
		"systemd/resolve/resolv.conf":        "# made by systemd-resolved\nnameserver 192.0.2.2\nnameserver fe80::1%eth0\n",
		"NetworkManager/no-stub-resolv.conf": "search lan\nnameserver 10.2.2.2\nnameserver 192.0.2.1\nnameserver nonsense\n",
	} {
		path := filepath.Join(run, name)
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, []byte(text), 0o644)); err != nil {
			t.Fatal(err)
		}
	}
	got := fmt.Sprint(Host{Run: run}.Servers(filepath.Join(run, "stub")))
	if want := "[127.0.0.53 192.0.2.1 192.0.2.2 fe80::1 10.2.2.2]"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
	if got := (Host{Run: t.TempDir()}).Servers(filepath.Join(run, "none")); len(got) > 0 {
		t.Errorf("out of nothing: %v", got)
	}
}

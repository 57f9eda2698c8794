package device

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"golang.org/x/sys/unix"

	"github.com/knakppp/knak"
	"github.com/knakppp/knak/core/device/devicetest"
	"github.com/knakppp/knak/quirks"
)

// All layouts that are known, some at a time as one machine with all of these modems: each is dialled on the right tty before
// anything is opened. quirks/layout_test.go counts how many the rules alone get right.
func TestEveryKnownLayout(t *testing.T) {
	db := shipped(t)
	all := readLayouts(t, "layouts.tsv")
	right := 0
	var wrong []string
	for some := range slices.Chunk(all, 60) {
		m := devicetest.InMemory(t, "")
		at := map[string]liveLayout{}
		for i, l := range some {
			path := fmt.Sprintf("1-%d", i+1)
			at[path] = l
			m.USB(path, l.usb, l.ttys...)
		}
		found, err := List(Root{Sys: m.Sys()}, db, "", nil)
		if err != nil || len(found) != len(some) {
			t.Fatalf("%d devices found of %d: %v", len(found), len(some), err)
		}
		for i := range found {
			l := at[found[i].Path]
			if ports := found[i].DataPorts(); len(ports) > 0 && ports[0] == l.ttys[l.data].TTY {
				right++
			} else {
				wrong = append(wrong, l.usb)
			}
		}
	}
	t.Logf("%d of %d right", right, len(all))
	if right*100 < len(all)*97 {
		t.Errorf("wrong: %v", wrong)
	}
}

// portless is the shipped database of which nobody knows any more what the ttys of a modem are for: the entries without their ports.
type portless struct{ fs.FS }

var portsOfEntries = regexp.MustCompile(`(?m)^ports = .*$`)

func (p portless) Open(name string) (fs.File, error) {
	if name != "devices.toml" {
		return p.FS.Open(name)
	}
	b, err := fs.ReadFile(p.FS, name)
	if err != nil {
		return nil, err
	}
	entries := bytes.Split(b, []byte("\n[["))
	for i, e := range entries {
		what := "" // an entry with a profile needs nothing in place of its ports
		if !bytes.Contains(e, []byte("\nprofile = ")) {
			what = `status = "seen"`
		}
		entries[i] = portsOfEntries.ReplaceAll(e, []byte(what))
	}
	return fstest.MapFS{name: {Data: bytes.Join(entries, []byte("\n[["))}}.Open(name)
}

// liveLayout is a modem of layouts.tsv or compositions.tsv.
type liveLayout struct {
	usb, driver string
	ttys        []iface
	roles       []string
	data        int
}

func readLayouts(t *testing.T, name string) (list []liveLayout) {
	t.Helper()
	b, err := os.ReadFile("../../quirks/testdata/" + name)
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(b)) {
		cells := strings.Split(strings.TrimSuffix(line, "\n"), "\t")
		if strings.HasPrefix(line, "#") {
			continue
		}
		l := liveLayout{usb: cells[0], driver: cells[1], data: -1}
		for i, word := range strings.Fields(cells[2]) {
			number, rest, _ := strings.Cut(word, "=")
			role, class, _ := strings.Cut(rest, ":")
			if class == "" {
				class = "ff/ff/ff"
				if l.driver == "cdc_acm" {
					class = "02/02/01"
				}
			}
			var n int
			if _, err := fmt.Sscanf(number, "%d", &n); err != nil {
				t.Fatalf("%s: %v", line, err)
			}
			if role == "data" {
				l.data = i
			}
			l.ttys = append(l.ttys, iface{Number: fmt.Sprintf("%02x", n), Class: class, Driver: l.driver, TTY: fmt.Sprintf("ttyUSB%d", 16*(len(list)+1)+i)}) // its own: they are locked by name
			l.roles = append(l.roles, role)
		}
		list = append(list, l)
	}
	return list
}

// behave is what sits on a tty: what it says by itself once it is opened, and what it answers.
func behave(role string, odd bool) (hello string, answer func(string) string) {
	switch role {
	case "data", "at":
		return "", takesAT
	case "nmea":
		return "$GPGSV,1,1,00*79\r\n", silent
	case "diag":
		if odd { // a DM frame that says that the command is bad
			return "", func(string) string { return "\x13\x41\x54\x0d\x6b\xfe\x7e" }
		}
	}
	return "", silent
}

// Modems of which the database has the name but not the ports, with live ttys: knak asks, and dials on the right one. Every
// sixteenth of the layouts that are known, or all with KNAK_WHOLE=1, and all compositions that no rule was made from. Nothing but
// "AT" is sent to any of them.
func TestLiveLayoutsWithoutPorts(t *testing.T) {
	db, problems := quirks.Open(quirks.Sources{Builtin: portless{knak.Files}})
	if len(problems) > 0 {
		t.Fatal(problems[0])
	}
	all := readLayouts(t, "layouts.tsv")
	every := 16
	if os.Getenv("KNAK_WHOLE") != "" {
		every = 1
	}
	var sample []liveLayout
	for i := 0; i < len(all); i += every {
		sample = append(sample, all[i])
	}
	for _, l := range readLayouts(t, "compositions.tsv") {
		for i := range l.ttys {
			l.ttys[i].TTY = strings.Replace(l.ttys[i].TTY, "ttyUSB", "ttyACM", 1)
		}
		sample = append(sample, l)
	}
	var mu sync.Mutex
	var group sync.WaitGroup
	var late, never []string
	places := make(chan struct{}, 10) // a tty that answers later than a modem would is passed over
	for n, l := range sample {
		places <- struct{}{}
		group.Go(func() {
			defer func() { <-places }()
			m := machine{devicetest.InMemory(t, t.TempDir()), t}
			m.USB("1-1", l.usb, l.ttys...)
			for i, p := range l.ttys {
				hello, answer := behave(l.roles[i], n%2 == 1)
				defer m.listen(p.TTY, hello, answer)()
			}
			c, err := Choose(t.Context(), Root{Sys: m.Sys(), Dev: filepath.Join(m.Dir, "dev")}, db, Wish{}, NoMemory{}, OpenLine, func(string) {})
			if err != nil {
				mu.Lock()
				never = append(never, l.usb+": "+err.Error())
				mu.Unlock()
				return
			}
			want := l.ttys[l.data].TTY
			tries := 1
			for filepath.Base(c.Current().Path) != want && c.Next(t.Context()) {
				tries++
			}
			mu.Lock()
			defer mu.Unlock()
			switch got := filepath.Base(c.Current().Path); {
			case got != want:
				never = append(never, fmt.Sprintf("%s: ends on %s, not %s", l.usb, got, want))
			case tries > 1:
				late = append(late, fmt.Sprintf("%s (try %d)", l.usb, tries))
			}
		})
	}
	group.Wait()
	right := len(sample) - len(late) - len(never)
	t.Logf("%d of %d on the right tty at once, later: %v, never: %v", right, len(sample), late, never)
	if right*100 < len(sample)*90 || len(never)*100 > len(sample) {
		t.Error("too few")
	}
}

// openPTY gives both ends of a pseudo-terminal in raw mode. core/port's would need an inotify instance for each, of which a user has 128.
func openPTY(t *testing.T) (master, slave *os.File, ok bool) {
	master, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY|unix.O_NONBLOCK, 0)
	if err != nil {
		t.Error(err)
		return nil, nil, false
	}
	unlock := 0
	number := -1
	raw, err := master.SyscallConn()
	if err == nil {
		_ = raw.Control(func(fd uintptr) {
			if err = unix.IoctlSetPointerInt(int(fd), unix.TIOCSPTLCK, unlock); err == nil {
				number, err = unix.IoctlGetInt(int(fd), unix.TIOCGPTN)
			}
		})
	}
	if err == nil {
		slave, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", number), os.O_RDWR|unix.O_NOCTTY|unix.O_NONBLOCK, 0)
	}
	if err == nil {
		raw, _ := slave.SyscallConn()
		_ = raw.Control(func(fd uintptr) {
			err = unix.IoctlSetTermios(int(fd), unix.TCSETS, &unix.Termios{Cflag: unix.CS8 | unix.CREAD | unix.B115200})
		})
	}
	if err != nil {
		t.Error(err)
		return nil, nil, false
	}
	return master, slave, true
}

// listen puts a pseudo-terminal behind a tty that says hello again and again, and fails the test if it hears anything but AT.
func (m machine) listen(tty, hello string, answer func(string) string) (done func()) {
	master, slave, ok := openPTY(m.t)
	if !ok {
		return func() {}
	}
	m.Behind(tty, slave.Name())
	go func() {
		var heard strings.Builder
		buf := make([]byte, 256)
		for {
			if hello != "" {
				_ = master.SetReadDeadline(time.Now().Add(100 * time.Millisecond))
			}
			n, err := master.Read(buf)
			if n > 0 {
				heard.Write(buf[:n])
				if rest := strings.ReplaceAll(heard.String(), "AT\r", ""); !strings.HasPrefix("AT\r", rest) {
					m.t.Errorf("%s was sent %q", tty, heard.String())
					return
				}
				_, _ = master.Write([]byte(answer(string(buf[:n]))))
			}
			switch {
			case errors.Is(err, os.ErrDeadlineExceeded):
				_, _ = master.Write([]byte(hello))
			case err != nil:
				return
			}
		}
	}()
	return func() { _ = master.Close(); _ = slave.Close() }
}

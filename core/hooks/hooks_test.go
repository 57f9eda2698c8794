package hooks

import (
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/knakppp/knak/core/event"
)

var config = Config{
	Link: "default", TTY: "/dev/ttyUSB0", Speed: 115200, Param: "param", User: "root", PID: 42, Limit: 20 * time.Second,
}

var up = event.Up{
	Interface: "knak0", Plane: "tun", Local: "10.0.0.2", Peer: "10.64.64.64",
	DNS: []string{"192.0.2.1", "192.0.2.2", "192.0.2.3"}, WINS: []string{"192.0.2.9"}, IPv6: "fe80::1", IPv6Peer: "fe80::2",
}

// pppd(8): which script is called when, with which arguments.
func TestCalls(t *testing.T) {
	down := event.Down{Seconds: 61.7, BytesIn: 5, BytesOut: 7}
	v4 := up
	v4.IPv6, v4.IPv6Peer = "", ""
	stack := v4
	stack.Interface, stack.Plane = "", "stack"
	for _, c := range []struct {
		name   string
		events []event.Event
		want   []string
	}{
		{"IPv4", []event.Event{v4, down}, []string{
			"ip-up knak0 /dev/ttyUSB0 115200 10.0.0.2 10.64.64.64 param", "ip-down knak0 /dev/ttyUSB0 115200 10.0.0.2 10.64.64.64 param"}},
		{"both: what was made last ends first", []event.Event{up, down}, []string{
			"ip-up knak0 /dev/ttyUSB0 115200 10.0.0.2 10.64.64.64 param", "ipv6-up knak0 /dev/ttyUSB0 115200 fe80::1 fe80::2 param",
			"ipv6-down knak0 /dev/ttyUSB0 115200 fe80::1 fe80::2 param", "ip-down knak0 /dev/ttyUSB0 115200 10.0.0.2 10.64.64.64 param"}},
		{"other addresses on a link that is up", []event.Event{v4, v4, down, down}, []string{
			"ip-up knak0 /dev/ttyUSB0 115200 10.0.0.2 10.64.64.64 param", "ip-down knak0 /dev/ttyUSB0 115200 10.0.0.2 10.64.64.64 param",
			"ip-up knak0 /dev/ttyUSB0 115200 10.0.0.2 10.64.64.64 param", "ip-down knak0 /dev/ttyUSB0 115200 10.0.0.2 10.64.64.64 param"}},
		{"no interface", []event.Event{stack, down}, nil},
		{"never up", []event.Event{event.Phase{Phase: event.PhaseDial}, down}, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := newFollower(config)
			var got []string
			for _, e := range c.events {
				for _, call := range told1(&f, e) {
					got = append(got, call.name+" "+strings.Join(call.args, " "))
				}
			}
			if !slices.Equal(got, c.want) {
				t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(c.want, "\n"))
			}
		})
	}
}

// told1 gives the calls that follow from an event where scripts take no time.
func told1(f *follower, e event.Event) (all []call) {
	f.take(e)
	for {
		calls, _ := f.next(time.Unix(0, 0))
		if calls == nil {
			return all
		}
		f.done()
		all = append(all, calls...)
	}
}

// pppd(8): the environment of the scripts.
func TestEnvironment(t *testing.T) {
	f := newFollower(config)
	before := told1(&f, up)[0].env
	after := told1(&f, event.Down{Seconds: 61.7, BytesIn: 5, BytesOut: 7})[1].env
	for _, want := range []string{
		"IFNAME=knak0", "DEVICE=/dev/ttyUSB0", "SPEED=115200", "IPLOCAL=10.0.0.2", "IPREMOTE=10.64.64.64", "LINKNAME=default",
		"DNS1=192.0.2.1", "DNS2=192.0.2.2", "WINS1=192.0.2.9", "LLLOCAL=fe80::1", "LLREMOTE=fe80::2", "PPPD_PID=42", "PPPLOGNAME=root",
	} {
		if !slices.Contains(before, want) {
			t.Errorf("%s is missing on the way up", want)
		}
	}
	for _, want := range []string{"CONNECT_TIME=61", "BYTES_SENT=7", "BYTES_RCVD=5"} {
		if !slices.Contains(after, want) || slices.Contains(before, want) {
			t.Errorf("%s must be there on the way down only", want)
		}
	}
	if slices.Contains(before, "USEPEERDNS=1") {
		t.Error("the scripts are told to write resolv.conf, which knak does")
	}
	f.cfg.ScriptsDoDNS = true
	if !slices.Contains(told1(&f, up)[0].env, "USEPEERDNS=1") {
		t.Error("the scripts are not told to write resolv.conf, and nobody else does")
	}
}

// told collects notices.
type told struct {
	mu   sync.Mutex
	list []string
}

func (t *told) tell(n event.Notice) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.list = append(t.list, n.Text)
}

func (t *told) empty() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return len(t.list) == 0
}

func script(t *testing.T, path, body string, mode os.FileMode) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	syscall.ForkLock.RLock() // a test beside this one that forks meanwhile would keep the file open for writing: ETXTBSY
	defer syscall.ForkLock.RUnlock()
	if err := os.WriteFile(path, []byte("#!/bin/sh\n"+body+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(path, mode); err != nil {
		t.Fatal(err)
	}
}

// flap lets a link come up and end.
func flap(dir string, limit time.Duration) (*Runner, *told) {
	var heard told
	cfg := config
	cfg.Dir, cfg.Limit, cfg.Tell = dir, limit, heard.tell
	r := New(cfg)
	v4 := up
	v4.IPv6 = ""
	r.Record(event.Record{Event: v4})
	r.Record(event.Record{Event: event.Down{Seconds: 3}})
	return r, &heard
}

// written gives what the scripts wrote.
func written(t *testing.T, dir string) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(dir, "log"))
	if err != nil && !os.IsNotExist(err) {
		t.Fatal(err)
	}
	return string(b)
}

func TestScripts(t *testing.T) {
	dir := t.TempDir()
	write := `echo "$(basename "$0") $1 $4 $6 $IFNAME ${CONNECT_TIME:-none} $(umask) $(pwd) ${HOME:-nohome}" >> ` + dir + `/log`
	script(t, filepath.Join(dir, "ip-up"), write, 0o755)
	script(t, filepath.Join(dir, "ip-up.d", "20-second"), write, 0o755)
	script(t, filepath.Join(dir, "ip-up.d", "10-first"), write, 0o755)
	script(t, filepath.Join(dir, "ip-up.d", "10-first~"), write, 0o755)
	script(t, filepath.Join(dir, "ip-up.d", "10-first.dpkg-old"), write, 0o755)
	script(t, filepath.Join(dir, "ip-down"), write, 0o755)
	r, heard := flap(dir, time.Minute)
	r.Close()
	want := `ip-up knak0 10.0.0.2 param knak0 none 0077 / nohome
10-first knak0 10.0.0.2 param knak0 none 0077 / nohome
20-second knak0 10.0.0.2 param knak0 none 0077 / nohome
ip-down knak0 10.0.0.2 param knak0 3 0077 / nohome
`
	if log := written(t, dir); log != want || !heard.empty() {
		t.Errorf("got\n%swant\n%snotices %q", log, want, heard.list)
	}
}

// A script that fails, hangs, or could have been written by anybody is told of, and the others run.
func TestBadScripts(t *testing.T) {
	for _, c := range []struct {
		name, body string
		mode       os.FileMode
		hangs      bool // once it has written "up"
		want       string
	}{
		{"fails", "exit 3", 0o755, false, "exit status 3"},
		{"hangs", "echo up >> $LOG; sleep 1000 & wait", 0o755, true, "was ended"},
		{"ignores the end", "trap '' TERM; echo up >> $LOG; while :; do sleep 1000; done", 0o755, true, "was ended"},
		{"written by anybody", "exit 0", 0o757, false, "may be written by others"},
		{"not executable", "exit 0", 0o644, false, "chmod 755"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			log := filepath.Join(dir, "log")
			script(t, filepath.Join(dir, "ip-up"), strings.ReplaceAll(c.body, "$LOG", log), c.mode)
			script(t, filepath.Join(dir, "ip-down"), "echo down >> "+log, 0o755)
			r, heard := flap(dir, time.Hour)
			want := "down\n"
			if c.hangs {
				want = "up\ndown\n"
				for written(t, dir) != "up\n" {
					time.Sleep(time.Millisecond)
				}
				r.endWays() // as Close does when half of the limit is over
			}
			r.Close()
			if notices := heard.list; len(notices) == 0 || !strings.Contains(notices[0], c.want) || !strings.Contains(notices[0], dir+"/ip-up") {
				t.Errorf("told %q, want %q", notices, c.want)
			}
			if got := written(t, dir); got != want {
				t.Errorf("the scripts wrote %q, want %q", got, want)
			}
		})
	}
}

// A script is ended when its limit is over, while the link is up.
func TestLimit(t *testing.T) {
	dir := t.TempDir()
	script(t, filepath.Join(dir, "ip-up"), "sleep 1000 & wait", 0o755)
	r, heard := flap(dir, 100*time.Millisecond)
	for heard.empty() {
		time.Sleep(time.Millisecond)
	}
	r.Close()
	if want := "ip-up took longer than 100ms and was ended"; !strings.Contains(heard.list[0], want) {
		t.Errorf("told %q, want %q", heard.list, want)
	}
}

// TestStorm lets a link flap 2,000 times in 10 s beside scripts that take 3 s: few calls run, one at a time, each way up has
// its way down with what is true of it, and the last one is told. In virtual time.
func TestStorm(t *testing.T) {
	f := newFollower(config)
	now := time.Unix(0, 0)
	var calls []call
	var busy time.Time // until when the calls that run take
	ups, running := 0, false
	step := func() {
		if running && !now.Before(busy) {
			f.done()
			running = false
		}
		if more, _ := f.next(now); more != nil {
			if running {
				t.Fatal("two at once")
			}
			calls = append(calls, more...)
			running, busy = true, now.Add(time.Duration(len(more))*3*time.Second)
		}
	}
	v4 := up
	v4.IPv6 = ""
	for i := range 2000 {
		v4.Local = "10.0." + strconv.Itoa(i/250) + "." + strconv.Itoa(i%250)
		f.take(v4)
		ups++
		step()
		if i%3 == 0 {
			f.take(event.Down{Seconds: float64(i)})
			step()
		}
		now = now.Add(5 * time.Millisecond)
	}
	f.take(event.Down{Seconds: 4711})
	for end := now.Add(10 * time.Second); now.Before(end); now = now.Add(5 * time.Millisecond) {
		step()
	}
	if len(calls) > 8 {
		t.Errorf("%d calls for %d times up", len(calls), ups)
	}
	for i, c := range calls {
		if want := []string{"ip-up", "ip-down"}[i%2]; c.name != want {
			t.Fatalf("call %d is %s, want %s", i, c.name, want)
		}
		if i%2 == 1 && c.args[3] != calls[i-1].args[3] {
			t.Errorf("ip-down of %s follows ip-up of %s", c.args[3], calls[i-1].args[3])
		}
	}
	if len(calls)%2 != 0 {
		t.Error("the last ip-down was not told")
	}
}

// FuzzFollower: whatever happens in whatever order, scripts are told of up and down in turn, and at the end of down.
func FuzzFollower(f *testing.F) {
	f.Add([]byte{0, 3, 1, 3, 0, 0, 1, 4, 4, 2})
	f.Fuzz(func(t *testing.T, steps []byte) {
		m := newFollower(config)
		now := time.Unix(0, 0)
		running, isUp := false, false
		next := func() {
			calls, again := m.next(now)
			if calls == nil {
				return
			}
			if running || !again.IsZero() || isUp == strings.HasSuffix(calls[0].name, "-up") {
				t.Fatalf("%v while running %v, up %v", calls[0].name, running, isUp)
			}
			running, isUp = true, !isUp
		}
		done := func() {
			if running {
				m.done()
				running = false
			}
		}
		for _, s := range steps {
			switch s % 5 {
			case 0:
				m.take(up)
			case 1:
				m.take(event.Down{})
			case 2:
				m.take(event.Up{Plane: "stack"})
			case 3:
				done()
			case 4:
				now = now.Add(time.Duration(s) * 100 * time.Millisecond)
			}
			next()
		}
		m.take(event.Down{})
		for range 3 {
			done()
			next()
		}
		if isUp {
			t.Fatal("the link is down, and the scripts do not know")
		}
	})
}

// TestTheEndIsBounded: a way up that hangs takes half of the limit when the dial ends, and the way down is told within
// the rest, whatever came before.
func TestTheEndIsBounded(t *testing.T) {
	dir := t.TempDir()
	script(t, filepath.Join(dir, "ip-up"), "echo up >> "+dir+"/log; sleep 1000 & wait", 0o755)
	script(t, filepath.Join(dir, "ip-down"), "echo down $CONNECT_TIME >> "+dir+"/log", 0o755)
	var heard told
	cfg := config
	cfg.Dir, cfg.Limit, cfg.Tell = dir, 2*time.Second, heard.tell
	r := New(cfg)
	for i := range 500 {
		r.Record(event.Record{Event: up})
		if i%2 == 0 {
			r.Record(event.Record{Event: event.Down{Seconds: 7}})
		}
	}
	if !heard.empty() {
		t.Errorf("Record waited until the script was ended: %q", heard.list)
	}
	for written(t, dir) != "up\n" { // then it hangs
		time.Sleep(time.Millisecond)
	}
	begin := time.Now()
	r.Close()
	if took := time.Since(begin); took > cfg.Limit+2*lastWords {
		t.Errorf("the end took %v, the limit is %v", took, cfg.Limit)
	}
	if got := written(t, dir); got != "up\ndown 7\n" {
		t.Errorf("the scripts wrote %q", got)
	}
	if len(heard.list) != 1 || !strings.Contains(heard.list[0], "ip-up was ended, because the dial ends") {
		t.Errorf("told %q", heard.list)
	}
}

//go:build linux

package sdnotify

import (
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/knakppp/knak/core/event"
)

// listen is a manager's socket: a path, or an abstract name.
func listen(t *testing.T, name string) *net.UnixConn {
	t.Helper()
	l, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: name, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	t.Setenv(Variable, name)
	return l
}

// heard are the assignments that have come, in their order. What was written to a socket of this host is there at once.
func heard(t *testing.T, l *net.UnixConn) (list []string) {
	t.Helper()
	raw, err := l.SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	b := make([]byte, 4096)
	if err := raw.Read(func(fd uintptr) bool {
		for {
			n, _, err := unix.Recvfrom(int(fd), b, unix.MSG_DONTWAIT)
			if err != nil {
				return true
			}
			list = append(list, strings.Split(strings.TrimSuffix(string(b[:n]), "\n"), "\n")...)
		}
	}); err != nil {
		t.Fatal(err)
	}
	return list
}

func take(t *testing.T) *Notifier {
	t.Helper()
	n, err := Take()
	if err != nil || n == nil {
		t.Fatalf("%v, %v", n, err)
	}
	if os.Getenv(Variable) != "" {
		t.Error("programs that are started would speak for this one")
	}
	return n
}

// A call that comes up: what it is at, ready once, and the end.
func TestACall(t *testing.T) {
	for _, name := range []string{filepath.Join(t.TempDir(), "notify"), "@knak-test-" + filepath.Base(t.TempDir()) + t.Name() + time.Now().Format("150405.000000")} {
		l := listen(t, name)
		n := take(t)
		for _, e := range []event.Event{
			event.Phase{Phase: event.PhaseDial}, event.Registration{State: "searching", Signal: "-97 dBm"}, event.Phase{Phase: event.PhaseLCP}, event.Packet{},
			event.Up{Local: "192.0.2.2", Interface: "knak0"}, event.Phase{Phase: event.PhaseUp}, event.Down{Reason: "carrier\nlost"},
			event.Attempt{Number: 2, Reason: "once more"}, event.Up{IPv6: "fe80::1"},
		} {
			n.Record(event.Record{Event: e})
		}
		if err := n.Stopping(); err != nil {
			t.Error(err)
		}
		want := []string{
			"STATUS=dialling", "STATUS=dialling, network: searching, -97 dBm", "STATUS=negotiating PPP", "READY=1", "STATUS=up: 192.0.2.2 on knak0",
			`STATUS=down: carrier\nlost`, "STATUS=attempt 2: once more", "STATUS=up: fe80::1", "STOPPING=1",
		}
		if got := heard(t, l); !slices.Equal(got, want) {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

// What is ordered after the service does not wait for a network that is away: the second attempt and the end of the patience make it
// ready, too.
func TestReadyWithoutALink(t *testing.T) {
	l := listen(t, filepath.Join(t.TempDir(), "notify"))
	n := take(t)
	n.Record(event.Record{Event: event.Attempt{Number: 1, Reason: "first"}})
	if got := heard(t, l); slices.Contains(got, "READY=1") {
		t.Errorf("%q", got)
	}
	n.Record(event.Record{Event: event.Attempt{Number: 2, Reason: "again"}})
	if got := heard(t, l); !slices.Equal(got, []string{"READY=1", "STATUS=attempt 2: again"}) {
		t.Errorf("%q", got)
	}
	t.Setenv(Variable, l.LocalAddr().String())
	n = take(t)
	n.late.Reset(0) // the minute is over
	if err := l.SetReadDeadline(time.Now().Add(30 * time.Second)); err != nil {
		t.Fatal(err)
	}
	b := make([]byte, 100)
	if got, err := l.Read(b); err != nil || string(b[:got]) != "READY=1\n" {
		t.Errorf("%q, %v", b[:got], err)
	}
	_ = l.Close()
	n.Record(event.Record{Event: event.Up{Local: "192.0.2.2"}}) // nobody listens any more: nothing happens
	_ = n.Stopping()                                            // nor here
}

func TestTake(t *testing.T) {
	t.Setenv(Variable, "")
	if n, err := Take(); n != nil || err != nil {
		t.Errorf("nobody wants to know: %v, %v", n, err)
	}
	for _, name := range []string{"vsock:2:1", "relative", filepath.Join(t.TempDir(), "nobody")} {
		t.Setenv(Variable, name)
		if n, err := Take(); n != nil || err == nil || !strings.Contains(err.Error(), Variable) {
			t.Errorf("%s: %v, %v", name, n, err)
		}
		if os.Getenv(Variable) != "" {
			t.Errorf("%s is still set", name)
		}
	}
}

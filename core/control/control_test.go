package control

import (
	"context"
	"errors"
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

type fakeLink struct {
	board *Board
	hung  chan struct{}
}

func (f *fakeLink) Status() Status { return f.board.Status() }
func (f *fakeLink) Hangup(context.Context) Goodbye {
	close(f.hung)
	return Goodbye{Link: "home", WasUp: true, Reason: "hangup asked for", GivenBack: []string{"default route via knak0"}}
}

func listen(t *testing.T) (dir string, link *fakeLink, server *Server) {
	t.Helper()
	dir = filepath.Join(t.TempDir(), "run")
	link = &fakeLink{board: NewBoard("home"), hung: make(chan struct{})}
	server, err := Listen(dir, "home", link)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = server.Close() })
	return dir, link, server
}

func TestStatusIsReadOffTheStream(t *testing.T) {
	dir, link, _ := listen(t)
	at := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	for _, e := range []event.Event{
		event.Device{Port: "/dev/ttyUSB0", Profile: "huawei/e398"}, event.Registration{State: "home", Signal: "-71 dBm"},
		event.Finding{ID: "ipcp-empty-nak"}, event.Up{Local: "192.0.2.7"}, event.Phase{Phase: event.PhaseUp},
	} {
		link.board.Record(event.Record{Time: at, Link: "home", Event: e})
	}
	got, err := AskStatus(t.Context(), dir, "home")
	if err != nil {
		t.Fatal(err)
	}
	if got.Phase != "up" || got.Up == nil || got.Up.Local != "192.0.2.7" || got.Device.Profile != "huawei/e398" || got.Signal != "-71 dBm" {
		t.Errorf("status = %+v", got)
	}
	if got.Finding != nil {
		t.Error("a link that came up still shows the finding of an earlier attempt")
	}
}

func TestHangupWaitsForTheLink(t *testing.T) {
	dir, link, _ := listen(t)
	bye, err := AskHangup(t.Context(), dir, "home")
	if err != nil {
		t.Fatal(err)
	}
	<-link.hung
	if !bye.WasUp || len(bye.GivenBack) != 1 {
		t.Errorf("goodbye = %+v", bye)
	}
}

func TestNoRunningDial(t *testing.T) {
	dir, _, server := listen(t)
	if err := server.Close(); err != nil {
		t.Fatal(err)
	}
	var none *NoLinkError
	if _, err := AskStatus(t.Context(), dir, "home"); !errors.As(err, &none) {
		t.Errorf("after Close: %v, want a NoLinkError", err)
	}
	if _, err := AskStatus(t.Context(), dir, "../etc/passwd"); err == nil || errors.As(err, &none) {
		t.Errorf("a path as link name: %v, want a refusal of the name", err)
	}
	if links, err := Links(dir); err != nil || len(links) != 0 {
		t.Errorf("links after Close = %v, %v", links, err)
	}
}

func TestLinkIsHeldOnce(t *testing.T) {
	dir, link, _ := listen(t)
	var busy *BusyError
	if _, err := Listen(dir, "home", link); !errors.As(err, &busy) {
		t.Errorf("second listen: %v, want a BusyError", err)
	}
}

func TestSocketOfAKilledDialIsReplaced(t *testing.T) {
	dir := t.TempDir()
	if err := os.Chmod(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("unix", filepath.Join(dir, "home.sock"))
	if err != nil {
		t.Fatal(err)
	}
	l.(*net.UnixListener).SetUnlinkOnClose(false)
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	s, err := Listen(dir, "home", &fakeLink{board: NewBoard("home")})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}

// A socket that a killed dial has left is no held link, and is removed when that is wanted; a held one is not.
func TestHeldAndLeft(t *testing.T) {
	dir, _, _ := listen(t)
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM, 0)
	if err != nil {
		t.Fatal(err)
	}
	if err := unix.Bind(fd, &unix.SockaddrUnix{Name: filepath.Join(dir, "left.sock")}); err != nil {
		t.Fatal(err)
	}
	unix.Close(fd) // as the end of a process does
	all, err := Links(dir)
	held, err2 := Held(dir)
	if err != nil || err2 != nil || !slices.Equal(all, []string{"home", "left"}) || !slices.Equal(held, []string{"home"}) {
		t.Errorf("all %v, held %v; %v, %v", all, held, err, err2)
	}
	var busy *BusyError
	if err := RemoveLeftover(dir, "home"); !errors.As(err, &busy) {
		t.Errorf("a held link was removed: %v", err)
	}
	if err := errors.Join(RemoveLeftover(dir, "left"), RemoveLeftover(dir, "never")); err != nil {
		t.Error(err)
	}
	if all, err := Links(dir); err != nil || !slices.Equal(all, []string{"home"}) {
		t.Errorf("%v, %v", all, err)
	}
}

func TestDirectoryThatOthersMayWriteIsRefused(t *testing.T) {
	dir := t.TempDir()
	if err := os.Chmod(dir, 0o777); err != nil {
		t.Fatal(err)
	}
	if _, err := Listen(dir, "home", nil); err == nil || !strings.Contains(err.Error(), "chmod go-w") {
		t.Errorf("listen in a world-writable directory: %v", err)
	}
}

func TestHostileClients(t *testing.T) {
	dir, _, _ := listen(t)
	for _, text := range []string{"\n", "{}\n", "nonsense\n", strings.Repeat("x", 2*requestLimit), `{"command":"reboot"}` + "\n"} {
		c, err := net.Dial("unix", filepath.Join(dir, "home.sock"))
		if err != nil {
			t.Fatal(err)
		}
		_, _ = c.Write([]byte(text)) // the server may close early
		_ = c.Close()
	}
	if _, err := AskStatus(t.Context(), dir, "home"); err != nil {
		t.Errorf("status after hostile clients: %v", err)
	}
}

// poor is a listener that has no descriptors left at first.
type poor struct {
	net.Listener
	fails int
}

func (p *poor) Accept() (net.Conn, error) {
	if p.fails > 0 {
		p.fails--
		return nil, &net.OpError{Op: "accept", Err: os.NewSyscallError("accept4", unix.EMFILE)}
	}
	return p.Listener.Accept()
}

// TestDescriptorsRunOut: a shortage that passes must not leave a dial which nobody can ask or end any more.
func TestDescriptorsRunOut(t *testing.T) {
	path := filepath.Join(t.TempDir(), "home.sock")
	l, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	s := &Server{listener: &poor{l, 3}, handler: &fakeLink{board: NewBoard("home")}, cancel: cancel}
	s.clients.Go(func() { s.accept(ctx) })
	if _, err := AskStatus(t.Context(), filepath.Dir(path), "home"); err != nil {
		t.Error(err)
	}
	cancel()
	if err := l.Close(); err != nil {
		t.Error(err)
	}
	s.clients.Wait() // it ends
}

// TestManyClientsThatSayNothing: they wait in the socket's queue, and do not take the process's descriptors.
func TestManyClientsThatSayNothing(t *testing.T) {
	dir, _, _ := listen(t)
	before := descriptors(t)
	var idle []net.Conn
	for range 3 * clientsAtOnce {
		c, err := net.Dial("unix", filepath.Join(dir, "home.sock"))
		if err != nil {
			t.Fatal(err)
		}
		idle = append(idle, c)
	}
	if n := descriptors(t) - before - len(idle); n > clientsAtOnce+1 {
		t.Errorf("%d descriptors for clients that say nothing", n)
	}
	for _, c := range idle {
		_ = c.Close()
	}
	if _, err := AskStatus(t.Context(), dir, "home"); err != nil {
		t.Errorf("status afterwards: %v", err)
	}
}

func descriptors(t *testing.T) int {
	t.Helper()
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	return len(entries)
}

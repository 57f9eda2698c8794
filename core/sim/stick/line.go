package stick

import (
	"io"
	"os"
	"sync"
	"time"

	"github.com/knakppp/knak/core/port"
	"github.com/knakppp/knak/core/sim"
)

// Line is the modem's side of one tty of a stick: sim.Serve serves a simulated modem on it. The host's side are the endpoints of
// its interface.
type Line struct {
	mu       sync.Mutex
	changed  sync.Cond
	toModem  []byte
	toHost   []byte
	hungUp   bool // DTR fell, and Read has not said so yet
	before   int  // how many octets of toModem came before it fell
	dtr      bool
	closed   bool
	read     time.Time // deadlines
	write    time.Time
	timer    *time.Timer
	lines    sim.Lines
	notify   bool // lines changed and the host has not been told
	ready    func()
	attached bool
}

func newLine() *Line {
	l := &Line{}
	l.changed.L = &l.mu
	l.timer = time.AfterFunc(time.Hour, func() {
		l.mu.Lock()
		l.changed.Broadcast()
		l.mu.Unlock()
	})
	return l
}

// lineBuffer is the greatest number of octets that wait for a host that does not read. The rest is lost, as on a tty.
const lineBuffer = 256 << 10

// Read waits for octets from the host. Its errors: os.ErrDeadlineExceeded, port.ErrHungUp when DTR fell, io.EOF when the stick is
// gone for good.
func (l *Line) Read(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for {
		switch {
		case l.hungUp && l.before == 0:
			l.hungUp = false
			return 0, port.ErrHungUp
		case len(l.toModem) > 0:
			from := l.toModem
			if l.hungUp {
				from = from[:l.before]
			}
			n := copy(b, from)
			l.toModem = l.toModem[n:]
			l.before = max(l.before-n, 0)
			return n, nil
		case l.closed:
			return 0, io.EOF
		case !l.read.IsZero() && !time.Now().Before(l.read):
			return 0, os.ErrDeadlineExceeded
		}
		l.changed.Wait()
	}
}

// Write sends octets to the host. It never waits.
func (l *Line) Write(b []byte) (int, error) {
	l.mu.Lock()
	if room := lineBuffer - len(l.toHost); l.attached && room > 0 {
		l.toHost = append(l.toHost, b[:min(len(b), room)]...)
	}
	ready := l.ready
	l.mu.Unlock()
	if ready != nil {
		ready()
	}
	return len(b), nil
}

// SetReadDeadline sets when Read gives up.
func (l *Line) SetReadDeadline(t time.Time) error {
	l.mu.Lock()
	l.read = t
	if !t.IsZero() {
		l.timer.Reset(max(time.Until(t), 0))
	}
	l.changed.Broadcast()
	l.mu.Unlock()
	return nil
}

// SetWriteDeadline does nothing: Write does not wait.
func (l *Line) SetWriteDeadline(time.Time) error { return nil }

// SetLines shows modem lines to the host.
func (l *Line) SetLines(s sim.Lines) error {
	l.mu.Lock()
	l.notify = l.notify || s != l.lines
	l.lines = s
	ready := l.ready
	l.mu.Unlock()
	if ready != nil {
		ready()
	}
	return nil
}

// fromHost takes octets of the host.
func (l *Line) fromHost(b []byte) {
	l.mu.Lock()
	if len(l.toModem)+len(b) <= lineBuffer {
		l.toModem = append(l.toModem, b...)
	}
	l.changed.Broadcast()
	l.mu.Unlock()
}

// forHost gives at most n octets for the host.
func (l *Line) forHost(n int) ([]byte, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.toHost) == 0 {
		return nil, false
	}
	n = min(n, len(l.toHost))
	b := append([]byte(nil), l.toHost[:n]...)
	l.toHost = l.toHost[n:]
	return b, true
}

// setDTR hears SET_CONTROL_LINE_STATE (USB CDC PSTN 1.2 section 6.3.12).
func (l *Line) setDTR(on bool) {
	l.mu.Lock()
	if l.dtr && !on {
		l.hungUp, l.before = true, len(l.toModem)
		l.toHost = l.toHost[:0] // what nobody has read by now nobody will
	}
	l.dtr = on
	l.changed.Broadcast()
	l.mu.Unlock()
}

// state gives the SERIAL_STATE notification (USB CDC PSTN 1.2 section 6.5.4) where lines have changed.
func (l *Line) state(iface uint8) ([]byte, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.notify {
		return nil, false
	}
	l.notify = false
	var bits uint8
	for i, on := range []bool{l.lines.DCD, l.lines.DSR} {
		if on {
			bits |= 1 << i
		}
	}
	return []byte{0xa1, 0x20, 0, 0, iface, 0, 2, 0, bits, 0}, true
}

func (l *Line) attach(ready func()) {
	l.mu.Lock()
	l.ready, l.attached = ready, true
	l.notify = true
	l.mu.Unlock()
}

// detach is what the tty feels when the stick leaves the bus.
func (l *Line) detach() {
	l.mu.Lock()
	l.ready, l.attached = nil, false
	l.toHost = nil
	if l.dtr {
		l.hungUp, l.before = true, len(l.toModem)
	}
	l.dtr = false
	l.changed.Broadcast()
	l.mu.Unlock()
}

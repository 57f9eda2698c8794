//go:build linux

package inhibit

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/godbus/dbus/v5"
)

// bus is a message bus with a ModemManager on it, or without.
type bus struct {
	manager bool
	refuse  string // the name of the error that it answers
	mu      sync.Mutex
	asked   []string
}

// serve answers one connection, as the bus and ModemManager in one.
func (b *bus) serve(t *testing.T, conn net.Conn) {
	defer conn.Close()
	r := bufio.NewReader(conn)
	if _, err := r.ReadByte(); err != nil { // the credentials' octet (D-Bus specification, "Authentication Protocol")
		return
	}
	for {
		line, err := r.ReadString('\n')
		if err != nil {
			return
		}
		switch words := strings.Fields(line); {
		case len(words) > 0 && words[0] == "AUTH" && len(words) > 1:
			fmt.Fprint(conn, "OK 00112233445566778899aabbccddeeff\r\n")
		case len(words) > 0 && words[0] == "AUTH":
			fmt.Fprint(conn, "REJECTED EXTERNAL\r\n")
		case len(words) > 0 && words[0] == "BEGIN":
			b.answer(t, r, conn)
			return
		default:
			fmt.Fprint(conn, "ERROR\r\n")
		}
	}
}

func (b *bus) answer(t *testing.T, r *bufio.Reader, conn net.Conn) {
	for {
		m, err := dbus.DecodeMessage(r)
		if err != nil {
			return
		}
		reply := &dbus.Message{Type: dbus.TypeMethodReply, Headers: map[dbus.HeaderField]dbus.Variant{
			dbus.FieldReplySerial: dbus.MakeVariant(m.Serial()), dbus.FieldSender: dbus.MakeVariant("org.freedesktop.DBus"),
		}}
		switch member := m.Headers[dbus.FieldMember].Value(); member {
		case "Hello":
			reply.Body = []any{":1.1"}
		case "NameHasOwner":
			reply.Body = []any{b.manager}
		case "InhibitDevice":
			b.mu.Lock()
			b.asked = append(b.asked, strings.TrimSpace(fmt.Sprintln(m.Body...)))
			b.mu.Unlock()
			if b.refuse != "" {
				reply.Type = dbus.TypeError
				reply.Headers[dbus.FieldErrorName] = dbus.MakeVariant(b.refuse)
				reply.Body = []any{"no"}
			}
		default:
			t.Errorf("asked for %v", member)
		}
		if len(reply.Body) > 0 {
			reply.Headers[dbus.FieldSignature] = dbus.MakeVariant(dbus.SignatureOf(reply.Body...))
		}
		if err := reply.EncodeTo(conn, binary.LittleEndian); err != nil {
			return
		}
	}
}

func (b *bus) start(t *testing.T) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "bus")
	l, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	var group sync.WaitGroup
	t.Cleanup(func() { _ = l.Close(); group.Wait() })
	group.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			group.Go(func() { b.serve(t, conn) })
		}
	})
	t.Setenv("DBUS_SYSTEM_BUS_ADDRESS", "unix:path="+path)
}

const stick = "/sys/devices/platform/vhci_hcd.0/usb1/1-1"

func TestModem(t *testing.T) {
	b := &bus{manager: true}
	b.start(t)
	l, err := Modem(t.Context(), stick)
	if err != nil {
		t.Fatal(err)
	}
	if err := l.Close(); err != nil {
		t.Error(err)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if !slices.Equal(b.asked, []string{stick + " true", stick + " false"}) {
		t.Errorf("asked %q", b.asked)
	}
}

func TestNobodyToKeepAway(t *testing.T) {
	t.Setenv("DBUS_SYSTEM_BUS_ADDRESS", "unix:path="+filepath.Join(t.TempDir(), "no-bus"))
	if _, err := Modem(t.Context(), stick); !errors.Is(err, ErrNotRunning) {
		t.Errorf("no bus: %v", err)
	}
	b := &bus{}
	b.start(t)
	if _, err := Modem(t.Context(), stick); !errors.Is(err, ErrNotRunning) || len(b.asked) > 0 {
		t.Errorf("no ModemManager: %v, asked %q", err, b.asked)
	}
	var none *Lease
	if err := none.Close(); err != nil {
		t.Error(err)
	}
}

func TestWhatModemManagerSays(t *testing.T) {
	b := &bus{manager: true, refuse: notFound}
	b.start(t)
	if _, err := Modem(t.Context(), stick); !errors.Is(err, ErrUnknown) {
		t.Errorf("an unknown modem: %v", err)
	}
	b = &bus{manager: true, refuse: wrongState}
	b.start(t)
	if _, err := Modem(t.Context(), stick); !errors.Is(err, ErrProbing) {
		t.Errorf("a modem that is looked at: %v", err)
	}
	b = &bus{manager: true, refuse: "org.freedesktop.ModemManager1.Error.Core.Unauthorized"}
	b.start(t)
	if _, err := Modem(t.Context(), stick); err == nil || errors.Is(err, ErrUnknown) || !strings.HasPrefix(err.Error(), "ModemManager: ") {
		t.Errorf("not allowed: %v", err)
	}
}

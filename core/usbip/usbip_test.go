package usbip

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"strings"
	"testing"
)

// echo is a device that gives back what endpoint 1 takes.
type echo struct {
	octets []byte
	ready  func()
	gone   func()
}

func (e *echo) Info() Info {
	return Info{BusID: "1-1", Bus: 1, Dev: 2, Speed: HighSpeed, Vendor: 0x12d1, Product: 0x1506, Release: 0x0102,
		Configuration: 1, Configurations: 1, Interfaces: []Interface{{0xff, 1, 2}}}
}

func (e *echo) Control(s Setup, _ []byte) ([]byte, int32) {
	if s.Request == 6 {
		return []byte{18, 1, 0, 2, 0, 0, 0, 64}, StatusOK
	}
	return nil, StatusStall
}

func (e *echo) Out(endpoint uint8, data []byte) int32 {
	if endpoint != 1 {
		return StatusStall
	}
	e.octets = append(e.octets, data...)
	return StatusOK
}

func (e *echo) In(endpoint uint8, n int) ([]byte, int32, bool) {
	if endpoint != 1 || len(e.octets) == 0 {
		return nil, 0, false
	}
	n = min(n, len(e.octets))
	b := e.octets[:n]
	e.octets = e.octets[n:]
	return b, StatusOK, true
}

func (e *echo) Attached(_ context.Context, ready, gone func()) { e.ready, e.gone = ready, gone }

// served is a server on loopback, and a connection to it.
func served(t *testing.T, d Device) net.Conn {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	bus := &Bus{}
	bus.Add(d)
	done := make(chan error, 1)
	go func() { done <- Serve(ctx, l, bus) }()
	conn, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = conn.Close()
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	return conn
}

func send(t *testing.T, c net.Conn, b []byte) {
	t.Helper()
	if _, err := c.Write(b); err != nil {
		t.Fatal(err)
	}
}

func receive(t *testing.T, c net.Conn, n int) []byte {
	t.Helper()
	b := make([]byte, n)
	if _, err := io.ReadFull(c, b); err != nil {
		t.Fatal(err)
	}
	return b
}

// submit makes a USBIP_CMD_SUBMIT as the kernel does.
func submit(seq uint32, in bool, endpoint uint8, length int, setup [8]byte, data []byte) []byte {
	be := binary.BigEndian
	b := be.AppendUint32(nil, cmdSubmit)
	b = be.AppendUint32(b, seq)
	b = be.AppendUint32(b, 0x00010002)
	direction := uint32(0)
	if in {
		direction = 1
	}
	b = be.AppendUint32(b, direction)
	b = be.AppendUint32(b, uint32(endpoint))
	b = append(b, 0, 0, 2, 0)
	b = be.AppendUint32(b, uint32(length))
	b = append(b, make([]byte, 12)...)
	b = append(b, setup[:]...)
	return append(b, data...)
}

func unlink(seq, target uint32) []byte {
	be := binary.BigEndian
	b := be.AppendUint32(nil, cmdUnlink)
	b = be.AppendUint32(b, seq)
	b = append(b, make([]byte, 12)...)
	b = be.AppendUint32(b, target)
	return append(b, make([]byte, 24)...)
}

func importing(busID string) []byte {
	var id [busIDSize]byte
	copy(id[:], busID)
	return append(appendOp(nil, opRequestImport, 0), id[:]...)
}

// The messages of the kernel's usbip_protocol.rst, one after another.
func TestProtocol(t *testing.T) {
	e := &echo{}
	c := served(t, e)
	send(t, c, appendOp(nil, opRequestList, 0))
	list := receive(t, c, 12+deviceSize+4)
	if want := []byte{1, 0x11, 0, 5, 0, 0, 0, 0, 0, 0, 0, 1}; !bytes.Equal(list[:12], want) {
		t.Errorf("OP_REP_DEVLIST begins % x", list[:12])
	}
	if tail := list[len(list)-4-12:]; !bytes.Equal(tail, []byte{0x12, 0xd1, 0x15, 0x06, 1, 2, 0, 0, 0, 1, 1, 1, 0xff, 1, 2, 0}) {
		t.Errorf("OP_REP_DEVLIST ends % x", tail)
	}
	send(t, c, importing("1-1"))
	if b := receive(t, c, 8+deviceSize); b[3] != 3 || b[7] != 0 || !strings.HasPrefix(string(b[8+pathSize:]), "1-1\x00") {
		t.Errorf("OP_REP_IMPORT % x", b[:8])
	}

	send(t, c, submit(1, true, 0, 64, [8]byte{0x80, 6, 0, 1, 0, 0, 64, 0}, nil))
	b := receive(t, c, headerSize+8)
	if b[3] != retSubmit || b[7] != 1 || b[27] != 8 || b[headerSize] != 18 {
		t.Errorf("a descriptor: % x", b)
	}
	send(t, c, submit(2, true, 0, 64, [8]byte{0x80, 0, 0, 0, 0, 0, 64, 0}, nil))
	if b := receive(t, c, headerSize); int32(binary.BigEndian.Uint32(b[20:])) != StatusStall {
		t.Errorf("a request that is not known: % x", b)
	}

	send(t, c, submit(3, true, 1, 512, [8]byte{}, nil)) // waits
	send(t, c, submit(4, true, 1, 512, [8]byte{}, nil)) // waits behind it
	send(t, c, submit(5, false, 1, 2, [8]byte{}, []byte("hi")))
	if b := receive(t, c, headerSize); b[7] != 5 || b[27] != 2 {
		t.Errorf("an OUT transfer: % x", b)
	}
	if b := receive(t, c, headerSize+2); b[7] != 3 || string(b[headerSize:]) != "hi" {
		t.Errorf("the IN transfer that waited: % x", b)
	}
	send(t, c, unlink(6, 4))
	if b := receive(t, c, headerSize); b[3] != retUnlink || b[7] != 6 || int32(binary.BigEndian.Uint32(b[20:])) != statusUnlinked {
		t.Errorf("USBIP_RET_UNLINK of one that waits: % x", b)
	}
	send(t, c, unlink(7, 3))
	if b := receive(t, c, headerSize); b[7] != 7 || binary.BigEndian.Uint32(b[20:]) != 0 {
		t.Errorf("USBIP_RET_UNLINK of one that is done: % x", b)
	}

	e.gone()
	if _, err := io.ReadFull(c, make([]byte, 1)); !errors.Is(err, io.EOF) {
		t.Errorf("after it was unplugged: %v", err)
	}
}

func TestADeviceHasOneHost(t *testing.T) {
	c := served(t, &echo{})
	send(t, c, importing("1-1"))
	receive(t, c, 8+deviceSize)
	other, err := net.Dial("tcp", c.RemoteAddr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	send(t, other, appendOp(nil, opRequestList, 0))
	if b := receive(t, other, 12); b[11] != 0 {
		t.Errorf("a device that somebody has is offered: % x", b)
	}
	send(t, other, importing("1-1"))
	if b := receive(t, other, 8); b[7] != nodeError {
		t.Errorf("a device that somebody has is given: % x", b)
	}
}

func TestOtherProtocolsAreRefused(t *testing.T) {
	for _, b := range [][]byte{[]byte("GET / HTTP/1.1\r\n\r\n"), {1, 0x06, 0x80, 5, 0, 0, 0, 0}, appendOp(nil, 0x8009, 0)} {
		c := served(t, &echo{})
		send(t, c, b)
		if _, err := io.ReadFull(c, make([]byte, 1)); err == nil {
			t.Errorf("%q was answered", b)
		}
	}
}

func FuzzRequest(f *testing.F) {
	f.Add(submit(1, true, 0, 64, [8]byte{0x80, 6, 0, 1, 0, 0, 64, 0}, nil))
	f.Add(submit(5, false, 1, 2, [8]byte{}, []byte("hi")))
	f.Add(unlink(7, 3))
	f.Add(importing("1-1"))
	f.Fuzz(func(t *testing.T, b []byte) {
		if _, err := readOperation(bytes.NewReader(b)); err == nil && len(b) < 8 {
			t.Error("an operation of less than a head")
		}
		q, err := readRequest(bytes.NewReader(b))
		if err == nil && (len(q.data) > maxTransfer || q.endpoint > 15) {
			t.Errorf("%+v", q)
		}
	})
}

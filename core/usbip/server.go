package usbip

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"slices"
	"sync"
)

// Device is a simulated USB device. For each connection, one goroutine at a time calls its methods. The device may call ready from
// any goroutine.
type Device interface {
	// Info describes the device as it is at the moment. It is called anew for each list and each import.
	Info() Info
	// Control carries out a request at endpoint 0 (USB 2.0 section 9.3). data is the data stage that the host sent. The answer is
	// cut to wLength.
	Control(setup Setup, data []byte) (answer []byte, status int32)
	// Out receives the octets that the host sends to an endpoint.
	Out(endpoint uint8, data []byte) (status int32)
	// In gives at most n octets of an endpoint. ok is false while the endpoint has none; the host then waits.
	In(endpoint uint8, n int) (data []byte, status int32, ok bool)
	// Attached says that a host has imported the device. The device calls ready when In may have octets, and gone to end the
	// connection as if it was unplugged. ctx ends when the host releases the device.
	Attached(ctx context.Context, ready func(), gone func())
}

// Setup is the head of a control request (USB 2.0 section 9.3).
type Setup struct {
	Type    uint8 // bmRequestType
	Request uint8 // bRequest
	Value   uint16
	Index   uint16
	Length  uint16
}

func parseSetup(b [8]byte) Setup {
	return Setup{b[0], b[1], uint16(b[2]) | uint16(b[3])<<8, uint16(b[4]) | uint16(b[5])<<8, uint16(b[6]) | uint16(b[7])<<8}
}

// Bus is the set of devices that a server offers. It may change while the server runs.
type Bus struct {
	mu      sync.Mutex
	devices []Device
	taken   map[Device]bool
}

// Add offers a device.
func (b *Bus) Add(d Device) {
	b.mu.Lock()
	b.devices = append(b.devices, d)
	b.mu.Unlock()
}

// Remove takes a device off the bus. If a host has the device, the device itself must end that connection.
func (b *Bus) Remove(d Device) {
	b.mu.Lock()
	b.devices = slices.DeleteFunc(b.devices, func(other Device) bool { return other == d })
	b.mu.Unlock()
}

// list gives what is offered and not taken.
func (b *Bus) list() []Info {
	b.mu.Lock()
	defer b.mu.Unlock()
	var infos []Info
	for _, d := range b.devices {
		if !b.taken[d] {
			infos = append(infos, d.Info())
		}
	}
	return infos
}

// take gives a device to one host.
func (b *Bus) take(busID string) (Device, bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, d := range b.devices {
		if d.Info().BusID == busID && !b.taken[d] {
			if b.taken == nil {
				b.taken = map[Device]bool{}
			}
			b.taken[d] = true
			return d, true
		}
	}
	return nil, false
}

func (b *Bus) giveBack(d Device) {
	b.mu.Lock()
	delete(b.taken, d)
	b.mu.Unlock()
}

// maxConnections is the greatest number of connections at once.
const maxConnections = 256

// Serve offers a bus until ctx ends. Each connection is a host that lists the devices, or that imports one.
func Serve(ctx context.Context, l net.Listener, b *Bus) error {
	stop := context.AfterFunc(ctx, func() { _ = l.Close() })
	defer stop()
	var hosts sync.WaitGroup
	defer hosts.Wait()
	places := make(chan struct{}, maxConnections)
	for {
		places <- struct{}{}
		conn, err := l.Accept()
		if err != nil {
			if ctx.Err() != nil {
				return nil
			}
			return err
		}
		hosts.Go(func() {
			defer func() { <-places }()
			defer conn.Close()
			stop := context.AfterFunc(ctx, func() { _ = conn.Close() })
			defer stop()
			_ = serveHost(ctx, conn, b) // a host that speaks something else, or went away, is none of ours
		})
	}
}

// serveHost answers one host.
func serveHost(ctx context.Context, conn net.Conn, b *Bus) error {
	r := bufio.NewReaderSize(conn, 64<<10)
	for {
		o, err := readOperation(r)
		if err != nil {
			return err
		}
		if o.code == opRequestList {
			if _, err := conn.Write(appendList(nil, b.list())); err != nil {
				return err
			}
			continue
		}
		d, ok := b.take(o.busID)
		if !ok {
			_, err := conn.Write(appendOp(nil, opReplyImport, nodeError))
			return err
		}
		defer b.giveBack(d)
		if _, err := conn.Write(appendDevice(appendOp(nil, opReplyImport, nodeStatusOK), d.Info())); err != nil {
			return err
		}
		return newHost(conn, d).run(ctx, r)
	}
}

// host is one connection that has imported a device.
type host struct {
	conn   net.Conn
	device Device

	mu      sync.Mutex
	waiting []request // IN transfers that the device has nothing for yet, in their order
	wake    chan struct{}
	out     []byte
}

func newHost(conn net.Conn, d Device) *host {
	return &host{conn: conn, device: d, wake: make(chan struct{}, 1)}
}

// ready makes the pump look at the transfers that wait.
func (h *host) ready() {
	select {
	case h.wake <- struct{}{}:
	default: // it will look anyway
	}
}

// run does transfers until the host or the device goes away.
func (h *host) run(ctx context.Context, r io.Reader) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	h.device.Attached(ctx, h.ready, func() { _ = h.conn.Close() })
	var pump sync.WaitGroup
	defer pump.Wait()
	defer cancel()
	pump.Go(func() {
		for {
			select {
			case <-h.wake:
			case <-ctx.Done():
				return
			}
			if err := h.flush(); err != nil {
				_ = h.conn.Close() // the reader below ends with it
				return
			}
		}
	})
	for {
		q, err := readRequest(r)
		if err != nil {
			if errors.Is(err, io.EOF) || errors.Is(err, net.ErrClosed) {
				return nil
			}
			return err
		}
		if err := h.do(q); err != nil {
			return err
		}
	}
}

// maxWaiting is the greatest number of transfers that wait: a driver has about ten for each endpoint.
const maxWaiting = 4096

// do does one request, or lets it wait.
func (h *host) do(q request) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.out = h.out[:0]
	switch {
	case q.unlink:
		status := int32(StatusOK) // it was done already
		for i, w := range h.waiting {
			if w.seq == q.target {
				h.waiting = append(h.waiting[:i], h.waiting[i+1:]...)
				status = statusUnlinked
				break
			}
		}
		h.out = appendUnlinked(h.out, q.seq, status)
	case q.endpoint == 0:
		setup := parseSetup(q.setup)
		answer, status := h.device.Control(setup, q.data)
		if len(answer) > q.length {
			answer = answer[:q.length]
		}
		if q.in {
			h.out = appendResult(h.out, q.seq, status, len(answer), answer)
		} else {
			h.out = appendResult(h.out, q.seq, status, len(q.data), nil)
		}
	case !q.in:
		status := h.device.Out(q.endpoint, q.data)
		h.out = appendResult(h.out, q.seq, status, len(q.data), nil)
	case len(h.waiting) >= maxWaiting:
		return errNotUSBIP
	default:
		h.waiting = append(h.waiting, q)
	}
	h.serveWaiting()
	if len(h.out) == 0 {
		return nil
	}
	_, err := h.conn.Write(h.out)
	return err
}

// flush does the transfers that waited and that the device has something for now.
func (h *host) flush() error {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.out = h.out[:0]
	h.serveWaiting()
	if len(h.out) == 0 {
		return nil
	}
	_, err := h.conn.Write(h.out)
	return err
}

// serveWaiting appends the results of transfers that can be done, each endpoint's in their order.
func (h *host) serveWaiting() {
	var empty uint32 // the endpoints that have nothing now
	kept := h.waiting[:0]
	for _, q := range h.waiting {
		if empty&(1<<q.endpoint) == 0 {
			if data, status, ok := h.device.In(q.endpoint, q.length); ok {
				h.out = appendResult(h.out, q.seq, status, len(data), data)
				continue
			}
			empty |= 1 << q.endpoint
		}
		kept = append(kept, q)
	}
	h.waiting = kept
}

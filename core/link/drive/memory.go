package drive

import (
	"io"
	"sync"
	"time"

	"github.com/knakppp/knak/core/at"
	"github.com/knakppp/knak/core/sim"
)

// MemoryPort is a Port with a simulated modem behind it, in this process and in real time.
type MemoryPort struct {
	mu     sync.Mutex
	ready  *sync.Cond
	modem  *sim.Modem
	in     []byte // what the modem wrote and nobody has read
	lines  at.ModemLines
	change uint64 // counts changes of lines
	timer  *time.Timer
	closed bool
	beyond func(packet []byte) // nil: nobody
}

// NewMemoryPort powers the modem on.
func NewMemoryPort(m *sim.Modem) *MemoryPort { return NewMemoryPortTo(m, nil) }

// NewMemoryPortTo powers the modem on. beyond gets the IP packets that come out of it (sim.OutputPacket); each is valid during the
// call. beyond must not wait for the port.
func NewMemoryPortTo(m *sim.Modem, beyond func(packet []byte)) *MemoryPort {
	p := &MemoryPort{modem: m, beyond: beyond}
	p.ready = sync.NewCond(&p.mu)
	p.timer = time.AfterFunc(time.Hour, func() { p.with(func(now time.Time) { m.Advance(now) }) })
	p.with(m.Advance)
	return p
}

// with runs one call into the modem and takes what comes out.
func (p *MemoryPort) with(call func(now time.Time)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return
	}
	call(time.Now())
	for {
		o, ok := p.modem.Next()
		if !ok {
			break
		}
		switch o.Kind {
		case sim.OutputWrite:
			p.in = append(p.in, o.Data...)
		case sim.OutputLines:
			p.lines = at.ModemLines{DCD: o.Lines.DCD, DSR: o.Lines.DSR, CTS: o.Lines.CTS}
			p.change++
		case sim.OutputPacket:
			if p.beyond != nil {
				p.beyond(o.Data)
			}
		}
	}
	if d := p.modem.Deadline(); d.IsZero() {
		p.timer.Stop()
	} else {
		p.timer.Reset(time.Until(d))
	}
	p.ready.Broadcast()
}

// Read waits for octets from the modem.
func (p *MemoryPort) Read(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for len(p.in) == 0 && !p.closed {
		p.ready.Wait()
	}
	if p.closed {
		return 0, io.EOF
	}
	n := copy(b, p.in)
	p.in = append(p.in[:0], p.in[n:]...)
	return n, nil
}

// Write gives octets to the modem.
func (p *MemoryPort) Write(b []byte) (int, error) {
	p.with(func(now time.Time) { p.modem.Receive(now, b) })
	return len(b), nil
}

// SendPacket sends an IP packet to the host from behind the modem.
func (p *MemoryPort) SendPacket(packet []byte) {
	p.with(func(now time.Time) { p.modem.SendPacket(now, packet) })
}

// Apply passes DTR to the modem; the other outputs have no meaning here.
func (p *MemoryPort) Apply(o at.Output) error {
	switch o := o.(type) {
	case at.SetDTR:
		// The caller holds its own lock; the modem's answer comes by Read.
		p.with(func(now time.Time) { p.modem.SetDTR(now, o.On) })
	case at.Discard:
		p.mu.Lock()
		p.in = p.in[:0]
		p.mu.Unlock()
	}
	return nil
}

// WatchLines calls changed at once and at every change, until the port is closed.
func (p *MemoryPort) WatchLines(changed func(at.ModemLines)) {
	var seen uint64
	first := true
	for {
		p.mu.Lock()
		for !first && seen == p.change && !p.closed {
			p.ready.Wait()
		}
		lines, closed := p.lines, p.closed
		seen, first = p.change, false
		p.mu.Unlock()
		if closed {
			return
		}
		changed(lines)
	}
}

// Close powers the modem off.
func (p *MemoryPort) Close() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.closed = true
	p.timer.Stop()
	p.ready.Broadcast()
	return nil
}

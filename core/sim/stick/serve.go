package stick

import (
	"context"
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"net"
	"strconv"
	"sync"
	"time"

	"github.com/knakppp/knak/core/event"
	"github.com/knakppp/knak/core/hdlc"
	"github.com/knakppp/knak/core/sim"
	"github.com/knakppp/knak/core/usbip"
)

// Bus is the bus that sticks are added to: a usbip.Bus.
type Bus interface {
	Add(usbip.Device)
	Remove(usbip.Device)
}

// ServeAll serves the modems of scenarios as sticks on one bus, at the places 1, 2 and so on, to every client that connects to l.
// It ends when ctx ends or one of them cannot be served. It closes l. sink may be nil.
func ServeAll(ctx context.Context, l net.Listener, scenarios []sim.Scenario, sink event.Sink) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	bus := &usbip.Bus{}
	failed := make(chan error, len(scenarios))
	var sticks sync.WaitGroup
	for i, s := range scenarios {
		sticks.Go(func() {
			if err := Serve(ctx, bus, i+1, s, sink); err != nil {
				failed <- err
				cancel()
			}
		})
	}
	err := usbip.Serve(ctx, l, bus)
	cancel()
	sticks.Wait()
	select {
	case err = <-failed:
	default:
	}
	return err
}

// Serve puts the modem of a scenario on a bus, at place n from 1, and runs it until ctx ends. Each interface that takes commands
// has a modem of its own behind it: a command to one of them does not reach the others. sink may be nil.
func Serve(ctx context.Context, bus Bus, n int, s sim.Scenario, sink event.Sink) error {
	u := s.USB
	if u == nil {
		u = &sim.USB{ID: s.Identity.USB, Release: "0000", Interfaces: []sim.USBInterface{{Class: "ff/ff/ff", Role: sim.RolePPP}}}
		if u.ID == "" {
			return fmt.Errorf("scenario %s: a stick needs [usb] or identity.usb", s.Name)
		}
	}
	asModem := configOf(u)
	first := asModem
	if u.Storage != nil {
		first = Config{USB: u.Storage.ID, Release: asModem.Release, Manufacturer: u.Manufacturer, Product: u.Storage.Product,
			Interfaces: []Interface{{Number: 0, Class: "08/06/50", Disc: true}}}
		first.Interfaces[0].Message, _ = hex.DecodeString(u.Storage.Message) // the scenario was checked
	}
	var it *Stick
	var err error
	it, err = New(n, first, func() {
		select {
		case <-time.After(time.Duration(u.Storage.After)):
			_ = it.Become(asModem) // built before, to see that it can be
		case <-ctx.Done():
		}
	})
	if err == nil {
		_, err = build(asModem)
	}
	if err != nil {
		return fmt.Errorf("scenario %s: %w", s.Name, err)
	}
	if u.Storage != nil { // the ttys exist from the beginning, for whom Serve runs
		it.mu.Lock()
		for _, i := range asModem.Interfaces {
			if !i.Inert {
				it.lines[i.Number] = newLine()
			}
		}
		it.mu.Unlock()
	}
	it.unplugAfter = time.Duration(u.Unplug)
	bus.Add(it)
	restarted := make(chan struct{}, 1)
	if r := u.Restart; r != nil {
		again := asModem
		again.USB, again.Product = r.ID, r.Product
		go comeBack(ctx, bus, it, restarted, again, time.Duration(r.After))
	}
	var ports sync.WaitGroup
	defer ports.Wait()
	for _, f := range u.Interfaces {
		if it.Line(f.Number) == nil {
			continue
		}
		ports.Go(func() { servePort(ctx, it, s, f, sink, restarted) })
	}
	<-ctx.Done()
	return nil
}

// lastWords is how long a modem that restarts stays on the bus, so that the host hears its OK.
const lastWords = 100 * time.Millisecond

// comeBack takes the stick off the bus when its modem restarts, and puts it back as what it is then.
func comeBack(ctx context.Context, bus Bus, it *Stick, restarted <-chan struct{}, again Config, away time.Duration) {
	wait := func(d time.Duration) bool {
		select {
		case <-time.After(d):
			return true
		case <-ctx.Done():
			return false
		}
	}
	for {
		select {
		case <-restarted:
		case <-ctx.Done():
			return
		}
		if !wait(lastWords) {
			return
		}
		bus.Remove(it)
		_ = it.Become(again) // as it was built before, but for its name
		if !wait(away) {
			return
		}
		bus.Add(it)
	}
}

func configOf(u *sim.USB) Config {
	c := Config{USB: u.ID, Manufacturer: u.Manufacturer, Product: u.Product}
	if release, err := strconv.ParseUint(u.Release, 16, 16); err == nil { // the scenario was checked
		c.Release = uint16(release)
	}
	for _, f := range u.Interfaces {
		c.Interfaces = append(c.Interfaces, Interface{Number: f.Number, Class: f.Class, Bulk: f.Role == sim.RoleDiag || f.Role == sim.RoleDM, Inert: f.Role == sim.RoleNetwork})
	}
	return c
}

// servePort is what sits on one tty.
func servePort(ctx context.Context, it *Stick, s sim.Scenario, f sim.USBInterface, sink event.Sink, restarted chan<- struct{}) {
	line := it.Line(f.Number)
	if here, ok := s.OnInterface(f); ok {
		m := sim.New(here, rand.Uint64())
		before, plugged := m.Restarts(), m.Unplugs()
		heard := event.SinkFunc(func(r event.Record) {
			if sink != nil {
				sink.Record(r)
			}
			switch now := m.Restarts(); {
			case m.Unplugs() != plugged:
				before, plugged = now, m.Unplugs()
				it.Unplug()
			case now != before:
				before = now
				select {
				case restarted <- struct{}{}:
				default: // it is leaving already
				}
			}
		})
		_ = sim.Serve(ctx, line, m, heard) //nolint:errcheck // a Line has no other error than its end
		return
	}
	stop := context.AfterFunc(ctx, func() { _ = line.SetReadDeadline(time.Unix(1, 0)) })
	defer stop()
	go func() { // what the host says to it is for nobody
		buf := make([]byte, 512)
		for ctx.Err() == nil {
			n, _ := line.Read(buf) //nolint:errcheck // a Line has no other error than its end
			if n > 0 && f.Role == sim.RoleDM {
				_, _ = line.Write(badCommand(buf[:n])) // it does not fail
			}
		}
	}()
	if f.Role != sim.RoleNMEA {
		<-ctx.Done()
		return
	}
	second := time.NewTicker(time.Second)
	defer second.Stop()
	for {
		select {
		case now := <-second.C:
			_, _ = line.Write(sentences(now)) // it does not fail
		case <-ctx.Done():
			return
		}
	}
}

// badCommand is what a DM port says to what is no command (Qualcomm's code 19): the octets that came, FCS-16 and a flag.
func badCommand(heard []byte) []byte {
	body := append([]byte{0x13}, heard[:min(len(heard), 16)]...)
	frame := make([]byte, 0, 2*len(body)+6)
	for _, c := range hdlc.AppendFCS(body, body) {
		if c == 0x7e || c == 0x7d {
			frame = append(frame, 0x7d, c^0x20)
			continue
		}
		frame = append(frame, c)
	}
	return append(frame, 0x7e)
}

// sentences are those of a receiver that sees no satellite (NMEA 0183).
func sentences(now time.Time) []byte {
	var b []byte
	for _, body := range []string{"GPGSV,1,1,00", "GPRMC," + now.UTC().Format("150405.00") + ",V,,,,,,,,,,N"} {
		var sum byte
		for i := range len(body) {
			sum ^= body[i]
		}
		b = fmt.Appendf(b, "$%s*%02X\r\n", body, sum)
	}
	return b
}

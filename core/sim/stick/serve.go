package stick

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strconv"
	"sync"
	"time"

	"github.com/knakppp/knak/core/event"
	"github.com/knakppp/knak/core/sim"
	"github.com/knakppp/knak/core/usbip"
)

// Serve puts the modem of a scenario on a bus, at place n from 1, and runs it until ctx ends. Each interface that takes
// commands has a modem of its own behind it: what one of them is told the others do not know. sink may be nil.
func Serve(ctx context.Context, bus *usbip.Bus, n int, s sim.Scenario, sink event.Sink) error {
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
	var ports sync.WaitGroup
	defer ports.Wait()
	for _, f := range u.Interfaces {
		line := it.Line(f.Number)
		if line == nil {
			continue
		}
		ports.Go(func() { servePort(ctx, line, s, f, sink) })
	}
	<-ctx.Done()
	return nil
}

func configOf(u *sim.USB) Config {
	c := Config{USB: u.ID, Manufacturer: u.Manufacturer, Product: u.Product}
	if release, err := strconv.ParseUint(u.Release, 16, 16); err == nil { // the scenario was checked
		c.Release = uint16(release)
	}
	for _, f := range u.Interfaces {
		c.Interfaces = append(c.Interfaces, Interface{Number: f.Number, Class: f.Class, Bulk: f.Role == sim.RoleDiag, Inert: f.Role == sim.RoleNetwork})
	}
	return c
}

// servePort is what sits on one tty.
func servePort(ctx context.Context, line *Line, s sim.Scenario, f sim.USBInterface, sink event.Sink) {
	if here, ok := s.OnInterface(f); ok {
		_ = sim.Serve(ctx, line, sim.New(here, rand.Uint64()), sink) //nolint:errcheck // a Line has no other error than its end
		return
	}
	stop := context.AfterFunc(ctx, func() { _ = line.SetReadDeadline(time.Unix(1, 0)) })
	defer stop()
	go func() { // what the host says to it is for nobody
		buf := make([]byte, 512)
		for ctx.Err() == nil {
			_, _ = line.Read(buf)
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

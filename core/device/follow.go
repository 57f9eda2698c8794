package device

import (
	"fmt"
	"os"
	"slices"

	"github.com/knakppp/knak/core/modem"
	"github.com/knakppp/knak/quirks"
)

// where describes a port so that it is found again when its tty has another name: after the modem was plugged in again, or
// restarted.
type where struct {
	bus, usb  string
	strings   [2]string       // the manufacturer and product strings
	number    int             // of the interface
	nth       int             // index among the ttys of that interface: hso has several on one
	numbers   []int           // the numbers of all its interfaces that have ttys
	disc      bool            // tell was called already: it is a disc now
	strangers map[string]bool // places on the bus of other devices with the same id
}

// remember notes where the port of a try is. A port that is on no USB bus keeps its name: then it gives nil.
func remember(list []Device, d *Device, place int) *where {
	if d.USB == "" {
		return nil
	}
	ports := d.Candidate.Ports
	w := &where{bus: d.Path, usb: d.USB, strings: [2]string{d.Manufacturer, d.Product}, number: ports[place].Interface, numbers: numbersOf(ports), strangers: map[string]bool{}}
	for _, p := range ports[:place] {
		if p.Interface == w.number {
			w.nth++
		}
	}
	for i := range list {
		if list[i].USB == d.USB && list[i].Path != d.Path {
			w.strangers[list[i].Path] = true
		}
	}
	return w
}

func numbersOf(ports []modem.Port) []int {
	list := make([]int, len(ports))
	for i, p := range ports {
		list[i] = p.Interface
	}
	return list
}

// Where gives the present path of the port that Current gives. It looks for the modem at its old place on the bus. If it is not
// there, and exactly one device elsewhere has its id and its ttys, that device is taken: it was plugged in elsewhere. A modem
// that came back with another id, as some do after a restart, is accepted only at its old place and with the same strings for
// manufacturer and product. The error is os.ErrNotExist while it is away.
func (c *Choice) Where() (path string, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	try := &c.tries[c.now]
	w := try.where
	if w == nil {
		return try.Path, nil
	}
	list, err := List(c.root, c.db, c.wish.Profile, c.wish.Set)
	if err != nil {
		return try.Path, nil // nothing better is known
	}
	d, place, ok := w.find(list)
	if !ok {
		c.tellDisc(w.bus)
		return "", fmt.Errorf("the modem at %s of the bus (%s) is away: %w", w.bus, w.usb, os.ErrNotExist)
	}
	if now := c.root.Path(d.Candidate.Ports[place].Name); now != try.Path {
		c.tell(fmt.Sprintf("the modem is %s now; it was %s", now, try.Path))
		try.Path = now
	}
	w.bus = d.Path
	if c.named != nil && slices.Equal(numbersOf(d.Candidate.Ports), w.numbers) {
		c.named.Candidate = d.Candidate
	}
	if c.device != nil && slices.Equal(numbersOf(d.Candidate.Ports), w.numbers) {
		c.device.Candidate = d.Candidate // the new names of the other ttys, in case they are asked later
	}
	return try.Path, nil
}

// tellDisc says once that the modem that knak waits for came back as a disc with drivers.
func (c *Choice) tellDisc(bus string) {
	if w := c.tries[c.now].where; w.disc {
		return
	}
	discs, err := InStorageMode(c.root, c.db)
	if err != nil {
		return
	}
	for _, s := range discs {
		if s.Path == bus {
			c.tries[c.now].where.disc = true
			c.tell(fmt.Sprintf("the modem at %s of the bus came back in storage mode (%s): %s", bus, s.USB, s.Cure()))
		}
	}
}

func (w *where) find(list []Device) (d *Device, place int, ok bool) {
	var same, moved []*Device
	for i := range list {
		d := &list[i]
		switch {
		case d.Path == w.bus && d.USB == w.usb:
			same = append(same, d)
		case d.Path == w.bus && d.Modem && w.strings[1] != "" && w.strings == [2]string{d.Manufacturer, d.Product}:
			if data := d.Ports.Dial; len(data) > 0 {
				return d, data[0], true
			}
		case d.USB == w.usb && !w.strangers[d.Path] && slices.Equal(numbersOf(d.Candidate.Ports), w.numbers):
			moved = append(moved, d)
		}
	}
	if len(same) == 0 && len(moved) == 1 {
		same = moved
	}
	for _, d := range same {
		nth := w.nth
		for i, p := range d.Candidate.Ports {
			if p.Interface == w.number {
				if nth == 0 {
					return d, i, true
				}
				nth--
			}
		}
	}
	return nil, 0, false // its ttys may still appear
}

// StatusPort gives another tty of the modem for questions while the present one carries a call. The tty is known to take
// commands, by the database, a rule or its own answer. ok is false if there is none.
func (c *Choice) StatusPort() (path string, ok bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	d, dialled := c.device, c.tries[c.now].place
	if d == nil && c.named != nil {
		d, dialled = c.named, c.place
	}
	if d == nil {
		return "", false
	}
	for _, i := range d.Ports.AT {
		if i != dialled && d.Ports.Places[i].Role == quirks.ATRole {
			return c.root.Path(d.Candidate.Ports[i].Name), true
		}
	}
	return "", false
}

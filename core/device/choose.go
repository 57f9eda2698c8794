package device

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"github.com/knakppp/knak/core/modem"
	"github.com/knakppp/knak/quirks"
)

// Wish is what a person or a configuration says about the port to dial on.
type Wish struct {
	Port    string   // a path; "": the port of the only modem there is
	Profile string   // the profile to use in place of matching; "": match
	Set     []string // settings of the strongest layer, KEY=VALUE
}

// Try is one port to dial on.
type Try struct {
	Path  string       // the device node
	Facts quirks.Facts // what is known about the modem before it is asked
	Why   string       // how this port was found, in words

	where *where // how to find it again under another name; nil: by its path
	place int    // index among the ports of the device
}

// NoneError means that no modem was found.
type NoneError struct {
	Maybe   []Device        // devices with ttys that may be modems, but nothing proves it
	Storage []StorageDevice // modems that still show their driver disc
}

func (e *NoneError) Error() string {
	switch {
	case len(e.Storage) > 0:
		s := e.Storage[0]
		return fmt.Sprintf("the USB device %s (%s) is a modem in storage mode and has no serial port yet: %s", s.Path, s.USB, s.Cure())
	case len(e.Maybe) == 1:
		d := e.Maybe[0]
		return fmt.Sprintf("no modem was found for certain; %s may be one (%s): name it with --port %s", name(d.Candidate), d.Why, here().Path(d.Candidate.Ports[0].Name))
	case len(e.Maybe) > 1:
		var names []string
		for _, d := range e.Maybe {
			names = append(names, here().Path(d.Candidate.Ports[0].Name))
		}
		return "no modem was found for certain: name the port with --port, one of " + strings.Join(names, ", ")
	}
	return "no USB modem was found: name the port of a serial module with --port; knak doctor says what is missing"
}

// SeveralError means that there are several modems and none was named.
type SeveralError struct{ Ports []string }

func (e *SeveralError) Error() string {
	return fmt.Sprintf("several modems were found (%s): name one with --port", strings.Join(e.Ports, ", "))
}

// name gives the name of a device in its own words.
func name(c modem.Candidate) string {
	text := strings.TrimSpace(c.Manufacturer + " " + c.Product)
	switch {
	case text == "" && c.USB == "":
		return c.Path
	case text == "":
		return c.USB
	case c.USB == "":
		return text
	}
	return text + " (" + c.USB + ")"
}

// Choice is the port to dial on, and the ports to try after it. Its methods may be called from several goroutines.
type Choice struct {
	root   Root
	wish   Wish
	db     *quirks.DB
	open   Opener
	memory Memory
	tell   func(text string)

	mu     sync.Mutex
	device *Device  // nil: a port was named
	key    string   // the modem's key in the memory; "": sysfs does not know the port
	named  *Device  // the device whose tty was named; nil: no port was named, or its device is not known
	place  int      // index of the named tty
	uart   *Device  // the named port, if it is a UART or an adapter; nil: it is not
	list   []Device // all devices that were there
	tries  []Try
	now    int
	asked  bool
	wanted bool // the next port is to be opened in place of the present one
}

// Choose finds the port to dial on: the named one, or a port of the only modem. For the latter it takes what worked last time,
// else what the database says, else what the ttys answer. tell is called with a message before something that takes time. The
// errors are *NoneError, *SeveralError and those of reading sysfs.
func Choose(ctx context.Context, root Root, db *quirks.DB, wish Wish, memory Memory, open Opener, tell func(string)) (*Choice, error) {
	c := &Choice{root: root, wish: wish, db: db, open: open, memory: memory, tell: tell}
	list, err := List(root, db, wish.Profile, wish.Set)
	if err != nil {
		return nil, err
	}
	c.list = list
	if wish.Port != "" {
		c.tries = []Try{{Path: wish.Port, Why: "named"}}
		if d, place, ok := Find(list, root.TTY(wish.Port)); ok {
			p := d.Candidate.Ports[place]
			c.tries[0].Facts = Facts(root, d.Candidate, p)
			if d.USB != "" {
				c.named, c.place = d, place
			}
			// udev's links by id and by path lead to the right tty again by themselves.
			if filepath.Base(wish.Port) == p.Name {
				c.tries[0].where = remember(list, d, place)
			}
			c.key = d.key()
			if d.USB == "" || p.Adapter {
				c.uart, c.key = d, "uart "+d.Path
			}
		}
		c.recall()
		return c, nil
	}
	var modems []int
	var maybe []Device
	for i, d := range list {
		switch {
		case d.Modem:
			modems = append(modems, i)
		case d.USB != "" || len(d.Candidate.Ports) == 0:
			maybe = append(maybe, d)
		}
	}
	switch len(modems) {
	case 0:
		none := &NoneError{Maybe: maybe}
		if none.Storage, err = InStorageMode(root, db); err != nil {
			return nil, err
		}
		return nil, none
	case 1:
	default:
		several := &SeveralError{}
		for _, i := range modems {
			if p := list[i].DataPorts(); len(p) > 0 {
				several.Ports = append(several.Ports, root.Path(p[0]))
			}
		}
		return nil, several
	}
	c.device = &list[modems[0]]
	c.key = c.device.key()
	worked := memory.Port(c.device.key())
	switch {
	case worked >= 0 && c.put(worked, "it worked last time"):
	case c.device.Known():
		c.follow("known by the database")
	default:
		if err := c.ask(ctx); err != nil {
			return nil, err
		}
	}
	if len(c.tries) == 0 {
		return nil, fmt.Errorf("%s has no tty to dial on: its driver may be missing (option, qcserial, cdc_acm); see knak doctor", name(c.device.Candidate))
	}
	c.recall()
	return c, nil
}

// recall takes from the memory which modem answered on this port last time. So settings that count before the modem is asked,
// such as its speed and start time, can be those of its model.
func (c *Choice) recall() {
	id := c.memory.Identity(c.key)
	if c.key == "" || id.Model == "" {
		return
	}
	for i := range c.tries {
		f := &c.tries[i].Facts
		f.Manufacturer, f.Model, f.Revision, f.Remembered = id.Vendor, id.Model, id.Firmware, true
	}
}

// Identified remembers who the modem is.
func (c *Choice) Identified(id Identity) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.key != "" && id.Model != "" {
		c.memory.KeepIdentity(c.key, id)
	}
}

// put makes the tty of an interface the next to try, if the interface has one.
func (c *Choice) put(number int, why string) bool {
	i := slices.IndexFunc(c.device.Candidate.Ports, func(p modem.Port) bool { return p.Interface == number })
	if i < 0 || slices.ContainsFunc(c.tries, func(t Try) bool { return t.place == i }) {
		return false
	}
	p := c.device.Candidate.Ports[i]
	c.tries = append(c.tries, Try{c.root.Path(p.Name), Facts(c.root, c.device.Candidate, p), why, remember(c.list, c.device, i), i})
	return true
}

// follow appends the known ports to the list of tries.
func (c *Choice) follow(why string) {
	for _, i := range c.device.Ports.Dial {
		c.put(c.device.Layout.TTYs[i].Interface, why)
	}
}

// ask asks the ttys.
func (c *Choice) ask(ctx context.Context) error {
	c.asked = true
	if n := len(c.device.Layout.TTYs); n > 1 {
		c.tell(fmt.Sprintf("%s: it is not known which of its %d ttys carries data; asking each whether it takes AT commands", name(c.device.Candidate), n))
	}
	if err := c.device.Ask(ctx, c.root, c.open, false); err != nil {
		return fmt.Errorf("asking the ttys of %s: %w", name(c.device.Candidate), err)
	}
	c.follow("by its answer, and the order that its maker uses")
	return nil
}

// Other says whether another port of the modem may be worth an attempt, and if so makes the next Open lead to it. It computes
// only, and opens nothing.
func (c *Choice) Other() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.device == nil || len(c.device.Layout.TTYs) < 2 || c.asked && c.following() < 0 {
		return false
	}
	c.wanted = true
	return true
}

// Follow goes on to the port that Other announced. If there is none after all, the present one stays.
func (c *Choice) Follow(ctx context.Context) {
	c.mu.Lock()
	wanted := c.wanted
	c.wanted = false
	c.mu.Unlock()
	if wanted && c.Next(ctx) {
		c.tell("dialling on " + c.Current().Path + " now: " + c.Current().Why)
	}
}

// following gives the index in tries of the next port that takes commands; -1 if there is none.
func (c *Choice) following() int {
	for i := c.now + 1; i < len(c.tries); i++ {
		if c.device.Layout.TTYs[c.tries[i].place].Answer == quirks.Commands {
			return i
		}
	}
	return -1
}

// Current is the port to dial on now.
func (c *Choice) Current() Try {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.tries[c.now]
}

// Number counts the changes of port: it has another value for each port that Current gives.
func (c *Choice) Number() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

// Next goes on to another port of the modem, because the present one took no dial or brought no PPP. It is false if no other port
// is worth a try. Ttys that have not been asked are asked first: only those that take commands are tried.
func (c *Choice) Next(ctx context.Context) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.device == nil {
		return false
	}
	c.memory.Forget(c.device.key())
	if !c.asked && len(c.device.Layout.TTYs) > 1 {
		tried := slices.Clone(c.tries[:c.now+1])
		c.tries = tried
		c.now = len(tried) - 1
		if err := c.ask(ctx); err != nil {
			return false
		}
	}
	i := c.following()
	if i >= 0 {
		c.now = i
	}
	return i >= 0
}

// Worked remembers that the present port carried a link.
func (c *Choice) Worked() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.device == nil || len(c.device.Layout.TTYs) < 2 {
		return
	}
	c.memory.Keep(c.key, c.device.Layout.TTYs[c.tries[c.now].place].Interface)
}

// Serial finds out how to talk to the module on a UART or a USB-to-serial adapter: at which speed it answers, and whether it can
// use flow control by lines. It gives settings, KEY=VALUE, for what nobody has set; none if the port is not a UART, or if
// everything is set.
func (c *Choice) Serial(ctx context.Context, open func(path string, baud int) (SerialLine, error)) (set []string, err error) {
	try := c.Current()
	if c.uart == nil {
		return nil, nil
	}
	r, err := c.db.Resolve(try.Facts, c.wish.Profile, c.wish.Set)
	if err != nil || r.Setting("port.baud").Layer != quirks.Default {
		return nil, err
	}
	if text, ok := Console(c.root, c.uart.Candidate.Ports[0].Name); ok {
		c.tell("warning: " + try.Path + " is a console of this machine: " + text)
	}
	found, err := FindSpeed(ctx, try.Path, c.memory.Speed(c.key), open, c.tell)
	if err != nil {
		return nil, err
	}
	c.memory.KeepSpeed(c.key, found.Baud)
	set = append(set, fmt.Sprintf("port.baud=%d", found.Baud))
	if found.Flow != "" && found.Flow != r.Text("port.flow") && r.Setting("port.flow").Layer == quirks.Default {
		set = append(set, "port.flow="+found.Flow)
	}
	return set, nil
}

// FactsOn gives what is known about the modem on a port before it is asked; nothing if sysfs does not know the port.
func FactsOn(root Root, db *quirks.DB, path string) (quirks.Facts, error) {
	list, err := List(root, db, "", nil)
	if err != nil {
		return quirks.Facts{}, err
	}
	if d, place, ok := Find(list, root.TTY(path)); ok {
		return Facts(root, d.Candidate, d.Candidate.Ports[place]), nil
	}
	return quirks.Facts{}, nil
}

// Device gives the modem; nil if a port was named about which nothing is known.
func (c *Choice) Device() *Device { return c.device }

// key names a modem by its USB id, its place on the bus, and the layout of its ttys. So a stick that comes back with other ttys
// is another modem.
func (d *Device) key() string {
	var numbers []string
	for _, t := range d.Layout.TTYs {
		numbers = append(numbers, fmt.Sprintf("%02x", t.Interface))
	}
	return d.USB + " " + d.Path + " " + strings.Join(numbers, ",")
}

// Memory remembers which port of a modem worked.
type Memory interface {
	Port(key string) (number int) // the interface number; -1: nothing is remembered
	Keep(key string, number int)
	Forget(key string)
	Speed(key string) (baud int) // of a UART; 0: nothing is remembered
	KeepSpeed(key string, baud int)
	Identity(key string) Identity // the modem that answered there last time; empty: nothing is remembered
	KeepIdentity(key string, id Identity)
}

// NoMemory remembers nothing.
type NoMemory struct{}

// Port gives -1.
func (NoMemory) Port(string) int { return -1 }

// Keep does nothing.
func (NoMemory) Keep(string, int) {}

// Forget does nothing.
func (NoMemory) Forget(string) {}

// Speed gives 0.
func (NoMemory) Speed(string) int { return 0 }

// KeepSpeed does nothing.
func (NoMemory) KeepSpeed(string, int) {}

// Identity gives an empty Identity.
func (NoMemory) Identity(string) Identity { return Identity{} }

// KeepIdentity does nothing.
func (NoMemory) KeepIdentity(string, Identity) {}

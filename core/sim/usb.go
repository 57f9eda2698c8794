package sim

import (
	"encoding/hex"
	"strconv"
	"time"
)

// USB describes the modem on a USB bus. On a pseudo-terminal it has no effect.
type USB struct {
	ID           string         `toml:"id"`           // vid:pid; left out: identity.usb
	Release      string         `toml:"release"`      // bcdDevice, four hex digits; "0000"
	Manufacturer string         `toml:"manufacturer"` // the USB string
	Product      string         `toml:"product"`      // the USB string
	Interfaces   []USBInterface `toml:"interface"`    // in the order of the descriptors; left out: one, ff/ff/ff, with everything
	Storage      *USBStorage    `toml:"storage"`      // nil: it is a modem from the beginning
	Restart      *USBRestart    `toml:"restart"`      // nil: it stays on the bus when the modem restarts
	Unplug       Duration       `toml:"unplug"`       // how long after it was attached it leaves the bus, once; 0: never
}

// USBInterface is one interface and its function.
type USBInterface struct {
	Number int    `toml:"number"` // bInterfaceNumber; a CDC ACM function (class 02/02/…) has the next one for its data
	Class  string `toml:"class"`  // class, subclass and protocol, "ff/ff/ff"
	Role   string `toml:"role"`   // its function; see USBRoles
	Dial   string `toml:"dial"`   // the result of a dial on a port with the role at, in the words of dial.result; "error"
}

// USBStorage is the disc with drivers that the modem is at first.
type USBStorage struct {
	ID      string   `toml:"id"`      // the disc's vid:pid
	Product string   `toml:"product"` // the disc's USB string
	After   Duration `toml:"after"`   // how long after the eject the disc leaves the bus; 100ms
	Message string   `toml:"message"` // the SCSI command in hex that makes it a modem, in place of the eject
}

// USBRestart says what the bus sees of a restart of the modem, by a trap or an action.
type USBRestart struct {
	ID      string   `toml:"id"`      // vid:pid from then on; left out: as before
	Product string   `toml:"product"` // the USB string from then on; left out: as before
	After   Duration `toml:"after"`   // how long it is away; 2s
}

// The roles of an interface.
const (
	RolePPP     = "ppp"     // takes commands and carries PPP
	RoleAT      = "at"      // takes commands
	RoleNMEA    = "nmea"    // sends its position once a second
	RoleDiag    = "diag"    // answers only its chip's own protocol
	RoleDM      = "dm"      // as diag, but answers any input by a frame that says it is no command (Qualcomm's DM)
	RoleSilent  = "silent"  // answers nothing
	RoleNetwork = "network" // is no tty
)

var usbRoles = []string{RolePPP, RoleAT, RoleNMEA, RoleDiag, RoleDM, RoleSilent, RoleNetwork}

func (c *checker) usb(s *Scenario) {
	u := s.USB
	if u == nil {
		return
	}
	if u.ID == "" {
		u.ID = s.Identity.USB
	}
	if !isUSB(u.ID) {
		c.fail("usb.id", "%q is not vid:pid in lower-case hex; it may be left out where identity.usb has it", u.ID)
	}
	if u.Release == "" {
		u.Release = "0000"
	}
	if _, err := strconv.ParseUint(u.Release, 16, 16); err != nil || len(u.Release) != 4 {
		c.fail("usb.release", "%q is not four hex digits", u.Release)
	}
	c.line("usb.manufacturer", u.Manufacturer)
	c.line("usb.product", u.Product)
	if len(u.Interfaces) == 0 {
		u.Interfaces = []USBInterface{{Class: "ff/ff/ff", Role: RolePPP}}
	}
	c.entries("usb.interface", len(u.Interfaces))
	taken := map[int]bool{}
	for i := range u.Interfaces {
		f, path := &u.Interfaces[i], "usb.interface."+strconv.Itoa(i)
		if f.Class == "" {
			f.Class = "ff/ff/ff"
		}
		if !isClass(f.Class) {
			c.fail(path+".class", "%q is not class, subclass and protocol in lower-case hex, for example \"ff/01/02\"", f.Class)
		}
		c.number(path+".number", int64(f.Number), 0, 254)
		c.word(path+".role", &f.Role, usbRoles...)
		c.word(path+".dial", &f.Dial, "error", "no-carrier", "echo", "silence", "connect")
		numbers := []int{f.Number}
		if len(f.Class) > 5 && f.Class[:5] == "02/02" && f.Role != RoleNetwork {
			numbers = append(numbers, f.Number+1)
		}
		for _, n := range numbers {
			if taken[n] {
				c.fail(path+".number", "%d is taken; a CDC ACM function has the number after its own for its data", n)
			}
			taken[n] = true
		}
	}
	if d := u.Storage; d != nil {
		if !isUSB(d.ID) {
			c.fail("usb.storage.id", "%q is not vid:pid in lower-case hex", d.ID)
		}
		c.line("usb.storage.product", d.Product)
		if d.After == 0 {
			d.After = Duration(100 * time.Millisecond)
		}
		if b, err := hex.DecodeString(d.Message); err != nil || len(b) > 16 {
			c.fail("usb.storage.message", "%q is not a SCSI command of at most 16 octets in hex; of a message of usb_modeswitch it is what begins at the 16th octet", d.Message)
		}
	}
	if r := u.Restart; r != nil {
		if r.ID == "" {
			r.ID = u.ID
		}
		if !isUSB(r.ID) {
			c.fail("usb.restart.id", "%q is not vid:pid in lower-case hex", r.ID)
		}
		if r.Product == "" {
			r.Product = u.Product
		}
		c.line("usb.restart.product", r.Product)
		if r.After == 0 {
			r.After = Duration(2 * time.Second)
		}
	}
}

func isClass(s string) bool {
	if len(s) != 8 {
		return false
	}
	for i := range len(s) {
		switch c := s[i]; {
		case i%3 == 2:
			if c != '/' {
				return false
			}
		case !(c >= '0' && c <= '9' || c >= 'a' && c <= 'f'):
			return false
		}
	}
	return true
}

// OnInterface gives the scenario in the form that a host meets at one interface; ok is false if nothing there takes commands.
func (s Scenario) OnInterface(f USBInterface) (_ Scenario, ok bool) {
	s.Ports = nil // the roles say it
	switch f.Role {
	case RolePPP:
	case RoleAT:
		if f.Dial != "connect" {
			s.Dial.Result, s.Dial.Times = f.Dial, 0
			break
		}
		s.LCP = LCP{}
		s.Dial.Result = "echo"
	default:
		return s, false
	}
	return s, true
}

package stick

import "github.com/knakppp/knak/core/sim"

// Describe makes the USB description of a stick from the facts about a modem's ports, for a scenario that gives no more than its
// id. data and at are the interfaces of the tty for data and of the one for commands (-1: not known); the ports before and between
// them answer nothing. It is nil without an id.
func Describe(who sim.Identity, data, at int) *sim.USB {
	if who.USB == "" {
		return nil
	}
	u := &sim.USB{ID: who.USB, Release: "0000", Manufacturer: who.Manufacturer, Product: who.Model}
	data = max(data, 0)
	for n := range max(data, at) + 1 {
		f := sim.USBInterface{Number: n, Class: "ff/ff/ff", Role: sim.RoleSilent}
		switch n {
		case data:
			f.Role = sim.RolePPP
		case at:
			f.Role, f.Dial = sim.RoleAT, "error"
		}
		u.Interfaces = append(u.Interfaces, f)
	}
	return u
}

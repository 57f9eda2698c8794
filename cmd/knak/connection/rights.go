package connection

import (
	"github.com/knakppp/knak/core/plane"
	"github.com/knakppp/knak/core/plane/resolv"
	"github.com/knakppp/knak/core/rights"
)

// giveUpRights gives up what this dial will not need. What the system does not have is no reason not to dial.
func (c *Connection) giveUpRights() {
	_ = rights.Drop()
	if c.startsNoProgram() {
		_ = rights.Filter()
	}
}

// startsNoProgram says whether no script of the host's, no program that sets name servers and no plugin can be started any
// more.
func (c *Connection) startsNoProgram() bool {
	d := &c.Dial
	if len(c.Plugins.Plugins) > 0 {
		return false
	}
	if d.Plane == plane.KindStack || d.Plane == plane.KindNone {
		return true
	}
	mode := d.PlaneConfig.DNSMode
	byFile := mode == resolv.None || mode == resolv.File || mode == resolv.System && resolv.Host{}.Chooses() == resolv.File
	return d.Hooks.Dir == "" && byFile
}

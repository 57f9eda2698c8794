package connection

import (
	"github.com/knakppp/knak/core/plane"
	"github.com/knakppp/knak/core/plane/resolv"
	"github.com/knakppp/knak/core/rights"
)

// giveUpRights gives up what this dial will not need. What the system does not have is no reason not to dial.
func (j *Job) giveUpRights() {
	_ = rights.Drop()
	if j.startsNoProgram() {
		_ = rights.Filter()
	}
}

// startsNoProgram says whether no script of the host's, no program that sets name servers and no plugin can be started any
// more.
func (j *Job) startsNoProgram() bool {
	o := &j.Options
	if len(j.plugins.Plugins) > 0 {
		return false
	}
	if o.Plane == plane.KindStack || o.Plane == plane.KindNone {
		return true
	}
	byFile := o.DNS == resolv.None || o.DNS == resolv.File || o.DNS == resolv.System && resolv.Host{}.Chooses() == resolv.File
	return o.Hooks == NoHooks && byFile
}

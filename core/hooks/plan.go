// Package hooks runs this host's own scripts when a link comes up and when it ends: ip-up, ip-down, ipv6-up and
// ipv6-down with pppd's arguments and environment (pppd(8), "SCRIPTS"), so that what was written for pppd runs unchanged.
// They run beside the link, one after the other, each for a limited time: a script never holds the link up.
package hooks

import (
	"fmt"
	"slices"
	"strconv"

	"github.com/knakppp/knak/core/event"
)

// call is one event to run scripts for.
type call struct {
	name string // ip-up, ip-down, ipv6-up or ipv6-down
	args []string
	env  []string
}

// planner turns the events of a link into calls. It is a machine: it runs nothing.
type planner struct {
	cfg Config
	up  *event.Up // nil: the link is not up, or has no interface
}

// take gives the calls that follow from an event. A second Up without a Down between ends the first: an interface with
// other addresses is another one to a script. A link without an interface has nothing that a script for pppd could use.
func (p *planner) take(e event.Event) []call {
	switch e := e.(type) {
	case event.Up:
		calls := p.end(nil)
		if e.Interface != "" {
			p.up = &e
			calls = append(calls, p.calls("up", nil)...)
		}
		return calls
	case event.Down:
		return p.end([]string{
			"CONNECT_TIME=" + strconv.FormatInt(int64(e.Seconds), 10),
			"BYTES_SENT=" + strconv.FormatUint(e.BytesOut, 10),
			"BYTES_RCVD=" + strconv.FormatUint(e.BytesIn, 10),
		})
	}
	return nil
}

func (p *planner) end(more []string) []call {
	if p.up == nil {
		return nil
	}
	calls := p.calls("down", more)
	slices.Reverse(calls) // last made, first undone
	p.up = nil
	return calls
}

// calls makes the calls for IPv4 and IPv6. The names of the variables are pppd's.
func (p *planner) calls(way string, more []string) []call {
	u, c := p.up, &p.cfg
	speed := strconv.Itoa(c.Speed)
	env := []string{
		// pppd leaves PATH to the shell; a script that is not a shell's needs one.
		"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
		"DEVICE=" + c.TTY, "IFNAME=" + u.Interface, "LINKNAME=" + c.Link, "SPEED=" + speed,
		"ORIG_UID=" + strconv.Itoa(c.UID), "PPPD_PID=" + strconv.Itoa(c.PID), "PPPLOGNAME=" + c.User,
		"IPLOCAL=" + u.Local, "IPREMOTE=" + u.Peer,
	}
	for i, a := range u.DNS[:min(len(u.DNS), 2)] {
		env = append(env, fmt.Sprintf("DNS%d=%s", i+1, a))
	}
	for i, a := range u.WINS[:min(len(u.WINS), 2)] {
		env = append(env, fmt.Sprintf("WINS%d=%s", i+1, a))
	}
	if c.ScriptsDoDNS && len(u.DNS) > 0 {
		env = append(env, "USEPEERDNS=1") // the usual scripts write resolv.conf where this is set; otherwise knak has done it
	}
	if u.IPv6 != "" {
		env = append(env, "LLLOCAL="+u.IPv6, "LLREMOTE="+u.IPv6Peer)
	}
	env = append(env, more...)
	var calls []call
	add := func(name, local, remote string) {
		if local != "" {
			calls = append(calls, call{name, []string{u.Interface, c.TTY, speed, local, remote, c.Param}, env})
		}
	}
	add("ip-"+way, u.Local, u.Peer)
	add("ipv6-"+way, u.IPv6, u.IPv6Peer)
	return calls
}

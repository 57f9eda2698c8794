// Package hooks runs this host's own scripts when a link comes up and when it ends: ip-up, ip-down, ipv6-up and ipv6-down, with
// pppd's arguments and environment (pppd(8), "SCRIPTS"), so that scripts written for pppd run unchanged. They run beside the link,
// one after the other, each for a limited time: the link never waits for a script.
package hooks

import (
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/knakppp/knak/core/event"
	"github.com/knakppp/knak/core/pace"
)

// call is one event to run scripts for.
type call struct {
	name string // ip-up, ip-down, ipv6-up or ipv6-down
	args []string
	env  []string
	down bool // on the way down
}

// follower brings the scripts to the latest state of the link. It compares the state of their last call (up or down) with the
// state of the link, and skips the states between. A link that goes up and down faster than its scripts run, by accident or
// because its peer wants that, has one call running and none waiting. It is a machine: it runs nothing.
type follower struct {
	cfg    Config
	wanted *event.Up // the link now; nil: it is not up, or has no interface
	told   *event.Up // the link as the scripts know it
	down   []string  // what ends what they know: variables for the way down
	busy   bool      // calls are running
	pace   pace.Pace // of the ways up
}

func newFollower(cfg Config) follower {
	return follower{cfg: cfg, pace: pace.Pace{Burst: 3, First: time.Second, Most: 30 * time.Second, Calm: 2 * time.Minute}}
}

// take follows an event. A second Up without a Down between is another link to a script: the interface was made anew. A
// link without an interface has nothing that a script for pppd could use.
func (f *follower) take(e event.Event) {
	switch e := e.(type) {
	case event.Up:
		f.wanted = nil
		if e.Interface != "" {
			f.wanted = &e
		}
	case event.Down:
		if f.wanted != nil && f.wanted == f.told {
			f.down = []string{
				"CONNECT_TIME=" + strconv.FormatInt(int64(e.Seconds), 10),
				"BYTES_SENT=" + strconv.FormatUint(e.BytesOut, 10),
				"BYTES_RCVD=" + strconv.FormatUint(e.BytesIn, 10),
			}
		}
		f.wanted = nil
	}
}

// next gives the calls to run now, one after the other; done says that they have ended. Where there are none, it says when
// to ask again: the zero time is after the next event. The way down never waits.
func (f *follower) next(now time.Time) (calls []call, again time.Time) {
	switch {
	case f.busy || f.told == f.wanted:
		return nil, time.Time{}
	case f.told != nil:
		calls = f.calls(f.told, "down", f.down)
		slices.Reverse(calls) // last made, first undone
		f.told, f.down = nil, nil
	default:
		if due := f.pace.Due(now); due.After(now) {
			return nil, due
		}
		f.pace.Take(now)
		f.told = f.wanted
		calls = f.calls(f.told, "up", nil)
	}
	f.busy = true
	return calls, time.Time{}
}

// done says that the calls have ended.
func (f *follower) done() { f.busy = false }

// calls makes the calls for IPv4 and IPv6. The names of the variables are pppd's.
func (f *follower) calls(u *event.Up, way string, more []string) []call {
	c := &f.cfg
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
			calls = append(calls, call{name, []string{u.Interface, c.TTY, speed, local, remote, c.Param}, env, way == "down"})
		}
	}
	add("ip-"+way, u.Local, u.Peer)
	add("ipv6-"+way, u.IPv6, u.IPv6Peer)
	return calls
}

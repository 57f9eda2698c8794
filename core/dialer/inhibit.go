package dialer

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/knakppp/knak/core/device"
	"github.com/knakppp/knak/core/files"
	"github.com/knakppp/knak/core/inhibit"
	"github.com/knakppp/knak/core/port"
)

// inhibitor keeps ModemManager off the modem of a link, where Options.Inhibit asks for that.
type inhibitor struct {
	link  *Link
	lease *inhibit.Lease
	told  bool
}

const (
	letGo      = 5 * time.Second // how long ModemManager may take to close the ttys
	lookPause  = 200 * time.Millisecond
	askTimeout = 25 * time.Second // it answers when what it was doing with the modem is over
)

// before is called before the ttys are opened, and again as long as there is no modem.
func (i *inhibitor) before(ctx context.Context, tell func(string)) {
	o := &i.link.o
	if !o.Inhibit || i.lease != nil {
		return
	}
	d, ok := device.Meant(files.Machine(), o.Database, o.Port)
	if !ok {
		return // there is no modem yet, or it has no place that ModemManager could be told
	}
	uid, ok := d.InSysfs(files.Machine())
	if !ok {
		return
	}
	asking, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	lease, err := inhibit.Modem(asking, uid)
	switch {
	case errors.Is(err, inhibit.ErrNotRunning), errors.Is(err, inhibit.ErrUnknown):
		return // nobody is there to be kept away
	case err != nil:
		if !i.told {
			i.told = true
			tell("it cannot be kept off this modem: " + err.Error())
		}
		return
	}
	i.lease = lease
	if who := waitUntilFree(ctx, d.Nodes(files.Machine())); who != "" {
		tell("ModemManager was told to leave " + uid + " alone, but " + who)
		return
	}
	tell("ModemManager leaves " + uid + " alone as long as knak dials")
}

// waitUntilFree waits until nobody has the ttys open; otherwise it says who has.
func waitUntilFree(ctx context.Context, nodes []string) (who string) {
	for end := time.Now().Add(letGo); ; {
		who = ""
		for _, node := range nodes {
			if h, err := port.Holders(node); err == nil && len(h) > 0 {
				who = fmt.Sprintf("%s (pid %d) has %s", h[0].Program, h[0].PID, node)
			}
		}
		if who == "" || !time.Now().Before(end) {
			return who
		}
		select {
		case <-ctx.Done():
			return who
		case <-time.After(lookPause):
		}
	}
}

// close lets ModemManager have the modem again.
func (i *inhibitor) close() {
	_ = i.lease.Close() // at the end of the process it is over anyway
}

package dialer

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/knakppp/knak/core/device"
	"github.com/knakppp/knak/core/files"
	"github.com/knakppp/knak/core/inhibit"
	"github.com/knakppp/knak/core/link/drive"
	"github.com/knakppp/knak/core/port"
)

// inhibitor keeps ModemManager away from the modem of a link, for Options.Inhibit. If ModemManager does not know the modem yet,
// as after a start of the machine, it asks again for a while.
type inhibitor struct {
	link *Link

	modem func(ctx context.Context, uid string) (io.Closer, error) // inhibit.Modem, but in tests; nil: that

	mu     sync.Mutex
	lease  io.Closer // nil: none is held
	asking bool      // again and again
	closed bool
	told   bool
}

const (
	letGo      = 5 * time.Second // how long ModemManager may take to close the ttys
	lookPause  = 200 * time.Millisecond
	askTimeout = 25 * time.Second // it answers when what it was doing with the modem is over
	askAgain   = time.Second
	askLong    = time.Minute     // ModemManager looks at a modem for half a minute before it can be told to leave it
	askUnknown = 5 * time.Second // ModemManager sees a modem some seconds after the kernel
	askPatient = 20 * time.Second
)

// before is called before the ttys are opened, and again as long as there is no modem.
func (i *inhibitor) before(ctx context.Context, tell func(string)) {
	i.mu.Lock()
	idle := i.link.o.Inhibit && i.lease == nil && !i.asking && !i.closed
	i.mu.Unlock()
	if !idle {
		return
	}
	d, ok := device.Meant(files.Machine(), i.link.o.Database, i.link.o.Port)
	if !ok {
		return // there is no modem yet, or it has no place in sysfs, by which ModemManager knows modems
	}
	uid, ok := d.InSysfs(files.Machine())
	if !ok {
		return
	}
	began, told := time.Now(), false
	for {
		err := i.ask(ctx, uid, tell)
		if err == nil {
			break
		}
		most, probing := askUnknown, errors.Is(err, inhibit.ErrProbing)
		if probing {
			most = askLong
		}
		if errors.Is(err, inhibit.ErrNotRunning) || time.Since(began) > most {
			i.again(uid, tell)
			return
		}
		if probing && !told {
			told = true
			tell("ModemManager is still looking at the modem, and can be told to leave it when it knows it: waiting up to a minute")
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(askAgain):
		}
	}
	i.mu.Lock()
	held := i.lease != nil
	i.mu.Unlock()
	if !held {
		return
	}
	if who := waitUntilFree(ctx, d.Nodes(files.Machine())); who != "" {
		tell("ModemManager was told to leave " + uid + " alone, but " + who)
	}
}

// ask asks ModemManager once. After an error it is worth asking again: ModemManager is not running, or does not know the modem
// yet.
func (i *inhibitor) ask(ctx context.Context, uid string, tell func(string)) error {
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	modem := i.modem
	if modem == nil {
		modem = func(ctx context.Context, uid string) (io.Closer, error) { return inhibit.Modem(ctx, uid) }
	}
	lease, err := modem(ctx, uid)
	i.mu.Lock()
	defer i.mu.Unlock()
	switch {
	case errors.Is(err, inhibit.ErrNotRunning), errors.Is(err, inhibit.ErrUnknown), errors.Is(err, inhibit.ErrProbing):
		return err
	case err != nil:
		if !i.told && ctx.Err() == nil {
			i.told = true
			tell("ModemManager cannot be kept off this modem: " + err.Error())
		}
	case i.closed:
		_ = lease.Close() // the link is over
	default:
		i.lease = lease
		tell("ModemManager leaves " + uid + " alone as long as knak dials")
	}
	return nil
}

// again repeats the question until ModemManager knows the modem, or the link is over.
func (i *inhibitor) again(uid string, tell func(string)) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.asking || i.closed {
		return
	}
	i.asking = true
	go func() {
		end := time.Now().Add(askLong)
		for time.Now().Before(end) && i.link.closing.Err() == nil {
			select {
			case <-time.After(askAgain):
			case <-i.link.closing.Done():
			}
			if i.ask(i.link.closing, uid, tell) == nil {
				break
			}
		}
		i.mu.Lock()
		i.asking = false
		i.mu.Unlock()
	}()
}

// patient makes an opener wait while ModemManager has the port and is being told to leave it.
func (i *inhibitor) patient(open func(context.Context) (drive.Port, error), tell func(string)) func(context.Context) (drive.Port, error) {
	if !i.link.o.Inhibit {
		return open
	}
	return func(ctx context.Context) (drive.Port, error) {
		for end := time.Now().Add(askPatient); ; {
			opened, err := open(ctx)
			var locked *port.LockedError
			if !errors.As(err, &locked) || locked.Program != "ModemManager" || !time.Now().Before(end) {
				return opened, err
			}
			i.before(ctx, tell)
			select {
			case <-ctx.Done():
				return nil, err
			case <-time.After(lookPause):
			}
		}
	}
}

// waitUntilFree waits until no program has the ttys open; otherwise it says which program has.
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
	i.mu.Lock()
	defer i.mu.Unlock()
	i.closed = true
	if i.lease != nil {
		_ = i.lease.Close() // at the end of the process it is over anyway
	}
	i.lease = nil
}

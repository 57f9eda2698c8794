// Package sdnotify tells the service manager the state of a dial, by the protocol of sd_notify(3): that the service is ready, its
// present phase, and that it ends. systemctl status shows this, and units that are ordered after the service wait until it is
// ready.
package sdnotify

import (
	"fmt"
	"net"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/knakppp/knak/core/event"
)

// Variable is the environment variable with the socket of the service manager; unset: there is none.
const Variable = "NOTIFY_SOCKET"

// patience is the longest time before the service counts as ready. Units that are ordered after it, for example at boot, must not
// wait for a network that may be away for days.
const patience = time.Minute

// Notifier is an event.Sink that notifies the manager. The service is ready when the link is up for the first time, when an
// attempt has failed and another follows, or after a minute. Several goroutines may use it. It feeds no watchdog: that would wake
// an idle link.
type Notifier struct {
	to net.Conn

	mu     sync.Mutex
	late   *time.Timer
	ready  bool
	status string
}

// Take gives a Notifier if the environment names a socket, and otherwise nil. It unsets the variable, so that no child process
// speaks for this one. If the manager's socket does not work, Take only reports it: the dial goes on.
func Take() (*Notifier, error) {
	name := os.Getenv(Variable)
	if name == "" {
		return nil, nil
	}
	if err := os.Unsetenv(Variable); err != nil {
		return nil, fmt.Errorf("%s: %w", Variable, err)
	}
	if !strings.HasPrefix(name, "/") && !strings.HasPrefix(name, "@") { // a path, or a name in Linux's abstract space (unix(7))
		return nil, fmt.Errorf("%s=%s: must be a path or begin with @", Variable, name)
	}
	to, err := net.DialUnix("unixgram", nil, &net.UnixAddr{Name: name, Net: "unixgram"})
	if err != nil {
		return nil, fmt.Errorf("%s: %w", Variable, err)
	}
	n := &Notifier{to: to}
	n.late = time.AfterFunc(patience, func() {
		n.mu.Lock()
		defer n.mu.Unlock()
		n.tell(true, n.status)
	})
	return n, nil
}

// words are the phases in words for people.
var words = map[string]string{
	event.PhaseDial: "dialling", event.PhaseLCP: "negotiating PPP", event.PhaseAuth: "logging in", event.PhaseIPCP: "asking for an address", event.PhaseIPV6CP: "asking for an address",
	event.PhaseProve: "looking whether packets come back", event.PhaseHangup: "hanging up",
}

// Record updates the state by an event of the dial.
func (n *Notifier) Record(r event.Record) {
	ready, status := false, ""
	switch e := r.Event.(type) {
	case event.Phase:
		status = words[e.Phase]
	case event.Registration:
		status = words[event.PhaseDial] + ", network: " + e.State
		if e.Signal != "" {
			status += ", " + e.Signal
		}
	case event.Notice:
		if e.About == event.NoticeWaiting {
			status = "waiting for " + e.Cause
		}
	case event.Attempt:
		ready, status = e.Number > 1, fmt.Sprintf("attempt %d: %s", e.Number, e.Reason)
	case event.Up:
		ready, status = true, "up: "+e.Local
		if e.Local == "" { // a link of IPv6 alone
			status = "up: " + e.IPv6
		}
		if e.Interface != "" {
			status += " on " + e.Interface
		}
	case event.Down:
		status = "down: " + e.Reason
	}
	if status == "" {
		return
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	n.tell(ready, status)
}

// tell sends what is new.
func (n *Notifier) tell(ready bool, status string) {
	text := ""
	if ready && !n.ready {
		n.ready, text = true, "READY=1\n"
		n.late.Stop()
	}
	if status != n.status {
		n.status = status
		text += "STATUS=" + strings.ReplaceAll(event.Printable(status), "\n", " ") + "\n"
	}
	n.send(text)
}

func (n *Notifier) send(text string) {
	if text == "" {
		return
	}
	// A manager that does not listen is no reason to end a link, nor to hold it up.
	if err := n.to.SetWriteDeadline(time.Now().Add(20 * time.Millisecond)); err == nil {
		_, _ = n.to.Write([]byte(text))
	}
}

// Stopping says that the service ends by itself, and closes the socket.
func (n *Notifier) Stopping() error {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.late.Stop()
	n.send("STOPPING=1\n")
	return n.to.Close()
}

package port

import "fmt"

// Reason is why a port could not be opened.
type Reason uint8

// The reasons.
const (
	Failed     Reason = iota // anything else; the wrapped error says what
	NotFound                 // there is no such device
	Permission               // this user may not
	Busy                     // someone has it exclusively, and who that is could not be found out
	NotTTY                   // it is something else
)

// String gives a word for use in traces: "failed", "not-found", "permission", "busy", "not-a-tty".
func (r Reason) String() string {
	return [...]string{"failed", "not-found", "permission", "busy", "not-a-tty"}[r]
}

// OpenError says why a port could not be opened, and what to do.
type OpenError struct {
	Path   string
	Reason Reason
	Err    error  // what the system said
	Group  string // with Permission: the group that may use the device, or ""
	Likely Holder // with Busy: a ModemManager that runs, which it may well be
}

// Error names the port, the reason and the remedy.
func (e *OpenError) Error() string {
	switch e.Reason {
	case NotFound:
		return fmt.Sprintf("open %s: no such device; is the modem plugged in?", e.Path)
	case Permission:
		if e.Group != "" {
			return fmt.Sprintf("open %s: permission denied; be in group %s (usermod -aG %s USER, then log in anew) or root",
				e.Path, e.Group, e.Group)
		}
		return fmt.Sprintf("open %s: permission denied; the device belongs to root alone", e.Path)
	case Busy:
		text := fmt.Sprintf("open %s: another process uses it, and this user cannot see which", e.Path)
		if e.Likely.PID != 0 {
			text += fmt.Sprintf("; %s (pid %d) is running and takes modems for itself", e.Likely.Program, e.Likely.PID)
		}
		return text
	case NotTTY:
		return fmt.Sprintf("open %s: not a serial port", e.Path)
	default:
		return fmt.Sprintf("open %s: %v", e.Path, e.Err)
	}
}

// Unwrap gives what the system said.
func (e *OpenError) Unwrap() error { return e.Err }

// LockedError says that another process has the port, and which.
type LockedError struct {
	Path    string
	PID     int    // 0 when the lock does not say
	Program string // the process's name, or "" when it cannot be seen
}

// Error names the port and its holder.
func (e *LockedError) Error() string {
	who := e.Program
	if who == "" {
		who = "another program"
	}
	if e.PID != 0 {
		who += fmt.Sprintf(" (pid %d)", e.PID)
	}
	return fmt.Sprintf("open %s: in use by %s", e.Path, who)
}

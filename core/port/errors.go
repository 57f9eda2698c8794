package port

import "fmt"

// Reason is why a port could not be opened.
type Reason uint8

// The reasons.
const (
	Failed     Reason = iota // any other reason; the wrapped error says which
	NotFound                 // there is no such device
	Permission               // this user may not
	Busy                     // another process has it exclusively; it was not possible to find out which
	NotTTY                   // it is not a tty
)

// String gives a word for use in traces: "failed", "not-found", "permission", "busy", "not-a-tty".
func (r Reason) String() string {
	return [...]string{"failed", "not-found", "permission", "busy", "not-a-tty"}[r]
}

// OpenError says why a port could not be opened, and what to do about it.
type OpenError struct {
	Path   string
	Reason Reason
	Err    error  // the system's error
	Group  string // with Permission: the group that may use the device, or ""
	Likely Holder // with Busy: a running ModemManager that probably has it
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

// Unwrap gives the system's error.
func (e *OpenError) Unwrap() error { return e.Err }

// LockedError says which process has the port.
type LockedError struct {
	Path    string
	PID     int    // 0 if the lock does not say
	Program string // the process's name, or "" if it is not visible
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

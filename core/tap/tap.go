// Package tap stands between another program and a modem. The program opens a pseudo-terminal; the tap carries the octets both
// ways unchanged and records them. It sets the program's speed and flow control at the modem's port. A hang-up of either side
// reaches the other.
package tap

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"time"

	"github.com/knakppp/knak/core/event"
	"github.com/knakppp/knak/core/port"
)

// Modem is the port with the modem: a *port.Port. Its writes should wait as long as the modem does not take them.
type Modem interface {
	Read([]byte) (int, error)
	Write([]byte) (int, error)
	SetBaud(int) error
	SetFlow(port.Flow) error
	SetDTR(bool) error
	Drain(deadline time.Time) error
	Status() (port.Status, error)
	WaitLines() (port.Status, error)
	Close() error
}

// Ear gets the octets that pass, and the messages of the tap. Its methods must not wait.
type Ear interface {
	Bytes(now time.Time, dir event.Dir, p []byte)
	Record(event.Record)
}

const (
	// lookEvery is how often to check whether the program has changed its settings while it sends nothing.
	lookEvery = 100 * time.Millisecond
	// drainPatience is how long a change of the speed waits until the earlier octets are sent.
	drainPatience = time.Second
	chunk         = 32 << 10
)

// Tap is the pseudo-terminal of a tap. Make one with Open.
type Tap struct {
	through string // the link to the slave side
	like    string
	name    string // for records
	ears    []Ear
	modem   Modem

	settling sync.Mutex    // held while something is set at the modem's port; taken before mu
	settings port.Settings // as they were applied; guarded by settling

	mu     sync.Mutex // guards what follows
	pty    *port.PTY
	opened bool // a program has the pseudo-terminal open
	closed bool
	look   *time.Timer
	ended  chan error
}

// Open makes the pseudo-terminal, and a symbolic link to it at the path through. It replaces a link that leads nowhere. Every user
// who may open the tty may open the pseudo-terminal.
func Open(through, like string, ears ...Ear) (*Tap, error) {
	through, err := filepath.Abs(through)
	if err != nil {
		return nil, err
	}
	t := &Tap{through: through, like: like, name: filepath.Base(like), ears: ears, ended: make(chan error, 1)}
	pty, path, err := t.make()
	if err != nil {
		return nil, err
	}
	err = os.Symlink(path, through)
	if errors.Is(err, os.ErrExist) && leadsNowhere(through) {
		if err = os.Remove(through); err == nil {
			err = os.Symlink(path, through)
		}
	}
	if err != nil {
		return nil, errors.Join(err, pty.Close())
	}
	t.pty = pty
	return t, nil
}

// leadsNowhere says whether there is a symbolic link without a target: what a tap that was killed leaves behind.
func leadsNowhere(path string) bool {
	st, err := os.Lstat(path)
	if err != nil || st.Mode()&os.ModeSymlink == 0 {
		return false
	}
	_, err = os.Stat(path)
	return errors.Is(err, os.ErrNotExist)
}

// make makes a pseudo-terminal.
func (t *Tap) make() (*port.PTY, string, error) {
	pty, path, err := port.OpenPTY()
	if err != nil {
		return nil, "", err
	}
	pty.Like(t.like, path)
	pty.OnOpen(func() { t.programOpened(pty) })
	return pty, path, nil
}

// Path gives the path that the program must open.
func (t *Tap) Path() string { return t.through }

// Run carries octets until ctx ends (the error is then nil) or the modem's port fails. It closes the modem's port, which restores
// its settings, and hangs up the program.
func (t *Tap) Run(ctx context.Context, modem Modem) error {
	t.modem = modem
	t.settings, _ = t.pty.Settings() // what the program has not changed is not set at the port
	var carriers sync.WaitGroup
	carriers.Go(t.fromProgram)
	carriers.Go(t.fromModem)
	go t.watchLines() // nobody waits for it: some drivers let it go only when a line changes
	var err error
	select {
	case <-ctx.Done():
	case err = <-t.ended:
	}
	t.mu.Lock()
	t.closed = true
	if t.look != nil {
		t.look.Stop()
	}
	pty := t.pty
	t.mu.Unlock()
	err = errors.Join(err, pty.Close(), modem.Close(), os.Remove(t.through))
	carriers.Wait()
	return err
}

// Close closes a tap that was not run.
func (t *Tap) Close() error { return errors.Join(t.pty.Close(), os.Remove(t.through)) }

// end ends Run.
func (t *Tap) end(err error) {
	select {
	case t.ended <- err:
	default: // it has a reason already
	}
}

// now gives the pseudo-terminal that is in use; nil: the tap is closed.
func (t *Tap) now() *port.PTY {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.closed {
		return nil
	}
	return t.pty
}

func (t *Tap) hear(dir event.Dir, p []byte) {
	now := time.Now()
	for _, e := range t.ears {
		e.Bytes(now, dir, p)
	}
}

func (t *Tap) say(level, format string, args ...any) {
	r := event.Record{Time: time.Now(), Link: t.name, Event: event.Notice{Level: level, Text: fmt.Sprintf(format, args...)}}
	for _, e := range t.ears {
		e.Record(r)
	}
}

// fromProgram carries from the program to the modem.
func (t *Tap) fromProgram() {
	buf := make([]byte, chunk)
	for pty := t.now(); pty != nil; pty = t.now() {
		if !pty.Alone() {
			t.programOpened(pty) // before it was waited for
		}
		n, err := pty.Read(buf)
		if n > 0 {
			t.settle(pty) // it was set before it was written
			t.hear(event.Sent, buf[:n])
			if _, err := t.modem.Write(buf[:n]); err != nil {
				t.end(fmt.Errorf("writing to the modem's port: %w", err))
				return
			}
		}
		switch {
		case err == nil:
		case errors.Is(err, port.ErrHungUp):
			t.programClosed(pty)
		case t.now() != pty: // hung up by us
		default:
			t.end(fmt.Errorf("reading from the program: %w", err))
			return
		}
	}
}

// fromModem carries from the modem to the program. While no program is there, what the modem says is heard and lost.
func (t *Tap) fromModem() {
	buf := make([]byte, chunk)
	for {
		n, err := t.modem.Read(buf)
		if n > 0 {
			t.hear(event.Rcvd, buf[:n])
			pty := t.now()
			if pty == nil {
				return
			}
			if _, err := pty.Write(buf[:n]); err != nil && !errors.Is(err, port.ErrHungUp) && t.now() == pty {
				t.end(fmt.Errorf("writing to the program: %w", err))
				return
			}
		}
		if err != nil {
			t.end(fmt.Errorf("reading from the modem's port: %w", err))
			return
		}
	}
}

// programOpened raises DTR, as opening the modem's port itself would.
func (t *Tap) programOpened(pty *port.PTY) {
	t.mu.Lock()
	if t.closed || t.opened || t.pty != pty {
		t.mu.Unlock()
		return
	}
	t.opened = true
	t.look = time.AfterFunc(lookEvery, func() { t.lookAgain(pty) })
	t.mu.Unlock()
	t.setDTR(true)
	t.say("info", "a program has opened %s", t.through)
}

// programClosed drops DTR, which hangs up, where closing the modem's port itself would.
func (t *Tap) programClosed(pty *port.PTY) {
	t.mu.Lock()
	t.opened = false
	t.mu.Unlock()
	if s, err := pty.Settings(); err != nil || s.HangUp {
		t.setDTR(false)
	}
	t.say("info", "the program has closed %s", t.through)
}

// setDTR sets the line where the port has it.
func (t *Tap) setDTR(on bool) {
	if err := t.modem.SetDTR(on); err != nil && !errors.Is(err, port.ErrNoModemLines) {
		t.say("warning", "set DTR at the modem's port: %v", err)
	}
}

// lookAgain looks for new settings and comes back as long as the program is there.
func (t *Tap) lookAgain(pty *port.PTY) {
	t.mu.Lock()
	there := t.opened && !t.closed && t.pty == pty
	t.mu.Unlock()
	if !there {
		return
	}
	t.settle(pty)
	t.mu.Lock()
	if !t.closed {
		t.look.Reset(lookEvery)
	}
	t.mu.Unlock()
}

// settle sets at the modem's port what the program has set anew.
func (t *Tap) settle(pty *port.PTY) {
	s, err := pty.Settings()
	if err != nil {
		return // it is being closed
	}
	t.settling.Lock()
	defer t.settling.Unlock()
	old := t.settings
	if s == old || t.now() != pty {
		return
	}
	t.settings = s
	var errs []error
	var what string
	if s.Baud != old.Baud {
		switch {
		case s.Baud == 0:
			what = "speed 0, which hangs up"
			t.setDTR(false)
		default:
			what = "speed " + strconv.Itoa(s.Baud) + " bit/s"
			if old.Baud == 0 {
				t.setDTR(true)
			}
			_ = t.modem.Drain(time.Now().Add(drainPatience)) // what cannot go out at the old speed goes at the new
			errs = append(errs, t.modem.SetBaud(s.Baud))
		}
	}
	if s.Flow != old.Flow {
		if what != "" {
			what += ", "
		}
		what += "flow control " + s.Flow.String()
	}
	if what == "" {
		return
	}
	errs = append(errs, t.modem.SetFlow(s.Flow)) // setting the speed may have changed it
	t.say("info", "the program sets %s", what)
	if err := errors.Join(errs...); err != nil {
		t.say("warning", "the modem's port does not follow: %v", err)
	}
}

// watchLines hangs up the program when the modem hangs up, unless the program asked not to mind the carrier.
func (t *Tap) watchLines() {
	st, err := t.modem.Status()
	for err == nil {
		last := st
		if st, err = t.modem.WaitLines(); err != nil || last.DCD == st.DCD {
			continue
		}
		word := map[bool]string{true: "on", false: "off"}[st.DCD]
		t.say("info", "the modem's carrier detect (DCD) is %s", word)
		if pty := t.now(); !st.DCD && pty != nil {
			if s, err := pty.Settings(); err == nil && !s.Local {
				t.hangUp(pty)
			}
		}
	}
}

// hangUp gives a hangup to the program that has the pseudo-terminal open, and a new pseudo-terminal under the same name to the
// next program.
func (t *Tap) hangUp(old *port.PTY) {
	pty, path, err := t.make()
	if err != nil {
		t.end(err)
		return
	}
	if err := t.replace(old, pty, path); err != nil {
		t.end(errors.Join(err, pty.Close()))
		return
	}
	_ = old.Close() // ends the reads and writes on it
	t.setDTR(false)
	t.say("info", "the program was hung up; %s is ready for the next", t.through)
}

// replace puts another pseudo-terminal in the place of the old one.
func (t *Tap) replace(old, pty *port.PTY, path string) error {
	t.settling.Lock()
	defer t.settling.Unlock()
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.closed || t.pty != old {
		return errors.New("it is being closed")
	}
	next := t.through + ".new"
	_ = os.Remove(next) // of one that was killed
	if err := os.Symlink(path, next); err != nil {
		return err
	}
	if err := os.Rename(next, t.through); err != nil {
		return err
	}
	t.pty, t.opened = pty, false
	t.settings, _ = pty.Settings()
	return nil
}

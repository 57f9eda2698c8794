package dialer

import (
	"errors"
	"os"
	"sync"
	"time"

	"github.com/knakppp/knak/core/at"
	"github.com/knakppp/knak/core/modem"
	"github.com/knakppp/knak/core/port"
)

const (
	lookFresh = 5 * time.Second // what was seen is told again for so long
	lookSpoil = time.Minute     // a port that does not answer is left alone for so long
	lookLimit = 1500 * time.Millisecond
)

// watcher asks the modem's other port how it is doing, when a status is asked for and no more often than every few seconds. It keeps
// that port open until the call is over: to close it would drop its DTR in the middle of the call, which some modems take for a hang-up.
type watcher struct {
	mu    sync.Mutex
	line  *port.Port
	path  string
	sight modem.Sight
	again time.Time // when it may be asked anew
}

// look gives what the modem said last on the port at path, or says now.
func (w *watcher) look(path string, never []string) modem.Sight {
	w.mu.Lock()
	defer w.mu.Unlock()
	now := time.Now()
	if path == w.path && now.Before(w.again) {
		return w.sight
	}
	if path != w.path {
		w.drop()
	}
	w.path, w.sight, w.again = path, modem.Sight{}, now.Add(lookFresh)
	if w.line == nil {
		line, err := port.Open(path, port.Config{WriteTimeout: time.Second})
		if err != nil {
			w.again = now.Add(lookSpoil)
			return w.sight
		}
		w.line = line
	}
	_ = w.line.Discard() // what it said meanwhile on its own
	var seen modem.Sight
	if err := converse(w.line, at.NewDialogue(modem.Look(&seen, never)), now.Add(lookLimit)); err != nil {
		w.again = now.Add(lookSpoil)
		return w.sight
	}
	w.sight = seen
	return w.sight
}

// end gives the port back.
func (w *watcher) end() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.drop()
}

func (w *watcher) drop() {
	if w.line != nil {
		_ = w.line.Close()
	}
	w.line, w.path, w.again = nil, "", time.Time{}
}

var errTooLong = errors.New("the port for commands does not answer in time")

// line is an open port as converse needs it.
type line interface {
	Read([]byte) (int, error)
	Write([]byte) (int, error)
	SetReadDeadline(time.Time) error
}

// converse lets a dialogue speak on a port until it is over.
func converse(l line, d *at.Dialogue, limit time.Time) error {
	defer d.Stop()
	buf := make([]byte, 512)
	d.Advance(time.Now())
	for {
		for out, ok := d.Next(); ok; out, ok = d.Next() {
			switch o := out.(type) {
			case at.Write:
				if _, err := l.Write(o.Bytes); err != nil {
					return err
				}
			case at.Done:
				return o.Err
			}
		}
		until := d.Deadline()
		if until.IsZero() || limit.Before(until) {
			until = limit
		}
		if !time.Now().Before(limit) {
			return errTooLong
		}
		if err := l.SetReadDeadline(until); err != nil {
			return err
		}
		n, err := l.Read(buf)
		switch now := time.Now(); {
		case n > 0:
			d.Receive(now, buf[:n])
		case errors.Is(err, os.ErrDeadlineExceeded):
			d.Advance(now)
		case err != nil:
			return err
		}
	}
}

// sight is how the modem is doing now, where another of its ports can be asked while the link is up.
func (l *Link) sight() modem.Sight {
	if l.o.ATPort != "" || l.at == nil || l.at.found == nil {
		return modem.Sight{} // the session has that port, or there is none
	}
	path, ok := l.at.found.StatusPort()
	if !ok {
		return modem.Sight{}
	}
	var never []string
	_, facts := l.at.now()
	if r, err := l.o.Database.Resolve(facts, l.o.Profile, l.o.Settings); err == nil {
		never = r.List("at.never")
	}
	return l.watcher.look(path, never)
}

package dialer

import (
	"sync"
	"time"

	"github.com/knakppp/knak/core/at"
	"github.com/knakppp/knak/core/device"
	"github.com/knakppp/knak/core/modem"
	"github.com/knakppp/knak/core/port"
)

const (
	lookFresh = 5 * time.Second // how long an answer is reused
	lookSpoil = time.Minute     // how long a port that does not answer is left alone
	lookLimit = 1500 * time.Millisecond
	lookIdle  = 30 * time.Second // how long the port stays open for the next status; then other programs can use it
)

// watcher asks for signal and operator on the modem's other port, when a status is requested and at most every few seconds. It
// holds that port only while statuses are requested, because other programs may use it too.
type watcher struct {
	mu          sync.Mutex
	line        *port.Port
	path        string
	observation modem.Observation
	again       time.Time // when it may be asked anew
	idle        *time.Timer
}

// look gives the modem's last answer on the port at path, or asks again.
func (w *watcher) look(path string, never []string) modem.Observation {
	w.mu.Lock()
	defer w.mu.Unlock()
	now := time.Now()
	if path == w.path && now.Before(w.again) {
		return w.observation
	}
	if path != w.path {
		w.drop()
	}
	w.path, w.observation, w.again = path, modem.Observation{}, now.Add(lookFresh)
	if w.line == nil {
		line, err := port.Open(path, port.Config{WriteTimeout: time.Second})
		if err != nil {
			w.again = now.Add(lookSpoil)
			return w.observation
		}
		w.line = line
	}
	_ = w.line.Discard() // what it said meanwhile on its own
	var seen modem.Observation
	if err := device.Talk(w.line, at.NewDialogue(modem.Look(&seen, never)), now.Add(lookLimit)); err != nil {
		w.drop()
		w.path, w.again = path, now.Add(lookSpoil)
		return w.observation
	}
	w.observation = seen
	if w.idle == nil {
		w.idle = time.AfterFunc(lookIdle, w.end)
	} else {
		w.idle.Reset(lookIdle)
	}
	return w.observation
}

// end closes the port.
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

// observation gives the modem's signal and operator, if another of its ports can be asked while the link is up.
func (l *Link) observation() modem.Observation {
	if l.o.ATPort != "" || l.at == nil || l.at.found == nil {
		return modem.Observation{} // the session has that port, or there is none
	}
	path, ok := l.at.found.StatusPort()
	if !ok {
		return modem.Observation{}
	}
	var never []string
	_, facts := l.at.now()
	if r, err := l.o.Database.Resolve(facts, l.o.Profile, l.o.Settings); err == nil {
		never = r.List("at.never")
	}
	return l.watcher.look(path, never)
}

// Package refusal remembers on disk which PINs a SIM has refused, so that a service which restarts a dial does not use up the
// SIM's three tries. It stores salted hashes, bound to the SIM's ICCID. The hashes keep a person from reading a PIN by chance;
// they do not stop somebody who can read root's files and tries all ten thousand PINs.
package refusal

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"syscall"
	"time"

	"github.com/knakppp/knak/core/foreign"
	"github.com/knakppp/knak/core/modem"
	"github.com/knakppp/knak/core/trust"
)

// Name is the file's name in its directory.
const Name = "pins"

// Store is a modem.PINMemory in files. It reads the files of all its directories, and writes to the first directory that can be
// written. So a machine whose disk is read-only can use a second directory that lasts until it is restarted. The zero value
// remembers nothing. Several goroutines and processes may use it.
type Store struct {
	dirs []string
	now  func() time.Time
}

// Open makes a store in these directories; the first is preferred. It creates no file before there is something to remember.
func Open(dirs ...string) *Store { return &Store{dirs: dirs, now: time.Now} }

// Recall gives what is remembered of a PIN and a card. If a file cannot be read, Recall assumes that one try was used.
func (s *Store) Recall(c modem.Card, pin string) modem.PINRecord {
	all := modem.PINRecord{TriesBefore: -1}
	for _, dir := range s.dirs {
		st, err := load(dir)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			all.Wrong = max(all.Wrong, 1)
			continue
		}
		card := st.card(c)
		if card == nil {
			continue
		}
		all.Wrong = max(all.Wrong, card.Wrong)
		if p := card.pin(st.pinHash(c, pin)); p != nil {
			all.Refused = all.Refused || p.Is == isRefused
			if p.Is == isSent {
				all.Sent, all.TriesBefore = true, p.Tries
			}
		}
	}
	return all
}

// Sending records that a PIN is about to be sent: until Settle says more, the try counts as used. If the card accepted this PIN
// last time, nothing is written, so that a machine which enters its PIN at every start does not wear out its flash memory.
func (s *Store) Sending(c modem.Card, pin string, tries int) error {
	return s.change(c, pin, false, func(card *card, p *pinState) bool {
		if p.Is == isAccepted {
			return false
		}
		card.Wrong++
		p.Is, p.Tries = isSent, tries
		return true
	})
}

// Settle records the result of sending a PIN.
func (s *Store) Settle(c modem.Card, pin string, o modem.PINOutcome) error {
	return s.change(c, pin, true, func(card *card, p *pinState) bool {
		was, wrong := p.Is, card.Wrong
		switch {
		case o == modem.PINAccepted: // the SIM has its full number of tries again
			p.Is, card.Wrong = isAccepted, 0
		case o == modem.PINRefused && p.Is != isRefused:
			if p.Is != isSent { // otherwise it is counted
				card.Wrong++
			}
			p.Is = isRefused
		case o == modem.PINUnspent && p.Is == isSent:
			card.remove(p.Hash)
			card.Wrong = max(card.Wrong-1, 0)
			return true
		}
		p.Tries = -1
		return p.Is != was || card.Wrong != wrong
	})
}

// change changes what is remembered of a PIN at a card. With everywhere it does so in each file that there is.
func (s *Store) change(c modem.Card, pin string, everywhere bool, do func(*card, *pinState) bool) error {
	var errs []error
	for _, dir := range s.dirs {
		_, missing := os.Lstat(filepath.Join(dir, Name))
		if len(errs) < slices.Index(s.dirs, dir) && !(everywhere && missing == nil) {
			continue // one before it has taken it
		}
		if err := s.changeIn(dir, c, pin, do); err != nil {
			errs = append(errs, err)
		}
	}
	if len(errs) < len(s.dirs) {
		return nil
	}
	return errors.Join(errs...)
}

// lockWait is how long to wait for other processes that change the file. On a busy machine a memory card takes a second for one
// change, and several dials begin at once when a gateway starts. A refusal that is not recorded costs the SIM a try.
const lockWait = 10 * time.Second

func (s *Store) changeIn(dir string, c modem.Card, pin string, do func(*card, *pinState) bool) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	if asRoot() {
		if err := trust.Path(dir); err != nil {
			return err
		}
	}
	lock, err := foreign.Lock(filepath.Join(dir, Name+".lock"))
	for until := time.Now().Add(lockWait); errors.Is(err, syscall.EWOULDBLOCK) && time.Now().Before(until); {
		time.Sleep(lockWait / 1000)
		lock, err = foreign.Lock(filepath.Join(dir, Name+".lock"))
	}
	if err != nil {
		return err
	}
	defer lock.Close()
	st, err := load(dir)
	damaged := err != nil && !errors.Is(err, fs.ErrNotExist)
	if err != nil {
		if st, err = fresh(); err != nil {
			return err
		}
	}
	card := st.make(c)
	hash := st.pinHash(c, pin)
	p := card.make(hash)
	if !do(card, p) && !damaged {
		return nil
	}
	if p.Is == "" {
		card.remove(hash)
	}
	card.At = s.now().UTC().Truncate(time.Second)
	st.trim()
	return foreign.Replace(filepath.Join(dir, Name), st.format(), 0o600)
}

// load reads the file of a directory.
func load(dir string) (*state, error) {
	path := filepath.Join(dir, Name)
	content, err := foreign.Read(path, foreign.Rules{Limit: maxFile, Trusted: asRoot()})
	if err != nil {
		return nil, err
	}
	st, err := parse(content)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return st, nil
}

// asRoot says whether a file that others can change is refused: what is in it decides what root's process sends to a SIM.
func asRoot() bool { return os.Geteuid() == 0 }

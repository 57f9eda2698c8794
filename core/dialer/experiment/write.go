package experiment

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/knakppp/knak/core/event"
	"github.com/knakppp/knak/core/foreign"
	"github.com/knakppp/knak/core/inspect"
	"github.com/knakppp/knak/core/link/adapt/harvest"
	"github.com/knakppp/knak/core/private"
	"github.com/knakppp/knak/core/recording/read"
)

// Profile is the name of the profile that Write writes. chosen says that somebody must choose it, with --quirks or in the
// configuration: the modem does not say who it is, so that no entry of the database can name it.
func (s *Series) Profile() (id string, chosen bool) {
	f := s.found()
	return f.ID(), f.Nameless()
}

// found is what there is to be written.
func (s *Series) found() *harvest.Found {
	d := &s.o.Dial
	var secrets private.Known
	secrets.Add(d.Password.Reveal(), d.PIN.Reveal())
	given := slices.Clone(d.Settings)
	for i, set := range given { // a carrier may have the password in the APN
		given[i] = secrets.Text(set)
	}
	return &harvest.Found{Device: s.device, Link: s.o.Dial.Name, Simulated: s.Simulated(), Verdict: s.verdict, Trials: s.search.Trials, Given: given, Database: d.Database}
}

// Write writes what was learned into Options.Dir: the profile, the entry by which dials find it, and a scenario that shows the need of
// it; and forgets by what the series would have gone on. It gives the names. No file is overwritten: where one of them is there
// already nothing is written. Where nothing is needed there is nothing to write.
func (s *Series) Write() (names []string, err error) {
	switch {
	case s.o.Dir == "":
		return nil, errors.New("there is no directory to write into")
	case !s.verdict.Learned:
		return nil, errors.New("nothing was learned")
	case len(s.verdict.Set) == 0:
		return nil, s.forget()
	}
	files := s.found().Files()
	for _, f := range files {
		name := filepath.Join(s.o.Dir, filepath.FromSlash(f.Name))
		// What an earlier series has written that was cut off then is the same.
		if old, err := foreign.Read(name, foreign.Rules{}); !errors.Is(err, fs.ErrNotExist) && (err != nil || string(old) != f.Text) {
			return nil, fmt.Errorf("%s is there already, and nothing was written: move it away and run this again, which dials no more (%s has what was learned)", name, s.State())
		}
		names = append(names, name)
	}
	for i, f := range files {
		err := os.MkdirAll(filepath.Dir(names[i]), 0o755)
		if err == nil {
			err = foreign.Replace(names[i], []byte(f.Text), 0o644)
		}
		if err != nil {
			return names[:i], fmt.Errorf("%w; what was learned stays in %s", err, s.State())
		}
	}
	return names, s.forget()
}

// forget removes the file by which the series would go on: there is nothing to go on with.
func (s *Series) forget() error {
	if err := os.Remove(s.State()); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// Export packs what others need to take it into the database: the files, the matrix of the calls, and what passed in them, masked.
func (s *Series) Export(w io.Writer, made time.Time) error {
	var passed iter.Seq2[event.Record, error] = func(func(event.Record, error) bool) {} // nothing, where only a recording was looked at
	if s.passed.Len() > 0 {
		r, err := read.Open(bytes.NewReader(s.passed.Bytes()), read.Options{Name: "what passed"})
		if err != nil {
			return err
		}
		passed = read.All(r)
	}
	return s.found().Export(w, made, passed, inspect.Words(s.o.Dial.Database.Profiles())...)
}

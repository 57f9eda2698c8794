package experiment

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"github.com/knakppp/knak/core/event"
	"github.com/knakppp/knak/core/foreign"
	"github.com/knakppp/knak/core/learn"
)

// kept is the file by which a series goes on.
type kept struct {
	Unknown bool          `json:"unknown"`
	Sim     string        `json:"sim"`
	Set     []string      `json:"set"`
	Login   login         `json:"login"`
	Device  event.Device  `json:"device"`
	Trials  []learn.Trial `json:"trials"`
	Passed  int           `json:"passed"` // how many octets of the other file these calls have
}

// login tells one password from another. Sum has two octets: nobody finds the password by it, whatever he tries.
type login struct {
	Salt []byte `json:"salt"`
	Sum  []byte `json:"sum"`
}

func sum(salt []byte, password string) login {
	all := sha256.Sum256(append(salt[:len(salt):len(salt)], password...))
	return login{salt, all[:2]}
}

// traceLimit is how long the file of what passed may be: a call is some ten thousand octets.
const traceLimit = 64 << 20

// State is the file by which the series goes on, and Trace that of what passed in its calls, as JSON Lines; "" without Options.Dir.
func (s *Series) State() string { return s.path(".json") }

// Trace is the file of what passed in the calls, which readers of recordings read; "" without Options.Dir.
func (s *Series) Trace() string { return s.path(".jsonl") }

func (s *Series) path(suffix string) string {
	if s.o.Dir == "" {
		return ""
	}
	return filepath.Join(s.o.Dir, "learn-"+s.o.Dial.Name+suffix)
}

// wishes are what must be the same for a series to go on.
func (s *Series) wishes() kept {
	d := &s.o.Dial
	k := kept{Unknown: s.o.Unknown, Set: d.Settings}
	if d.Simulated != nil {
		k.Sim = d.Simulated.Name
	}
	return k
}

// resume reads what an earlier series of the same wishes has found. A last call after which only a person could go on, as with a PIN
// that was missing, is made again.
func (s *Series) resume() error {
	if s.o.Dir == "" {
		return nil
	}
	b, err := foreign.Read(s.State(), foreign.Rules{Limit: 1 << 20, Trusted: true})
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	var k kept
	if err == nil {
		if err = json.Unmarshal(b, &k); err != nil {
			err = fmt.Errorf("%s: %w", s.State(), err)
		}
	}
	if err != nil {
		return fmt.Errorf("what an earlier run found cannot be read: %w; remove the file to begin anew", err)
	}
	wishes := s.wishes()
	if k.Unknown != wishes.Unknown || k.Sim != wishes.Sim || !slices.Equal(k.Set, wishes.Set) || !slices.Equal(k.Login.Sum, sum(k.Login.Salt, s.o.Dial.Password.Reveal()).Sum) {
		return nil
	}
	if n := len(k.Trials); n > 0 && k.Trials[n-1].Failure.NeedsPerson() {
		k.Trials = k.Trials[:n-1]
	}
	s.search.Trials, s.device, s.resumed = k.Trials, k.Device, len(k.Trials)
	passed, err := foreign.Read(s.Trace(), foreign.Rules{Limit: traceLimit, Trusted: true})
	if err != nil {
		return nil // it begins anew, and the trials count all the same
	}
	s.passed.Write(passed[:min(k.Passed, len(passed))])
	if len(passed) > k.Passed { // of a call that was cut off nothing stays
		return foreign.Replace(s.Trace(), s.passed.Bytes(), 0o600)
	}
	return nil
}

// keep writes both files. The one by which the series goes on comes last: it tells how much of the other counts.
func (s *Series) keep() error {
	if s.o.Dir == "" {
		return nil
	}
	k := s.wishes()
	salt := make([]byte, 16)
	_, _ = rand.Read(salt) // it never fails (crypto/rand)
	k.Login = sum(salt, s.o.Dial.Password.Reveal())
	k.Device, k.Trials, k.Passed = s.device, s.search.Trials, s.passed.Len()
	b, err := json.MarshalIndent(k, "", " ")
	if err == nil {
		err = os.MkdirAll(s.o.Dir, 0o755)
	}
	if err == nil {
		err = foreign.Replace(s.Trace(), s.passed.Bytes(), 0o600)
	}
	if err == nil {
		err = foreign.Replace(s.State(), append(b, '\n'), 0o600)
	}
	if err != nil {
		return fmt.Errorf("what was found cannot be kept: %w", err)
	}
	return nil
}

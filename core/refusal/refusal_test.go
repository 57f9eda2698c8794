package refusal

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/knakppp/knak/core/modem"
)

// The numbers are made up.
var (
	one   = modem.Card{ICCID: "8999901234567890123"}
	other = modem.Card{ICCID: "8999909876543210987"}
)

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func TestStore(t *testing.T) {
	unknown := modem.PINRecord{TriesBefore: -1}
	type step struct {
		card modem.Card
		pin  string
		do   string // "send N", "accepted", "refused", "unspent"
	}
	for _, c := range []struct {
		name  string
		steps []step
		card  modem.Card
		pin   string
		want  modem.PINRecord
	}{
		{"nothing", nil, one, "1234", unknown},
		{"refused", []step{{one, "1234", "send 3"}, {one, "1234", "refused"}}, one, "1234", modem.PINRecord{Refused: true, TriesBefore: -1, Wrong: 1}},
		{"refused, another PIN", []step{{one, "1234", "send 3"}, {one, "1234", "refused"}}, one, "4711", modem.PINRecord{TriesBefore: -1, Wrong: 1}},
		{"refused, another card", []step{{one, "1234", "send 3"}, {one, "1234", "refused"}}, other, "1234", unknown},
		{"refused, a modem whose SIM is not known", []step{{modem.Card{Modem: "a"}, "1234", "send -1"}, {modem.Card{Modem: "a"}, "1234", "refused"}},
			modem.Card{Modem: "a"}, "1234", modem.PINRecord{Refused: true, TriesBefore: -1, Wrong: 1}},
		{"sent, and the power failed", []step{{one, "1234", "send 3"}}, one, "1234", modem.PINRecord{Sent: true, TriesBefore: 3, Wrong: 1}},
		{"sent, and the power failed, twice", []step{{one, "1234", "send -1"}, {one, "1234", "send -1"}}, one, "1234", modem.PINRecord{Sent: true, TriesBefore: -1, Wrong: 2}},
		{"two wrong ones", []step{{one, "1234", "send 3"}, {one, "1234", "refused"}, {one, "1111", "send 2"}, {one, "1111", "refused"}}, one, "2222",
			modem.PINRecord{TriesBefore: -1, Wrong: 2}},
		{"accepted", []step{{one, "1234", "send 3"}, {one, "1234", "accepted"}}, one, "1234", unknown},
		{"accepted, and the power failed while it was sent again", []step{{one, "1234", "send 3"}, {one, "1234", "accepted"}, {one, "1234", "send 3"}}, one, "1234", unknown},
		{"a wrong one, then the right one: the count begins anew, the wrong one stays wrong",
			[]step{{one, "1234", "send 3"}, {one, "1234", "refused"}, {one, "1111", "send 2"}, {one, "1111", "accepted"}}, one, "1234",
			modem.PINRecord{Refused: true, TriesBefore: -1}},
		{"accepted, then refused: the SIM's own was changed", []step{{one, "1234", "send 3"}, {one, "1234", "accepted"}, {one, "1234", "send 3"}, {one, "1234", "refused"}},
			one, "1234", modem.PINRecord{Refused: true, TriesBefore: -1, Wrong: 1}},
		{"refused, told to send it again, refused", []step{{one, "1234", "send 3"}, {one, "1234", "refused"}, {one, "1234", "send 2"}, {one, "1234", "refused"}},
			one, "1234", modem.PINRecord{Refused: true, TriesBefore: -1, Wrong: 2}},
		{"not taken", []step{{one, "1234", "send 3"}, {one, "1234", "unspent"}}, one, "1234", unknown},
		{"not taken, and never sent", []step{{one, "1234", "unspent"}}, one, "1234", unknown},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "made")
			for _, step := range c.steps {
				s := Open(dir) // another run
				var tries int
				switch {
				case step.do == "accepted":
					must(t, s.Settle(step.card, step.pin, modem.PINAccepted))
				case step.do == "refused":
					must(t, s.Settle(step.card, step.pin, modem.PINRefused))
				case step.do == "unspent":
					must(t, s.Settle(step.card, step.pin, modem.PINUnspent))
				default:
					_, err := fmt.Sscanf(step.do, "send %d", &tries)
					must(t, err)
					must(t, s.Sending(step.card, step.pin, tries))
				}
			}
			if got := Open(dir).Recall(c.card, c.pin); got != c.want {
				t.Errorf("%+v, want %+v", got, c.want)
			}
			content, _ := os.ReadFile(filepath.Join(dir, Name))
			for _, secret := range []string{one.ICCID, other.ICCID, "1234", "1111"} {
				if bytes.Contains(content, []byte(secret)) && len(secret) > 4 {
					t.Errorf("the file gives %s away", secret)
				}
			}
			if info, err := os.Stat(filepath.Join(dir, Name)); err == nil && info.Mode() != 0o600 {
				t.Errorf("mode %v", info.Mode())
			}
		})
	}
}

// A machine that enters its PIN at every start writes nothing from the second start on.
func TestTheRightPINWearsOutNoMemory(t *testing.T) {
	dir := t.TempDir()
	s := Open(dir)
	at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	s.now = func() time.Time { at = at.Add(time.Hour); return at }
	for run := range 3 {
		before, _ := os.ReadFile(filepath.Join(dir, Name))
		must(t, s.Sending(one, "1234", 3))
		must(t, s.Settle(one, "1234", modem.PINAccepted))
		if after, _ := os.ReadFile(filepath.Join(dir, Name)); run > 0 && !bytes.Equal(before, after) {
			t.Errorf("run %d wrote", run)
		}
	}
}

func TestADirectoryThatTakesNoFile(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	must(t, os.WriteFile(file, nil, 0o600))
	bad, good := filepath.Join(file, "not"), t.TempDir()
	s := Open(bad, good)
	must(t, s.Sending(one, "1234", 3))
	must(t, s.Settle(one, "1234", modem.PINRefused))
	if got := Open(bad, good).Recall(one, "1234"); !got.Refused {
		t.Errorf("the second directory did not serve: %+v", got)
	}
	// The first one works again: what the second says still counts, and is cleared with the rest.
	first := t.TempDir()
	s = Open(first, good)
	if got := s.Recall(one, "1234"); !got.Refused {
		t.Errorf("%+v", got)
	}
	must(t, s.Sending(one, "1234", 2))
	must(t, s.Settle(one, "1234", modem.PINAccepted))
	if got := s.Recall(one, "1234"); got.Refused || got.Wrong != 0 {
		t.Errorf("%+v", got)
	}
	s = Open(bad, filepath.Join(file, "neither"))
	if err := s.Sending(one, "1234", 3); err == nil || strings.Count(err.Error(), "\n") != 1 {
		t.Errorf("%v", err)
	}
}

// What cannot be read counts as one try spent, and is replaced.
func TestADamagedFile(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, Name)
	must(t, os.WriteFile(path, []byte("{\"version\": 1,"), 0o600))
	s := Open(dir)
	if got := s.Recall(one, "1234"); got != (modem.PINRecord{TriesBefore: -1, Wrong: 1}) {
		t.Errorf("%+v", got)
	}
	must(t, s.Sending(one, "1234", 3))
	if got := s.Recall(one, "1234"); !got.Sent {
		t.Errorf("%+v", got)
	}
	must(t, os.Remove(path))
	must(t, os.Symlink("/dev/zero", path))
	if got := s.Recall(one, "1234"); got.Wrong != 1 {
		t.Errorf("a link: %+v", got)
	}
}

func TestTheFileIsBounded(t *testing.T) {
	dir := t.TempDir()
	s := Open(dir)
	at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	s.now = func() time.Time { at = at.Add(time.Second); return at }
	st, err := fresh()
	must(t, err)
	for n := range 3 * maxCards {
		k := &card{Hash: fmt.Sprintf("%032x", n), At: s.now()}
		st.Cards = append(st.Cards, k)
		for p := range 2 * maxPINs {
			k.make(fmt.Sprintf("%032x", p)).Is = isRefused
		}
		st.trim()
	}
	content := st.format()
	if len(content) > maxFile {
		t.Errorf("%d octets", len(content))
	}
	if st, err = parse(content); err != nil || len(st.Cards) != maxCards || st.Cards[0].Hash != fmt.Sprintf("%032x", 3*maxCards-1) {
		t.Errorf("%v; the last card is not kept", err)
	}
}

func TestSeveralAtOnce(t *testing.T) {
	dir := t.TempDir()
	var all sync.WaitGroup
	for n := range 8 {
		all.Go(func() {
			if err := Open(dir).Settle(modem.Card{ICCID: fmt.Sprint(n)}, "1234", modem.PINRefused); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	for n := range 8 {
		if !Open(dir).Recall(modem.Card{ICCID: fmt.Sprint(n)}, "1234").Refused {
			t.Errorf("card %d was lost", n)
		}
	}
}

func FuzzParse(f *testing.F) {
	st, err := fresh()
	if err != nil {
		f.Fatal(err)
	}
	st.make(one).make(st.pinHash(one, "1234")).Is = isRefused
	f.Add(st.format())
	f.Add([]byte(`{"version":1,"salt":"00","cards":null}`))
	f.Fuzz(func(t *testing.T, content []byte) {
		st, err := parse(content)
		if err != nil {
			return
		}
		again, err := parse(st.format())
		if err != nil || !bytes.Equal(again.format(), st.format()) {
			t.Errorf("%v: %s", err, st.format())
		}
		_ = st.card(one)
		st.make(other).make(st.pinHash(other, "1")).Is = isSent
		st.trim()
		if _, err := parse(st.format()); err != nil {
			t.Error(err)
		}
	})
}

package experiment

import (
	"archive/zip"
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/knakppp/knak/core/dialer"
	"github.com/knakppp/knak/core/event"
	"github.com/knakppp/knak/core/learn"
	"github.com/knakppp/knak/core/sim"
)

// odd hangs up when it is asked for name servers: a search finds that in a few calls.
const odd = `schema = 1
summary = "hangs up when it is asked for name servers"
[identity]
manufacturer = "acme"
model = "m1"
[auth]
demand = "chap-md5"
[[ipcp.rule]]
asks = ["dns1"]
do = "hangup"
`

const refusing = `schema = 1
summary = "refuses the login"
[auth]
demand = "pap"
accept = "none"
`

func options(t *testing.T, scenario, dir string) Options {
	t.Helper()
	s, err := sim.Parse("test.toml", []byte(scenario))
	if err != nil {
		t.Fatal(err)
	}
	return Options{Dial: dialer.Options{Simulated: &s}, Dir: dir}
}

func begin(t *testing.T, o Options) *Series {
	t.Helper()
	s, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// try makes at most n calls, and says how many there were.
func try(t *testing.T, s *Series, n int) (made int) {
	t.Helper()
	for ; made < n; made++ {
		e, more := s.Next()
		if !more {
			break
		}
		if _, err := s.Try(t.Context(), e); err != nil {
			t.Fatal(err)
		}
	}
	return made
}

// plain are trials without the times of one run.
func plain(list []learn.Trial) (out []learn.Trial) {
	for _, t := range list {
		t.Took, t.UpAfter, t.Wait, t.Failure.Up = 0, 0, 0, 0
		out = append(out, t)
	}
	return out
}

// Wherever it is cut off, a series goes on, and comes to the same; what a call that was cut off has left is not taken for one.
func TestGoesOnWhereItWasCutOff(t *testing.T) {
	whole := begin(t, options(t, odd, ""))
	calls := try(t, whole, 100)
	if v := whole.Verdict(); !v.Learned || len(v.Set) != 1 || v.Set[0].String() != "ipcp.request=address" {
		t.Fatalf("%+v", v)
	}
	for _, cut := range []int{1, calls / 2, calls} {
		dir := t.TempDir()
		first := begin(t, options(t, odd, dir))
		try(t, first, cut)
		if cut > 0 {
			f, err := os.OpenFile(first.Trace(), os.O_APPEND|os.O_WRONLY, 0)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := f.WriteString(`{"half a li`); err != nil {
				t.Fatal(err)
			}
			if err := f.Close(); err != nil {
				t.Fatal(err)
			}
		}
		second := begin(t, options(t, odd, dir))
		if second.Resumed() != cut {
			t.Fatalf("after %d calls: %d are known", cut, second.Resumed())
		}
		try(t, second, 100)
		if !reflect.DeepEqual(plain(second.Trials()), plain(whole.Trials())) || second.Verdict().Learned != true {
			t.Errorf("after %d calls it came to\n%+v\nand not\n%+v", cut, plain(second.Trials()), plain(whole.Trials()))
		}
		text, err := os.ReadFile(second.Trace())
		if n := strings.Count(string(text), `"event":"down"`); err != nil || n != calls || strings.Contains(string(text), "half a li") {
			t.Errorf("after %d calls: %d calls passed, %v", cut, n, err)
		}
		names, err := second.Write()
		if err != nil || len(names) != 3 || second.Resumed() != cut {
			t.Errorf("%v, %v", names, err)
		}
		if _, err := os.Stat(second.State()); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("there is still something to go on with: %v", err)
		}
	}
}

// Nothing of a person's is overwritten; what the same series has written before it was cut off is.
func TestWrite(t *testing.T) {
	dir := t.TempDir()
	s := begin(t, options(t, odd, dir))
	if _, err := s.Write(); err == nil {
		t.Error("something was written of nothing")
	}
	try(t, s, 100)
	files := s.found().Files()
	put := func(name, text string) {
		t.Helper()
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	second := filepath.Join(dir, files[1].Name)
	put(second, "# by hand\n")
	if _, err := s.Write(); err == nil || !strings.Contains(err.Error(), "is there already") {
		t.Errorf("%v", err)
	}
	if _, err := os.Stat(filepath.Join(dir, files[0].Name)); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("one file was written: %v", err)
	}
	put(second, files[1].Text)
	if names, err := s.Write(); err != nil || len(names) != len(files) {
		t.Errorf("%v, %v", names, err)
	}
}

// A person who gives another password, or cures what no setting cures, is not held to what was seen before.
func TestWhatAPersonChangesIsTriedAgain(t *testing.T) {
	dir := t.TempDir()
	with := func(password string) *Series {
		o := options(t, refusing, dir)
		o.Dial.User, o.Dial.Password = "me", dialer.NewSecret(password)
		return begin(t, o)
	}
	s := with("geheim-1")
	if n := try(t, s, 100); n == 0 || s.Verdict().Furthest.Kind != event.FailedAuthRejected {
		t.Errorf("%d calls, %+v", n, s.Verdict())
	}
	text, err := os.ReadFile(s.State())
	if err != nil || strings.Contains(string(text), "geheim") {
		t.Errorf("%v\n%s", err, text)
	}
	if n := try(t, with("geheim-1"), 100); n != 0 {
		t.Errorf("the same password was sent %d times more", n)
	}
	if n := try(t, with("geheim-2"), 1); n != 1 {
		t.Error("another password was not tried")
	}

	dir = t.TempDir()
	locked := "schema = 1\nsummary = \"wants its PIN\"\n[sim]\nstate = \"pin\"\npin = \"1234\"\n"
	s = begin(t, options(t, locked, dir))
	if n := try(t, s, 100); n != 1 || s.Verdict().Furthest.Kind != event.FailedPINNeeded {
		t.Fatalf("%d calls, %+v", n, s.Verdict())
	}
	o := options(t, locked, dir)
	o.Dial.PIN = dialer.NewSecret("1234")
	s = begin(t, o)
	if try(t, s, 100); !s.Verdict().Learned {
		t.Errorf("%+v", s.Verdict())
	}
}

// What was no experiment is an error with the outcome of a dial, and leaves nothing.
func TestNoExperiment(t *testing.T) {
	o := Options{Dial: dialer.Options{Port: filepath.Join(t.TempDir(), "none"), StateDir: t.TempDir()}, Dir: t.TempDir()}
	s := begin(t, o)
	e, _ := s.Next()
	var failed *dialer.Error
	if out, err := s.Try(t.Context(), e); !errors.As(err, &failed) || failed.Outcome.Kind != out.Kind || out.Kind != event.FailedPortOpen && out.Kind != event.FailedNoModem {
		t.Errorf("%v, %v", out, err)
	}
	ended, end := context.WithCancel(t.Context())
	end()
	for _, s := range []*Series{s, begin(t, options(t, odd, ""))} {
		if _, err := s.Try(ended, e); !errors.As(err, &failed) || failed.Outcome.String() != "told to end" {
			t.Errorf("%v", err)
		}
		if len(s.Trials()) != 0 || s.passed.Len() != 0 {
			t.Errorf("%v, %s", s.Trials(), &s.passed)
		}
	}
}

func TestOptions(t *testing.T) {
	for _, tt := range []struct {
		o   Options
		bad string
	}{
		{Options{Budget: learn.Budget{Dials: -1}}, "0 or more"},
		{Options{Budget: learn.Budget{Refusals: 10}}, "locked after ten"},
		{Options{Dial: dialer.Options{Port: "-"}}, "makes many"},
		{Options{Dial: dialer.Options{Scenario: "no/such"}}, "no/such"},
		{Options{Dial: dialer.Options{Settings: []string{"lcp.nothing=1"}}}, "lcp.nothing"},
	} {
		if _, err := New(tt.o); err == nil || !strings.Contains(err.Error(), tt.bad) {
			t.Errorf("%+v: %v", tt.o, err)
		}
	}
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "learn-link.json"), []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := New(options(t, odd, dir)); err == nil || !strings.Contains(err.Error(), "remove the file") {
		t.Errorf("%v", err)
	}
}

// A carrier's APN may have the password in it: what is written for others has not, nor has what a modem repeats of it.
func TestWhatIsWrittenHoldsNoSecret(t *testing.T) {
	const password = "Zephyr-Quartz9"
	dir := t.TempDir()
	o := options(t, strings.Replace(odd, `model = "m1"`, `model = "m1 `+password+`"`, 1), dir)
	o.Dial.User, o.Dial.Password = "joe", dialer.NewSecret(password)
	o.Dial.Settings = []string{"context.apn=" + password + ".example"}
	s := begin(t, o)
	try(t, s, 100)
	var export bytes.Buffer
	if err := s.Export(&export, time.Unix(0, 0)); err != nil {
		t.Fatal(err)
	}
	names, err := s.Write()
	if err != nil || len(names) != 3 {
		t.Fatalf("%v, %v", names, err)
	}
	texts := map[string]string{s.Trace(): ""}
	for _, name := range append(names, s.Trace()) {
		b, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		texts[name] = string(b)
	}
	z, err := zip.NewReader(bytes.NewReader(export.Bytes()), int64(export.Len()))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range z.File {
		r, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		b, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		texts["export/"+f.Name] = string(b)
	}
	if len(texts) < 10 {
		t.Errorf("only %d files", len(texts))
	}
	for name, text := range texts {
		if low := strings.ToLower(name + text); strings.Contains(low, "zephyr") || strings.Contains(low, "quartz9") {
			t.Errorf("%s has it: %s", name, text[:min(len(text), 400)])
		}
	}
}

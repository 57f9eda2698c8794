package policy_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/knakppp/knak"
	"github.com/knakppp/knak/core/advice"
	"github.com/knakppp/knak/core/link"
	"github.com/knakppp/knak/core/link/policy"
	"github.com/knakppp/knak/core/modem"
	"github.com/knakppp/knak/quirks"
)

// database is the built-in one, with a person's own profile for a model of theirs that sets a user name.
func database(t *testing.T) *quirks.DB {
	t.Helper()
	dir := t.TempDir()
	for name, text := range map[string]string{
		"devices.d/own.toml":      "schema = 1\n[[device]]\nprofile = \"own/stick\"\nmodel = [\"MY STICK\"]\n",
		"quirks.d/own/stick.toml": "schema = 1\n[auth.user]\nvalue = \"5551234567\"\n",
	} {
		file := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	db, problems := quirks.Open(quirks.Sources{Builtin: knak.Files, User: dir})
	for _, p := range problems {
		t.Fatal(p)
	}
	return db
}

// What a person chose is chosen wherever they wrote it: on the command line, or in a profile of their own.
func TestChosen(t *testing.T) {
	db := database(t)
	for _, c := range []struct {
		name   string
		by     policy.Resolver
		known  link.Facts
		chosen bool
	}{
		{name: "nobody", by: policy.Resolver{DB: db}},
		{name: "on the command line", by: policy.Resolver{DB: db, Set: []string{"auth.user=me"}}, chosen: true},
		{name: "in their own profile", by: policy.Resolver{DB: db}, known: link.Facts{Identity: modem.Identity{Model: "MY STICK"}}, chosen: true},
		{name: "the modem is to be unknown", by: policy.Resolver{DB: db, Unknown: true}, known: link.Facts{Identity: modem.Identity{Model: "MY STICK"}}},
		{name: "a profile of the house", by: policy.Resolver{DB: db, Profile: "huawei/e398"}},
	} {
		sel, err := c.by.Resolve(c.known)
		if err != nil {
			t.Fatal(err)
		}
		if sel.Chosen("auth.user") != c.chosen {
			t.Errorf("%s: auth.user is chosen: %v", c.name, !c.chosen)
		}
		for _, q := range sel.Quirks {
			if strings.Contains(q.Value, "5551234567") {
				t.Errorf("%s: %s is shown as %s", c.name, q.Key, q.Value)
			}
		}
	}
}

// What somebody advises and the database does not take is told, in one piece for each of them; the rest holds.
func TestAdvisedSettings(t *testing.T) {
	sel, err := policy.Resolver{DB: database(t)}.Resolve(link.Facts{Advised: []advice.Setting{
		{Key: "at.init", Value: "AT+CFUN=0", Reason: "r", By: "plugin bad"},
		{Key: "no.such", Value: "1", Reason: "r", By: "plugin bad"},
		{Key: "ipcp.deadline", Value: "17s", Reason: "r", By: "plugin good"},
	}})
	if err != nil {
		t.Fatal(err)
	}
	if len(sel.Refused) != 1 || sel.Refused[0].By != "plugin bad" || strings.Count(sel.Refused[0].Err.Error(), "setting") < 2 {
		t.Errorf("refused %+v", sel.Refused)
	}
	if got := sel.Policy.Duration("ipcp.deadline").Seconds(); got != 17 {
		t.Errorf("ipcp.deadline is %v s", got)
	}
}

func TestWhatCannotBeFollowed(t *testing.T) {
	_, err := policy.Resolver{DB: database(t), Profile: "no/such"}.Resolve(link.Facts{})
	var refused *link.SelectionError
	if !errors.As(err, &refused) {
		t.Errorf("%v", err)
	}
}

// The identity of last time decides what is used before the modem is asked; another modem's answer takes its place.
func TestARememberedIdentityComesInTime(t *testing.T) {
	device := "schema = 1\n[[device]]\nname = \"n\"\nmodel = [\"M1\"]\nprofile = \"acme/m1\"\nsource = [\"https://example.com\"]\n"
	profile := "schema = 1\nsummary = \"M1\"\n[at.ready_wait]\nvalue = \"33s\"\nreason = \"It starts slowly.\"\nsource = [\"https://example.com\"]\nconfidence = \"guessed\"\n"
	db, problems := quirks.Open(quirks.Sources{Builtin: fstest.MapFS{"devices.toml": {Data: []byte(device)}, "quirks/acme/m1.toml": {Data: []byte(profile)}}})
	if len(problems) > 0 {
		t.Fatal(problems[0])
	}
	r := policy.Resolver{DB: db, Facts: quirks.Facts{USB: quirks.None, Manufacturer: "acme", Model: "M1", Revision: "1", Remembered: true}}
	for _, tt := range []struct {
		known link.Facts
		want  time.Duration
	}{
		{link.Facts{}, 33 * time.Second},
		{link.Facts{Identity: modem.Identity{Vendor: "acme", Model: "M1", Firmware: "1"}}, 33 * time.Second},
		{link.Facts{Identity: modem.Identity{Vendor: "acme", Model: "M2", Firmware: "1"}}, 10 * time.Second},
	} {
		sel, err := r.Resolve(tt.known)
		if err != nil {
			t.Fatal(err)
		}
		if got := sel.Policy.Duration("at.ready_wait"); got != tt.want {
			t.Errorf("known %+v: %v, want %v", tt.known.Identity, got, tt.want)
		}
	}
}

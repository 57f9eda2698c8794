package main

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/knakppp/knak/plugins/sdk"
	"github.com/knakppp/knak/plugins/sdk/sdktest"
)

func served() sdk.Plugin {
	return sdk.Plugin{Name: "credentials-command", Version: "1.0.0", Implementation: &plugin{}, Grants: []sdk.Grant{sdk.GrantSecrets}}
}

// program writes a program that a test can run.
func program(t *testing.T, body string, mode os.FileMode) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "ask")
	syscall.ForkLock.RLock() // a test beside this one that forks meanwhile would keep the file open for writing: ETXTBSY
	defer syscall.ForkLock.RUnlock()
	if err := os.WriteFile(path, []byte("#!/bin/sh\n"+body+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(path, mode); err != nil {
		t.Fatal(err)
	}
	return path
}

// The modem wants a name and a password that only the program knows: with PAP, with CHAP, and with the password kept.
func TestDial(t *testing.T) {
	const scenario = "testdata/wants-password.sim.toml"
	if call := sdktest.Dial(t, sdk.Plugin{Name: "none", Implementation: silent{}}, sdktest.Scenario(scenario)); call.Up {
		t.Fatalf("the link comes up without the password: %s", call)
	}
	ask := program(t, `echo "right horse"; echo "user: station-7"; echo "apn: m2m.example"`, 0o700)
	file := filepath.Join(t.TempDir(), "credential")
	if err := os.WriteFile(file, []byte("right horse\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name   string
		config map[string]any
		grants []sdk.Grant
	}{
		{"a program", map[string]any{"command": []string{ask}}, nil},
		{"a file", map[string]any{"file": file, "user": "station-7"}, nil},
		{"the password stays", map[string]any{"command": []string{ask}, "keep": true}, []sdk.Grant{sdk.GrantSecrets}},
	} {
		t.Run(c.name, func(t *testing.T) {
			call := sdktest.Dial(t, served(), sdktest.Scenario(scenario), sdktest.Config(c.config), sdktest.Grants(c.grants...))
			if !call.Up {
				t.Fatal(call)
			}
			for _, e := range call.Events {
				if strings.Contains(e.JSON, "right horse") {
					t.Errorf("the password is in an event: %s", e.JSON)
				}
			}
		})
	}
}

type silent struct{}

func (silent) Credentials(context.Context, sdk.Credentials) (sdk.Login, error) {
	return sdk.Login{}, nil
}

func TestConfiguration(t *testing.T) {
	good := program(t, "echo x", 0o700)
	for _, c := range []struct {
		name   string
		config map[string]any
		want   string
	}{
		{"nothing", map[string]any{}, "command: name a program"},
		{"both", map[string]any{"command": []string{good}, "file": "/x"}, "command: name a program"},
		{"not absolute", map[string]any{"command": []string{"pass"}}, "absolute path"},
		{"not there", map[string]any{"command": []string{"/nothing/ask"}}, "no such file"},
		{"written by others", map[string]any{"command": []string{program(t, "echo x", 0o777)}}, "chmod go-w"},
		{"not executable", map[string]any{"command": []string{program(t, "echo x", 0o600)}}, "chmod 755"},
		{"no grant", map[string]any{"command": []string{good}, "keep": true}, "keep: to answer challenges"},
		{"cache", map[string]any{"command": []string{good}, "cache": "often"}, "cache"},
		{"good", map[string]any{"command": []string{good}, "cache": "10m"}, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := strings.Join(sdktest.Configure(t, served(), c.config), "\n")
			if c.want == "" && got != "" || !strings.Contains(got, c.want) {
				t.Errorf("told %q, want %q", got, c.want)
			}
		})
	}
}

// A program that fails, hangs or talks too much gives no login, and what it printed is not told.
func TestBadPrograms(t *testing.T) {
	for _, c := range []struct{ name, body, want string }{
		{"fails", "echo secret; echo no such entry >&2; exit 1", "exit status 1: no such entry"},
		{"hangs", "sleep 1000 & wait", "it took too long"},
		{"floods", "yes | head -c 100000", "longer than 4096"},
		{"says nothing", "true", "the answer is empty"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			p := &plugin{config: config{Command: []string{program(t, c.body, 0o700)}}}
			if err := p.Configure(context.Background(), nil); err != nil {
				t.Fatal(err)
			}
			limit := 20 * time.Second
			if c.name == "hangs" {
				limit = 200 * time.Millisecond
			}
			ctx, cancel := context.WithTimeout(context.Background(), limit)
			defer cancel()
			_, err := p.Credentials(ctx, sdk.Credentials{})
			if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "secret") {
				t.Errorf("got %v, want %q", err, c.want)
			}
		})
	}
}

// An answer is good for as long as the cache says, but not for an attempt after one that failed with it.
func TestCache(t *testing.T) {
	count := filepath.Join(t.TempDir(), "count")
	now := time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)
	p := &plugin{config: config{Command: []string{program(t, "echo x >> "+count+"; echo pw", 0o700)}, Cache: 10 * time.Minute}, now: func() time.Time { return now }}
	if err := p.Configure(context.Background(), nil); err != nil {
		t.Fatal(err)
	}
	asked := 0
	ask := func(after time.Duration, attempt, want int) {
		t.Helper()
		now = now.Add(after)
		if _, err := p.Credentials(context.Background(), sdk.Credentials{Link: sdk.Link{Name: "a", Attempt: attempt}}); err != nil {
			t.Fatal(err)
		}
		b, err := os.ReadFile(count)
		if err != nil {
			t.Fatal(err)
		}
		if asked = strings.Count(string(b), "x"); asked != want {
			t.Errorf("the program was asked %d times, want %d", asked, want)
		}
	}
	ask(0, 1, 1)
	ask(9*time.Minute, 1, 1)
	ask(0, 2, 2)
	ask(11*time.Minute, 1, 3)
}

func FuzzParse(f *testing.F) {
	f.Add([]byte("password\nuser: me\napn: x\n"))
	f.Add([]byte(""))
	f.Fuzz(func(t *testing.T, text []byte) {
		l, err := parse(text)
		if err == nil && strings.ContainsAny(l.password+l.user+l.apn, "\n") {
			t.Errorf("%q became %+v", text, l)
		}
	})
}

package quirks

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"
)

// An update may tune, and give tuning profiles to devices. By no way round may it decide what AT commands are sent, or
// take entries of stronger layers out.
func TestUpdateTunesOnly(t *testing.T) {
	builtin := fstest.MapFS{
		"quirks/acme/tuned.toml":   {Data: []byte("schema = 1\nsummary = \"s\"\n[lcp.mru]\nvalue = 1400\nreason = \"r\"\nsource = [\"s\"]\nconfidence = \"guessed\"\n")},
		"quirks/acme/talks.toml":   {Data: []byte("schema = 1\nsummary = \"s\"\n[at.init]\nvalue = [\"ATX3\"]\nreason = \"r\"\nsource = [\"s\"]\nconfidence = \"guessed\"\n")},
		"quirks/acme/through.toml": {Data: []byte("schema = 1\nsummary = \"s\"\ninherits = [\"acme/talks\"]\n")},
		"devices.toml": {Data: []byte("schema = 1\n" +
			"[[device]]\nname = \"a\"\nprofile = \"acme/tuned\"\nusb = [\"aaaa:0001\"]\nsource = [\"s\"]\n" +
			"[[device]]\nname = \"b\"\nprofile = \"acme/talks\"\nusb = [\"aaaa:0002\"]\nsource = [\"s\"]\n")},
	}
	for _, tt := range []struct {
		name, file, text string
		problem          string // "": none
		usb, key, want   string
	}{
		{"tunes a profile", "quirks/acme/tuned.toml", "schema = 1\n[lcp.mru]\nvalue = 1300\n", "", "aaaa:0001", "lcp.mru", "1300 update"},
		{"tunes one that talks", "quirks/acme/talks.toml", "schema = 1\n[lcp.mru]\nvalue = 1300\n", "", "aaaa:0002", "lcp.mru", "1300 update"},
		{"gives a tuning profile to a device", "devices.toml", "schema = 1\n[[device]]\nprofile = \"acme/tuned\"\nusb = [\"aaaa:0003\"]\n", "", "aaaa:0003", "lcp.mru", "1400 built-in"},
		{"sets a command", "quirks/acme/tuned.toml", "schema = 1\n[at.init]\nvalue = [\"ATX3\"]\n", "must not set it", "aaaa:0001", "lcp.mru", "1400 built-in"},
		{"sets the APN", "quirks/acme/tuned.toml", "schema = 1\n[context.apn]\nvalue = \"x\"\n", "must not set it", "aaaa:0001", "lcp.mru", "1400 built-in"},
		{"inherits a command", "quirks/acme/tuned.toml", "schema = 1\ninherits = [\"acme/talks\"]\n", "must not decide what AT", "aaaa:0001", "at.init", "[] default"},
		{"inherits it through another", "quirks/acme/tuned.toml", "schema = 1\ninherits = [\"acme/through\"]\n", "must not decide what AT", "aaaa:0001", "at.init", "[] default"},
		{"gives a talking profile to a device", "devices.toml", "schema = 1\n[[device]]\nprofile = \"acme/talks\"\nusb = [\"aaaa:0003\"]\n", "must not decide which", "aaaa:0003", "at.init", "[] default"},
		{"gives one that inherits", "devices.toml", "schema = 1\n[[device]]\nprofile = \"acme/through\"\nusb = [\"aaaa:0003\"]\n", "must not decide which", "aaaa:0003", "at.init", "[] default"},
		{"shares an id", "devices.toml", "schema = 1\n[[shared]]\nusb = [\"aaaa:*\"]\nreason = \"r\"\n", "must not say it", "aaaa:0001", "lcp.mru", "1400 built-in"},
		{"an unknown key", "quirks/acme/tuned.toml", "schema = 1\n[lcp.mrru]\nvalue = 1300\n", "unknown key", "aaaa:0001", "lcp.mru", "1400 built-in"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			dir := t.TempDir()
			path := filepath.Join(dir, tt.file)
			if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(path, []byte(tt.text), 0o644); err != nil {
				t.Fatal(err)
			}
			db, problems := Open(Sources{Builtin: builtin, Update: dir})
			switch {
			case tt.problem == "" && len(problems) > 0:
				t.Error(problems)
			case tt.problem != "" && (len(problems) != 1 || problems[0].Layer != Update || !strings.Contains(problems[0].Text, tt.problem)):
				t.Errorf("problems %v, want %q", problems, tt.problem)
			}
			r, err := db.Resolve(Facts{USB: tt.usb}, "", nil)
			if err != nil {
				t.Fatal(err)
			}
			if s := r.Setting(tt.key); s.Value.String()+" "+s.Layer.String() != tt.want {
				t.Errorf("%s is %s %s, want %s", tt.key, s.Value, s.Layer, tt.want)
			}
		})
	}
}

// The system layer beats an update, and an update the built-in files.
func TestUpdateAmongLayers(t *testing.T) {
	update, system := t.TempDir(), t.TempDir()
	for path, mru := range map[string]string{update + "/quirks/acme/x.toml": "1300", system + "/quirks.d/acme/x.toml": "1200"} {
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte("schema = 1\n[lcp.mru]\nvalue = "+mru+"\n"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	db, problems := Open(Sources{Update: update, System: system})
	r, err := db.Resolve(Facts{}, "acme/x", nil)
	if err != nil || len(problems) > 0 {
		t.Fatal(err, problems)
	}
	s := r.Setting("lcp.mru")
	if s.Value.String() != "1200" || len(s.Losers) == 0 || s.Losers[0].Layer != Update {
		t.Errorf("%s, losers %+v", s.Value, s.Losers)
	}
	// As root, a directory that others may write could be exchanged after the signature was verified.
	if err := os.Chmod(update, 0o777); err != nil {
		t.Fatal(err)
	}
	_, problems = Open(Sources{Update: update, Root: true})
	if len(problems) != 1 || problems[0].Layer != Update || !strings.Contains(problems[0].Text, "chmod go-w") && !strings.Contains(problems[0].Text, "chown root") {
		t.Errorf("problems: %v", problems)
	}
}

//go:build linux

package interop

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/knakppp/knak/core/sim"
	"github.com/knakppp/knak/test/interop/program"
	"github.com/knakppp/knak/test/peer"
)

// knak runs a command and gives what it prints. Status 35, something is wrong with the call, is no failure.
func knak(t testing.TB, home string, args ...string) []byte {
	t.Helper()
	cmd := exec.Command(program.Path(), args...)
	cmd.Env = append(os.Environ(), "HOME="+home, "XDG_CONFIG_HOME="+home, "KNAK_RUNTIME_DIR="+home)
	out, err := cmd.Output()
	if exit, ok := err.(*exec.ExitError); err != nil && (!ok || exit.ExitCode() != 35) {
		stderr := []byte(nil)
		if ok {
			stderr = exit.Stderr
		}
		t.Fatalf("knak %q: %v\n%s%s", args, err, out, stderr)
	}
	return out
}

// compared is what knak compare finds between two recordings.
func compared(t testing.TB, home, good, bad string) (host, modem []string) {
	t.Helper()
	var r struct{ Host, Modem []struct{ ID string } }
	if err := json.Unmarshal(knak(t, home, "compare", "--json", good, bad), &r); err != nil {
		t.Fatal(err)
	}
	for _, d := range r.Host {
		host = append(host, d.ID)
	}
	for _, d := range r.Modem {
		modem = append(modem, d.ID)
	}
	return host, modem
}

// cause is the first thing that knak diagnose finds in a recording, "" if nothing.
func cause(t testing.TB, home, file string) string {
	t.Helper()
	out := knak(t, home, "diagnose", "--json", file)
	if len(out) == 0 {
		return ""
	}
	var f struct{ ID string }
	if err := json.NewDecoder(bytes.NewReader(out)).Decode(&f); err != nil {
		t.Fatalf("%v in %s", err, out)
	}
	return f.ID
}

// TestTapRecordedMimickedReplayed: pppd dials a simulated modem through a tap. From the recording alone come a modem, on
// which the same pppd fares the same way, and for the call that worked a profile, with which knak dials that modem as pppd
// did.
func TestTapRecordedMimickedReplayed(t *testing.T) {
	peer.NeedPPPD(t)
	for _, tt := range []struct {
		name, user, says, cause string
	}{
		{"an empty name works", `user ""`, `local  IP address`, ""},
		{"another name gets empty Naks", "user wap", `(?s)(rcvd \[IPCP ConfNak id=0x\w+\].*){6}`, "ipcp-empty-nak"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			home := t.TempDir()
			file := func(name string) string { return filepath.Join(home, name) }
			dial := func(s *simulator, recording string) {
				tap, terminal := startTap(t, s.path, recording)
				p, _ := dialWithPPPD(t, &simulator{path: terminal}, tt.user, "password hidden-word")
				p.WaitLog(t, tt.says, 60*time.Second)
				p.Hangup()
				p.Ended(t, 20*time.Second)
				tap.end(t)
				if got := cause(t, home, recording); got != tt.cause {
					t.Errorf("%s: %q is found, want %q", filepath.Base(recording), got, tt.cause)
				}
			}
			recorded, again := file("pppd.pcapng"), file("again.pcapng")
			dial(startSimulator(t, "huawei/e398"), recorded)

			knak(t, home, "mimic", "--modem", recorded, "-o", file("m1.sim.toml"))
			modem, err := sim.LoadFile(file("m1.sim.toml"))
			if err != nil {
				t.Fatal(err)
			}
			dial(serve(t, modem), again)
			host, others := compared(t, home, recorded, again)
			// How soon pppd speaks after CONNECT is the scheduler's matter: it is the same program both times.
			host = slices.DeleteFunc(host, func(id string) bool { return id == "connect-delay" || id == "first-speaker" })
			if len(host)+len(others) > 0 {
				t.Errorf("replayed, pppd does %q and the modem %q differently", host, others)
			}

			if tt.cause != "" {
				return
			}
			knak(t, home, "mimic", recorded, "-o", "acme/m1")
			knak(t, home, "dial", "--sim", file("m1.sim.toml"), "--quirks", "acme/m1", "--plane", "none", "--once", "-q", "--record", file("knak.pcapng"))
			host, _ = compared(t, home, recorded, file("knak.pcapng"))
			host = slices.DeleteFunc(host, func(id string) bool { return id == "ipcp-others" }) // pppd asks for VJ compression, which knak does not have
			if len(host) > 0 {
				t.Errorf("with pppd's profile knak does %q differently", host)
			}
		})
	}
}

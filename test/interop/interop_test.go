//go:build linux

package interop

import (
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/knakppp/knak/test/guest"
	"github.com/knakppp/knak/test/interop/program"
	"github.com/knakppp/knak/test/peer"
)

func TestMain(m *testing.M) { guest.Main(m, program.Build) }

// TestGuestHasPPP says early and plainly what every other test here stands on.
func TestGuestHasPPP(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Error("not root")
	}
	for _, path := range []string{"/dev/ppp", "/dev/net/tun", "/dev/ptmx"} {
		if _, err := os.Stat(path); err != nil {
			t.Error(err)
		}
	}
	peer.NeedPPPD(t)
	out, err := exec.Command("pppd", "--version").CombinedOutput()
	if err != nil || !strings.Contains(string(out), "pppd version") {
		t.Errorf("pppd --version: %v: %s", err, out)
	}
	t.Logf("%s", out)
}

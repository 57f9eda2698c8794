//go:build linux

package interop

import (
	"strings"
	"testing"

	"github.com/knakppp/knak/test/interop/program"
)

// A pppd that is told to be odd is got along with, with nothing said to knak and nothing varied: no compression of headers, no magic
// number, few Naks, everything escaped, a small MRU, and methods of authentication that it refuses for itself.
func TestPPPDWithOddOptions(t *testing.T) {
	c := dialPPPD(t, methods[2], lineGo, "", []string{
		"noaccomp", "nopcomp", "nomagic", "lcp-max-failure 1", "ipcp-max-failure 1", "default-asyncmap", "mru 576", "refuse-chap", "refuse-eap",
	})
	c.dial(t)
	hangups[0].hangUp(t, c)
	if code := c.knak.Exit(t, limit); code != hangups[0].code {
		t.Errorf("knak ended with status %d", code)
	}
	if e, ok := c.knak.Find(varied); ok {
		t.Errorf("it needed a variation: %s", e.Reason)
	}
}

// varied says that knak tried something else within a call, or from one to the next.
func varied(e program.Event) bool {
	return e.Event == "attempt" && strings.Contains(e.Reason, "trying something else")
}

package compare_test

import (
	"math/rand/v2"
	"os"
	"testing"
	"time"

	"github.com/knakppp/knak/core/compare"
	"github.com/knakppp/knak/core/link"
	"github.com/knakppp/knak/core/sim"
	"github.com/knakppp/knak/core/trace"
	"github.com/knakppp/knak/core/trace/call"
	"github.com/knakppp/knak/quirks"
)

var epoch = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

// dial dials a scenario in virtual time with these settings and no profile.
func dial(t testing.TB, scenario string, set ...string) []trace.Record {
	t.Helper()
	s, err := sim.LoadFile("../../quirks/" + scenario + ".sim.toml")
	if err != nil {
		t.Fatal(err)
	}
	return dialModem(t, s, set...)
}

func dialModem(t testing.TB, s sim.Scenario, set ...string) []trace.Record {
	t.Helper()
	db, _ := quirks.Open(quirks.Sources{})
	r, err := db.Resolve(quirks.Facts{}, "", set)
	if err != nil {
		t.Fatal(err)
	}
	cfg := link.Config{Name: "test", Once: true, Timeout: 2 * time.Minute, Random: rand.NewChaCha8([32]byte{1}),
		Resolve: func(link.Facts) (link.Selection, error) { return link.Selection{Policy: r, UserChosen: true}, nil }}
	return link.Simulate(cfg, sim.New(s, 1), epoch, 5*time.Minute).Records
}

// The two dialers of the seed.
var (
	windows = []string{"auth.user=", "auth.try_blank=false", "lcp.request=mru,accm,magic,pfc,acfc", "ipcp.request=address,dns1,nbns1,dns2,nbns2", "ipcp.widen=[]"}
	pppd    = []string{"auth.user=wap", "auth.try_blank=false", "ipcp.request=address", "ipcp.widen=[]"}
)

func TestSeed(t *testing.T) {
	good, bad := dial(t, "huawei/e398", windows...), dial(t, "huawei/e398", pppd...)
	r, ok := compare.Compare(compare.Recording{Name: "windows.pcapng", Calls: call.Of(good)}, compare.Recording{Name: "pppd.log", Calls: call.Of(bad)})
	if !ok {
		t.Fatal("nothing to compare")
	}
	_ = r.WriteText(os.Stdout, compare.TextOptions{})
}

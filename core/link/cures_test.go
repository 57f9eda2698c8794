package link_test

import (
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	. "github.com/knakppp/knak/core/link"
	"github.com/knakppp/knak/core/link/simulate"
	"github.com/knakppp/knak/core/ppp/auth"
	"github.com/knakppp/knak/core/sim"
)

// TestKeysCureModems: a simulated modem misbehaves in a way that a key is for. Without the key it does not come up, or is
// lost within half a minute; with it, it does and stays. This is what quirks test shows of profiles, here of single keys.
func TestKeysCureModems(t *testing.T) {
	trap := func(command, within, since, do string) string {
		s := "[[at.trap]]\ncommand = \"" + command + "\"\ndo = \"" + do + "\"\n"
		if within != "" {
			s += "within = \"" + within + "\"\nsince = \"" + since + "\"\n"
		}
		return s
	}
	const pin = "[sim]\nstate = \"pin\"\npin = \"1234\"\n"
	for _, c := range []struct {
		name  string // with the id in the collection of facts
		modem string // the scenario
		cure  []string
		usual []string // set in both runs
	}{
		{"AT-01", trap("ATZ", "", "", "crash"), []string{"at.never=ATZ"}, []string{`at.init=["ATZ"]`}},
		{"AT-02", "[[at.reply]]\ncommand = \"AT^CURC=0\"\nresult = \"ERROR\"\n", []string{"at.optional=AT^CURC"}, []string{`at.init=["AT^CURC=0"]`}},
		{"AT-05", "[[at.reply]]\ncommand = \"ATD*\"\nresult = \"NO CARRIER\"\nunless = \"AT+CPMS?\"\n" +
			"[[at.reply]]\ncommand = \"AT+CPMS?\"\nresult = \"ERROR\"\n", []string{`at.after_pin=["AT+CPMS?"]`}, nil},
		{"AT-08", "[at]\npace = \"5ms\"\n", []string{"at.char_delay=10ms"}, nil},
		{"AT-10", "[registration]\nradio = \"off\"\n" + trap("AT+CEREG?", "8s", "radio", "crash"), []string{"registration.radio_wait=10s"}, []string{"retry.attempts=1"}},
		{"AT-12", "[[at.reply]]\ncommand = \"AT+X\"\nresult = \"ERROR\"\nuntil = 3\n[[at.reply]]\ncommand = \"AT+X\"\n", []string{"at.tries=5"}, []string{`at.init=["AT+X"]`}},
		{"AT-13", trap("ATE0", "2s", "power-on", "mute"), []string{"at.start_delay=3s"}, nil},
		{"SIM-01", pin + trap("AT+C*", "2s", "pin", "crash"), []string{"sim.pin_wait=3s"}, nil},
		{"SIM-04", "[registration]\nattach = \"asked\"\n", []string{"registration.attach=request"}, nil},
		{"REG-01", "[registration]\nattach_after = \"8s\"\n", []string{"registration.attach=wait"}, nil},
		{"PDP-01", "[[at.reply]]\ncommand = \"ATD*\"\nresult = \"ERROR\"\nunless = \"AT+CGACT=0,1\"\n", []string{`at.before_context=["AT+CGACT=0,{cid}"]`}, nil},
		{"PDP-13", "[[at.reply]]\ncommand = \"ATD*\"\nresult = \"NO CARRIER\"\nunless = \"AT+WPPP=0\"\n[[at.reply]]\ncommand = \"AT+WPPP=0\"\n", []string{`at.after_context=["AT+WPPP=0"]`}, nil},
		{"DIAL-11", "[dial]\nresult = \"no-carrier\"\nrestart = true\n" + trap("AT!RESET", "", "", "restart"),
			[]string{"retry.ladder=redial,reset", "at.reset=AT!RESET"}, []string{"retry.attempts=3"}},
		{"DIAL-14", "[[at.reply]]\ncommand = \"ATD*\"\nresult = \"ERROR\"\nunless = \"AT+CBST=71,0,1\"\n[[at.reply]]\ncommand = \"AT+CBST=71,0,1\"\n", []string{`at.before_dial=["AT+CBST=71,0,1"]`}, nil},
		{"IPCP-13", "[[ipcp.rule]]\ndo = \"hangup\"\nunless = \"AT+CGATT=0\"\n", []string{"retry.ladder=attach"}, []string{"retry.attempts=3"}},
		{"SIM-05", "[[ipcp.rule]]\ndo = \"hangup\"\nunless = \"AT+CFUN=0\"\n",
			[]string{"retry.ladder=radio", "registration.radio_off_command=AT+CFUN=0"}, []string{"retry.attempts=3"}},
		{"DATA-01", "[line]\nlongest = 1000\n[[action]]\ndo = \"long-packet\"\nsince = \"ipcp\"\nafter = \"20s\"\n", []string{"lcp.request+=mru", "lcp.mru=990"}, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			scenario, err := sim.Parse("modem.toml", []byte("schema = 1\nsummary = \"misbehaves\"\n"+c.modem))
			if err != nil {
				t.Fatal(err)
			}
			stays := func(set []string) (told, bool) {
				dial := call{set: append([]string{"dial.timeout=5s", "auth.try_blank=false"}, append(c.usual, set...)...)}
				s := told{simulate.Run(Config{
					Name: "test", Resolve: dial.resolve(t, scenario), PIN: auth.NewSecret("1234"),
					Timeout: 2 * time.Minute, MaxTime: 30 * time.Second, Random: rand.NewChaCha8([32]byte{}),
				}, sim.New(scenario, 1), epoch, 5*time.Minute)}
				return s, s.Outcome.ExitCode() == ExitMaxTime
			}
			if s, ok := stays(nil); ok {
				s.dump(t)
				t.Error("it works without the key")
			}
			if s, ok := stays(c.cure); !ok {
				s.dump(t)
				t.Errorf("%s does not help", strings.Join(c.cure, " "))
			}
		})
	}
}

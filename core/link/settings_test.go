package link

import (
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/knakppp/knak"
	"github.com/knakppp/knak/core/modem"
	"github.com/knakppp/knak/core/ppp"
	"github.com/knakppp/knak/core/ppp/auth"
	"github.com/knakppp/knak/quirks"
)

// builtin resolves the built-in quirks for a modem about which nothing is known, with settings on top.
func builtin(t testing.TB, set ...string) *quirks.Resolution {
	t.Helper()
	db, problems := quirks.Open(quirks.Sources{Builtin: knak.Files})
	for _, p := range problems {
		t.Fatal(p)
	}
	r, err := db.Resolve(quirks.Facts{}, "", set)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// The default of each quirk key is what the machines do without one: a profile that says nothing changes nothing.
func TestDefaultsOfKeysAreTheMachinesOwn(t *testing.T) {
	p := builtin(t)
	t.Run("ppp", func(t *testing.T) {
		want := ppp.Defaults()
		got := engineSettings(p, "", auth.Secret{})
		want.Auth.Client.Limit, want.Auth.Client.Retransmit, want.Auth.Client.MaxRequests = got.Auth.Client.Limit, got.Auth.Client.Retransmit, got.Auth.Client.MaxRequests
		diff(t, "", reflect.ValueOf(want), reflect.ValueOf(got))
	})
	t.Run("modem", func(t *testing.T) {
		diff(t, "", reflect.ValueOf(modem.Defaults()), reflect.ValueOf(dialPlan(p, "", "", auth.Secret{})))
	})
}

// diff reports every field in which two values differ; an empty list is equal to none.
func diff(t *testing.T, path string, want, got reflect.Value) {
	t.Helper()
	switch {
	case want.Kind() == reflect.Struct && want.Type().NumField() > 0 && want.Type().Field(0).IsExported():
		for i := range want.NumField() {
			diff(t, path+"."+want.Type().Field(i).Name, want.Field(i), got.Field(i))
		}
	case want.Kind() == reflect.Slice && want.Len() == 0 && got.Len() == 0:
	case !reflect.DeepEqual(want.Interface(), got.Interface()):
		t.Errorf("%s: the machine's default is %v, the key's %v", path, want, got)
	}
}

// Every key must be read somewhere, and every key that is read must exist (the accessors panic otherwise).
func TestEveryKeyIsRead(t *testing.T) {
	read := &readKeys{Policy: builtin(t), seen: map[string]bool{}}
	engineSettings(read, "", auth.Secret{})
	dialPlan(read, "", "", auth.Secret{})
	elsewhere := map[string]string{
		"port.baud": "SerialOpener", "port.flow": "SerialOpener", "port.data_interface": "cmd", "port.at_interface": "cmd", "port.data_tty": "cmd", "port.at_tty": "cmd",
		"auth.user": "Session.user", "prove.mode": "Session.mustProve", "prove.limit": "Session.startProof", "prove.targets": "Session.startProof", "prove.interval": "Session.startProof",
		"auth.try_blank": "Session.tryBlank", "port.open_wait": "SerialOpener", "port.reopen_pause": "SerialOpener",
		"context.apn_lookup": "Session.accessHook", "link.mtu": "Session.networkUp", "ipcp.require_dns": "Session.networkUp", "retry.ladder": "Session.nextStep", "retry.attempts": "Session.tryAgain", "retry.delay": "Session.nextDelay", "retry.max_delay": "Session.nextDelay",
	}
	for _, k := range quirks.Keys {
		if !read.seen[k.Name] && elsewhere[k.Name] == "" {
			t.Errorf("nothing reads the key %s", k.Name)
		}
	}
}

type readKeys struct {
	Policy
	seen map[string]bool
}

func (r *readKeys) Bool(key string) bool { r.seen[key] = true; return r.Policy.Bool(key) }
func (r *readKeys) Int(key string) int   { r.seen[key] = true; return r.Policy.Int(key) }
func (r *readKeys) Duration(key string) time.Duration {
	r.seen[key] = true
	return r.Policy.Duration(key)
}
func (r *readKeys) Text(key string) string   { r.seen[key] = true; return r.Policy.Text(key) }
func (r *readKeys) List(key string) []string { r.seen[key] = true; return r.Policy.List(key) }

// Every key makes a difference: another value of it makes other settings of the machines. What the machines do with those
// is tested where they are.
func TestEveryKeyMakesOtherSettings(t *testing.T) {
	elsewhere := []string{ // read by the session itself, or by who opens ports; each has its own test
		"port.data_interface", "port.at_interface", "port.data_tty", "port.at_tty", "port.open_wait", "port.reopen_pause", "context.apn_lookup", "auth.user", "auth.try_blank", "ipcp.require_dns",
		"link.mtu", "prove.mode", "prove.limit", "prove.interval", "prove.targets", "retry.attempts", "retry.delay", "retry.max_delay", "retry.ladder",
	}
	type settings struct {
		engine ppp.Settings
		plan   modem.Plan
	}
	of := func(p Policy) settings {
		return settings{engineSettings(p, "", auth.Secret{}), dialPlan(p, "", "", auth.Secret{})}
	}
	usual := of(builtin(t))
	for _, k := range quirks.Keys {
		if slices.Contains(elsewhere, k.Name) {
			continue
		}
		other := map[quirks.Type]string{
			quirks.Bool: "true", quirks.Int: k.Max, quirks.Duration: k.Max, quirks.Text: "+", quirks.Address: "192.0.2.1", quirks.Addresses: "192.0.2.1",
			quirks.Prefixes: "192.0.2.0/24", quirks.Names: "X", quirks.AT: "ATDP", quirks.ATs: "ATX1", quirks.Words: "[]",
		}[k.Type]
		switch {
		case k.Default == "true":
			other = "false"
		case k.Type == quirks.AT && !k.Dials:
			other = "ATX1"
		case k.Type == quirks.Text && k.Name != "hangup.escape":
			other = "other"
		case k.Type == quirks.Enum, k.Default == "[]" && k.Type == quirks.Words:
			other = k.Allowed[len(k.Allowed)-1]
			if other == k.Default || k.Name == "ipv6cp.enable" {
				other = k.Allowed[1]
			}
		}
		if reflect.DeepEqual(of(builtin(t, k.Name+"="+other)), usual) {
			t.Errorf("%s=%s changes nothing", k.Name, other)
		}
	}
}

// TestEAPInnerIsWhatIsAllowed: a list that leaves a method out leaves it out inside EAP, too.
func TestEAPInnerIsWhatIsAllowed(t *testing.T) {
	for allow, want := range map[string]string{
		"eap": "[mschap-v2 chap-md5]", "eap,pap": "[mschap-v2 chap-md5]", "eap,mschap-v2": "[mschap-v2]", "chap-md5,eap": "[chap-md5]",
		"chap-md5,pap,mschap-v2,mschap,eap": "[mschap-v2 chap-md5]",
	} {
		got := engineSettings(builtin(t, "auth.allow="+allow), "", auth.Secret{}).Auth.Client.Inner
		text := make([]string, 0, 2)
		for _, m := range got {
			text = append(text, m.String())
		}
		if "["+strings.Join(text, " ")+"]" != want {
			t.Errorf("%s: %v, want %s", allow, text, want)
		}
	}
}

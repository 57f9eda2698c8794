package quirks

import (
	"strings"
	"testing"
)

// The facts of boards and of calls: what an entry that looks at them says, and what it says before they are known.
func TestBoardAndCallFacts(t *testing.T) {
	for _, c := range []struct {
		name  string
		entry Device
		facts Facts
		want  Tri
	}{
		{"dmi", Device{DMI: []string{"Acme/Gateway*"}}, Facts{DMI: "ACME/Gateway 2"}, Yes},
		{"another board", Device{DMI: []string{"Acme/Gateway*"}}, Facts{DMI: "acme/other"}, No},
		{"dmi not known", Device{DMI: []string{"Acme/Gateway*"}}, Facts{}, Unknown},
		{"no dmi here", Device{DMI: []string{"*none*"}}, Facts{DMI: None}, No},
		{"devicetree: the first", Device{DeviceTree: []string{"acme,gateway-2"}}, Facts{DeviceTree: "acme,gateway-2 acme,gateway ti,am33xx"}, Yes},
		{"devicetree: the last", Device{DeviceTree: []string{"fsl,*", "ti,*"}}, Facts{DeviceTree: "acme,gateway-2 acme,gateway ti,am33xx"}, Yes},
		{"devicetree: words are whole", Device{DeviceTree: []string{"acme,gate"}}, Facts{DeviceTree: "acme,gateway-2 acme,gateway"}, No},
		{"devicetree: no pattern spans two", Device{DeviceTree: []string{"acme,*am33xx"}}, Facts{DeviceTree: "acme,gateway ti,am33xx"}, No},
		{"devicetree not known", Device{DeviceTree: []string{"ti,*"}}, Facts{}, Unknown},
		{"operator", Device{Operator: []string{"262-*"}}, Facts{Operator: "262-01"}, Yes},
		{"operator not known yet", Device{Operator: []string{"262-*"}, Model: []string{"E398"}}, Facts{Model: "E398"}, Unknown},
		{"the model rules it out", Device{Operator: []string{"262-*"}, Model: []string{"E398"}}, Facts{Model: "E392"}, No},
		{"peer", Device{Peer: []string{"UMTS_CHAP_SRVR"}}, Facts{Peer: "UMTS_CHAP_SRVR"}, Yes},
		{"a peer without a name", Device{Peer: []string{"UMTS_CHAP_SRVR"}}, Facts{Peer: None}, No},
		{"auth", Device{Auth: []string{"pap", "chap-md5"}}, Facts{Auth: "chap-md5"}, Yes},
		{"nothing demanded", Device{Auth: []string{"pap", "chap-md5"}}, Facts{Auth: None}, No},
	} {
		t.Run(c.name, func(t *testing.T) {
			m, _ := c.entry.matches(c.facts)
			if m.Result != c.want || c.entry.ruledOut(&c.facts) != (c.want == No) {
				t.Errorf("%s, ruled out: %v; want %s", m.Result, c.entry.ruledOut(&c.facts), c.want)
			}
		})
	}
}

// A fact is worth finding out only while it can decide something.
func TestAwaits(t *testing.T) {
	db, problems := Open(builtin("quirks/acme/modem.toml", head, "devices.toml", "schema = 1\n"+
		device("acme/modem", "model = [\"one\"]\noperator = [\"262-*\"]")+device("acme/modem", "manufacturer = [\"acme\"]\npeer = [\"SRVR\"]")))
	none(t, problems)
	for _, c := range []struct {
		name, chosen string
		facts        Facts
		want         string
	}{
		{"nothing known", "", Facts{}, "operator peer"},
		{"another model", "", Facts{Model: "two", Manufacturer: "acme"}, "peer"},
		{"another maker", "", Facts{Model: "one", Manufacturer: "ecma"}, "operator"},
		{"known already", "", Facts{Model: "one", Manufacturer: "acme", Operator: "1", Peer: "x"}, ""},
		{"a chosen profile", "acme/modem", Facts{}, ""},
	} {
		r := resolve(t, db, c.facts, c.chosen)
		var got []string
		for _, f := range []string{"operator", "auth", "peer"} {
			if r.Awaits(f) {
				got = append(got, f)
			}
		}
		if s := strings.Join(got, " "); s != c.want {
			t.Errorf("%s: %q, want %q", c.name, s, c.want)
		}
	}
}

// The phase rule holds for the later facts: what is known only in PPP cannot decide how to dial.
func TestLateFactsComeTooLate(t *testing.T) {
	db, problems := Open(builtin(
		"quirks/acme/dial.toml", head+quirk("dial.connect_delay", `value = "1s"`),
		"quirks/acme/ipcp.toml", head+quirk("ipcp.restart", `value = "1s"`),
		"devices.toml", "schema = 1\n"+device("acme/dial", "model = [\"one\"]\noperator = [\"262-*\"]")+
			device("acme/ipcp", "model = [\"one\"]\npeer = [\"SRVR\"]")))
	none(t, problems)
	if p := db.Validate(); len(p) != 0 {
		t.Fatal(texts(p))
	}
	for _, c := range []struct{ condition, want string }{
		{"peer = [\"SRVR\"]", "looks at the peer, known only in phase negotiate"},
		{"auth = [\"pap\"]", "looks at the auth, known only in phase negotiate"},
	} {
		db, problems := Open(builtin("quirks/acme/dial.toml", head+quirk("dial.connect_delay", `value = "1s"`),
			"devices.toml", "schema = 1\n"+device("acme/dial", "model = [\"one\"]\n"+c.condition)))
		none(t, problems)
		if p := texts(db.Validate()); !strings.Contains(p, c.want) {
			t.Errorf("%s: %q", c.condition, p)
		}
		r := resolve(t, db, Facts{Model: "one", Peer: "SRVR", Auth: "pap"}, "")
		if s := r.Setting("dial.connect_delay"); s.Layer != Default || len(s.Losers) == 0 || !strings.Contains(s.Losers[0].Why, c.want) {
			t.Errorf("%s: %+v", c.condition, s)
		}
	}
}

// Which conditions may stand alone: in one's own files any that names something; in shipped ones not what fits modems
// of every kind.
func TestConditionsThatStandAlone(t *testing.T) {
	for _, c := range []struct {
		match        string
		shipped, own bool
	}{
		{`dmi = ["acme/*"]`, false, true},
		{"dmi = [\"acme/*\"]\ndriver = [\"option\"]", true, true},
		{"devicetree = [\"acme,*\"]\nclass = [\"ff/*/*\"]", true, true},
		{`operator = ["262-01"]`, false, true},
		{`peer = ["UMTS_CHAP_SRVR"]`, false, true},
		{"peer = [\"UMTS_CHAP_SRVR\"]\ndriver = [\"option\"]", false, true},
		{`auth = ["pap"]`, false, false},
		{`auth = ["papa"]`, false, false},
		{`devicetree = ["acme,gateway ti,x"]`, false, false},
		{"usb = [\"1234:5678\"]\nauth = [\"pap\"]", true, true},
	} {
		file := "schema = 1\n" + device("acme/modem", c.match)
		_, problems := Open(builtin("quirks/acme/modem.toml", head, "devices.toml", file))
		if (len(problems) == 0) != c.shipped {
			t.Errorf("shipped, %s: %s", c.match, texts(problems))
		}
		_, problems = layers(t, map[string]string{"builtin:quirks/acme/modem.toml": head, "user:devices.d/own.toml": file})
		if (len(problems) == 0) != c.own {
			t.Errorf("own, %s: %s", c.match, texts(problems))
		}
	}
}

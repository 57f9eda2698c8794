package quirks

import (
	"strings"
	"testing"
	"testing/fstest"
	"unicode"
)

// builtin makes a built-in layer of files given as name, content, name, content. A devices.toml is added where none is.
func builtin(files ...string) Sources {
	fsys := fstest.MapFS{"devices.toml": {Data: []byte("schema = 1\n")}}
	for i := 0; i < len(files); i += 2 {
		fsys[files[i]] = &fstest.MapFile{Data: []byte(files[i+1])}
	}
	return Sources{Builtin: fsys}
}

// texts gives problems as lines.
func texts(problems []*Problem) string {
	var b strings.Builder
	for _, p := range problems {
		b.WriteString(p.Error() + "\n")
	}
	return b.String()
}

// why completes a built-in quirk.
const because = "\nreason = \"r\"\nsource = [\"s\"]\nconfidence = \"traced\"\n"

func TestProfilesAreReadStrictly(t *testing.T) {
	const head = "schema = 1\nsummary = \"s\"\n"
	for _, c := range []struct{ name, toml, want string }{
		{"good", head + "[ipcp.request]\nvalue = [\"address\"]" + because, ""},
		{"good without quirks", head, ""},
		{"not TOML", "schema = 1\nsummary = \n", "2:11: unexpected character U+000A at start of value"},
		{"key twice in TOML", head + "[auth.user]\nvalue = \"\"\nvalue = \"\"" + because, "5:1: key value is already defined"},
		{"no schema", "summary = \"s\"\n", "schema is missing; write schema = 1 first"},
		{"later schema", "schema = 2\nsummary = \"s\"\n", "1:10: schema 2 is not known; this program reads schema 1"},
		{"schema of a wrong type", "schema = \"1\"\nsummary = \"s\"\n", "1:10: schema must be an integer, not a text"},
		{"no summary", "schema = 1\n", "summary is missing"},
		{"unknown name at the top", head + "inherit = [\"a/b\"]\n",
			`3:1: unknown name "inherit"; allowed are schema, summary, inherits, replaces, port, at, sim, registration, context, dial, lcp, auth, ipcp, ipv6cp, link, prove, hangup, retry; did you mean "inherits"?`},
		{"key as a quoted name", head + "[\"auth.user\"]\nvalue = \"\"" + because, "3:2: write [auth.user] without quotes"},
		{"unknown key", head + "[ipcp.reqest]\nvalue = [\"address\"]" + because,
			`3:7: unknown key "ipcp.reqest"; the ipcp keys are ` + kin("ipcp.") + `; did you mean "ipcp.request"?`},
		{"key of another family", head + "[sim.deadlin]\nvalue = \"1s\"" + because,
			`3:6: unknown key "sim.deadlin"; the sim keys are sim.pin_quoted, sim.pin_wait, sim.wait`},
		{"value without its table", head + "[auth]\nuser = \"\"\n", "4:8: auth.user must be a table: [auth.user] with a value and the reason for it"},
		{"family that is no table", head + "auth = 1\n", "3:8: auth must be a table, not an integer"},
		{"unknown name in a quirk", head + "[auth.user]\nvalue = \"\"\nreasons = \"r\"" + because,
			`5:1: unknown name "reasons"; allowed are value, add, remove, reason, source, confidence, firmware, when, review_by, may_harm; did you mean "reason"?`},
		{"no value", head + "[auth.user]" + because, "3:7: auth.user needs value"},
		{"two operations", head + "[ipcp.request]\nadd = [\"nbns1\"]\nremove = [\"nbns2\"]" + because,
			"3:7: ipcp.request needs one of value, add and remove"},
		{"add to a scalar", head + "[auth.user]\nadd = [\"x\"]" + because, "4:1: add is for lists, but auth.user is of type text; write value"},
		{"wrong type: bool", head + "[auth.provisional]\nvalue = \"yes\"" + because, "4:9: auth.provisional: must be true or false, not a text"},
		{"wrong type: int", head + "[lcp.mru]\nvalue = 1500.0" + because, "4:9: lcp.mru: must be an integer, not a number or time"},
		{"wrong type: duration", head + "[lcp.restart]\nvalue = 3" + because, "4:9: lcp.restart: must be a text such as \"250ms\" or \"1m30s\", not an integer"},
		{"wrong type: text", head + "[auth.user]\nvalue = true" + because, "4:9: auth.user: must be a text, not true or false"},
		{"wrong type: list", head + "[ipcp.request]\nvalue = \"address\"" + because, "4:9: ipcp.request: must be a list of texts, not a text"},
		{"wrong type: element", head + "[ipcp.request]\nvalue = [\"address\", 1]" + because, "4:1: ipcp.request: each element must be a text, not an integer"},
		{"not a duration", head + "[lcp.restart]\nvalue = \"3 s\"" + because, `4:9: lcp.restart: "3 s" is not a duration such as "250ms" or "1m30s"`},
		{"below its range", head + "[lcp.mru]\nvalue = 127" + because, "4:9: lcp.mru: 127 is out of range: 128 to 16384"},
		{"above its range", head + "[lcp.restart]\nvalue = \"61s\"" + because, "4:9: lcp.restart: 1m1s is out of range: 100ms to 1m"},
		{"integer of more than 64 bits", head + "[lcp.mru]\nvalue = 99999999999999999999" + because, "4:9: decimal number is too large to fit in a 64-bit signed integer"},
		{"word not allowed", head + "[lcp.echo_mode]\nvalue = \"adaptiv\"" + because,
			`4:9: lcp.echo_mode: unknown word "adaptiv"; allowed are learn, adaptive, strict, off; did you mean "adaptive"?`},
		{"word of a list not allowed", head + "[ipcp.request]\nvalue = [\"dns\"]" + because,
			`4:1: ipcp.request: unknown word "dns"; allowed are address, dns1, dns2, nbns1, nbns2; did you mean "dns1"?`},
		{"word twice", head + "[ipcp.request]\nvalue = [\"dns1\", \"dns1\"]" + because, `4:1: ipcp.request: "dns1" comes twice`},
		{"not an address", head + "[ipcp.assume_peer]\nvalue = \"fe80::1\"" + because, `4:9: ipcp.assume_peer: "fe80::1" is not an IPv4 address`},
		{"not a list of addresses", head + "[prove.targets]\nvalue = [\"192.0.2.1\", \"192.0.2\"]" + because, `4:1: prove.targets: "192.0.2" is not an IPv4 address`},
		{"dial command", head + "[dial.command]\nvalue = 'AT+CGDATA=\"PPP\",'" + because, ""},
		{"dial command that is another", head + "[dial.command]\nvalue = 'AT+CPIN='" + because, `4:9: dial.command: "AT+CPIN=" is refused: it spends a PIN try (3GPP TS 27.007 section 8.3)`},
		{"not a prefix", head + "[ipcp.unbelievable]\nvalue = [\"10.0.0.0\"]" + because, `4:1: ipcp.unbelievable: "10.0.0.0" is not an IPv4 prefix such as "10.0.0.0/8"`},
		{"prefix with more bits", head + "[ipcp.unbelievable]\nvalue = [\"10.0.0.1/8\"]" + because, `4:1: ipcp.unbelievable: "10.0.0.1/8" has bits beyond its length; "10.0.0.0/8" is meant`},
		{"text of two lines", head + "[auth.user]\nvalue = \"a\\nb\"" + because, `4:9: auth.user: "a\nb" has a character that is not printable`},
		{"text too long", head + "[auth.user]\nvalue = \"" + strings.Repeat("a", 201) + "\"" + because, "4:9: auth.user: text of 201 bytes, but at most 200 are allowed"},
		{"APN that would end its quotes", head + "[context.apn]\nvalue = 'a\",\"b'" + because, `4:9: context.apn: "a\",\"b" must not have the character '"'`},
		{"number that makes a voice call", head + "[dial.number]\nvalue = \"123;\"" + because, `4:9: dial.number: "123;" must not have the character ';'`},
		{"not an AT command", head + "[at.init]\nvalue = [\"+CFUN=1\"]" + because, `4:1: at.init: "+CFUN=1" is not an AT command: it must begin with AT`},
		{"AT command", head + "[at.init]\nvalue = [\"ATZ\"]" + because, ""},
		{"two AT commands in one", head + "[at.init]\nvalue = [\"ATE0;+CLIP=1\"]" + because, `4:1: at.init: "ATE0;+CLIP=1" holds several commands; write one command for each element`},
		{"AT command that spends a PIN try", head + "[at.init]\nvalue = [\"at +cpin=1234\"]" + because, `4:1: at.init: "at +cpin=1234" is refused: it spends a PIN try (3GPP TS 27.007 section 8.3)`},
		{"AT command that dials", head + "[at.reset]\nvalue = \"ATD123\"" + because, `4:9: at.reset: "ATD123" is refused: it dials; the number belongs in dial.number`},
		{"no reason", head + "[auth.user]\nvalue = \"\"\nsource = [\"s\"]\nconfidence = \"traced\"\n", "3:7: auth.user needs a reason"},
		{"no source", head + "[auth.user]\nvalue = \"\"\nreason = \"r\"\nconfidence = \"traced\"\n", "3:7: auth.user needs a source"},
		{"unknown confidence", head + "[auth.user]\nvalue = \"\"\nreason = \"r\"\nsource = [\"s\"]\nconfidence = \"trace\"\n",
			`7:14: unknown confidence "trace"; allowed are guessed, reported, traced, hardware; did you mean "traced"?`},
		{"review date", head + "[auth.user]\nvalue = \"\"\nreview_by = 2027-11-01" + because, ""},
		{"review date as a text", head + "[auth.user]\nvalue = \"\"\nreview_by = \"2027-11-01\"" + because, "5:13: review_by must be a date, not a text"},
		{"firmware without a bound", head + "[auth.user]\nvalue = \"\"\nfirmware = {}" + because, "5:12: firmware needs from or before"},
		{"firmware without a number", head + "[auth.user]\nvalue = \"\"\nfirmware = { from = \"new\" }" + because, `5:21: from: "new" has no number to compare`},
		{"empty firmware range", head + "[auth.user]\nvalue = \"\"\nfirmware = { from = \"1.10\", before = \"1.9\" }" + because, "5:12: firmware range is empty: from 1.10 to before 1.9"},
		{"set for two ranges", head + "[[auth.user]]\nvalue = \"a\"\nfirmware = { before = \"2\" }" + because + "[[auth.user]]\nvalue = \"b\"\nfirmware = { from = \"2\" }" + because, ""},
		{"set twice for a range", head + "[[auth.user]]\nvalue = \"a\"\nfirmware = { before = \"2\" }" + because + "[[auth.user]]\nvalue = \"b\"\nfirmware = { from = \"1.9\" }" + because,
			"9:8: auth.user is set twice for the same firmware; give each a firmware range that leaves the other's out"},
		{"set twice", head + "[[auth.user]]\nvalue = \"a\"" + because + "[[auth.user]]\nvalue = \"b\"" + because,
			"8:8: auth.user is set twice for the same firmware; give each a firmware range that leaves the other's out"},
		{"inherits of a wrong type", head[:10] + "\nsummary = \"s\"\ninherits = \"a/b\"\n", "3:12: inherits must be a list, not a text"},
		{"inherits from what is not there", head + "inherits = [\"acme/modme\"]\n", `3:13: inherits from "acme/modme", which is not there or has problems of its own; did you mean "acme/modem"?`},
	} {
		t.Run(c.name, func(t *testing.T) {
			db, problems := Open(builtin("quirks/acme/modem.toml", c.toml))
			want := c.want
			if want != "" {
				sep := ": "
				if want[0] >= '0' && want[0] <= '9' {
					sep = ":"
				}
				want = "quirks/acme/modem.toml" + sep + want + "\n"
			}
			if got := texts(problems); got != want {
				t.Errorf("got\n%swant\n%s", got, want)
			}
			if _, there := db.Profile("acme/modem"); there != (c.want == "") {
				t.Errorf("profile is there: %v; a profile must be used whole or not at all", there)
			}
		})
	}
}

// What can send AT commands comes from people, not from updates or plugins.
func TestUpdatesAndPluginsMustNotSendCommands(t *testing.T) {
	tree, err := parseTree([]byte("schema = 1\n[at.init]\nvalue = [\"ATZ\"]\n[lcp.mru]\nvalue = 1000\n"))
	if err != nil {
		t.Fatal(err)
	}
	for layer, want := range map[Layer]string{
		Update: "f:2:5: at.init decides what AT commands are sent; the update layer must not set it\n",
		Plugin: "f:2:5: at.init decides what AT commands are sent; the plugin layer must not set it\n",
		System: "", User: "",
	} {
		r := reader{layer: layer, file: "f"}
		r.readProfile("acme/modem", tree)
		if got := texts(r.problems); got != want {
			t.Errorf("%s: got %q, want %q", layer, got, want)
		}
	}
}

// A file must not be able to write to the terminal of whoever reads the message about it.
func TestMessagesHoldNothingATerminalObeys(t *testing.T) {
	for _, s := range []string{
		"schema = 1\nsummary = \"\\u001b[2J\"\n", "schema = 1\n[ipcp.\"\\u001b[2J\"]\n", "\"\\u001b[2J\" = 1\n", "schema = 1\ninherits = [\"\\u202e\"]\n",
		"a = \"\x1b\"\n", "\"\\u001b\" = 1\n\"\\u001b\" = 2\n", "schema = 1\n[auth.user]\nvalue = \"x\"\nreason = \"\\u0085\"\n",
	} {
		_, problems := Open(builtin("quirks/acme/modem.toml", s))
		if len(problems) == 0 {
			t.Errorf("%q: no problem", s)
		}
		for _, p := range problems {
			if strings.ContainsFunc(p.Error(), func(c rune) bool { return !unicode.IsPrint(c) }) {
				t.Errorf("%q: %q", s, p.Error())
			}
		}
	}
}

func kin(prefix string) string {
	var list []string
	for _, k := range Keys {
		if strings.HasPrefix(k.Name, prefix) {
			list = append(list, k.Name)
		}
	}
	return strings.Join(list, ", ")
}

func TestDevicesAreReadStrictly(t *testing.T) {
	const head = "schema = 1\n[[shared]]\nusb = [\"05c6:*\", \"12d1:1506\"]\nreason = \"many modems\"\n[[device]]\nname = \"n\"\nsource = [\"s\"]\n"
	for _, c := range []struct{ name, toml, want string }{
		{"good", head + "profile = \"acme/modem\"\nusb = [\"19d2:0117\"]\ninterface = [\"02\"]\nclass = [\"ff/02/*\"]\ndriver = [\"option\"]\nmanufacturer = [\"zte*\"]\nmodel = [\"MF*\"]\nrevision = [\"BD_*\"]\n", ""},
		{"unknown name", head + "profile = \"acme/modem\"\nmodell = [\"MF180\"]\n",
			`devices.toml:9:1: unknown name "modell"; allowed are name, profile, ports, status, source, confidence, usb, interface, class, driver, dmi, devicetree, manufacturer, model, revision, operator, auth, peer; did you mean "model"?` + "\n" +
				"devices.toml:5:3: a device needs at least one of usb, manufacturer, model, revision, dmi, devicetree, operator and peer"},
		{"upper-case hex", head + "profile = \"acme/modem\"\nusb = [\"19D2:0117\"]\n", `devices.toml:9:8: usb: "19D2:0117" is not lower-case hex "vvvv:pppp" or "vvvv:*"`},
		{"pattern for anything", head + "profile = \"acme/modem\"\nmodel = [\"*\"]\n", `devices.toml:9:10: model: "*" is not printable text with two letters or digits side by side; * is any text, ? any character`},
		{"no profile", head + "usb = [\"19d2:0117\"]\n", "devices.toml:5:3: a device needs profile or ports, or both, or a status"},
		{"ports instead of a profile", head + "usb = [\"19d2:0117\"]\nports = { data = 2, at = 1 }\nconfidence = \"reported\"\n", ""},
		{"ports and a profile", head + "profile = \"acme/modem\"\nusb = [\"19d2:0117\"]\nports = { at = 0 }\nconfidence = \"reported\"\n", ""},
		{"ports without a confidence", head + "usb = [\"19d2:0117\"]\nports = { data = 2 }\n", "devices.toml:9:9: ports need a confidence"},
		{"ports of what confidence", head + "usb = [\"19d2:0117\"]\nports = { data = 2 }\nconfidence = \"report\"\n",
			`devices.toml:10:14: unknown confidence "report"; allowed are guessed, reported, traced, hardware; did you mean "reported"?`},
		{"ports is no table", head + "profile = \"acme/modem\"\nusb = [\"19d2:0117\"]\nports = 2\n", "devices.toml:10:9: ports must be a table, not an integer"},
		{"unknown port", head + "profile = \"acme/modem\"\nusb = [\"19d2:0117\"]\nports = { date = 2 }\nconfidence = \"reported\"\n",
			`devices.toml:10:11: unknown name "date"; allowed are data, at, data_tty, at_tty; did you mean "data"?`},
		{"port of a wrong type", head + "profile = \"acme/modem\"\nusb = [\"19d2:0117\"]\nports = { data = \"2\" }\nconfidence = \"reported\"\n",
			"devices.toml:10:18: data must be an integer, not a text"},
		{"port out of range", head + "profile = \"acme/modem\"\nusb = [\"19d2:0117\"]\nports = { data = 256 }\nconfidence = \"reported\"\n",
			"devices.toml:10:18: data: 256 is not the number of a USB interface, 0 to 255; leave out what is not known"},
		{"port that is not known", head + "profile = \"acme/modem\"\nusb = [\"19d2:0117\"]\nports = { at = -1 }\nconfidence = \"reported\"\n",
			"devices.toml:10:16: at: -1 is not the number of a USB interface, 0 to 255; leave out what is not known"},
		{"no port", head + "profile = \"acme/modem\"\nusb = [\"19d2:0117\"]\nports = {}\nconfidence = \"reported\"\n",
			"devices.toml:10:9: ports is empty; write ports = { data = NUMBER, at = NUMBER }, or one of the two"},
		{"unknown profile", head + "profile = \"acme/moden\"\nusb = [\"19d2:0117\"]\n", `devices.toml:5:3: profile "acme/moden" is not there or has problems of its own; did you mean "acme/modem"?`},
		{"fragment", head + "profile = \"common/x\"\nusb = [\"19d2:0117\"]\n", `devices.toml:5:3: "common/x" is there to be inherited; a device needs a profile of its own`},
		{"driver alone", head + "profile = \"acme/modem\"\ndriver = [\"option\"]\n", "devices.toml:5:3: a device needs at least one of usb, manufacturer, model, revision, dmi, devicetree, operator and peer"},
		{"chip maker's id alone", head + "profile = \"acme/modem\"\nusb = [\"19d2:0117\", \"05c6:90b2\"]\nmanufacturer = [\"zte\"]\n",
			"devices.toml:5:3: usb id 05c6:90b2 is shared by different devices (devices.toml:2, many modems), so the entry must also match the model or the revision"},
		{"shared id alone", head + "profile = \"acme/modem\"\nusb = [\"12d1:1506\"]\n",
			"devices.toml:5:3: usb id 12d1:1506 is shared by different devices (devices.toml:2, many modems), so the entry must also match the model or the revision"},
		{"shared id with the model", head + "profile = \"acme/modem\"\nusb = [\"12d1:1506\"]\nmodel = [\"E398\"]\n", ""},
		{"not an array of tables", "schema = 1\ndevice = 1\n", "devices.toml:2:10: device must be written [[device]]"},
	} {
		t.Run(c.name, func(t *testing.T) {
			db, problems := Open(builtin("devices.toml", c.toml, "quirks/acme/modem.toml", "schema = 1\nsummary = \"s\"\n",
				"quirks/common/x.toml", "schema = 1\nsummary = \"s\"\n"))
			if got := strings.TrimSuffix(texts(problems), "\n"); got != c.want {
				t.Errorf("got\n%s\nwant\n%s", got, c.want)
			}
			if used := len(db.Devices()) == 1; used != (c.want == "") {
				t.Errorf("entry is used: %v", used)
			}
		})
	}
}

func TestSetIsReadStrictly(t *testing.T) {
	db, _ := Open(builtin())
	for _, c := range []struct{ set, want string }{
		{"auth.user", "--set auth.user: not of the form KEY=VALUE"},
		{"auth.usr=x", `--set auth.usr=x: unknown key "auth.usr"; the auth keys are ` + kin("auth.") + `; did you mean "auth.user"?`},
		{"auth.user+=x", "--set auth.user+=x: auth.user is of type text; += and -= are for lists"},
		{"lcp.mru=big", `--set lcp.mru=big: "big" is not an integer`},
		{"lcp.accm=0x100000000", "--set lcp.accm=0x100000000: 0x100000000 is out of range: 0 to 0xffffffff"},
		{"at.echo_off=1", `--set at.echo_off=1: "1" is not true or false`},
		{"dial.alternates=[1]", `--set dial.alternates=[1]: "[1]" is not a TOML array of texts`},
	} {
		_, err := db.Resolve(Facts{}, "", []string{c.set})
		if err == nil || err.Error() != c.want {
			t.Errorf("got  %v\nwant %s", err, c.want)
		}
	}
	if _, err := db.Resolve(Facts{}, "huawei/e398", nil); err == nil || !strings.HasPrefix(err.Error(), `there is no profile "huawei/e398"`) {
		t.Errorf("unknown profile: %v", err)
	}
}

package quirks

import (
	"slices"
	"strings"
	"testing"
)

// ruled is a database with rules, and perhaps more.
func ruled(t *testing.T, text string) *DB {
	t.Helper()
	db, problems := Open(builtin("devices.toml", "schema = 1\n"+text))
	none(t, problems)
	return db
}

// rule is a rule with what all must have.
func rule(text string) string {
	return "[[port]]\nname = \"n\"\nsource = [\"https://example.com\"]\nconfidence = \"reported\"\n" + text + "\n"
}

// ttys makes the ttys of a layout: "2 ff/ff/40 AT" is that of interface 2, which answers AT.
func ttys(texts ...string) (list []TTY) {
	for _, s := range texts {
		w := append(strings.Fields(s), "", "")
		var n int
		for _, c := range w[0] {
			n = n*10 + int(c-'0')
		}
		list = append(list, TTY{Interface: n, Class: "ff/ff/ff", Driver: "option"})
		l := &list[len(list)-1]
		for _, x := range w[1:] {
			switch {
			case strings.Contains(x, "/"):
				l.Class = x
			case x != "":
				l.Answer = map[string]Answer{"AT": Commands, "NMEA": Sentences, "DM": Diagnostics, "-": Silent, "x": Refused}[x]
			}
		}
	}
	return list
}

// called gives ttys their names.
func called(list []TTY, names ...string) []TTY {
	for i, name := range names {
		list[i].Label = name
	}
	return list
}

func TestPortsInOrder(t *testing.T) {
	for _, c := range []struct {
		name, rules string
		usb         string
		count       int
		ttys        []TTY
		dial, at    []int
	}{
		{"nothing known", rule(`usb = ["ffff:*"]` + "\ndata = [\"tty 2\"]"), "1234:0001", 0, ttys("0", "1", "2"), []int{0, 1, 2}, []int{0, 1, 2}},
		{"by interface", rule(`usb = ["1234:*"]` + "\ndata = [\"interface 3\"]\nat = [\"interface 1\"]"), "1234:0001", 0, ttys("0", "1", "3"), []int{2, 0, 1}, []int{1, 0, 2}},
		{"by place, from the end", rule(`usb = ["1234:*"]` + "\ndata = [\"tty -1\", \"tty 0\"]"), "1234:0001", 0, ttys("0", "4", "7"), []int{2, 0, 1}, []int{0, 1, 2}},
		{"a place that is not there", rule(`usb = ["1234:*"]` + "\ndata = [\"tty 5\", \"interface 9\", \"answering 2\"]"), "1234:0001", 0, ttys("0", "1 AT"), []int{1, 0}, []int{1, 0}},
		{"by class", rule(`class = ["ff/01/*"]` + "\ndata = [\"class ff/01/01\"]\nat = [\"class ff/01/02\"]\ndiag = [\"class ff/01/03\"]"), "1234:0001", 0,
			ttys("0 ff/01/03", "1 ff/01/02", "2 ff/01/01"), []int{2, 1}, []int{1, 2}},
		{"the last that answers", rule(`usb = ["1234:*"]` + "\ndata = [\"answering -1\"]"), "1234:0001", 0, ttys("0 -", "1 NMEA", "2 AT", "3 AT", "4 -"), []int{3, 2, 0, 4}, []int{2, 3, 0, 4}},
		{"what speaks something else is left out, whatever a rule says", rule(`usb = ["1234:*"]` + "\ndata = [\"tty 0\"]"), "1234:0001", 0, ttys("0 DM", "1 NMEA", "2 AT"), []int{2}, []int{2}},
		{"what answers AT stays, whatever a rule says", rule(`usb = ["1234:*"]` + "\ndiag = [\"tty 0\"]"), "1234:0001", 0, ttys("0 AT", "1 -"), []int{0, 1}, []int{0, 1}},
		{"a tty that cannot be opened comes last", "", "1234:0001", 0, ttys("0 x", "1", "2 AT"), []int{2, 1, 0}, []int{2, 1, 0}},
		{"a product before its vendor before the driver", rule(`driver = ["option"]`+"\ndata = [\"tty 0\"]") + rule(`usb = ["1234:*"]`+"\ndata = [\"tty 1\"]") + rule(`usb = ["1234:0001"]`+"\ndata = [\"tty 2\"]"),
			"1234:0001", 0, ttys("0", "1", "2", "3"), []int{2, 1, 0, 3}, []int{0, 1, 2, 3}},
		{"a layout before the vendor alone", rule(`usb = ["1234:*"]`+"\ndata = [\"tty 0\"]") + rule(`usb = ["1234:*"]`+"\nttys = [\"0 2 3\"]\ndata = [\"interface 3\"]"), "1234:0001", 0, ttys("0", "2", "3"), []int{2, 0, 1}, []int{0, 1, 2}},
		{"another layout", rule(`usb = ["1234:*"]` + "\nttys = [\"0 2 3\"]\ndata = [\"interface 3\"]"), "1234:0001", 0, ttys("0", "2", "3", "4"), []int{0, 1, 2, 3}, []int{0, 1, 2, 3}},
		{"by how many interfaces", rule(`usb = ["1234:*"]` + "\ninterfaces = [5]\ndata = [\"interface 3\"]"), "1234:0001", 5, ttys("0", "3"), []int{1, 0}, []int{0, 1}},
		{"by which answer", rule(`usb = ["1234:*"]`+"\ndata = [\"answering -1\"]") + rule(`usb = ["1234:*"]`+"\nanswering = [\"1 2\"]\ndata = [\"answering 0\"]"), "1234:0001", 0, ttys("0 -", "1 AT", "2 AT"), []int{1, 2, 0}, []int{1, 2, 0}},
		{"by name, before what the maker does by habit", rule(`driver = ["option"]`+"\ndata = [\"label *Modem*\"]\nat = [\"label *AT*\"]") + rule(`usb = ["1234:*"]`+"\ndata = [\"tty 0\"]"), "1234:0001", 0,
			called(ttys("0", "1", "2"), "Acme AT Port", "", "Acme Modem"), []int{2, 0, 1}, []int{0, 1, 2}},
		{"two are called so", rule(`driver = ["option"]`+"\ndata = [\"label *Modem*\"]") + rule(`usb = ["1234:*"]`+"\ndata = [\"tty 1\"]"), "1234:0001", 0,
			called(ttys("0", "1"), "Modem", "Modem 2"), []int{1, 0}, []int{0, 1}},
		{"several ttys of one interface", rule(`driver = ["option"]` + "\ndata = [\"tty 2\"]"), "1234:0001", 0, ttys("0", "0", "0"), []int{2, 0, 1}, []int{0, 1, 2}},
	} {
		p := ruled(t, c.rules).Ports(Layout{USB: c.usb, Interfaces: c.count, TTYs: c.ttys}, nil)
		if !slices.Equal(p.Dial, c.dial) || !slices.Equal(p.AT, c.at) {
			t.Errorf("%s: dial %v, want %v; at %v, want %v", c.name, p.Dial, c.dial, p.AT, c.at)
		}
	}
}

// The modem's own entry beats the rules, and what a person sets beats the entry; a tty of another interface is tried after.
func TestPortsOfTheEntryComeFirst(t *testing.T) {
	db := ruled(t, rule(`usb = ["19d2:*"]`+"\ndata = [\"tty 0\"]\nnmea = [\"interface 2\"]")+known(`usb = ["19d2:0117"]`, "{ data = 2, at_tty = 1 }"))
	l := Layout{USB: "19d2:0117", TTYs: ttys("0", "1", "2", "3")}
	p := db.Ports(l, resolve(t, db, Facts{USB: "19d2:0117"}, ""))
	if !slices.Equal(p.Dial, []int{2, 0, 1, 3}) || p.AT[0] != 1 || p.Places[2].Role != DataRole || !strings.HasPrefix(p.Places[2].Why, "devices.toml:") || p.Places[1].Role != ATRole {
		t.Errorf("%+v", p)
	}
	r, err := db.Resolve(Facts{USB: "19d2:0117"}, "", []string{"port.data_interface=3"})
	if err != nil {
		t.Fatal(err)
	}
	if p := db.Ports(l, r); p.Dial[0] != 3 {
		t.Errorf("%+v", p)
	}
	if p := db.Ports(Layout{USB: "19d2:0117", TTYs: ttys("0", "1")}, resolve(t, db, Facts{USB: "19d2:0117"}, "")); !slices.Equal(p.Dial, []int{0, 1}) {
		t.Errorf("without the entry's interface: %+v", p)
	}
	if p := db.Ports(Layout{}, nil); len(p.Dial) != 0 || len(p.Places) != 0 {
		t.Errorf("no ttys: %+v", p)
	}
}

// A maker's marks on its interfaces beat the place that a list of other compositions gives, and a person beats both.
func TestClassesBeatPlaces(t *testing.T) {
	db := ruled(t, rule(`usb = ["12d1:*"]`+"\ndata = [\"class ff/01/01\", \"tty 0\"]\ndiag = [\"class ff/01/03\"]")+known(`usb = ["12d1:1406"]`, "{ data_tty = 0, at_tty = 1 }"))
	r := resolve(t, db, Facts{USB: "12d1:1406"}, "")
	marked := Layout{USB: "12d1:1406", TTYs: ttys("0 ff/01/03", "1 ff/01/02", "2 ff/01/01")}
	if p := db.Ports(marked, r); !slices.Equal(p.Dial, []int{2, 1}) || p.Places[0].Role != DiagRole || p.Places[2].Role != DataRole {
		t.Errorf("marked: %+v", p)
	}
	if p := db.Ports(Layout{USB: "12d1:1406", TTYs: ttys("0", "1", "2")}, r); p.Dial[0] != 0 || p.AT[0] != 1 {
		t.Errorf("not marked: %+v", p)
	}
	r, err := db.Resolve(Facts{USB: "12d1:1406"}, "", []string{"port.data_tty=1"})
	if err != nil {
		t.Fatal(err)
	}
	if p := db.Ports(marked, r); p.Dial[0] != 1 {
		t.Errorf("a person: %+v", p)
	}
}

func TestRulesAreReadStrictly(t *testing.T) {
	for _, c := range []struct{ name, text, want string }{
		{"no condition", rule(`ttys = ["0 1"]` + "\ndata = [\"tty 0\"]"), "needs at least one of usb, driver and class"},
		{"nothing said", rule(`usb = ["1234:*"]`), "needs at least one of data, at, nmea and diag"},
		{"a place of no kind", rule(`usb = ["1234:*"]` + "\ndata = [\"the first\"]"), `data: "the first" is not "interface N", "tty N"`},
		{"a class of no kind", rule(`usb = ["1234:*"]` + "\ndata = [\"class FF/1/1\"]"), `data: "class FF/1/1" is not`},
		{"numbers of no kind", rule(`usb = ["1234:*"]` + "\nttys = [\"0,1\"]\ndata = [\"tty 0\"]"), `ttys: "0,1" is not interface numbers`},
		{"an id of no kind", rule(`usb = ["1234"]` + "\ndata = [\"tty 0\"]"), `usb: "1234" is not lower-case hex`},
		{"no source", "[[port]]\nname = \"n\"\nusb = [\"1234:*\"]\ndata = [\"tty 0\"]\n", "needs a name, a source and a confidence"},
	} {
		db, problems := Open(builtin("devices.toml", "schema = 1\n"+c.text))
		if got := texts(problems); !strings.Contains(got, c.want) || len(db.Rules()) != 0 {
			t.Errorf("%s: %q, want %q; %d rules", c.name, got, c.want, len(db.Rules()))
		}
	}
}

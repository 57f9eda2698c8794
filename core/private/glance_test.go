package private

import (
	"slices"
	"strings"
	"testing"

	"github.com/knakppp/knak/core/event"
)

// A glance and the set of pairs never say no where the closer look finds something.
func FuzzGlance(f *testing.F) {
	for _, s := range []string{"+CLIP: \"1\"", "x AT+CPIN=1234", "at$x=1", "the number is 7", "calling number 5", "REMOTENUMBER=7", "pIn 1", "MEID: a", "S/N: 7", "paſſword x",
		"48756E7465722D3232", "37 15 35 37", "62029178563412F0", "%48%75%6e%74%65%72", "er-22 goes on", "ends in Hunte", "SHVudGVyLTIy", "c83a9d2e57", "7351"} {
		f.Add(s, []byte(s))
	}
	f.Add("", []byte("\x00H\x00u\x00n\x00t\x00e\x00r\x00-\x002\x002"))
	f.Add("", packed("aHunter-22"))
	f.Add("", []byte{0x0f, 0x37, 0x15})
	f.Fuzz(func(t *testing.T, s string, b []byte) {
		g := glanceAt(s)
		if mentionsSecret(s) && !g.secret() {
			t.Errorf("%q mentions a secret", s)
		}
		if commandInside(s) >= 0 && g.begins&beginsCommand == 0 {
			t.Errorf("%q holds a command", s)
		}
		if replyInside(s) >= 0 && g.begins&beginsReply == 0 {
			t.Errorf("%q holds a reply", s)
		}
		if len(s) > 0 && s[0] < 0x80 { // an identity is found by its label or by its digits
			if identified(s) != s && g.digits < leastDigits && g.seen&aWide == 0 && g.begins&beginsIs == 0 && !hasLabel(s) {
				t.Errorf("%q is %q", s, identified(s))
			}
		}
		quick, slow := &Known{}, &Known{}
		for _, k := range []*Known{quick, slow} {
			k.Add("Hunter-22", "7351", "262019876543210", "a_b@c", "äöü-ß")
		}
		for _, set := range []*pairSet{&slow.filter.texts, &slow.filter.octets, &slow.filter.edges} {
			for i := range set {
				set[i] = ^uint64(0)
			}
		}
		if got, want := quick.Text(s), slow.Text(s); got != want {
			t.Errorf("%q is shown as %q, want %q", s, got, want)
		}
		x, y := slices.Clone(b), slices.Clone(b)
		if quick.Octets(x) != slow.Octets(y) || !slices.Equal(x, y) {
			t.Errorf("%x became %x, want %x", b, x, y)
		}
	})
}

// A line of a log is hidden as the table of classes says, though it does not go by it.
func TestLogByItsClasses(t *testing.T) {
	for _, e := range []event.Log{
		{Program: "pppd", Text: "local IP address 10.0.0.1", Means: []string{event.MeansLocalAddress}, Value: "10.0.0.1"},
		{Program: "x 357111000000017", Text: "password=abcdef", Means: []string{"IMEI: 357111000000017"}, Value: "357111000000017"},
		{Program: "wvdial", Text: "IMSI: 262019000000017", Value: "secret Hunter-22"},
		{Text: strings.Repeat("7", 20)}, {},
	} {
		h, table := NewHider(), NewHider()
		h.Learn("Hunter-22")
		table.Learn("Hunter-22")
		got, want := h.Record(event.Record{Event: e}), walk(e, table.field)
		a, _ := got.AppendJSON(nil)
		b, _ := event.Record{Event: want}.AppendJSON(nil)
		if string(a) != string(b) {
			t.Errorf("%+v: %s, by the table %s", e, a, b)
		}
	}
}

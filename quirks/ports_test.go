package quirks

import (
	"slices"
	"strings"
	"testing"
)

// known is a device entry without a profile.
func known(match, ports string) string {
	return "[[device]]\nname = \"n\"\nsource = [\"https://example.com/layout\"]\nconfidence = \"reported\"\n" + match + "\nports = " + ports + "\n"
}

func TestPortsOfAnEntryAreSettings(t *testing.T) {
	db, problems := Open(builtin("devices.toml", "schema = 1\n"+known(`usb = ["19d2:0117"]`, "{ data = 2, at = 1 }")))
	none(t, problems)
	r := resolve(t, db, Facts{USB: "19d2:0117"}, "")
	if r.Int("port.data_interface") != 2 || r.Int("port.at_interface") != 1 {
		t.Errorf("data %d, at %d", r.Int("port.data_interface"), r.Int("port.at_interface"))
	}
	s := r.Setting("port.data_interface")
	if s.Layer != Builtin || s.Source != "devices.toml:2" || s.Profile != "" || s.Confidence != "reported" ||
		s.Reason != "The tty of interface 2 carries PPP in this modem." || !slices.Equal(s.Sources, []string{"https://example.com/layout"}) {
		t.Errorf("%+v", s)
	}
	if r.Profile() != "" || len(r.Profiles()) != 0 {
		t.Errorf("profiles %q", r.Profiles())
	}
	if r := resolve(t, db, Facts{USB: "19d2:0118"}, ""); len(r.Changed()) != 0 {
		t.Errorf("another modem gets %+v", r.Changed())
	}
}

// The entry is nearer to the device than the profile, which several devices may have; a more exact entry and an outer
// layer beat both.
func TestPortsRankAsTheirEntry(t *testing.T) {
	profile := head + quirk("port.data_interface", "value = 0")
	r := func(facts Facts, devices string, user string) *Resolution {
		files := map[string]string{"builtin:quirks/acme/modem.toml": profile, "builtin:devices.toml": "schema = 1\n" + devices}
		if user != "" {
			files["user:devices.d/mine.toml"] = user
		}
		db, problems := layers(t, files)
		none(t, problems)
		return resolve(t, db, facts, "")
	}
	f := Facts{USB: "19d2:0117", Model: "MF180", Revision: "BD_1"}
	both := known(`usb = ["19d2:0117"]`, "{ data = 3 }") + "profile = \"acme/modem\"\n"
	if got := r(f, both, ""); got.Int("port.data_interface") != 3 || got.Profile() != "acme/modem" {
		t.Errorf("entry with a profile: %+v", got.Setting("port.data_interface"))
	} else if l := got.Setting("port.data_interface").Losers; len(l) != 2 || !strings.HasPrefix(l[0].Why, "the entry at devices.toml:2 says otherwise") {
		t.Errorf("losers %+v", l)
	}
	// Both entries have the same profile, which is used once, but each its own ports.
	two := both + known("usb = [\"19d2:0117\"]\nrevision = [\"BD_*\"]", "{ data = 4, at = 1 }") + "profile = \"acme/modem\"\n"
	if got := r(f, two, ""); got.Int("port.data_interface") != 4 || got.Int("port.at_interface") != -1 || len(got.Profiles()) != 1 {
		t.Errorf("more exact entry: data %+v, at %+v (too late)", got.Setting("port.data_interface"), got.Setting("port.at_interface"))
	}
	mine := "schema = 1\n[[device]]\nusb = [\"19d2:*\"]\nports = { data = 5 }\n"
	if got := r(f, both, mine); got.Int("port.data_interface") != 5 || got.Setting("port.data_interface").Layer != User {
		t.Errorf("outer layer: %+v", got.Setting("port.data_interface"))
	}
}

// The port to ask for the model must be known before the model is.
func TestPortsCanComeTooLate(t *testing.T) {
	db, problems := Open(builtin("devices.toml", "schema = 1\n"+known(`model = ["MF180"]`, "{ data = 2, at = 1 }")))
	none(t, problems)
	r := resolve(t, db, Facts{USB: "19d2:0117", Model: "MF180"}, "")
	if r.Int("port.data_interface") != 2 || r.Int("port.at_interface") != -1 {
		t.Errorf("data %d, at %d", r.Int("port.data_interface"), r.Int("port.at_interface"))
	}
	if got := texts(db.Validate()); !strings.Contains(got, "port.at_interface is used in phase") {
		t.Errorf("Validate says %q", got)
	}
}

func TestTiedPortsAreToldAsAWarning(t *testing.T) {
	db, problems := Open(builtin("devices.toml", "schema = 1\n"+known(`usb = ["19d2:0117"]`, "{ data = 2 }")+known(`usb = ["19d2:0117"]`, "{ data = 3 }")))
	none(t, problems)
	w := resolve(t, db, Facts{USB: "19d2:0117"}, "").Warnings()
	if len(w) != 1 || !strings.HasPrefix(w[0], "port.data_interface: a device entry (devices.toml:") {
		t.Errorf("warnings %q", w)
	}
}

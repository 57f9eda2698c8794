package learn

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/knakppp/knak"
	"github.com/knakppp/knak/quirks"
)

// sets are the settings of every variation.
func sets() (list [][]Setting) {
	for _, id := range slices.Sorted(maps.Keys(space())) {
		list = append(list, space()[id].set)
	}
	for _, phase := range slices.Sorted(maps.Keys(rare())) {
		for _, v := range rare()[phase] {
			list = append(list, v.set)
		}
	}
	for _, d := range dialers() {
		list = append(list, d.set)
	}
	return list
}

const (
	hosts   = "the host's own business: its port, its planes, its limits"
	persons = "a person's choice: what is allowed, wanted or paid for"
	itself  = "knak tries it by itself, or finds it by looking"
	pin     = "a PIN is not sent a second time to see whether it is liked better so"
	restart = "an experiment is one call, and does not restart the modem"
	harm    = "it makes no call come up: it ends calls, or only reports"
	ipv6    = "a bound of IPv6, without which the link is up all the same"
)

// left are the keys that the space leaves out, and why.
var left = map[string]string{
	"port.fast_baud": "some modems keep the speed in flash memory", "port.open_wait": hosts, "port.reopen_pause": hosts,
	"port.data_interface": itself, "port.at_interface": itself, "port.data_tty": itself, "port.at_tty": itself,
	"at.reset": restart, "at.reset_wait": restart, "registration.radio_off_command": restart, "retry.ladder": restart,
	"sim.pin_quoted":     pin,
	"context.apn":        "the network's, which a person, the SIM's carrier or the modem knows",
	"context.apn_lookup": itself, "auth.try_blank": itself, "auth.password_encoding": itself,
	"auth.require": persons, "auth.downgrade": persons, "auth.tolerate_impostor": persons,
	"ipcp.local_address": persons, "ipcp.accept_local": persons, "ipcp.peer_address": persons, "ipcp.accept_peer": persons, "ipcp.require_dns": persons,
	"lcp.max_terminate": harm, "ipcp.max_terminate": harm, "ipcp.stall_report": harm, "hangup.escape": harm, "hangup.command": harm,
	"ipv6cp.restart": ipv6, "ipv6cp.max_configure": ipv6, "ipv6cp.max_terminate": ipv6, "ipv6cp.max_failure": ipv6, "ipv6cp.deadline": ipv6, "ipv6cp.free_naks": ipv6,
	"ipv6cp.empty_nak_pace": ipv6, "ipv6cp.assume_request_after": ipv6, "ipv6cp.confreq_when_open": ipv6, "ipv6cp.max_unchanged": ipv6,
	"prove.mode": hosts, "prove.targets": hosts, "retry.attempts": hosts, "retry.max_delay": hosts,
}

// Every key is searched, or it is said why it is not; and every value of the space is one that its key takes.
func TestTheSpaceCoversEveryKey(t *testing.T) {
	searched := map[string]bool{}
	for _, set := range sets() {
		for _, s := range set {
			searched[strings.TrimSuffix(s.Key, "+")] = true
		}
	}
	known := map[string]bool{}
	for _, k := range quirks.Keys {
		known[k.Name] = true
		if in, out := searched[k.Name], left[k.Name] != ""; in == out {
			t.Errorf("%s: searched %v, left out %v", k.Name, in, out)
		}
	}
	for key := range left {
		if !known[key] {
			t.Errorf("%s is left out, and is no key", key)
		}
	}
	db, problems := quirks.Open(quirks.Sources{Builtin: knak.Files})
	if len(problems) > 0 {
		t.Fatal(problems[0])
	}
	for _, set := range sets() {
		var advised []quirks.Advised
		for _, s := range set {
			advised = append(advised, quirks.Advised{Key: s.Key, Value: s.Value, Reason: s.Reason, By: "test"})
		}
		if _, _, err := db.ResolveLearned(quirks.Facts{USB: quirks.None}, "", advised, nil, nil); err != nil {
			t.Errorf("%v: %v", set, err)
		}
	}
}

// safe are the commands that an experiment may send besides those of any dial: none stores anything for good, chooses a network, names
// a PIN, or sends a message.
var safe = []string{"ATZ", "ATD", "ATDT", "ATH", "AT+CGACT=0,{cid}", "AT+CGACT=1,{cid}", "AT+CGATT=1", "AT+CFUN=1,0"}

func TestTheSpaceKeepsToSafeCommands(t *testing.T) {
	commands := map[string]bool{}
	for _, k := range quirks.Keys {
		commands[k.Name] = k.Type == quirks.AT || k.Type == quirks.ATs
	}
	for _, set := range sets() {
		for _, s := range set {
			if commands[strings.TrimSuffix(s.Key, "+")] && !slices.Contains(safe, s.Value) {
				t.Errorf("%s is not on the list of safe commands", s)
			}
		}
	}
}

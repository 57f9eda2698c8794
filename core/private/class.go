package private

import (
	"strings"

	"github.com/knakppp/knak/core/event"
)

// Class says what a field of an event may hold, and so how it is hidden. A field is hidden even if its writer should have done so:
// an event may come from a file that another program wrote.
type Class uint8

// The classes. Each comment says what the person whose modem it is may see (a Hider shows it), and what anybody may see (a Mask
// shows it).
const (
	_ Class = iota

	// Word is a word of a closed vocabulary: shown if it is in the vocabulary, otherwise treated as a Sentence; a Mask shows
	// nothing else.
	Word
	// Sentence is a sentence of knak or another program: known secrets, AT commands and identities in it are hidden; a Mask
	// replaces addresses, names that it has seen, numbers, places in the file system.
	Sentence
	// Rule is text of a rule of diagnosis, which mentions passwords and PINs: known secrets and identities in it are hidden; a
	// Mask treats it as a Sentence.
	Rule
	// Foreign is a line that another program wrote: treated as a Sentence, and the text after a word such as password is hidden,
	// too.
	Foreign
	// Line is a line of the AT dialogue or from between frames: see Dialogue. A Mask treats it as a Sentence.
	Line
	// Title is the modem's name, given by itself or by a profile: treated as a Sentence.
	Title
	// Address is an address of the network: shown; a Mask replaces it, equal ones by equal ones.
	Address
	// Place is a port or an interface of this host: treated as a Sentence; a Mask shows the usual names only.
	Place
	// Value is the value of a setting: its key decides.
	Value
	// Payload is octets that were not understood: treated as Foreign; a Mask leaves it out.
	Payload
	// Octets is a control packet: see Packet. A Mask replaces addresses and names in it.
	Octets
	// Code has a fixed form without secrets, such as 12d1:1506 or -71 dBm; a text of another form is treated as a Sentence.
	Code
)

// classes maps the names of the fields of a kind of event to their classes.
type classes []struct {
	field string
	class Class
}

// of gives the class of a field, 0 for one that has none.
func (c classes) of(field string) Class {
	for i := range c {
		if c[i].field == field {
			return c[i].class
		}
	}
	return 0
}

// fields holds the class of every field that is text or octets, by the kind of the event. A test walks all events: it fails for a
// field without a class, and for a class without a field.
var fields = [...]struct {
	kind string
	classes
}{
	{"device", classes{{"Port", Place}, {"Vendor", Title}, {"Model", Title}, {"Firmware", Title}, {"USB", Code}, {"Profile", Word}}},
	{"at", classes{{"Text", Line}}},
	{"text", classes{{"Text", Line}}},
	{"phase", classes{{"Phase", Word}}},
	{"packet", classes{{"Data", Octets}}},
	{"described", classes{{"Packet.Data", Octets}}},
	{"quirk", classes{{"Key", Word}, {"Value", Value}, {"Source", Sentence}, {"Reason", Sentence}}},
	{"up", classes{{"Interface", Place}, {"Plane", Word}, {"Local", Address}, {"Peer", Address}, {"DNS", Address}, {"WINS", Address}, {"IPv6", Address}, {"IPv6Peer", Address}}},
	{"finding", classes{{"ID", Word}, {"Category", Word}, {"Confidence", Word}, {"Title", Rule}, {"Evidence", Sentence}, {"Meaning", Rule}, {"Cure", Rule}}},
	{"down", classes{{"Reason", Sentence}}},
	{"state", classes{{"Protocol", Word}, {"From", Word}, {"To", Word}, {"Cause", Word}}},
	{"decision", classes{{"Protocol", Word}, {"Point", Word}, {"Intent", Sentence}, {"Verdict", Sentence}, {"By", Sentence}}},
	{"data", classes{}},
	{"log", classes{{"Program", Word}, {"Text", Foreign}, {"Means", Word}, {"Value", Sentence}}},
	{"unread", classes{{"Text", Payload}, {"Reason", Sentence}}},
	{"registration", classes{{"State", Word}, {"Signal", Code}}},
	{"probe", classes{{"Target", Address}, {"How", Word}, {"Result", Sentence}}},
	{"attempt", classes{{"Reason", Sentence}}},
	{"notice", classes{{"Level", Word}, {"Text", Sentence}, {"About", Word}, {"Cause", Sentence}}},
	{"failure", classes{{"Phase", Word}, {"Cause", Word}, {"Detail", Foreign}}},
}

// classesOf gives the classes of the fields of a kind of event, and whether that kind is known.
func classesOf(kind string) (classes, bool) {
	for i := range fields {
		if fields[i].kind == kind {
			return fields[i].classes, true
		}
	}
	return nil, false
}

// prototypes is one event of each kind. A test holds that it is all of package event's.
var prototypes = []event.Event{
	event.Device{}, event.AT{}, event.Text{}, event.Phase{}, event.Packet{}, event.Described{}, event.Quirk{}, event.Up{}, event.Finding{}, event.Down{}, event.State{},
	event.Decision{}, event.Data{}, event.Log{}, event.Unread{}, event.Registration{}, event.Probe{}, event.Attempt{}, event.Notice{}, event.Failure{},
}

// isKnownWord says whether a text is of the vocabulary. Ids of findings and profiles and names of settings are many and made
// elsewhere: they are told to a Mask.
func isKnownWord(s string) bool {
	switch s {
	case // phases and causes of package event
		"dial", "lcp", "auth", "ipcp", "ipv6cp", "prove", "up", "hangup", "down", "port", "modem",
		"empty-naks", "repeated-naks", "no-address", "bogus-address", "address-conflict", "carries-nothing", "terminated", "carrier-lost",
		"timeout", "auth-rejected", "auth-method", "auth-timeout", "address-rejected", "looped-back",
		"echo-timeout", "garbage", "protocol-rejected", "dial-refused", "not-registered", "registration-denied", "pin-needed", "pin-wrong",
		"puk-needed", "no-sim", "no-modem", "modem-silent", "data-mode", "port-locked", "port-open", "at-error":
		return true
	case // protocols, and the states and events of RFC 1661 section 4
		"LCP", "IPCP", "IPV6CP", "CCP", "ECP", "PAP", "CHAP", "EAP", "CBCP", "MPLSCP", "link",
		"Initial", "Starting", "Closed", "Stopped", "Closing", "Stopping", "Req-Sent", "Ack-Rcvd", "Ack-Sent", "Opened",
		"Up", "Down", "Open", "Close", "TO+", "TO-", "RCR+", "RCR-", "RCA", "RCN", "RTR", "RTA", "RUC", "RXJ+", "RXJ-", "RXR":
		return true
	case // decision points, and the questions to plugins
		"request", "peer-request", "nak", "reject", "ack", "terminate", "auth-challenge", "auth-result", "address", "opened",
		"identify", "credentials", "steps", "challenge", "decide", "before-dial", "after-dial", "before-proof":
		return true
	case // levels, confidence, probes, planes, programs, registration
		"not-given-back", "call-may-be-up", "no-apn", "info", "warning", "certain", "likely", "possible", "icmp", "dns", "tun", "stack", "proxy",
		"none",
		"pppd", "chat", "wvdial", "kernel", "NetworkManager", "ModemManager", "systemd", "knak", "pon", "poff", "netifd", "dhcpcd", "dnsmasq",
		"pppoe-connect", "smpppd", "kppp", "gsm-ppp", "gprs", "ofonod", "comgt", "logger",
		"home", "roaming", "denied", "searching", "unknown", "emergency",
		"", "not searching", "SMS only", "emergency only":
		return true
	}
	return event.IsMeaning(s)
}

// isCode says whether a text has the form of a USB id, or of a strength of a signal.
func isCode(s string) bool {
	if vendor, product, ok := strings.Cut(s, ":"); ok {
		return len(vendor) == 4 && len(product) == 4 && isHex(vendor) && isHex(product)
	}
	number, ok := strings.CutSuffix(s, " dBm")
	number = strings.TrimPrefix(number, "-")
	return s == "" || ok && len(number) <= 3 && isDigits(number)
}

func isHex(s string) bool {
	for i := range len(s) {
		if !isHexDigit(s[i]) {
			return false
		}
	}
	return true
}

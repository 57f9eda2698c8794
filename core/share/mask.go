// Package share makes a recording that may be shown to anyone: what names a person, a subscription or a place in the
// network is replaced, the same by the same wherever it stands, and packed into one archive.
//
// Passwords, responses and the digits of names that are identities are overwritten already when records are made
// (private.Packet, at.Redact). What is left to replace here are addresses, telephone numbers and other long numbers, the
// parts of names before an @, and hardware addresses.
package share

import (
	"fmt"
	"net/netip"
	"regexp"
	"strconv"
	"strings"
	"sync"

	"github.com/knakppp/knak/core/event"
)

// Mask replaces the same by the same. The zero value is not ready; use NewMask. It is not safe for use by several
// goroutines.
type Mask struct {
	addresses map[netip.Addr]netip.Addr
	used      map[string]int // how many were given out of each range
	names     map[string]string
	replaced  map[string]int // by kind, for the summary
}

// NewMask makes a Mask that has seen nothing.
func NewMask() *Mask {
	return &Mask{addresses: map[netip.Addr]netip.Addr{}, used: map[string]int{}, names: map[string]string{}, replaced: map[string]int{}}
}

// Replaced tells how many different things of each kind were replaced.
func (m *Mask) Replaced() map[string]int { return m.replaced }

// keep are addresses that mean the same to everybody: unset, loopback, everyone, and the ones that modems and dialers
// make up where they know none (facts on Huawei's firmware and on pppd).
var keep = map[netip.Addr]bool{
	netip.MustParseAddr("0.0.0.0"): true, netip.MustParseAddr("255.255.255.255"): true, netip.MustParseAddr("127.0.0.1"): true,
	netip.MustParseAddr("10.11.12.13"): true, netip.MustParseAddr("10.11.12.14"): true, netip.MustParseAddr("10.64.64.64"): true,
	netip.IPv6Unspecified(): true, netip.IPv6LinkLocalAllNodes(): true,
	netip.MustParseAddr("::1"): true, netip.MustParseAddr("fe80::"): true,
}

// ranges are where replacements come from: whether an address is private says something about a fault, so it stays so.
// What is in none comes from 198.18.0.0/15, which no network uses (RFC 2544 section 11.4.1), or 2001:db8::/32 (RFC 3849).
var ranges = []netip.Prefix{
	netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("172.16.0.0/12"), netip.MustParsePrefix("192.168.0.0/16"),
	netip.MustParsePrefix("100.64.0.0/10"), netip.MustParsePrefix("169.254.0.0/16"), netip.MustParsePrefix("fe80::/10"),
	netip.MustParsePrefix("fc00::/7"),
}

var (
	public4 = netip.MustParsePrefix("198.18.0.0/15")
	public6 = netip.MustParsePrefix("2001:db8::/32")
)

// Address replaces an address.
func (m *Mask) Address(a netip.Addr) netip.Addr {
	zone := a.Zone()
	a = a.WithZone("").Unmap()
	if !a.IsValid() || keep[a] || a.IsMulticast() || a.IsLoopback() {
		return a.WithZone(zone)
	}
	if to, ok := m.addresses[a]; ok {
		return to.WithZone(zone)
	}
	from := public4
	if a.Is6() {
		from = public6
	}
	for _, r := range ranges {
		if r.Contains(a) {
			from = r
		}
	}
	m.used[from.String()]++
	n := m.used[from.String()]
	b := from.Addr().AsSlice()
	last := len(b) - 1
	b[last] = byte(n)
	b[last-1] |= byte(n >> 8)
	to, _ := netip.AddrFromSlice(b)
	if keep[to] { // never one that means something
		m.used[from.String()]++
		to = to.Next()
	}
	m.addresses[a] = to
	m.replaced["addresses"]++
	return to.WithZone(zone)
}

// name gives a replacement for a name or number, numbered by kind.
func (m *Mask) name(kind, text string) string {
	key := kind + "\x00" + text
	if to, ok := m.names[key]; ok {
		return to
	}
	m.replaced[kind+"s"]++
	to := kind + "-" + strconv.Itoa(m.replaced[kind+"s"])
	m.names[key] = to
	return to
}

// tokens are compiled when first used: a dial never comes here.
var tokens = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`[0-9A-Za-z.:@_%+-]+`)
})

var numbers = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`\+?[0-9]{7,}`) })

// Text replaces what stands in a text for people.
func (m *Mask) Text(s string) string {
	before := 0
	var b strings.Builder
	for _, at := range tokens().FindAllStringIndex(s, -1) {
		b.WriteString(s[before:at[0]])
		token := s[at[0]:at[1]]
		if strings.HasSuffix(s[:at[0]], "CONNECT ") {
			b.WriteString(token) // the speed of the line (V.250 section 5.7.1)
		} else {
			b.WriteString(m.token(token))
		}
		before = at[1]
	}
	b.WriteString(s[before:])
	return b.String()
}

// token replaces one word, which may have punctuation around it.
func (m *Mask) token(t string) string {
	core := strings.Trim(t, ".:%+-_@")
	i := strings.Index(t, core)
	head, tail := t[:i], t[i+len(core):]
	if a, err := netip.ParseAddr(t); err == nil { // "::1" begins with punctuation of its own
		return m.Address(a).String()
	}
	if a, err := netip.ParseAddr(core); err == nil {
		return head + m.Address(a).String() + tail
	}
	if ap, err := netip.ParseAddrPort(core); err == nil {
		return head + netip.AddrPortFrom(m.Address(ap.Addr()), ap.Port()).String() + tail
	}
	if isMAC(core) {
		n := m.name("hardware address", strings.ToLower(core))
		number, _ := strconv.Atoi(n[strings.LastIndexByte(n, '-')+1:])
		return head + fmt.Sprintf("02:00:00:00:%02x:%02x", number>>8&0xff, number&0xff) + tail
	}
	if user, realm, ok := strings.Cut(core, "@"); ok && user != "" && strings.Trim(user, "*") != "" {
		return head + m.name("name", user) + "@" + realm + tail
	}
	if strings.HasPrefix(core, "0x") || strings.HasPrefix(core, "0X") {
		return t
	}
	if len(core) == 32 && isHex(core) { // a challenge, which is chance
		return t
	}
	return numbers().ReplaceAllStringFunc(t, func(s string) string { return m.name("number", strings.TrimPrefix(s, "+")) })
}

func isMAC(s string) bool {
	if len(s) != 17 {
		return false
	}
	for i := range len(s) {
		if i%3 == 2 {
			if s[i] != ':' && s[i] != '-' {
				return false
			}
		} else if !isHex(s[i : i+1]) {
			return false
		}
	}
	return true
}

func isHex(s string) bool { return strings.Trim(s, "0123456789abcdefABCDEF") == "" }

func (m *Mask) texts(list []string) []string {
	out := make([]string, len(list))
	for i, s := range list {
		out[i] = m.Text(s)
	}
	return out
}

// Record gives a record as it may be shown to anyone.
func (m *Mask) Record(r event.Record) event.Record {
	switch e := r.Event.(type) {
	case event.Packet:
		e.Data = m.Packet(e.Protocol, e.Data)
		r.Event = e
	case event.Described:
		e.Data = m.Packet(e.Protocol, e.Data)
		r.Event = e
	case event.Data, event.Phase, event.State:
	case event.Device:
		e.Port, e.Vendor, e.Model, e.Firmware = m.Text(e.Port), m.Text(e.Vendor), m.Text(e.Model), m.Text(e.Firmware)
		r.Event = e
	case event.AT:
		e.Text = m.Text(e.Text)
		r.Event = e
	case event.Text:
		e.Text = m.Text(e.Text)
		r.Event = e
	case event.Quirk:
		e.Value, e.Source, e.Reason = m.Text(e.Value), m.Text(e.Source), m.Text(e.Reason)
		r.Event = e
	case event.Up:
		e.Local, e.Peer, e.IPv6, e.IPv6Peer = m.Text(e.Local), m.Text(e.Peer), m.Text(e.IPv6), m.Text(e.IPv6Peer)
		e.DNS, e.WINS = m.texts(e.DNS), m.texts(e.WINS)
		r.Event = e
	case event.Finding:
		r.Event = m.Finding(e)
	case event.Down:
		e.Reason = m.Text(e.Reason)
		r.Event = e
	case event.Decision:
		e.By = m.Text(e.By)
		r.Event = e
	case event.Registration:
		r.Event = e
	case event.Probe:
		e.Target, e.Result = m.Text(e.Target), m.Text(e.Result)
		r.Event = e
	case event.Attempt:
		e.Reason = m.Text(e.Reason)
		r.Event = e
	case event.Notice:
		e.Text = m.Text(e.Text)
		r.Event = e
	case event.Failure:
		e.Detail = m.Text(e.Detail)
		r.Event = e
	case event.Log:
		e.Text, e.Value = m.Text(e.Text), m.Text(e.Value)
		r.Event = e
	case event.Unread:
		// What was not understood cannot be cleaned: how much there was, and why, is all that may be told.
		e.Text = ""
		r.Event = e
	default:
		r.Event = event.Notice{Level: "info", Text: "an event of kind " + r.Event.Kind() + " was left out"}
	}
	return r
}

// Finding gives a finding as it may be shown to anyone.
func (m *Mask) Finding(f event.Finding) event.Finding {
	f.Title, f.Meaning = m.Text(f.Title), m.Text(f.Meaning)
	f.Evidence, f.Cure = m.texts(f.Evidence), m.texts(f.Cure)
	return f
}

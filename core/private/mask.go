package private

import (
	"fmt"
	"net/netip"
	"strconv"
	"strings"
	"sync"

	"github.com/knakppp/knak/core/at/v250"
	"github.com/knakppp/knak/core/event"
)

// Mask changes records so that anybody may see them. It replaces what names a person, a subscription or a place in the network. In
// all fields, equal names get equal replacements, and different names different ones. A field is replaced or left out unless its
// class says that it is harmless. Make one with NewMask. It is not safe for use by several goroutines.
type Mask struct {
	hider     *Hider          // for records that no reader gave
	words     map[string]bool // that say nothing of anybody
	addresses map[netip.Addr]netip.Addr
	used      map[string]int    // how many were given out of each range
	names     map[string]string // by kind and text
	users     []string          // the names that are replaced wherever they stand
	replaced  map[string]int    // by kind, for the summary
}

// NewMask makes a Mask that has seen nothing. words are shown if they are the whole of a field or a name: ids of findings and
// profiles, keys of settings, the logins that an operator gives to all its customers.
func NewMask(words ...string) *Mask {
	m := &Mask{hider: NewHider(), words: map[string]bool{}, addresses: map[netip.Addr]netip.Addr{}, used: map[string]int{}, names: map[string]string{}, replaced: map[string]int{}}
	for _, w := range append(words, everybody...) {
		m.words[w] = true
	}
	return m
}

// everybody are names that modems and dialers invent, and names that many networks give to all customers. They are shown: without
// them nobody can tell whether a login is the network's own, or which firmware answered.
var everybody = []string{"UMTS_CHAP_SRVR", "guest", "user", "ppp", "web", "wap", "internet", "gprs", "any", "none", "test", "anonymous", "default", "password"}

// Replaced says how many different things of each kind were replaced.
func (m *Mask) Replaced() map[string]int { return m.replaced }

// keep are addresses that mean the same to everybody: unset, loopback, broadcast, and those that modems and dialers invent if they
// know none (known for Huawei's firmware and for pppd).
var keep = sync.OnceValue(func() map[netip.Addr]bool {
	return map[netip.Addr]bool{
		netip.MustParseAddr("0.0.0.0"): true, netip.MustParseAddr("255.255.255.255"): true, netip.MustParseAddr("127.0.0.1"): true,
		netip.MustParseAddr("10.11.12.13"): true, netip.MustParseAddr("10.11.12.14"): true, netip.MustParseAddr("10.64.64.64"): true,
		netip.IPv6Unspecified(): true, netip.IPv6LinkLocalAllNodes(): true,
		netip.MustParseAddr("::1"): true, netip.MustParseAddr("fe80::"): true,
	}
})

// ranges are the blocks from which replacements are taken. A private address stays private, because that matters for a fault.
// Addresses in no block come from 198.18.0.0/15, which no network uses (RFC 2544 section 11.4.1), or 2001:db8::/32 (RFC 3849).
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
	if !a.IsValid() || keep()[a] || a.IsMulticast() || a.IsLoopback() {
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
	if keep()[to] { // never one that means something
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
	many := kind + "s"
	if strings.HasSuffix(kind, "s") {
		many = kind + "es"
	}
	m.replaced[many]++
	to := kind + "-" + strconv.Itoa(m.replaced[many])
	m.names[key] = to
	return to
}

// tokens are compiled at their first use: a dial never uses them.
var (
	tokens  = pattern(`[0-9A-Za-z.:@_%+-]+`)
	numbers = pattern(`\+?[0-9]{7,}`)
	// homes are places in the file system that contain a user's name.
	homes = pattern(`(/home/|/Users/|[A-Za-z]:\\Users\\|/media/|/run/media/)[^/\\\s:"']+`)
	// places are the usual names of ports and interfaces.
	places = pattern(`^(?:/dev/)?(?:tty[A-Za-z]{0,4}[0-9]{1,3}|pts/[0-9]{1,4}|rfcomm[0-9]{1,3}|gsmtty[0-9]{1,3}|COM[0-9]{1,3}|cua?[A-Za-z.]{0,16}[0-9]{1,3}|ppp[0-9]{1,3}|tun[0-9]{1,3}|knak[0-9]{1,3}|wwan[0-9]{1,3}|eth[0-9]{1,3}|sim|simulator)$`)
)

// Text replaces everything in a text that may name somebody.
func (m *Mask) Text(s string) string {
	if strings.ContainsAny(s, `/\`) {
		s = homes().ReplaceAllStringFunc(s, func(p string) string {
			i := strings.LastIndexAny(p, `/\`) + 1
			return p[:i] + m.name("name", p[i:])
		})
	}
	for _, u := range m.users {
		s = m.replaceWord(s, u)
	}
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

// replaceWord replaces a name where it stands alone.
func (m *Mask) replaceWord(s, name string) string {
	for from := 0; ; {
		i := strings.Index(s[from:], name)
		if i < 0 {
			return s
		}
		i += from
		end := i + len(name)
		if i > 0 && isWordPart(s[i-1]) || end < len(s) && isWordPart(s[end]) {
			from = i + 1
			continue
		}
		to := m.user(name)
		s = s[:i] + to + s[end:]
		from = i + len(to)
	}
}

func isWordPart(c byte) bool { return isLetter(c) || isDigit(c) || c == '_' || c == '-' }

// user replaces the name with which somebody logs in, or by which the other side calls itself. The realm stays.
func (m *Mask) user(name string) string {
	user, realm, at := strings.Cut(name, "@")
	if !m.isPrivate(user) {
		return name
	}
	if at {
		return m.name("name", user) + "@" + realm
	}
	return m.name("name", user)
}

// isPrivate says whether a name is to be replaced: it is nobody's, is hidden already, or was given by this Mask.
func (m *Mask) isPrivate(name string) bool {
	if name == "" || m.words[name] || strings.Trim(name, "*") == "" || strings.Contains(name, hiddenMark) {
		return false
	}
	rest, ok := strings.CutPrefix(name, "name-")
	return !ok || strings.Trim(rest, "0123456789*") != ""
}

// userLimit is the greatest number of names to search for in texts.
const userLimit = 64

// noteUser has a name replaced in texts from now on.
func (m *Mask) noteUser(name string) {
	name, _, _ = strings.Cut(name, "@")
	if len(name) < 3 || !m.isPrivate(name) || len(m.users) == userLimit {
		return
	}
	for _, u := range m.users {
		if u == name {
			return
		}
	}
	m.users = append(m.users, name)
}

// Record gives a record that anybody may see.
func (m *Mask) Record(r event.Record) event.Record {
	r.Link = "link" // its name is the user's own
	r = m.hider.Record(r)
	switch e := r.Event.(type) {
	case nil:
	case event.Packet:
		e.Data = m.Packet(e.Protocol, e.Data)
		r.Event = e
	case event.Described:
		e.Data = m.Packet(e.Protocol, e.Data)
		r.Event = e
	case event.Quirk:
		if e.Key == "auth.user" {
			m.noteUser(e.Value)
			e.Value = m.user(e.Value)
		}
		r.Event = walk(e, m.field)
	case event.AT:
		m.login(e.Text)
		r.Event = walk(e, m.field)
	default:
		if _, ok := classesOf(e.Kind()); !ok {
			r.Event = event.Notice{Level: "info", Text: "an event of a kind that is not known was left out"}
			break
		}
		r.Event = walk(e, m.field)
	}
	return r
}

// login notes the user name in a command that has it before the password.
func (m *Mask) login(line string) {
	rest, ok := attention(line)
	if !ok {
		return
	}
	for _, p := range v250.Parts(rest) {
		name, parameters, _ := strings.Cut(p, "=")
		spec, _ := shownOfCommand(strings.ToUpper(strings.TrimSpace(name)))
		if i := strings.IndexByte(spec, 'u'); i >= 0 {
			if f := v250.Cut(parameters, ','); i < len(f) {
				m.noteUser(strings.Trim(strings.TrimSpace(f[i]), `"`))
			}
		}
	}
}

// field gives a field as its class allows.
func (m *Mask) field(c Class, s string) string {
	switch c {
	case Word:
		if !isKnownWord(s) && !m.words[s] {
			return m.name("word", s)
		}
		return s
	case Code:
		if !isCode(s) {
			return m.name("word", s)
		}
		return s
	case Place:
		if !places().MatchString(s) {
			return m.name("place", s)
		}
		return s
	case Address:
		if t := m.Text(s); t != s || keep()[address(s)] || !hasLetter(s) {
			return t
		}
		return m.name("host", s)
	case Payload:
		return "" // what was not understood cannot be cleaned: how much there was, and why, is all that may be told
	}
	return m.Text(s)
}

func address(s string) netip.Addr { a, _ := netip.ParseAddr(s); return a }

func hasLetter(s string) bool {
	for i := range len(s) {
		if isLetter(s[i]) {
			return true
		}
	}
	return false
}

// Finding gives a finding that anybody may see.
func (m *Mask) Finding(f event.Finding) event.Finding {
	masked, _ := walk(walk(f, m.hider.field), m.field).(event.Finding)
	return masked
}

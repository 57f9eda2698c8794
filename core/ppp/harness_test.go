package ppp

import (
	"encoding/binary"
	"math/rand/v2"
	"net/netip"
	"testing"
	"time"

	"github.com/knakppp/knak/core/event"
	"github.com/knakppp/knak/core/notation"
	"github.com/knakppp/knak/core/ppp/auth"
	"github.com/knakppp/knak/core/ppp/packet"
)

// epoch is when every test begins.
var epoch = time.Unix(1_700_000_000, 0).UTC()

// chance is a source of random octets that gives the same ones for the same seed.
type chance struct{ *rand.Rand }

func newChance(seed uint64) chance { return chance{rand.New(rand.NewPCG(seed, 1))} }

func (c chance) Read(b []byte) (int, error) {
	for i := range b {
		b[i] = byte(c.Uint32())
	}
	return len(b), nil
}

var (
	hostAddr  = netip.MustParseAddr("10.20.30.40")
	modemAddr = netip.MustParseAddr("192.0.2.1")
	dns1      = netip.MustParseAddr("198.51.100.1")
	dns2      = netip.MustParseAddr("198.51.100.2")
)

// dialer is the built-in policy with a name and a secret.
func dialer() Settings {
	s := Defaults()
	s.Auth.Client.Name, s.Auth.Client.Secret = "user", auth.NewSecret("test secret")
	return s
}

// modem is a well-behaved modem's end: it demands the methods, and gives an address and name servers.
func modem(demand ...auth.Method) Settings {
	s := Defaults()
	s.Auth.Demand = demand
	s.Auth.Server = auth.ServerConfig{Name: "UMTS_CHAP_SRVR", Lookup: func(name string) (auth.Secret, bool) {
		return auth.NewSecret("test secret"), name == "user"
	}}
	s.IPCP.Request = []uint8{packet.IPCPAddress}
	s.IPCP.Local = modemAddr
	s.IPCP.Assign = Assignment{Address: hostAddr, DNS: [2]netip.Addr{dns1, dns2}}
	s.IPCP.Widen = nil
	s.LCP.EchoMode = EchoOff
	// The modem lets the host try as long as it likes.
	s.LCP.Deadline, s.IPCP.Deadline, s.IPCP.MaxFailure = 0, 0, 0
	return s
}

// end is one engine and all that it put out.
type end struct {
	*Engine
	t        testing.TB
	sent     []Send // the packets, copied
	lines    []string
	events   []event.Event
	up       []NetworkUp
	up6      []NetworkUp6
	down     []NetworkDown
	rejected []DataRejected
	lost     []NetworkLost
	auth     []AuthDone
	framing  []Framing
	stalled  []Stalled
	closing  []Closing
	finished []Finished
	asked    []Decision
	// decide answers decisions; nil: they wait.
	decide func(now time.Time, d Decision) Verdict
}

func newEnd(t testing.TB, s Settings, seed uint64) *end {
	return &end{t: t, Engine: New(s, newChance(seed))}
}

// drain takes the outputs, and answers decisions.
func (p *end) drain(now time.Time) []Send {
	var sends []Send
	for {
		o, ok := p.Next()
		if !ok {
			return sends
		}
		switch o := o.(type) {
		case Send:
			o.Info = append([]byte(nil), o.Info...)
			p.sent = append(p.sent, o)
			p.lines = append(p.lines, notation.Line("sent", o.Protocol, o.Info))
			sends = append(sends, o)
		case Event:
			p.events = append(p.events, o.Event)
		case NetworkUp:
			p.up = append(p.up, o)
		case NetworkUp6:
			p.up6 = append(p.up6, o)
		case NetworkLost:
			p.lost = append(p.lost, o)
		case NetworkDown:
			p.down = append(p.down, o)
		case DataRejected:
			p.rejected = append(p.rejected, o)
		case AuthDone:
			p.auth = append(p.auth, o)
		case Framing:
			p.framing = append(p.framing, o)
		case Stalled:
			p.stalled = append(p.stalled, o)
		case Closing:
			p.closing = append(p.closing, o)
		case Finished:
			p.finished = append(p.finished, o)
		case Decision:
			p.asked = append(p.asked, o)
			if p.decide != nil {
				// What was put out before must be taken before the next call.
				sends = append(sends, p.drain(now)...)
				p.Resolve(now, o.ID, p.decide(now, o))
			}
		default:
			p.t.Fatalf("unknown output %T", o)
		}
	}
}

// notices gives the texts of the Notice events.
func (p *end) notices() []string {
	var list []string
	for _, e := range p.events {
		if n, ok := e.(event.Notice); ok {
			list = append(list, n.Text)
		}
	}
	return list
}

// inFlight is one packet on the line.
type inFlight struct {
	at   time.Time
	to   *end
	send Send
}

// line joins two ends in virtual time.
type line struct {
	t     testing.TB
	now   time.Time
	ends  [2]*end
	delay time.Duration
	queue []inFlight
	// tamper sees every packet on its way, and gives what arrives instead; nil: as it is.
	tamper func(from *end, s Send) []Send
	// wire, if set, decides delays and losses: it gives how long each copy takes.
	wire func(s Send) []time.Duration
}

func join(t testing.TB, a, b *end) *line {
	return &line{t: t, now: epoch, ends: [2]*end{a, b}, delay: 10 * time.Millisecond}
}

func (l *line) carry(from *end, sends []Send) {
	to := l.ends[0]
	if from == l.ends[0] {
		to = l.ends[1]
	}
	for _, s := range sends {
		list := []Send{s}
		if l.tamper != nil {
			list = l.tamper(from, s)
		}
		for _, s := range list {
			delays := []time.Duration{l.delay}
			if l.wire != nil {
				delays = l.wire(s)
			}
			for _, d := range delays {
				l.queue = append(l.queue, inFlight{l.now.Add(d), to, s})
			}
		}
	}
}

// open starts both ends.
func (l *line) open() {
	for _, p := range l.ends {
		p.Open(l.now)
		l.carry(p, p.drain(l.now))
	}
}

// step goes to the next thing that happens, and says whether there was one before the limit.
func (l *line) step(limit time.Time) bool {
	next := soonest(l.ends[0].Deadline(), l.ends[1].Deadline())
	first := -1
	for i, f := range l.queue {
		if first < 0 || f.at.Before(l.queue[first].at) {
			first = i
		}
	}
	if first >= 0 && (next.IsZero() || !l.queue[first].at.After(next)) {
		f := l.queue[first]
		if f.at.After(limit) {
			l.now = limit
			return false
		}
		l.queue = append(l.queue[:first], l.queue[first+1:]...)
		l.now = f.at
		f.to.Receive(l.now, f.send.Protocol, f.send.Info)
		l.carry(f.to, f.to.drain(l.now))
		return true
	}
	if next.IsZero() || next.After(limit) {
		l.now = limit
		return false
	}
	if next.After(l.now) {
		l.now = next
	}
	for _, p := range l.ends {
		if at := p.Deadline(); due(at, l.now) {
			p.Advance(l.now)
			l.carry(p, p.drain(l.now))
		}
	}
	return true
}

// run goes on until both networks are up, one end is finished, or the time is over.
func (l *line) run(d time.Duration) {
	limit := l.now.Add(d)
	for steps := 0; l.step(limit); steps++ {
		if steps > 100_000 {
			l.t.Fatal("the two ends never come to rest")
		}
	}
}

// until goes on until done says so, and says how long it took.
func (l *line) until(d time.Duration, done func() bool) time.Duration {
	begin := l.now
	limit := begin.Add(d)
	for steps := 0; !done() && l.step(limit); steps++ {
		if steps > 100_000 {
			l.t.Fatal("the two ends never come to rest")
		}
	}
	return l.now.Sub(begin)
}

// settled says whether the end is up or finished.
func (p *end) settled() bool { return len(p.up) > 0 || len(p.finished) > 0 }

// log shows what an end sent and was told, when a test fails.
func (p *end) log() {
	p.t.Helper()
	// The beginning and the end tell the most.
	for i, e := range p.events {
		if i > 40 && i < len(p.events)-20 {
			continue
		}
		if e, ok := e.(event.Packet); ok {
			p.t.Log(notation.Line(e.Dir.String(), e.Protocol, e.Data))
		} else {
			p.t.Logf("%s %+v", e.Kind(), e)
		}
	}
	p.t.Logf("up %+v finished %+v closing %+v stalled %+v", p.up, p.finished, p.closing, p.stalled)
}

// script is the other end of an engine, written down packet by packet.
type script struct {
	*end
	now time.Time
}

func newScript(t testing.TB, s Settings) *script {
	return &script{end: newEnd(t, s, 7), now: epoch}
}

// opt makes an option of a type and octets.
func opt(typ uint8, data ...byte) packet.Option { return packet.Option{Type: typ, Data: data} }

func ipOpt(typ uint8, addr string) packet.Option {
	return packet.AddressOption(typ, netip.MustParseAddr(addr))
}

// give delivers a packet, and gives what the engine sent upon it.
func (s *script) give(protocol uint16, code, id uint8, options ...packet.Option) []Send {
	return s.giveData(protocol, code, id, packet.AppendOptions(nil, options))
}

func (s *script) giveData(protocol uint16, code, id uint8, data []byte) []Send {
	s.Receive(s.now, protocol, packet.Packet{Code: code, ID: id, Data: data}.AppendTo(nil))
	return s.drain(s.now)
}

// wait lets time pass, firing the timers on their way, and gives what was sent.
func (s *script) wait(d time.Duration) []Send {
	var sends []Send
	limit := s.now.Add(d)
	for n := 0; ; n++ {
		at := s.Deadline()
		if at.IsZero() || at.After(limit) {
			s.now = limit
			return sends
		}
		if n > 10_000 {
			s.t.Fatalf("%d timers within %v: the deadline is %v from now", n, d, at.Sub(s.now))
		}
		if at.After(s.now) {
			s.now = at
		}
		s.Advance(s.now)
		sends = append(sends, s.drain(s.now)...)
	}
}

// find gives the last sent packet of that kind.
func (s *script) find(protocol uint16, code uint8) (packet.Packet, bool) {
	for i := len(s.sent) - 1; i >= 0; i-- {
		if s.sent[i].Protocol == protocol && s.sent[i].Info[0] == code {
			p, err := packet.Parse(s.sent[i].Info)
			return p, err == nil
		}
	}
	return packet.Packet{}, false
}

// must is find, and a failed test without.
func (s *script) must(protocol uint16, code uint8) packet.Packet {
	s.t.Helper()
	p, ok := s.find(protocol, code)
	if !ok {
		s.log()
		s.t.Fatalf("no %s %s was sent", packet.ProtocolName(protocol), packet.CodeName(protocol, code))
	}
	return p
}

// count says how many packets of that kind were sent.
func (s *script) count(protocol uint16, code uint8) int {
	n := 0
	for _, x := range s.sent {
		if x.Protocol == protocol && x.Info[0] == code {
			n++
		}
	}
	return n
}

// ack acknowledges the last Configure-Request.
func (s *script) ack(protocol uint16) []Send {
	s.t.Helper()
	p := s.must(protocol, packet.ConfigureRequest)
	return s.giveData(protocol, packet.ConfigureAck, p.ID, p.Data)
}

// openLCP brings LCP up, with options in the peer's request.
func (s *script) openLCP(options ...packet.Option) {
	s.t.Helper()
	s.Open(s.now)
	s.drain(s.now)
	s.give(packet.LCP, packet.ConfigureRequest, 1, options...)
	s.ack(packet.LCP)
	if s.lcp.state != StateOpened {
		s.log()
		s.t.Fatalf("LCP is %s", s.lcp.state)
	}
}

// openIPCP brings IPCP up with hostAddr; the peer's request holds the options.
func (s *script) openIPCP(options ...packet.Option) {
	s.t.Helper()
	s.give(packet.IPCP, packet.ConfigureRequest, 1, options...)
	p := s.must(packet.IPCP, packet.ConfigureRequest)
	s.give(packet.IPCP, packet.ConfigureNak, p.ID, packet.AddressOption(packet.IPCPAddress, hostAddr))
	s.ack(packet.IPCP)
	if s.ipcp.state != StateOpened {
		s.log()
		s.t.Fatalf("IPCP is %s", s.ipcp.state)
	}
}

func be32(n uint32) []byte { return binary.BigEndian.AppendUint32(nil, n) }

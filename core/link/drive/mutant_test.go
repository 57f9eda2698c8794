package drive

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/knakppp/knak/core/event"
	"github.com/knakppp/knak/core/link"
	"github.com/knakppp/knak/core/link/linktest"
	"github.com/knakppp/knak/core/plane"
	"github.com/knakppp/knak/core/ppp/auth"
	"github.com/knakppp/knak/core/ppp/packet"
)

const mutantPassword = "Zephyr-Quartz9"

// mutant is a peer that lets us in by CHAP and from then on does by chance what a peer may: it begins LCP anew and demands
// other methods, begins IPCP anew with other addresses for everybody, challenges, rejects, closes, sends nonsense. It is the
// same peer in each call of a dial.
type mutant struct {
	*line           // of this call
	chance          *rand.Rand
	steady          bool // it never ends a link on purpose: it only moves, challenges and talks nonsense
	hurried         bool // it never pauses
	ours, dns       netip.Addr
	demand          packet.Option // the method that it demands, or an option of type 0: none
	calls           int
	renegotiations  int
	addresses       map[netip.Addr]bool // of ours that were acknowledged
	challenges      int
	responses       int
	agreed, worked  atomic.Bool // CHAP was agreed on in this call, and once led to a link
	inClear, leaked int         // passwords by PAP after CHAP, and octets of the password anywhere else
}

// newMutant gives one by chance; every other one is steady.
func newMutant(seed uint64) *mutant {
	return &mutant{chance: rand.New(rand.NewPCG(seed, 0)), steady: seed%2 == 1, addresses: map[netip.Addr]bool{}}
}

// open begins a call.
func (m *mutant) open(context.Context) (Port, error) {
	m.calls++
	m.line = newLine()
	m.take = m.answer
	m.agreed.Store(false)
	m.demand = packet.AuthOption(packet.CHAP, 5)
	m.move()
	go m.rage(m.line)
	return m.line, nil
}

// hostile are addresses that some host lives by, or that nobody can have.
var hostile = []string{"192.168.1.1", "192.168.1.100", "192.168.1.255", "127.0.0.1", "0.0.0.0", "255.255.255.255", "224.0.0.251", "8.8.8.8", "169.254.1.1"}

func (m *mutant) address() netip.Addr {
	if m.chance.IntN(4) == 0 {
		return netip.MustParseAddr(hostile[m.chance.IntN(len(hostile))])
	}
	return netip.AddrFrom4([4]byte{10, byte(m.chance.IntN(4)), byte(m.chance.IntN(3)), byte(2 + m.chance.IntN(200))})
}

// move makes up other addresses.
func (m *mutant) move() { m.ours, m.dns = m.address(), m.address() }

func (m *mutant) answer(protocol uint16, p packet.Packet) {
	if protocol != packet.PAP && bytes.Contains(p.Data, []byte(mutantPassword)) {
		m.leaked++
	}
	switch {
	case p.Code == packet.TerminateRequest && (protocol == packet.LCP || protocol == packet.IPCP):
		if protocol == packet.LCP {
			m.agreed.Store(false) // the call is over: the next one is on the same port
			m.calls++
		}
		m.send(protocol, packet.Packet{Code: packet.TerminateAck, ID: p.ID})
	case protocol == packet.LCP && p.Code == packet.ConfigureRequest:
		m.send(packet.LCP, packet.Packet{Code: packet.ConfigureAck, ID: p.ID, Data: p.Data})
		m.lcp()
	case protocol == packet.LCP && (p.Code == packet.ConfigureNak || p.Code == packet.ConfigureReject):
		m.demand = packet.AuthOption(packet.CHAP, 5)
		m.lcp()
	case protocol == packet.LCP && p.Code == packet.ConfigureAck:
		options, _ := packet.ParseOptions(nil, p.Data) // ours
		if o, ok := packet.Find(options, packet.LCPAuth); ok && bytes.HasPrefix(o.Data, []byte{0xc2, 0x23}) {
			m.agreed.Store(true)
			m.challenge()
		}
	case protocol == packet.LCP && p.Code == packet.EchoRequest && m.chance.IntN(4) > 0:
		m.send(packet.LCP, packet.Packet{Code: packet.EchoReply, ID: p.ID, Data: make([]byte, 4)})
	case protocol == packet.CHAP && p.Code == packet.CHAPResponse:
		m.responses++
		if m.chance.IntN(50) > 0 {
			m.send(packet.CHAP, packet.Packet{Code: packet.CHAPSuccess, ID: p.ID})
		}
	case protocol == packet.PAP && p.Code == packet.PAPRequest:
		if m.agreed.Load() || m.worked.Load() {
			m.inClear++
		}
		m.send(packet.PAP, packet.Packet{Code: packet.PAPAck, ID: p.ID, Data: []byte{0}})
	case protocol == packet.IPCP && p.Code == packet.ConfigureRequest:
		m.ipcp(p)
	}
}

// lcp begins LCP anew, or goes on with what it wants.
func (m *mutant) lcp() {
	options := []packet.Option{{Type: packet.LCPMRU, Data: []byte{byte(m.chance.IntN(256)), byte(m.chance.IntN(256))}}}
	if m.demand.Type != 0 {
		options = append(options, m.demand)
	}
	m.request(packet.LCP, options...)
}

func (m *mutant) challenge() {
	m.challenges++
	value := make([]byte, 16)
	for i := range value {
		value[i] = byte(m.chance.Uint32())
	}
	m.id++
	m.send(packet.CHAP, packet.Packet{Code: packet.CHAPChallenge, ID: m.id, Data: append(append([]byte{16}, value...), "mutant"...)})
}

// ipcp answers our request: a Nak with the addresses of the moment where it has others.
func (m *mutant) ipcp(p packet.Packet) {
	options, err := packet.ParseOptions(nil, p.Data)
	if err != nil {
		return
	}
	var nak []packet.Option
	for _, o := range options {
		want := m.dns
		switch o.Type {
		case packet.IPCPAddress:
			want = m.ours
		case packet.IPCPDNS1, packet.IPCPDNS2:
		default:
			continue
		}
		if a, _ := o.Address(); a != want && m.chance.IntN(3) > 0 {
			nak = append(nak, packet.AddressOption(o.Type, want))
		}
	}
	if len(nak) > 0 {
		m.send(packet.IPCP, packet.Packet{Code: packet.ConfigureNak, ID: p.ID, Data: packet.AppendOptions(nil, nak)})
		return
	}
	if o, ok := packet.Find(options, packet.IPCPAddress); ok {
		a, _ := o.Address()
		m.addresses[a] = true
	}
	m.send(packet.IPCP, packet.Packet{Code: packet.ConfigureAck, ID: p.ID, Data: p.Data})
	if m.chance.IntN(2) == 0 {
		m.request(packet.IPCP, packet.AddressOption(packet.IPCPAddress, m.address()))
	}
}

// rage does something every now and then, as long as the call lasts.
func (m *mutant) rage(of *line) {
	for {
		of.mu.Lock()
		wait := time.Duration(5+m.chance.IntN(150)) * time.Millisecond
		if m.chance.IntN(20) == 0 && !m.hurried {
			wait = 10 * time.Second // long enough that something comes up
		}
		of.mu.Unlock()
		select {
		case <-time.After(wait):
		case <-of.closed:
			return
		}
		of.mu.Lock()
		if m.line == of {
			m.act()
		}
		of.mu.Unlock()
	}
}

// act does one thing, with mu held.
func (m *mutant) act() {
	noise := func(n int) []byte {
		b := make([]byte, n)
		for i := range b {
			b[i] = byte(m.chance.Uint32())
		}
		return b
	}
	protocols := []uint16{packet.LCP, packet.IPCP, packet.CHAP, packet.PAP, packet.EAP, packet.IPV6CP, packet.CCP, packet.IP}
	what := m.chance.IntN(12)
	if m.steady {
		what = 2 + what%6
	}
	switch what {
	case 0, 1:
		demands := []packet.Option{{}, packet.AuthOption(packet.PAP, 0), packet.AuthOption(packet.CHAP, 5), packet.AuthOption(packet.CHAP, 0x80), packet.AuthOption(packet.CHAP, 0x81), packet.AuthOption(packet.EAP, 0)}
		m.demand = demands[m.chance.IntN(len(demands))]
		m.renegotiations++
		m.lcp()
	case 2, 3, 4:
		m.move()
		m.renegotiations++
		m.request(packet.IPCP, packet.AddressOption(packet.IPCPAddress, m.address()))
	case 5, 6:
		m.challenge()
	case 7:
		m.id++
		m.send(packet.LCP, packet.Packet{Code: packet.EchoRequest, ID: m.id, Data: make([]byte, 4)})
	case 8: // a Protocol-Reject of something (RFC 1661 section 5.7)
		p := protocols[m.chance.IntN(len(protocols))]
		m.send(packet.LCP, packet.Packet{Code: packet.ProtocolReject, ID: byte(m.chance.Uint32()), Data: append([]byte{byte(p >> 8), byte(p)}, noise(8)...)})
	case 9:
		m.send(packet.IPCP, packet.Packet{Code: packet.TerminateRequest, ID: byte(m.chance.Uint32())})
	case 10: // any packet with anything in it
		m.send(protocols[m.chance.IntN(len(protocols))], packet.Packet{Code: byte(m.chance.IntN(16)), ID: byte(m.chance.Uint32()), Data: noise(m.chance.IntN(60))})
	case 11:
		m.raw(noise(m.chance.IntN(300)))
	}
}

// told counts what a dial says and does.
type told struct {
	mu                           sync.Mutex
	events, ups, downs, failures int
	planes, open, most           int
	began                        time.Time
	times                        []time.Duration // of planes
}

func (c *told) Record(r event.Record) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.events++
	switch r.Event.(type) {
	case event.Up:
		c.ups++
	case event.Down:
		c.downs++
	case event.Failure:
		c.failures++
	}
}

func (c *told) up() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.ups > 0
}

func (c *told) plane(by int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.open += by; by > 0 {
		c.planes++
		c.times = append(c.times, time.Since(c.began))
	}
	c.most = max(c.most, c.open)
}

func (c *told) String() string {
	return fmt.Sprintf("%d planes, %d ups, %d downs, %d failures, %d events", c.planes, c.ups, c.downs, c.failures, c.events)
}

// countedPlane says when it is closed.
type countedPlane struct {
	plane.Plane
	once sync.Once
	told *told
}

func (p *countedPlane) Close() error {
	defer p.once.Do(func() { p.told.plane(-1) })
	return p.Plane.Close()
}

// mutantRunner dials the mutant again and again.
func mutantRunner(t testing.TB, m *mutant, c *told, open func(context.Context, plane.Config) (plane.Plane, error)) *Runner {
	s := linktest.Scenario(t, "behaves")
	c.began = time.Now()
	return New(link.Config{
		Name: "test", Persist: true, Password: auth.NewSecret(mutantPassword),
		Resolve: linktest.Resolve(t, s, "dial.number=", "prove.mode=never", "auth.user=joe"),
	}, Environment{
		OpenPort: m.open,
		OpenPlane: func(ctx context.Context, cfg plane.Config) (plane.Plane, error) {
			p, err := open(ctx, cfg)
			if err != nil {
				return nil, err
			}
			c.plane(1)
			return &countedPlane{Plane: p, told: c}, nil
		},
		Sink: event.SinkFunc(func(r event.Record) {
			if _, up := r.Event.(event.Up); up && m.agreed.Load() {
				m.worked.Store(true)
			}
			c.Record(r)
		}),
	})
}

// held says what a peer must never reach, whatever it does (docs/decisions/0003-authentication.md).
func (m *mutant) held(t *testing.T, c *told, ran time.Duration) {
	t.Helper()
	m.mu.Lock()
	defer m.mu.Unlock()
	c.mu.Lock()
	defer c.mu.Unlock()
	if m.inClear > 0 || m.leaked > 0 {
		t.Errorf("the password came in clear %d times after CHAP, and %d times outside of PAP", m.inClear, m.leaked)
	}
	// Ten challenges at once and then one in 10 s, in a call.
	if limit := 10*m.calls + int(ran/(10*time.Second)) + 1; m.responses > limit {
		t.Errorf("%d responses in %d calls and %v, at most %d", m.responses, m.calls, ran, limit)
	}
	if c.most > 1 || c.open != 0 {
		t.Errorf("%d planes at once, and %d at the end", c.most, c.open)
	}
	if c.ups > c.planes || c.downs < 1 {
		t.Errorf("told: %v", c)
	}
}

// attack sums up what mutants did.
type attack struct{ renegotiations, challenges, responses, addresses, ups int }

func (a *attack) add(m *mutant, c *told) {
	a.renegotiations += m.renegotiations
	a.challenges += m.challenges
	a.responses += m.responses
	a.addresses += len(m.addresses)
	a.ups += c.ups
}

// TestMutatingPeer: for ten minutes each, peers renegotiate, change addresses and challenge.
func TestMutatingPeer(t *testing.T) {
	const ran = 10 * time.Minute
	var sum attack
	for seed := range uint64(12) {
		synctest.Test(t, func(t *testing.T) {
			m, c := newMutant(seed), &told{}
			runner := mutantRunner(t, m, c, func(context.Context, plane.Config) (plane.Plane, error) { return newFakePlane(), nil })
			ctx, cancel := context.WithCancel(t.Context())
			done := make(chan link.Outcome)
			go func() { done <- runner.Run(ctx) }()
			heap := func() uint64 {
				runtime.GC()
				var s runtime.MemStats
				runtime.ReadMemStats(&s)
				return s.HeapAlloc
			}
			time.Sleep(time.Minute)
			early := heap()
			time.Sleep(ran - time.Minute)
			late := heap()
			began := time.Now()
			cancel()
			o := <-done
			if took := time.Since(began); took > 4*time.Second || o.ExitCode() != link.ExitSignal {
				t.Errorf("seed %d: told to end, it took %v: %v", seed, took, o)
			}
			time.Sleep(10 * time.Second) // what goes on without us ends
			m.held(t, c, ran)
			if late > early+2<<20 {
				t.Errorf("seed %d: the heap grew from %d to %d octets", seed, early, late)
			}
			m.mu.Lock()
			sum.add(m, c)
			m.mu.Unlock()
		})
	}
	if sum.renegotiations < 2500 || sum.challenges < 1500 || sum.responses < 200 || sum.addresses < 300 || sum.ups < 100 {
		t.Errorf("it is no attack: %+v", sum)
	}
	t.Logf("%+v", sum)
}

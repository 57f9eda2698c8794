package sim

import (
	"bytes"
	"math/rand/v2"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/knakppp/knak/core/hdlc"
	"github.com/knakppp/knak/core/notation"
	"github.com/knakppp/knak/core/ppp"
	"github.com/knakppp/knak/core/ppp/auth"
	"github.com/knakppp/knak/core/ppp/packet"
)

// dialer is a plain host: it dials by ATD and runs a PPP engine in virtual time. It is no better than a host must be,
// so that what a scenario does to it shows.
type dialer struct {
	t      testing.TB
	m      *Modem
	now    time.Time
	engine *ppp.Engine
	enc    *hdlc.Encoder
	dec    *hdlc.Decoder
	random *rand.Rand

	connected bool // CONNECT was seen
	command   []byte
	lines     Lines

	seen    []string // control packets in pppd's words, sent and rcvd, as on the host's side of the line
	texts   string   // what came between frames
	wire    []byte   // all octets from the modem
	frames  [][]byte // the writes that carried them
	packets [][]byte // IP packets that came
	up      *ppp.NetworkUp
	upAt    time.Duration
	auth    *ppp.AuthDone
	end     *ppp.Failure
	endAt   time.Duration
	start   time.Time
}

// credentials of the scenarios that want the right ones.
const (
	testUser     = "user"
	testPassword = "password"
)

func newDialer(t testing.TB, s Scenario, seed uint64, change func(*ppp.Settings)) *dialer {
	d := &dialer{t: t, m: New(s, seed), now: epoch, start: epoch, random: rand.New(rand.NewPCG(seed, 99))}
	set := ppp.Defaults()
	set.Trace = false
	set.Auth.Client = auth.ClientConfig{Name: testUser, Secret: auth.NewSecret(testPassword)}
	if change != nil {
		change(&set)
	}
	d.engine = ppp.New(set, chanceReader{d.random})
	d.enc = hdlc.NewEncoder(hdlc.DefaultConfig())
	d.dec = hdlc.NewDecoder(hdlc.DefaultDecoderConfig())
	d.m.Advance(d.now)
	d.pump()
	return d
}

// dial sends ATD and takes what comes as PPP as soon as CONNECT is there.
func (d *dialer) dial() {
	d.connected, d.command = false, nil
	d.m.Receive(d.now, []byte("ATE0\r"))
	d.pump()
	d.command = nil
	d.m.Receive(d.now, []byte("ATD*99#\r"))
	d.pump()
}

func (d *dialer) pump() {
	for again := true; again; {
		again = false
		for out, ok := d.m.Next(); ok; out, ok = d.m.Next() {
			again = true
			switch out.Kind {
			case OutputWrite:
				d.fromModem(bytes.Clone(out.Data))
			case OutputLines:
				d.lines = out.Lines
			default: // what the modem says of itself
			}
		}
		if d.fromEngine() {
			again = true
		}
	}
}

func (d *dialer) fromModem(b []byte) {
	d.wire = append(d.wire, b...)
	d.frames = append(d.frames, b)
	if !d.connected {
		d.command = append(d.command, b...)
		// A frame before CONNECT is kept: the engine gets it as soon as it runs.
		i := bytes.Index(d.command, []byte("CONNECT"))
		j := -1
		if i >= 0 {
			j = bytes.IndexByte(d.command[i:], '\n')
		}
		if j < 0 {
			return
		}
		b = append(bytes.Clone(d.command[:i]), d.command[i+j+1:]...)
		d.connected = true
		d.start = d.now
		d.engine.Open(d.now)
		d.fromEngine()
	}
	for item, rest := d.dec.Next(b); item.Kind != hdlc.None; item, rest = d.dec.Next(rest) {
		if item.Kind == hdlc.Text {
			d.texts += string(item.Text)
			if strings.Contains(d.texts, "NO CARRIER") {
				d.engine.LowerDown(d.now)
				d.fromEngine()
			}
			continue
		}
		if item.Protocol == packet.IP {
			d.packets = append(d.packets, bytes.Clone(item.Info))
			continue
		}
		d.seen = append(d.seen, notation.Line("rcvd", item.Protocol, item.Info))
		d.engine.Receive(d.now, item.Protocol, bytes.Clone(item.Info))
		d.fromEngine()
	}
}

func (d *dialer) fromEngine() bool {
	any := false
	for out, ok := d.engine.Next(); ok; out, ok = d.engine.Next() {
		any = true
		switch o := out.(type) {
		case ppp.Send:
			d.seen = append(d.seen, notation.Line("sent", o.Protocol, o.Info))
			d.m.Receive(d.now, d.enc.Append(nil, o.Protocol, o.Info))
		case ppp.Framing:
			d.enc.Set(hdlc.Config{ACCM: o.SendACCM, PFC: o.SendPFC, ACFC: o.SendACFC})
			cfg := hdlc.DefaultDecoderConfig()
			cfg.ACCM = o.RecvACCM
			d.dec.Set(cfg)
		case ppp.Decision: // only in tests that ask for it: never ask for NBNS
			v := ppp.Verdict{}
			if o.Protocol == packet.IPCP && o.Point == ppp.PointRequest {
				v.Action = ppp.Request
				for _, option := range o.Options {
					if option.Type != packet.IPCPNBNS1 && option.Type != packet.IPCPNBNS2 {
						v.Options = append(v.Options, option)
					}
				}
			}
			d.engine.Resolve(d.now, o.ID, v)
		case ppp.NetworkUp:
			if d.up == nil {
				d.upAt = d.now.Sub(d.start)
			}
			d.up = &o
		case ppp.NetworkDown:
			d.up = nil
		case ppp.AuthDone:
			d.auth = &o
		case ppp.Finished:
			d.end, d.endAt = &o.Failure, d.now.Sub(d.start)
		}
	}
	return any
}

// run lets time pass until done, or until the time is over.
func (d *dialer) run(limit time.Duration, done func() bool) {
	end := d.now.Add(limit)
	for steps := 0; !done(); steps++ {
		if steps > 1<<20 {
			d.t.Fatal("the machines never come to rest")
		}
		next := earliest(d.m.Deadline(), d.engine.Deadline())
		if next.IsZero() || next.After(end) {
			d.now = end
			d.m.Advance(d.now)
			d.pump()
			return
		}
		d.now = later(d.now, next)
		d.m.Advance(d.now)
		d.engine.Advance(d.now)
		d.pump()
	}
}

func (d *dialer) isUp() bool    { return d.up != nil }
func (d *dialer) isEnded() bool { return d.end != nil }
func never() bool               { return false }

// sendIP gives a packet to the modem as the host's data plane does.
func (d *dialer) sendIP(p []byte) {
	d.m.Receive(d.now, d.enc.Append(nil, packet.IP, p))
	d.pump()
}

// count is how many control packets were seen that hold all of the words.
func (d *dialer) count(words ...string) int {
	n := 0
next:
	for _, line := range d.seen {
		for _, w := range words {
			if !strings.Contains(line, w) {
				continue next
			}
		}
		n++
	}
	return n
}

// ping says whether an echo request to that address comes back.
func (d *dialer) ping(to string) bool {
	before := len(d.packets)
	d.sendIP(echoRequest(d.up.Local.String(), to))
	d.run(time.Second, func() bool { return len(d.packets) > before })
	return len(d.packets) > before
}

// ask says what a name server answers for the A record of www.example.com; the zero Addr: nothing.
func (d *dialer) ask(server netip.Addr) netip.Addr {
	before := len(d.packets)
	d.sendIP(dnsQuery(d.t, d.up.Local.String(), server.String(), questionA))
	d.run(time.Second, func() bool { return len(d.packets) > before })
	if len(d.packets) == before {
		return netip.Addr{}
	}
	p := d.packets[before]
	return netip.AddrFrom4([4]byte(p[len(p)-4:]))
}

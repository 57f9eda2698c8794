package ppp

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"testing"
	"time"

	"github.com/knakppp/knak/core/notation"
	"github.com/knakppp/knak/core/ppp/auth"
	"github.com/knakppp/knak/core/ppp/packet"
)

// The classes of security faults that pppd and its like have had, each as a test of this engine.

// Length fields of options: 0, 1, shorter, longer than the rest (CVE-2020-8597's kind, OpenBSD npppd's Rejects). What
// cannot be parsed is not answered, and changes nothing.
func TestOptionLengths(t *testing.T) {
	bodies := [][]byte{
		{3}, {3, 0}, {3, 1}, {3, 3}, {3, 255}, {3, 6, 1, 2, 3}, {3, 0, 1, 2, 3, 4}, {3, 1, 1, 2, 3, 4},
		{1, 4, 5, 0xdc, 3}, {1, 4, 5, 0xdc, 3, 0}, {1, 4, 5, 0xdc, 3, 9, 0xc2}, bytes.Repeat([]byte{0}, 1492),
		bytes.Repeat([]byte{0xff}, 1492), bytes.Repeat([]byte{1}, 1492),
	}
	for _, protocol := range []uint16{packet.LCP, packet.IPCP, packet.IPV6CP} {
		for _, code := range []uint8{packet.ConfigureRequest, packet.ConfigureAck, packet.ConfigureNak, packet.ConfigureReject} {
			for _, body := range bodies {
				t.Run(fmt.Sprintf("%s %s % .8x", packet.ProtocolName(protocol), packet.CodeName(protocol, code), body), func(t *testing.T) {
					set := dialer()
					set.IPV6CP.Enabled = true
					s := newScript(t, set)
					s.Open(s.now)
					s.drain(s.now)
					if protocol != packet.LCP {
						s.openLCP()
					}
					l := &s.lcp.layer
					switch protocol {
					case packet.IPCP:
						l = &s.ipcp.layer
					case packet.IPV6CP:
						l = &s.ipv6cp.layer
					}
					before, ask := l.state, l.ask
					sends := s.giveData(protocol, code, l.requestID, body)
					if len(sends) != 0 || l.state != before || l.ask != ask {
						t.Errorf("sent %v, state %s to %s", sends, before, l.state)
					}
				})
			}
		}
	}
}

// Length fields of packets, against what was received.
func TestPacketLengths(t *testing.T) {
	for _, protocol := range []uint16{packet.LCP, packet.IPCP, packet.PAP, packet.CHAP, packet.EAP} {
		for _, info := range [][]byte{
			nil, {}, {1}, {1, 1}, {1, 1, 0}, {1, 1, 0, 0}, {1, 1, 0, 3}, {1, 1, 0, 5}, {1, 1, 0xff, 0xff}, {1, 1, 0xff, 0xff, 1, 2, 3},
			{5, 1, 0, 3}, {7, 1, 0, 4}, {8, 1, 0, 4}, {8, 1, 0, 5, 0x80}, {9, 1, 0, 4}, {9, 1, 0, 6, 1, 2},
		} {
			s := newScript(t, dialer())
			s.openLCP(opt(packet.LCPAuth, 0xc2, 0x27))
			s.Receive(s.now, protocol, info)
			for _, x := range s.drain(s.now) {
				// Only the refusal of a protocol that we do not use may come of it.
				if x.Protocol == packet.LCP && x.Info[0] == packet.ProtocolReject {
					continue
				}
				if info[0] == packet.TerminateRequest || info[0] == packet.CodeReject {
					continue
				}
				t.Errorf("% x of %s was answered by %s", info, packet.ProtocolName(protocol), notation.Line("sent", x.Protocol, x.Info))
			}
		}
	}
}

// Octets behind the length field are padding (RFC 1661 section 5): they must not be read as options, nor be echoed.
func TestPaddingIsNotRead(t *testing.T) {
	s := newScript(t, dialer())
	s.openLCP()
	info := packet.Packet{Code: packet.ConfigureRequest, ID: 9}.AppendTo(nil)
	s.Receive(s.now, packet.IPCP, append(info, 3, 6, 127, 0, 0, 1))
	s.drain(s.now)
	if a := s.must(packet.IPCP, packet.ConfigureAck); len(a.Data) != 0 || s.ipcp.peer.IsValid() {
		t.Errorf("acknowledged % x, peer %v", a.Data, s.ipcp.peer)
	}
}

// ppp#589: a Nak that grows beyond the buffer, at an MRU of 65535 and of 128. No reply of any kind is larger than what
// the peer said it takes.
func TestRepliesFitThePeersMRU(t *testing.T) {
	for _, mru := range []uint16{128, 576, 1500, 65535} {
		s := newScript(t, dialer())
		s.openLCP(packet.Uint16Option(packet.LCPMRU, mru))
		limit := int(mru)
		check := func(what string, sends []Send) {
			t.Helper()
			for _, x := range sends {
				if len(x.Info) > limit {
					t.Errorf("MRU %d, %s: a reply of %d octets", mru, what, len(x.Info))
				}
			}
		}
		full := bytes.Repeat([]byte{99, 2}, 32000)
		naks := bytes.Repeat([]byte{3, 2}, 700)
		many := []byte{}
		for typ := range 256 {
			many = append(many, byte(typ), 4, 1, 2)
		}
		for _, body := range [][]byte{full[:1400], full, naks, many} {
			check("Configure-Request", s.giveData(packet.IPCP, packet.ConfigureRequest, 1, body))
		}
		check("unknown code", s.giveData(packet.IPCP, 200, 1, full))
		check("unknown protocol", s.giveData(packet.CCP, 1, 1, full))
		check("Echo-Request", s.giveData(packet.LCP, packet.EchoRequest, 1, full))
		check("unknown code of LCP", s.giveData(packet.LCP, 99, 1, full))
		check("Terminate-Request", s.giveData(packet.IPCP, packet.TerminateRequest, 1, full))
	}
}

// cc8b00c in pppd: options that come twice must not make the answer ambiguous, or larger than the question.
func TestDuplicateOptions(t *testing.T) {
	s := newScript(t, dialer())
	s.openLCP()
	for _, options := range [][]packet.Option{
		{ipOpt(3, "192.0.2.1"), ipOpt(3, "192.0.2.2")},
		{ipOpt(3, "0.0.0.0"), ipOpt(3, "0.0.0.0"), ipOpt(3, "0.0.0.0")},
		{ipOpt(129, "1.1.1.1"), ipOpt(129, "2.2.2.2")},
	} {
		sends := s.give(packet.IPCP, packet.ConfigureRequest, 1, options...)
		if len(sends) != 1 || sends[0].Info[0] != packet.ConfigureReject || len(sends[0].Info) > 4+len(packet.AppendOptions(nil, options)) {
			t.Errorf("%v: %s", options, notation.Line("sent", packet.IPCP, sends[0].Info))
		}
	}
	// In a Nak the last one must not win silently over what is believable.
	p := s.must(packet.IPCP, packet.ConfigureRequest)
	s.give(packet.IPCP, packet.ConfigureNak, p.ID, packet.AddressOption(3, hostAddr), ipOpt(3, "127.0.0.1"), ipOpt(3, "127.0.0.1"))
	s.wait(300 * time.Millisecond)
	if next := s.must(packet.IPCP, packet.ConfigureRequest); bytes.Contains(next.Data, []byte{127, 0, 0, 1}) {
		t.Errorf("asked for % x", next.Data)
	}
	// A Nak of every type there is does not make our request grow without bound.
	var all []byte
	for typ := range 256 {
		all = append(all, byte(typ), 6, 192, 0, 2, byte(typ))
	}
	p = s.must(packet.IPCP, packet.ConfigureRequest)
	s.giveData(packet.IPCP, packet.ConfigureNak, p.ID, all)
	s.wait(300 * time.Millisecond)
	if next := s.must(packet.IPCP, packet.ConfigureRequest); len(next.Data) > maxRequested*(2+maxRequestedValue) {
		t.Errorf("asked for %d octets", len(next.Data))
	}
}

// CVE-2004-1002's kind: a length below the header, in what a Code-Reject or Protocol-Reject quotes.
func TestRejectsThatQuoteTooLittle(t *testing.T) {
	for n := range 6 {
		s := newScript(t, dialer())
		s.openLCP()
		s.giveData(packet.LCP, packet.ProtocolReject, 1, bytes.Repeat([]byte{0xc0}, n))
		s.giveData(packet.LCP, packet.CodeReject, 1, bytes.Repeat([]byte{0xc0}, n))
		s.giveData(packet.IPCP, packet.CodeReject, 1, bytes.Repeat([]byte{0xc0}, n))
		if len(s.closing) != 0 {
			t.Errorf("%d octets end the link: %+v", n, s.closing)
		}
	}
}

// (g) of the lessons: text of the peer's reaches a person without the means to do harm.
func TestTextOfThePeerIsMadePrintable(t *testing.T) {
	for in, want := range map[string]string{
		"bye": "bye", "\x1b[31mred\x07": "[31mred", "a\r\nb\x00": "a  b", "\xff\xfe": "\ufffd", "caf\xc3\xa9": "café",
		"\u202egnp.exe": "gnp.exe",
	} {
		if got := printable([]byte(in)); got != want {
			t.Errorf("%q became %q, want %q", in, got, want)
		}
	}
	if n := len(printable(bytes.Repeat([]byte("x"), 5000))); n != 200 {
		t.Errorf("%d octets", n)
	}
}

// No secret of ours is in any event, failure or Decision.
func TestSecretsStayInside(t *testing.T) {
	for _, m := range []auth.Method{auth.PAP, auth.CHAPMD5, auth.MSCHAPv2, auth.EAP} {
		h, mod := newEnd(t, dialer(), 1), newEnd(t, modem(m), 2)
		l := join(t, h, mod)
		l.open()
		l.run(time.Second)
		for _, e := range append(h.events, mod.events...) {
			if text := fmt.Sprintf("%+v %q %x", e, e, e); bytes.Contains([]byte(text), []byte("test secret")) ||
				bytes.Contains([]byte(text), []byte(fmt.Sprintf("%x", "test secret"))) {
				t.Errorf("%s: %s", m, text)
			}
		}
		if text := fmt.Sprintf("%+v", h.set); bytes.Contains([]byte(text), []byte("test secret")) {
			t.Errorf("settings print it: %s", text)
		}
	}
}

// Whatever phase it is in, the engine survives any frame, sends a bounded number of replies that fit, and says when
// it wants to be called again.
func FuzzEngineReceive(f *testing.F) {
	f.Add(uint8(0), []byte("\xc0\x21\x01\x01\x00\x04"), uint16(1))
	f.Add(uint8(1), []byte("\xc2\x23\x01\x01\x00\x0a\x0412345x"), uint16(3000))
	f.Add(uint8(2), []byte("\x80\x21\x03\x01\x00\x04\x00\x06\x80\x21\x01\x01\x00\x04"), uint16(300))
	f.Add(uint8(3), []byte("\xc0\x21\x05\x01\x00\x04"), uint16(60000))
	f.Add(uint8(2), []byte("\x80\x21\x04\x01\x00\x0a\x03\x06\x00\x00\x00\x00"), uint16(0))
	f.Fuzz(func(t *testing.T, phase uint8, data []byte, pause uint16) {
		s := inPhase(t, phase)
		feed(t, s, data, pause)
	})
}

// The same, with every frame one of the protocol's, so that the fuzzer need not find its number.
func FuzzLCP(f *testing.F)    { fuzzProtocol(f, packet.LCP) }
func FuzzIPCP(f *testing.F)   { fuzzProtocol(f, packet.IPCP) }
func FuzzIPV6CP(f *testing.F) { fuzzProtocol(f, packet.IPV6CP) }

func fuzzProtocol(f *testing.F, protocol uint16) {
	for code := range uint8(14) {
		f.Add(uint8(2), []byte{code, 1, 0, 10, 3, 6, 10, 0, 0, 1}, uint16(100))
	}
	f.Fuzz(func(t *testing.T, phase uint8, info []byte, pause uint16) {
		s := inPhase(t, phase)
		feed(t, s, append([]byte{byte(protocol >> 8), byte(protocol)}, info...), pause)
		feed(t, s, append([]byte{byte(protocol >> 8), byte(protocol)}, info...), pause)
	})
}

// inPhase gives an engine in one of the phases, some of them with every decision handed out and answered as intended.
func inPhase(t *testing.T, phase uint8) *script {
	set := dialer()
	set.IPV6CP.Enabled = true
	if phase&8 != 0 {
		set.Points = everyPoint
	}
	s := newScript(t, set)
	s.decide = func(time.Time, Decision) Verdict { return Verdict{} }
	s.Open(s.now)
	s.drain(s.now)
	switch phase & 7 {
	case 1:
		s.openLCP(chapMD5)
	case 2:
		s.openLCP()
	case 3:
		s.openLCP()
		s.openIPCP()
	case 4:
		s.openLCP(opt(packet.LCPAuth, 0xc2, 0x27))
	case 5:
		s.openLCP()
		s.Close(s.now, "x")
		s.drain(s.now)
	}
	return s
}

// feed gives frames, each a protocol, and for LCP and the like as long as its length field says, with a pause after each.
func feed(t *testing.T, s *script, data []byte, pause uint16) {
	for len(data) >= 2 {
		protocol := binary.BigEndian.Uint16(data)
		data = data[2:]
		n := len(data)
		if n >= packet.HeaderLen {
			n = min(n, max(packet.HeaderLen, int(binary.BigEndian.Uint16(data[2:]))))
		}
		before := len(s.sent)
		s.Receive(s.now, protocol, data[:n])
		s.drain(s.now)
		if sent := len(s.sent) - before; sent > 12 {
			t.Fatalf("%d packets upon one", sent)
		}
		data = data[n:]
		s.wait(time.Duration(pause) * time.Millisecond)
	}
	for _, x := range s.sent {
		if len(x.Info) > 65535 || len(x.Info) < packet.HeaderLen {
			t.Fatalf("sent %d octets", len(x.Info))
		}
	}
	// It always comes to an end.
	s.Close(s.now, "end")
	s.drain(s.now)
	s.wait(20 * time.Second)
	if len(s.finished) != 1 {
		t.Fatalf("finished %+v, LCP is %s", s.finished, s.lcp.state)
	}
}

package ppp

import (
	"slices"
	"testing"
	"time"

	"github.com/knakppp/knak/core/ppp/auth"
	"github.com/knakppp/knak/core/ppp/packet"
)

// adjusting joins an engine, whose settings are replaced just before it receives the first packet that is one, to a modem.
func adjusting(t *testing.T, demand auth.Method, when func(Send) bool, change func(*Settings)) (*end, bool) {
	t.Helper()
	host, peer := newEnd(t, dialer(), 1), newEnd(t, modem(demand), 2)
	l := join(t, host, peer)
	done, taken := false, false
	l.tamper = func(from *end, s Send) []Send {
		if from == peer && !done && when(s) {
			done = true
			s2 := dialer()
			change(&s2)
			taken = host.Adjust(l.now, s2)
			host.drain(l.now)
		}
		return []Send{s}
	}
	l.open()
	for l.step(epoch.Add(30*time.Second)) && len(host.up) == 0 {
	}
	if !done {
		t.Fatal("the packet never came")
	}
	return host, taken
}

func code(protocol uint16, code uint8) func(Send) bool {
	return func(s Send) bool { return s.Protocol == protocol && s.Info[0] == code }
}

// Settings that are replaced in time are those by which the challenge is answered and IPCP begins.
func TestAdjust(t *testing.T) {
	onlyAddress := func(s *Settings) { s.IPCP.Request = []uint8{packet.IPCPAddress} }
	asked := func(e *end) (types []uint8) {
		for _, s := range e.sent {
			if s.Protocol == packet.IPCP && s.Info[0] == packet.ConfigureRequest {
				options, _ := packet.ParseOptions(nil, s.Info[packet.HeaderLen:])
				for _, o := range options {
					types = append(types, o.Type)
				}
				break
			}
		}
		return types
	}
	for _, c := range []struct {
		name   string
		demand auth.Method
		when   func(Send) bool
		taken  bool
	}{
		{"at the first request of LCP", auth.CHAPMD5, code(packet.LCP, packet.ConfigureRequest), true},
		{"at the challenge", auth.CHAPMD5, code(packet.CHAP, packet.CHAPChallenge), true},
		{"at the success", auth.CHAPMD5, code(packet.CHAP, packet.CHAPSuccess), true},
		{"at PAP's Ack", auth.PAP, code(packet.PAP, packet.PAPAck), true},
		{"too late", auth.CHAPMD5, code(packet.IPCP, packet.ConfigureNak), false},
	} {
		host, taken := adjusting(t, c.demand, c.when, onlyAddress)
		if got := slices.Equal(asked(host), []uint8{packet.IPCPAddress}); taken != c.taken || got != c.taken || len(host.up) != 1 {
			t.Errorf("%s: taken %v, asked for %v, up %d", c.name, taken, asked(host), len(host.up))
		}
	}
}

// A challenge that has not been answered is answered by the new name, and nothing is sent twice.
func TestAdjustTheName(t *testing.T) {
	other := func(s *Settings) { s.Auth.Client.Name = "user"; s.Auth.Client.Secret = auth.NewSecret("wrong") }
	host, _ := adjusting(t, auth.CHAPMD5, code(packet.CHAP, packet.CHAPChallenge), other)
	if len(host.up) != 0 || len(host.finished) == 0 && len(host.closing) == 0 {
		t.Errorf("a wrong secret that came in time was not used: %v", host.lines)
	}
	host, _ = adjusting(t, auth.CHAPMD5, code(packet.CHAP, packet.CHAPSuccess), other)
	responses := 0
	for _, s := range host.sent {
		if s.Protocol == packet.CHAP {
			responses++
		}
	}
	if len(host.up) != 1 || responses != 1 {
		t.Errorf("up %d after %d responses", len(host.up), responses)
	}
}

// Characters to escape that are named after LCP opened count from then on.
func TestAdjustEscapes(t *testing.T) {
	host, _ := adjusting(t, auth.CHAPMD5, code(packet.CHAP, packet.CHAPChallenge), func(s *Settings) { s.LCP.SendACCM = 0x0a0000 })
	if f := host.framing[len(host.framing)-1]; f.SendACCM != 0x0a0000 {
		t.Errorf("SendACCM %#x", f.SendACCM)
	}
}

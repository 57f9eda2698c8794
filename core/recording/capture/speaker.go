package capture

import (
	"encoding/binary"

	"github.com/knakppp/knak/core/event"
	"github.com/knakppp/knak/core/ppp/packet"
)

// speaker says which way a packet went where a capture does not: by what only a host or only a modem says, and after that
// by whose Magic-Number, whose address or whose request it is. Between two ends that behave alike it can tell at most that a
// packet is not of the one who sent another.
type speaker struct {
	knows bool
	host  address // on Ethernet

	unsure  bool    // nothing told the direction of the packet that is judged
	demands [2]bool // by event.Dir: who wants the other one to prove who it is

	magic   [2]uint32      // by event.Dir, 0 while not known
	ip      [2][4]byte     // by event.Dir, as IPCP agreed
	pending [2][8]question // by event.Dir: requests that wait for an answer
	next    int
	last    event.Dir
}

// question is a Configure- or Terminate-Request.
type question struct {
	protocol uint16
	id       uint8
	waits    bool
	sum      uint32 // of the options, which an Ack has unchanged
	types    [4]uint64
	zero     bool // it asks for an address
	number   int  // in the order of all
}

// sum is the FNV-1a hash of b.
func sum(b []byte) uint32 {
	h := uint32(2166136261)
	for _, c := range b {
		h = (h ^ uint32(c)) * 16777619
	}
	return h
}

func types(options []packet.Option) (set [4]uint64) {
	for _, o := range options {
		set[o.Type/64] |= 1 << (o.Type % 64)
	}
	return set
}

// may says whether p may answer q.
func (q question) may(protocol uint16, p packet.Packet) bool {
	if !q.waits || q.protocol != protocol || q.id != p.ID {
		return false
	}
	switch p.Code {
	case packet.ConfigureAck:
		return q.sum == sum(p.Data)
	case packet.ConfigureReject:
		options, _ := packet.ParseOptions(nil, p.Data)
		for i, t := range types(options) {
			if t&^q.types[i] != 0 {
				return false
			}
		}
	}
	return true
}

func direction(sent bool) event.Dir {
	if sent {
		return event.Sent
	}
	return event.Rcvd
}

// dir judges a frame. guessed says that nothing told which way it went.
func (s *speaker) dir(frame []byte) (d event.Dir, guessed bool) {
	protocol, info, ok := header(frame)
	if !ok {
		return s.last, true
	}
	s.unsure = false
	d = s.judge(protocol, info)
	s.last = d
	s.learn(d, protocol, info)
	return d, s.unsure
}

// guess gives a direction that nothing tells.
func (s *speaker) guess(d event.Dir) event.Dir {
	s.unsure = true
	return d
}

// header takes Address, Control and Protocol off a frame.
func header(b []byte) (protocol uint16, info []byte, ok bool) {
	if len(b) >= 2 && b[0] == 0xff && b[1] == 3 {
		b = b[2:]
	}
	switch {
	case len(b) >= 1 && b[0]&1 != 0:
		return uint16(b[0]), b[1:], true
	case len(b) >= 2:
		return binary.BigEndian.Uint16(b), b[2:], true
	}
	return 0, nil, false
}

func (s *speaker) judge(protocol uint16, info []byte) event.Dir {
	if len(info) == 0 {
		return s.guess(s.last)
	}
	code := info[0]
	s.unsure = s.demands[event.Sent] && s.demands[event.Rcvd] // each asks and answers
	switch protocol {
	case packet.PAP:
		return direction(code == packet.PAPRequest)
	case packet.CHAP:
		return direction(code == packet.CHAPResponse)
	case packet.EAP:
		return direction(code == packet.EAPResponse)
	case packet.IP:
		return s.byAddress(info)
	}
	s.unsure = false
	p, err := packet.Parse(info)
	if err != nil || protocol < 0x8000 {
		return s.guess(s.last)
	}
	switch p.Code {
	case packet.ConfigureAck, packet.ConfigureNak, packet.ConfigureReject, packet.TerminateAck:
		return s.answers(protocol, p)
	case packet.ConfigureRequest:
		return s.asks(protocol, p)
	case packet.TerminateRequest:
		// The one whose requests had the identifier before; where that is both or none, mostly the host has had enough.
		sent, rcvd := s.counted(event.Sent, protocol, p.ID), s.counted(event.Rcvd, protocol, p.ID)
		s.unsure = sent == rcvd
		return direction(sent || !rcvd)
	case packet.EchoRequest, packet.EchoReply, packet.DiscardRequest:
		if len(p.Data) >= 4 && protocol == packet.LCP {
			return s.byMagic(binary.BigEndian.Uint32(p.Data))
		}
	}
	return s.guess(s.last)
}

// byMagic goes by a Magic-Number. In a capture that begins in the middle of a call the first one is taken for the host's.
func (s *speaker) byMagic(m uint32) event.Dir {
	sent, rcvd := &s.magic[event.Sent], &s.magic[event.Rcvd]
	switch {
	case m == 0:
		s.unsure = *sent == 0
		return direction(*sent == 0)
	case m == *sent:
		return event.Sent
	case m == *rcvd:
		return event.Rcvd
	case *sent != 0:
		if *rcvd == 0 {
			*rcvd = m
		}
		return event.Rcvd // of two ends it is not the one
	}
	*sent = m
	return event.Sent
}

func (s *speaker) byAddress(info []byte) event.Dir {
	if len(info) >= 20 {
		from, to := [4]byte(info[12:16]), [4]byte(info[16:20])
		var none [4]byte
		switch {
		case s.ip[event.Sent] != none && (from == s.ip[event.Sent] || to == s.ip[event.Sent]):
			return direction(from == s.ip[event.Sent])
		case s.ip[event.Rcvd] != none && (from == s.ip[event.Rcvd] || to == s.ip[event.Rcvd]):
			return direction(to == s.ip[event.Rcvd])
		}
	}
	return s.last
}

// asks judges a Configure-Request.
func (s *speaker) asks(protocol uint16, p packet.Packet) event.Dir {
	options, _ := packet.ParseOptions(nil, p.Data)
	switch protocol {
	case packet.LCP:
		var m uint32
		if o, ok := packet.Find(options, packet.LCPMagic); ok {
			m, _ = o.Uint32()
		}
		if sent, rcvd := s.magic[event.Sent], s.magic[event.Rcvd]; sent != 0 && rcvd != 0 && m != 0 && m != sent && m != rcvd {
			*s = speaker{knows: s.knows, host: s.host} // another call
		}
		mine := m != 0 && (m == s.magic[event.Sent] || m == s.magic[event.Rcvd])
		if _, ok := packet.Find(options, packet.LCPAuth); ok && !mine {
			// A host does not ask its provider for a password. But where one who did has not been answered and now another
			// magic number asks for one, there are two of them.
			q, ok := s.latest(event.Rcvd, protocol)
			return direction(ok && q.waits && m != 0 && s.magic[event.Rcvd] != 0)
		}
		if m != 0 {
			return s.byMagic(m)
		}
	case packet.IPCP:
		for _, o := range options {
			a, ok := o.Address()
			switch {
			case o.Type >= packet.IPCPDNS1 && o.Type <= packet.IPCPNBNS2:
				return event.Sent
			case ok && o.Type == packet.IPCPAddress && a.IsUnspecified():
				return event.Sent
			case ok && o.Type == packet.IPCPAddress && a.As4() == s.ip[event.Sent]:
				return event.Sent
			case ok && o.Type == packet.IPCPAddress:
				// An address of its own has the provider, and the host once it was told which, or where somebody set one.
				q, ok := s.latest(event.Rcvd, protocol)
				return direction(ok && q.waits && q.sum != sum(p.Data))
			}
		}
	}
	return s.asksAgain(protocol, p)
}

// asksAgain judges a Configure-Request in which nothing is a host's or a modem's only: by the requests before.
func (s *speaker) asksAgain(protocol uint16, p packet.Packet) event.Dir {
	var asked, goesOn, same [2]bool
	for _, d := range [...]event.Dir{event.Sent, event.Rcvd} {
		q, ok := s.latest(d, protocol)
		asked[d] = ok
		same[d] = ok && q.sum == sum(p.Data) && q.id == p.ID
		goesOn[d] = same[d] || ok && q.id+1 == p.ID && (!q.waits || q.sum == sum(p.Data))
	}
	switch {
	case asked[event.Sent] && asked[event.Rcvd]:
		s.unsure = goesOn[event.Sent] == goesOn[event.Rcvd]
		return direction(goesOn[event.Sent])
	case asked[event.Sent] && !goesOn[event.Sent], asked[event.Rcvd] && !goesOn[event.Rcvd]:
		return direction(asked[event.Rcvd]) // the other end's first
	case asked[event.Sent] || asked[event.Rcvd]:
		s.unsure = same[event.Sent] || same[event.Rcvd] // again, or the other end's first that is the same
		return direction(asked[event.Sent])
	}
	return direction(s.last == event.Rcvd)
}

// latest gives the last request of a protocol that went in a direction.
func (s *speaker) latest(d event.Dir, protocol uint16) (last question, ok bool) {
	for _, q := range s.pending[d] {
		if q.protocol == protocol && q.number >= last.number {
			last, ok = q, true
		}
	}
	return last, ok
}

// counted says whether a request of a direction had the identifier, or the one before.
func (s *speaker) counted(d event.Dir, protocol uint16, id uint8) bool {
	for _, q := range s.pending[d] {
		if q.protocol == protocol && (q.id == id || q.id+1 == id) {
			return true
		}
	}
	return false
}

// answers judges a packet that answers a request.
func (s *speaker) answers(protocol uint16, p packet.Packet) event.Dir {
	options, _ := packet.ParseOptions(nil, p.Data)
	_, gives := packet.Find(options, packet.IPCPAddress)
	gives = gives && protocol == packet.IPCP && p.Code == packet.ConfigureNak
	var found, fits [2]bool
	for d := range s.pending {
		for _, q := range s.pending[d] {
			may := q.may(protocol, p)
			found[d] = found[d] || may
			fits[d] = fits[d] || may && gives && q.zero
		}
	}
	if found[0] && found[1] && fits[0] != fits[1] {
		found = fits
	}
	switch {
	case found[event.Sent] && !found[event.Rcvd]:
		return event.Rcvd
	case found[event.Rcvd] && !found[event.Sent]:
		return event.Sent
	}
	return s.guess(direction(s.last == event.Rcvd))
}

// learn remembers what tells the two ends apart.
func (s *speaker) learn(d event.Dir, protocol uint16, info []byte) {
	p, err := packet.Parse(info)
	if err != nil || protocol < 0x8000 || protocol == packet.PAP || protocol == packet.CHAP || protocol == packet.EAP {
		return
	}
	options, _ := packet.ParseOptions(nil, p.Data)
	switch p.Code {
	case packet.ConfigureRequest:
		if o, ok := packet.Find(options, packet.LCPMagic); ok && protocol == packet.LCP {
			s.magic[d], _ = o.Uint32()
		}
		if protocol == packet.LCP {
			_, s.demands[d] = packet.Find(options, packet.LCPAuth)
		}
		fallthrough
	case packet.TerminateRequest:
		q := question{protocol: protocol, id: p.ID, waits: true, sum: sum(p.Data), types: types(options), number: s.next}
		if o, ok := packet.Find(options, packet.IPCPAddress); ok && protocol == packet.IPCP {
			a, ok := o.Address()
			q.zero = ok && a.IsUnspecified()
		}
		s.pending[d][s.next%len(s.pending[d])] = q
		s.next++
	case packet.ConfigureAck, packet.ConfigureNak:
		if o, ok := packet.Find(options, packet.IPCPAddress); ok && protocol == packet.IPCP {
			if a, ok := o.Address(); ok {
				s.ip[1-d] = a.As4()
			}
		}
		fallthrough
	case packet.ConfigureReject, packet.TerminateAck:
		for i, q := range s.pending[1-d] {
			if q.protocol == protocol && q.id == p.ID {
				s.pending[1-d][i].waits = false
			}
		}
	}
}

package capture

import (
	"encoding/binary"

	"github.com/knakppp/knak/core/event"
	"github.com/knakppp/knak/core/ppp/packet"
)

// speaker finds the direction of packets if a capture does not give it: by what only a host or only a modem sends, then by whose
// Magic-Number, address or request a packet has. If both ends behave alike, it can tell at most that two packets come from
// different ends.
type speaker struct {
	knows bool
	host  address // the host's, on Ethernet

	unsure  bool    // the direction of the present packet is a guess
	demands [2]bool // by event.Dir: this end demands authentication

	magic   [2]uint32      // by event.Dir; 0: not known yet
	ip      [2][4]byte     // by event.Dir: the addresses that IPCP agreed on
	pending [2][8]question // by event.Dir: requests without an answer so far
	next    int
	last    event.Dir
}

// question is a Configure- or Terminate-Request.
type question struct {
	protocol uint16
	id       uint8
	waits    bool
	sum      uint32 // of the options, which an Ack repeats unchanged
	types    [4]uint64
	zero     bool // it asks for an address
	number   int  // its number among all requests
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

// dir gives the direction of a frame. guessed means that nothing in it shows the direction.
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

// guess gives d and marks it as a guess.
func (s *speaker) guess(d event.Dir) event.Dir {
	s.unsure = true
	return d
}

// header removes Address, Control and Protocol from a frame.
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
	s.unsure = s.demands[event.Sent] && s.demands[event.Rcvd] // each end asks and answers
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
		// It comes from the end whose requests had the identifier before. If that is both ends or neither, it is usually
		// the host that ends the call.
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

// byMagic gives the direction by a Magic-Number. In a capture that begins in the middle of a call, the first Magic-Number counts
// as the host's.
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
		return event.Rcvd // it is not the host's, so it is the other end's
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

// asks gives the direction of a Configure-Request.
func (s *speaker) asks(protocol uint16, p packet.Packet) event.Dir {
	options, _ := packet.ParseOptions(nil, p.Data)
	switch protocol {
	case packet.LCP:
		var m uint32
		if o, ok := packet.Find(options, packet.LCPMagic); ok {
			m, _ = o.Uint32()
		}
		if sent, rcvd := s.magic[event.Sent], s.magic[event.Rcvd]; sent != 0 && rcvd != 0 && m != 0 && m != sent && m != rcvd {
			*s = speaker{knows: s.knows, host: s.host} // another call begins
		}
		mine := m != 0 && (m == s.magic[event.Sent] || m == s.magic[event.Rcvd])
		if _, ok := packet.Find(options, packet.LCPAuth); ok && !mine {
			// A host does not demand authentication from its provider. But if such a request is unanswered and a
			// request with another Magic-Number demands it too, both ends demand it.
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
				// The provider has an address of its own. The host has one after it was given one, or if one was
				// configured.
				q, ok := s.latest(event.Rcvd, protocol)
				return direction(ok && q.waits && q.sum != sum(p.Data))
			}
		}
	}
	return s.asksAgain(protocol, p)
}

// asksAgain gives the direction of a Configure-Request whose options tell nothing, by the requests before it.
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
		return direction(asked[event.Rcvd]) // the first request of the other end
	case asked[event.Sent] || asked[event.Rcvd]:
		s.unsure = same[event.Sent] || same[event.Rcvd] // a repetition, or an equal first request of the other end
		return direction(asked[event.Sent])
	}
	return direction(s.last == event.Rcvd)
}

// latest gives the last request of a protocol in a direction.
func (s *speaker) latest(d event.Dir, protocol uint16) (last question, ok bool) {
	for _, q := range s.pending[d] {
		if q.protocol == protocol && q.number >= last.number {
			last, ok = q, true
		}
	}
	return last, ok
}

// counted says whether a request in a direction had the identifier id, or the one before it.
func (s *speaker) counted(d event.Dir, protocol uint16, id uint8) bool {
	for _, q := range s.pending[d] {
		if q.protocol == protocol && (q.id == id || q.id+1 == id) {
			return true
		}
	}
	return false
}

// answers gives the direction of a packet that answers a request.
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

// learn remembers the properties that tell the two ends apart.
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

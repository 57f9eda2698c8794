package capture

import (
	"encoding/binary"

	"github.com/knakppp/knak/core/ppp/packet"
	"github.com/knakppp/knak/core/trace"
)

// speaker says which way a packet went where a capture does not: by what only a host or only a modem says, and after that
// by whose Magic-Number, whose address or whose request it is.
type speaker struct {
	knows bool
	host  address // on Ethernet

	magic   [2]uint32      // by trace.Dir, 0 while not known
	ip      [2][4]byte     // by trace.Dir, as IPCP agreed
	pending [2][8]question // by trace.Dir: requests that wait for an answer
	next    int
	last    trace.Dir
}

// question is a Configure- or Terminate-Request.
type question struct {
	protocol uint16
	id       uint8
	waits    bool
	sum      uint32 // of the options, which an Ack has unchanged
	types    [4]uint64
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

func direction(sent bool) trace.Dir {
	if sent {
		return trace.Sent
	}
	return trace.Rcvd
}

func (s *speaker) dir(frame []byte) trace.Dir {
	protocol, info, ok := header(frame)
	if !ok {
		return s.last
	}
	d := s.judge(protocol, info)
	s.last = d
	s.learn(d, protocol, info)
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

func (s *speaker) judge(protocol uint16, info []byte) trace.Dir {
	if len(info) == 0 {
		return s.last
	}
	code := info[0]
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
	p, err := packet.Parse(info)
	if err != nil || protocol < 0x8000 {
		return s.last
	}
	switch p.Code {
	case packet.ConfigureAck, packet.ConfigureNak, packet.ConfigureReject, packet.TerminateAck:
		return s.answers(protocol, p)
	case packet.ConfigureRequest:
		return s.asks(protocol, p)
	case packet.TerminateRequest:
		// The one whose requests had the identifier before; where that is both or none, mostly the host has had enough.
		return direction(s.counted(trace.Sent, protocol, p.ID) || !s.counted(trace.Rcvd, protocol, p.ID))
	case packet.EchoRequest, packet.EchoReply, packet.DiscardRequest:
		if len(p.Data) >= 4 && protocol == packet.LCP {
			return s.byMagic(binary.BigEndian.Uint32(p.Data))
		}
	}
	return s.last
}

func (s *speaker) byMagic(m uint32) trace.Dir {
	switch {
	case m != 0 && m == s.magic[trace.Sent]:
		return trace.Sent
	case m != 0 && m == s.magic[trace.Rcvd]:
		return trace.Rcvd
	case s.magic[trace.Sent] != 0:
		return trace.Rcvd // of two ends it is not the one
	}
	return trace.Sent
}

func (s *speaker) byAddress(info []byte) trace.Dir {
	if len(info) >= 20 {
		from, to := [4]byte(info[12:16]), [4]byte(info[16:20])
		var none [4]byte
		switch {
		case s.ip[trace.Sent] != none && (from == s.ip[trace.Sent] || to == s.ip[trace.Sent]):
			return direction(from == s.ip[trace.Sent])
		case s.ip[trace.Rcvd] != none && (from == s.ip[trace.Rcvd] || to == s.ip[trace.Rcvd]):
			return direction(to == s.ip[trace.Rcvd])
		}
	}
	return s.last
}

// asks judges a Configure-Request.
func (s *speaker) asks(protocol uint16, p packet.Packet) trace.Dir {
	options, _ := packet.ParseOptions(nil, p.Data)
	switch protocol {
	case packet.LCP:
		var m uint32
		if o, ok := packet.Find(options, packet.LCPMagic); ok {
			m, _ = o.Uint32()
		}
		if sent, rcvd := s.magic[trace.Sent], s.magic[trace.Rcvd]; sent != 0 && rcvd != 0 && m != 0 && m != sent && m != rcvd {
			*s = speaker{knows: s.knows, host: s.host} // another call
		}
		if _, ok := packet.Find(options, packet.LCPAuth); ok {
			return trace.Rcvd // a host does not ask its provider for a password
		}
		if m != 0 {
			return s.byMagic(m)
		}
	case packet.IPCP:
		for _, o := range options {
			a, ok := o.Address()
			switch {
			case o.Type >= packet.IPCPDNS1 && o.Type <= packet.IPCPNBNS2:
				return trace.Sent
			case ok && o.Type == packet.IPCPAddress && a.IsUnspecified():
				return trace.Sent
			case ok && o.Type == packet.IPCPAddress:
				// An address of its own has the provider, and the host once it was told which.
				if a.As4() == s.ip[trace.Sent] {
					return trace.Sent
				}
				return trace.Rcvd
			}
		}
	}
	// The one whose request had the same identifier or the one before.
	for _, d := range [...]trace.Dir{trace.Sent, trace.Rcvd} {
		if s.counted(d, protocol, p.ID) {
			return d
		}
	}
	return direction(s.last == trace.Rcvd)
}

// counted says whether a request of a direction had the identifier, or the one before.
func (s *speaker) counted(d trace.Dir, protocol uint16, id uint8) bool {
	for _, q := range s.pending[d] {
		if q.protocol == protocol && (q.id == id || q.id+1 == id) {
			return true
		}
	}
	return false
}

// answers judges a packet that answers a request.
func (s *speaker) answers(protocol uint16, p packet.Packet) trace.Dir {
	found := [2]bool{}
	for d := range s.pending {
		for _, q := range s.pending[d] {
			found[d] = found[d] || q.may(protocol, p)
		}
	}
	switch {
	case found[trace.Sent] && !found[trace.Rcvd]:
		return trace.Rcvd
	case found[trace.Rcvd] && !found[trace.Sent]:
		return trace.Sent
	}
	return direction(s.last == trace.Rcvd)
}

// learn remembers what tells the two ends apart.
func (s *speaker) learn(d trace.Dir, protocol uint16, info []byte) {
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
		fallthrough
	case packet.TerminateRequest:
		s.pending[d][s.next%len(s.pending[d])] = question{protocol: protocol, id: p.ID, waits: true, sum: sum(p.Data), types: types(options)}
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

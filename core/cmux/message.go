package cmux

// Message is a message of the control channel (section 5.4.6.1).
type Message struct {
	Type    byte // with the EA and C/R bits clear
	Command bool
	Value   []byte
}

// The types of messages that matter for a recording.
const (
	PN    = 0x80 // parameters of a channel
	PSC   = 0x40 // power saving
	CLD   = 0xc0 // the multiplexer is closed down
	Test  = 0x20
	FCon  = 0xa0
	FCoff = 0x60
	MSC   = 0xe0 // the modem lines of a channel
	NSC   = 0x10 // a command is not supported
	RPN   = 0x90 // the port's settings
	RLS   = 0x50 // errors on the line
	SNC   = 0xd0
)

// Name gives the standard's name of a message, or "" for an unknown type.
func (m Message) Name() string {
	switch m.Type {
	case PN:
		return "PN"
	case PSC:
		return "PSC"
	case CLD:
		return "CLD"
	case Test:
		return "Test"
	case FCon:
		return "FCon"
	case FCoff:
		return "FCoff"
	case MSC:
		return "MSC"
	case NSC:
		return "NSC"
	case RPN:
		return "RPN"
	case RLS:
		return "RLS"
	case SNC:
		return "SNC"
	}
	return ""
}

// ParseMessage reads the first message in the information of a control channel's frame. rest are the octets after it: a frame may
// hold several messages. It is false if there is no message.
func ParseMessage(info []byte) (m Message, rest []byte, ok bool) {
	if len(info) < 2 || info[0]&ea == 0 {
		return Message{}, nil, false
	}
	size, at := int(info[1]>>1), 2
	if info[1]&ea == 0 {
		if len(info) < 3 {
			return Message{}, nil, false
		}
		size, at = size|int(info[2])<<7, 3
	}
	if size > len(info)-at {
		return Message{}, nil, false
	}
	return Message{Type: info[0] &^ (ea | cr), Command: info[0]&cr != 0, Value: info[at : at+size]}, info[at+size:], true
}

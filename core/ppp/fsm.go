package ppp

// State is a state of the option negotiation automaton (RFC 1661 section 4.2), with RFC 1661's number.
type State uint8

// The ten states.
const (
	StateInitial State = iota
	StateStarting
	StateClosed
	StateStopped
	StateClosing
	StateStopping
	StateReqSent
	StateAckRcvd
	StateAckSent
	StateOpened
)

var stateNames = [...]string{
	"Initial", "Starting", "Closed", "Stopped", "Closing", "Stopping", "Req-Sent", "Ack-Rcvd", "Ack-Sent", "Opened",
}

// String gives RFC 1661's name.
func (s State) String() string { return stateNames[s] }

// timed says whether the restart timer runs in this state (RFC 1661 section 4.2).
func (s State) timed() bool { return s >= StateClosing && s != StateOpened }

// FSMEvent is an event of the automaton (RFC 1661 section 4.3).
type FSMEvent uint8

// The sixteen events.
const (
	Up                  FSMEvent = iota // the lower layer is ready to carry packets
	Down                                // the lower layer is no longer ready
	Open                                // the link is administratively wanted
	Close                               // the link is no longer wanted
	TimeoutRetry                        // TO+: the restart timer ran out, and the counter is above zero
	TimeoutExpired                      // TO-: the restart timer ran out, and the counter is at zero
	ReceiveRequestGood                  // RCR+: an acceptable Configure-Request
	ReceiveRequestBad                   // RCR-: an unacceptable Configure-Request
	ReceiveAck                          // RCA: Configure-Ack
	ReceiveNak                          // RCN: Configure-Nak or Configure-Reject
	ReceiveTerminate                    // RTR: Terminate-Request
	ReceiveTerminateAck                 // RTA: Terminate-Ack
	ReceiveUnknownCode                  // RUC
	ReceiveRejectMild                   // RXJ+: a Code-Reject or Protocol-Reject that the link survives
	ReceiveRejectFatal                  // RXJ-: a Code-Reject or Protocol-Reject that ends the link
	ReceiveEcho                         // RXR: Echo-Request, Echo-Reply or Discard-Request
	eventCount
)

var eventNames = [...]string{
	"Up", "Down", "Open", "Close", "TO+", "TO-", "RCR+", "RCR-", "RCA", "RCN", "RTR", "RTA", "RUC", "RXJ+", "RXJ-", "RXR",
}

// String gives RFC 1661's abbreviation.
func (e FSMEvent) String() string { return eventNames[e] }

// Actions is a set of the automaton's actions (RFC 1661 section 4.4).
type Actions uint16

// The thirteen actions, in the order in which they are performed. The RFC leaves the order open. In this order the layers above
// hear that a layer goes down before the packets of that event, and that it comes up after them.
const (
	ThisLayerDown     Actions = 1 << iota // tld
	InitRestart                           // irc: Initialize-Restart-Count
	ZeroRestart                           // zrc: Zero-Restart-Count
	SendRequest                           // scr: Send-Configure-Request
	SendAck                               // sca: Send-Configure-Ack
	SendNak                               // scn: Send-Configure-Nak or -Reject
	SendTerminate                         // str: Send-Terminate-Request
	SendTerminateAck                      // sta: Send-Terminate-Ack
	SendCodeReject                        // scj: Send-Code-Reject
	SendEchoReply                         // ser: Send-Echo-Reply
	ThisLayerStarted                      // tls
	ThisLayerUp                           // tlu
	ThisLayerFinished                     // tlf
)

// Cell is one entry of the state transition table (RFC 1661 section 4.1).
type Cell struct {
	Next State
	Do   Actions
	// Illegal marks the dashes: the event cannot occur in this state. Next is then the state itself.
	Illegal bool
	// Note is RFC 1661's footnote letter, or 0. None of the three changes the transition here:
	//   - 'p', passive option: the automaton could wait in Stopped for the peer. It is in Stopped, and does wait.
	//   - 'r', restart option: Open could be taken as a Down and an Up. Who wants that sends those.
	//   - 'x', crossed connection: an answer to a request that was already answered. It is performed as printed, but
	//     a layer drops packets whose identifier shows that they are late, so that it does not come to this.
	Note byte
}

// Transition looks up what an event does in a state.
func Transition(s State, e FSMEvent) Cell {
	c := table[e][s]
	if c.Illegal {
		c.Next = s
	}
	return c
}

// The actions under RFC 1661's names, for the table only.
const (
	tlu = ThisLayerUp
	tld = ThisLayerDown
	tls = ThisLayerStarted
	tlf = ThisLayerFinished
	irc = InitRestart
	zrc = ZeroRestart
	scr = SendRequest
	sca = SendAck
	scn = SendNak
	str = SendTerminate
	sta = SendTerminateAck
	scj = SendCodeReject
	ser = SendEchoReply
)

// dash is RFC 1661's "-".
var dash = Cell{Illegal: true}

// is is a cell: the state's number in the RFC, and the actions before it.
func cell(next State, do Actions) Cell { return Cell{Next: next, Do: do} }

// note is a cell with a footnote.
func note(next State, do Actions, letter byte) Cell { return Cell{Next: next, Do: do, Note: letter} }

// table is RFC 1661 section 4.1: one row for each event. As there, the states 0 to 5 (Initial, Starting, Closed,
// Stopped, Closing, Stopping) come first, and then 6 to 9 (Req-Sent, Ack-Rcvd, Ack-Sent, Opened).
var table = [eventCount][StateOpened + 1]Cell{
	Up: {
		cell(2, 0), cell(6, irc|scr), dash, dash, dash, dash,
		dash, dash, dash, dash,
	},
	Down: {
		dash, dash, cell(0, 0), cell(1, tls), cell(0, 0), cell(1, 0),
		cell(1, 0), cell(1, 0), cell(1, 0), cell(1, tld),
	},
	Open: {
		cell(1, tls), cell(1, 0), cell(6, irc|scr), note(3, 0, 'r'), note(5, 0, 'r'), note(5, 0, 'r'),
		cell(6, 0), cell(7, 0), cell(8, 0), note(9, 0, 'r'),
	},
	Close: {
		cell(0, 0), cell(0, tlf), cell(2, 0), cell(2, 0), cell(4, 0), cell(4, 0),
		cell(4, irc|str), cell(4, irc|str), cell(4, irc|str), cell(4, tld|irc|str),
	},

	TimeoutRetry: {
		dash, dash, dash, dash, cell(4, str), cell(5, str),
		cell(6, scr), cell(6, scr), cell(8, scr), dash,
	},
	TimeoutExpired: {
		dash, dash, dash, dash, cell(2, tlf), cell(3, tlf),
		note(3, tlf, 'p'), note(3, tlf, 'p'), note(3, tlf, 'p'), dash,
	},

	ReceiveRequestGood: {
		dash, dash, cell(2, sta), cell(8, irc|scr|sca), cell(4, 0), cell(5, 0),
		cell(8, sca), cell(9, sca|tlu), cell(8, sca), cell(8, tld|scr|sca),
	},
	ReceiveRequestBad: {
		dash, dash, cell(2, sta), cell(6, irc|scr|scn), cell(4, 0), cell(5, 0),
		cell(6, scn), cell(7, scn), cell(6, scn), cell(6, tld|scr|scn),
	},
	ReceiveAck: {
		dash, dash, cell(2, sta), cell(3, sta), cell(4, 0), cell(5, 0),
		cell(7, irc), note(6, scr, 'x'), cell(9, irc|tlu), note(6, tld|scr, 'x'),
	},
	ReceiveNak: {
		dash, dash, cell(2, sta), cell(3, sta), cell(4, 0), cell(5, 0),
		cell(6, irc|scr), note(6, scr, 'x'), cell(8, irc|scr), note(6, tld|scr, 'x'),
	},

	ReceiveTerminate: {
		dash, dash, cell(2, sta), cell(3, sta), cell(4, sta), cell(5, sta),
		cell(6, sta), cell(6, sta), cell(6, sta), cell(5, tld|zrc|sta),
	},
	ReceiveTerminateAck: {
		dash, dash, cell(2, 0), cell(3, 0), cell(2, tlf), cell(3, tlf),
		cell(6, 0), cell(6, 0), cell(8, 0), cell(6, tld|scr),
	},

	ReceiveUnknownCode: {
		dash, dash, cell(2, scj), cell(3, scj), cell(4, scj), cell(5, scj),
		cell(6, scj), cell(7, scj), cell(8, scj), cell(9, scj),
	},
	ReceiveRejectMild: {
		dash, dash, cell(2, 0), cell(3, 0), cell(4, 0), cell(5, 0),
		cell(6, 0), cell(6, 0), cell(8, 0), cell(9, 0),
	},
	ReceiveRejectFatal: {
		dash, dash, cell(2, tlf), cell(3, tlf), cell(2, tlf), cell(3, tlf),
		cell(3, tlf), cell(3, tlf), cell(3, tlf), cell(5, tld|irc|str),
	},

	ReceiveEcho: {
		dash, dash, cell(2, 0), cell(3, 0), cell(4, 0), cell(5, 0),
		cell(6, 0), cell(7, 0), cell(8, 0), cell(9, ser),
	},
}

package sim

import (
	"fmt"
	"net/netip"
	"time"
)

// Schema is the scenario format that this package reads.
const Schema = 1

// Scenario says how a modem behaves. The zero value is not usable: Parse fills in the defaults. Every field that a file leaves out
// means good behaviour.
type Scenario struct {
	Name    string   `toml:"-"`       // the origin, for example "huawei/e398"
	Schema  int      `toml:"schema"`  // always 1
	Summary string   `toml:"summary"` // one line for a list
	Source  []string `toml:"source"`  // the sources of the behaviour
	// StandsFor says what the source reports, in the author's own words: the modem may do that and nothing worse. Restricts says
	// for each of Restrictions which statement of the source takes that away from the modem.
	StandsFor    string            `toml:"stands_for"`
	Restricts    map[string]string `toml:"restricts"`
	Identity     Identity          `toml:"identity"`
	AT           AT                `toml:"at"`
	SIM          SIM               `toml:"sim"`
	Registration Registration      `toml:"registration"`
	Dial         Dial              `toml:"dial"`
	Line         Line              `toml:"line"`
	LCP          LCP               `toml:"lcp"`
	Auth         Auth              `toml:"auth"`
	IPCP         IPCP              `toml:"ipcp"`
	IPV6CP       IPV6CP            `toml:"ipv6cp"`
	Network      Network           `toml:"network"`
	Actions      []Action          `toml:"action"`
	Ports        *Ports            `toml:"ports"`  // nil: there is one tty
	USB          *USB              `toml:"usb"`    // nil: it is not on a USB bus, or looks like most modems
	Expect       *Expect           `toml:"expect"` // nil: the scenario expects nothing
}

// Duration is a time.Duration in Go's notation: "250ms", "4s".
type Duration time.Duration

// UnmarshalText reads the notation of time.ParseDuration; the value must not be negative.
func (d *Duration) UnmarshalText(b []byte) error {
	v, err := time.ParseDuration(string(b))
	if err != nil || v < 0 {
		return fmt.Errorf("%q is not a duration; write for example \"250ms\" or \"4s\"", b)
	}
	*d = Duration(v)
	return nil
}

// Identity is the modem's answer about itself, and its USB id.
type Identity struct {
	Manufacturer string `toml:"manufacturer"` // +CGMI
	Model        string `toml:"model"`        // +CGMM
	Revision     string `toml:"revision"`     // +CGMR
	USB          string `toml:"usb"`          // vid:pid in lower-case hex
}

// AT is the command side (ITU-T V.250, 3GPP TS 27.007).
type AT struct {
	Echo       bool     `toml:"echo"`        // echo on at power-on; true by default
	Silent     bool     `toml:"silent"`      // the modem answers nothing at all
	Delay      Duration `toml:"delay"`       // before each reply
	Chunk      int      `toml:"chunk"`       // at most so many octets in one write; 0: whole replies
	ChunkDelay Duration `toml:"chunk_delay"` // between two such writes
	CME        int      `toml:"cme"`         // +CMEE at power-on: 0 plain ERROR, 1 numbers (default), 2 words
	DTR        string   `toml:"dtr"`         // what a drop of DTR does: "hangup" (default), "ignore", "as-set" (what AT&D says; at power-on nothing)
	Boot       Duration `toml:"boot"`        // how long the modem hears nothing after power-on and after a restart
	Pace       Duration `toml:"pace"`        // a character of a command that comes sooner than this after the last one is lost
	Escape     string   `toml:"escape"`      // the sequence that leads to command mode; "+++" by default, "none": there is none
	Escaped    string   `toml:"escaped"`     // what the escape does: "command" (default), "mute"
	NonIP      int      `toml:"nonip"`       // the first so many times that a context is set, the modem gives it the type NONIP, with which it does not connect
	Traps      []Trap   `toml:"trap"`
	Start      string   `toml:"start"` // "command" (default) or "data": powers up inside an old call
	Replies    []Reply  `toml:"reply"` // they go before the built-in ones
	URCs       []URC    `toml:"urc"`
}

// Reply replaces the answer to one command. The first Reply that matches counts.
type Reply struct {
	Command string   `toml:"command"` // the whole command in upper case with AT, for example "AT+CSQ"; a final * matches any rest
	Lines   []string `toml:"lines"`   // information lines
	Result  string   `toml:"result"`  // "OK" by default; "" cannot be given: use silent
	Silent  bool     `toml:"silent"`  // no answer at all
	Delay   Duration `toml:"delay"`   // instead of at.delay
	Deaf    Duration `toml:"deaf"`    // how long the modem hears nothing after it
	Nth     int      `toml:"nth"`     // only for the nth time that the command comes; 0: always
	Until   int      `toml:"until"`   // only for the first so many times; 0: always
	Unless  string   `toml:"unless"`  // only while this command has not been given; in the form of Command
	Once    string   `toml:"once"`    // only once this command has been given
	// Since takes the words of Trap.Since, or "" for no condition: the reply holds only after that event and, if Within is set,
	// only for that long.
	Since  string   `toml:"since"`
	Within Duration `toml:"within"`
	// AfterHangup: only once a call has ended, until the next restart.
	AfterHangup bool `toml:"after_hangup"`
}

// Trap is a command that makes the firmware fail.
type Trap struct {
	Command string   `toml:"command"` // as in Reply
	Since   string   `toml:"since"`   // "power-on" (default), "pin", "radio" (+CFUN=1 where it was something else), "hangup"
	Within  Duration `toml:"within"`  // only within this time after it; 0: always
	Unless  string   `toml:"unless"`  // only while this command has not been given
	Do      string   `toml:"do"`      // "crash" (restarts without an answer), "restart" (after OK), "deregister" (OK, and it leaves the network), "mute" (answers nothing until a restart, which no command can cause)
}

// URC is an unsolicited line at a certain time. It waits while the modem is in data mode.
type URC struct {
	After Duration `toml:"after"` // since power-on
	Every Duration `toml:"every"` // the time between repetitions; 0: only once
	Text  string   `toml:"text"`
}

// SIM is the card's state.
type SIM struct {
	State string `toml:"state"` // "ready" (default), "pin", "puk", "none"
	PIN   string `toml:"pin"`   // the right one, when State is "pin"; test values only
	Tries int    `toml:"tries"` // tries left before PUK; 3 by default
	// Network is the code of the network that issued the card, five or six digits; "00101" by default, the test network. The IMSI
	// is that code followed by zeros. MNCLength is the length of the network's own part, as the card reports it (AT+CRSM for
	// EF_AD); 0: the card does not report it.
	Network   string `toml:"network"`
	MNCLength int    `toml:"mnc_length"`
}

// Registration is the state on the network over time (3GPP TS 27.007 section 10.1.20).
type Registration struct {
	State    string             `toml:"state"` // "home" (default), "roaming", "searching", "denied", "none", "unknown"
	Then     []RegistrationStep `toml:"then"`
	Operator string             `toml:"operator"` // +COPS?
	Signal   int                `toml:"signal"`   // +CSQ rssi, 0 to 31; 17 by default
	Radio    string             `toml:"radio"`    // at power-on: "on" (default), "off" (+CFUN: 4)
	// Attach says how the modem attaches to packet service, without which it does not connect: "auto" (default: AttachAfter after
	// the SIM was unlocked) or "asked" (by +CGATT=1).
	Attach      string   `toml:"attach"`
	AttachAfter Duration `toml:"attach_after"`
}

// RegistrationStep is a later state. Time counts from power-on, or from the moment the SIM was unlocked if that is later.
type RegistrationStep struct {
	After Duration `toml:"after"`
	State string   `toml:"state"`
}

// Dial says how ATD ends.
type Dial struct {
	// Result is "connect" (default), "no-carrier", "error", "busy", "no-dialtone", "cme", "silence", or, after CONNECT
	// and instead of PPP, "echo" (what the host sends comes back) or "text".
	Result  string   `toml:"result"`
	Connect string   `toml:"connect"` // the CONNECT line; "CONNECT 7200000" by default
	CME     string   `toml:"cme"`     // the number or words after "+CME ERROR: "
	Cause   string   `toml:"cause"`   // what +CEER says of the last failure; "": it answers ERROR
	Text    string   `toml:"text"`    // with result "text": what follows CONNECT instead of PPP
	Delay   Duration `toml:"delay"`   // between ATD and the result
	APN     []string `toml:"apn"`     // the result applies if the APN is none of these, in lower case; else "connect"
	Times   int      `toml:"times"`   // the result applies to the first so many dials, then "connect"; 0: always
	Restart bool     `toml:"restart"` // the result applies until the modem is restarted
	Number  []string `toml:"number"`  // the result applies to other numbers than these; else "connect"
	Chance  float64  `toml:"chance"`  // the probability of the result, for each dial; 0: it is certain
	Rest    Duration `toml:"rest"`    // the result applies for so long after a call or a dial that failed; else "connect"
}

// Line damages frames in data mode. Probabilities are from 0 to 1, per frame. They apply to both directions unless Direction says
// one.
type Line struct {
	Direction  string   `toml:"direction"`   // "both" (default), "to-host", "from-host"
	Loss       float64  `toml:"loss"`        // the frame vanishes
	Corrupt    float64  `toml:"corrupt"`     // one bit of the frame flips
	Duplicate  float64  `toml:"duplicate"`   // the frame comes twice
	Noise      float64  `toml:"noise"`       // some random octets come before the frame; only to the host
	Chunk      int      `toml:"chunk"`       // at most so many octets in one write to the host; 0: whole frames
	ChunkDelay Duration `toml:"chunk_delay"` // between two such writes
	Delay      Duration `toml:"delay"`       // the delay one way, for each direction
	Control    string   `toml:"control"`     // control characters from the host that are not escaped: "pass" (default), "lost"
	Longest    int      `toml:"longest"`     // an IP packet longer than this, in either direction, ends the call; 0: none does
	Escape     string   `toml:"escape"`      // control characters to the host: "agreed" (default), as LCP has it; "never", whatever was refused
	Compress   string   `toml:"compress"`    // "agreed" (default): as negotiated; "unasked": address, control and protocol always compressed; "never"
}

// LCP is the modem's side of the Link Control Protocol (RFC 1661).
type LCP struct {
	OwnRequest    string   `toml:"own_request"`    // "send" (default), "empty", "none"
	BeforeConnect bool     `toml:"before_connect"` // its first frames come before the CONNECT line
	Discard       bool     `toml:"discard"`        // a Discard-Request once LCP opens, as Qualcomm firmware does
	MRU           int      `toml:"mru"`            // the value to ask for; 0: not asked for
	ACCM          int64    `toml:"accm"`           // the value to ask for; -1: not asked for; 0 by default
	Linger        Duration `toml:"linger"`         // the time from the host's Terminate-Request to NO CARRIER; 300ms by default
	Rules         []Rule   `toml:"rule"`
}

// Auth is the authentication that the modem demands of the host.
type Auth struct {
	Demand      string   `toml:"demand"`       // "none" (default), "pap", "chap-md5", "mschap", "mschap-v2", "eap"
	Also        []string `toml:"also"`         // methods that it also accepts if the host asks for one by a Nak
	Name        string   `toml:"name"`         // the challenge's name
	Accept      string   `toml:"accept"`       // "any" (default): provisional success, as TS 29.061 has it; "right"; "none"
	User        string   `toml:"user"`         // with accept "right"; test values only
	Password    string   `toml:"password"`     // the same
	Message     string   `toml:"message"`      // the text of success or failure
	NoChallenge bool     `toml:"no_challenge"` // CHAP and EAP: never sends the challenge or request that the host has to answer
	Rechallenge Duration `toml:"rechallenge"`  // CHAP: from one success to the next challenge; 0: never
	Rules       []Rule   `toml:"rule"`
}

// IPCP is the modem's side of the Internet Protocol Control Protocol (RFC 1332, RFC 1877).
type IPCP struct {
	OwnRequest string       `toml:"own_request"` // "send" (default), "empty" (names no address), "none"
	Local      netip.Addr   `toml:"local"`       // the modem's own address
	Peer       netip.Addr   `toml:"peer"`        // the host's address
	DNS        []netip.Addr `toml:"dns"`         // at most two
	NBNS       []netip.Addr `toml:"nbns"`        // at most two
	Rules      []Rule       `toml:"rule"`
}

// IPV6CP is the modem's side of RFC 5072; without Enabled it answers Protocol-Reject.
type IPV6CP struct {
	Enabled bool   `toml:"enabled"`
	Rules   []Rule `toml:"rule"`
}

// Rule says what to do with a packet of its protocol from the host. Rules are tried in order; all conditions of a rule must be
// true; the first rule that matches counts. If none matches, the modem behaves.
type Rule struct {
	On      string            `toml:"on"`         // the packet's name: "request" (default), "ack", "nak", "reject", "terminate-request", "terminate-ack", "echo-request", "response", …, "any"
	Asks    []string          `toml:"asks"`       // the packet has all of these options
	Lacks   []string          `toml:"lacks"`      // the packet lacks at least one of these options
	Value   map[string]string `toml:"value"`      // these options have these values
	User    *string           `toml:"user_is"`    // the name that the host gave in this call's authentication
	UserNot *string           `toml:"user_not"`   // the host gave another name than this
	APN     []string          `toml:"apn_is"`     // the APN of the context that was dialled is one of these, in lower case
	APNNot  []string          `toml:"apn_not"`    // the APN is none of these
	Nth     int               `toml:"nth"`        // only the nth such packet of the call, from 1
	Times   int               `toml:"times"`      // the rule matches at most so many times in a call
	After   Duration          `toml:"after"`      // only later than this after the protocol's first packet in the call
	Before  Duration          `toml:"before"`     // only earlier than this
	Call    int               `toml:"call"`       // only in the nth call since power-on
	Sooner  Duration          `toml:"sooner"`     // only sooner than this after the last packet of the rule's protocol
	Method  []string          `toml:"method_not"` // the host has authenticated itself by none of these
	Unless  string            `toml:"unless"`     // only while this command has not been given; written as Reply.Command

	// Do is the action. In all protocols: "behave", "drop", "silence" (nothing more is sent in this call), "hangup",
	// "terminate-lcp", "garbage", "text" (Message, raw), "protocol-reject". In LCP, IPCP and IPV6CP also "ack", "nak" and "reject"
	// with exactly Options (ack without Options: those of the request), "terminate" and "code-reject". In authentication also
	// "failure" and "challenge" (the last one again).
	Do      string   `toml:"do"`
	Options []string `toml:"options"` // for nak, ack and reject: "name=value", "name" or "0xNN=hex"
	Message string   `toml:"message"` // for text, failure and terminate
	Delay   Duration `toml:"delay"`   // before the answer
}

// Action is something that the modem does by itself at a certain time.
type Action struct {
	Since  string   `toml:"since"` // "power-on", "connect" (default), "lcp", "auth", "ipcp"
	After  Duration `toml:"after"`
	Every  Duration `toml:"every"`  // the time between repetitions; 0: once a call
	Call   int      `toml:"call"`   // only in the nth call since power-on
	Unless string   `toml:"unless"` // only if this command has not been given by then
	// Do is "crash" (the modem restarts), "mute" (it says nothing any more), "unplug" (a stick leaves the bus; elsewhere a crash),
	// "long-packet" (the network sends an IP packet as long as the host takes), "hangup", "terminate-ipcp", "terminate-lcp", "silence", "text" (Message, raw), "garbage", "discard" (a
	// Discard-Request), "request-ipcp" or "request-lcp" (an empty Configure-Request past the engine).
	Do      string `toml:"do"`
	Message string `toml:"message"`
}

// Network describes the network behind the modem.
type Network struct {
	Blackhole bool                  `toml:"blackhole"` // no packet of the host is answered
	Reachable []netip.Prefix        `toml:"reachable"` // the addresses that answer ICMP echo, besides the modem's own; all by default
	DNS       string                `toml:"dns"`       // "answer" (default), "refuse", "silent"
	Address   netip.Addr            `toml:"address"`   // the answer to every query for an A record; 192.0.2.80 by default
	Hosts     map[string]netip.Addr `toml:"hosts"`     // answers by name
	Delay     Duration              `toml:"delay"`     // the delay of each answer
}

package modem

import "time"

// Plan is everything about one modem and one subscription that the dialogues of this package follow. Each field names
// the quirk key that fills it. A zero Plan is not useful: begin with Defaults.
type Plan struct {
	// Init is sent after the modem answers, one command a line. Each must be answered OK, except ATZ, AT&F and commands
	// that only ask, which end in "?". Key at.init; default none: a modem that answers needs no ATZ.
	Init []string
	// Timeout is how long a modem may take for an ordinary command. Key at.timeout; 100 ms to 5 min, default 5 s.
	Timeout time.Duration
	// ReadyWait is how long a modem may stay silent before it answers its first AT. Key at.ready_wait; 0 to 2 min,
	// default 10 s. Bringing it out of an old call, once begun, may take some seconds more.
	ReadyWait time.Duration
	// CharDelay is a pause after each character sent. Key at.char_delay; 0 to 100 ms, default 0.
	CharDelay time.Duration
	// EchoOff makes ATE0 the first command in place of AT, which costs nothing. Key at.echo_off; default true. An echo is
	// recognised, and does no harm, either way.
	EchoOff bool
	// Reset is the command that restarts the modem. Key at.reset; default AT+CFUN=1,1 (3GPP TS 27.007 section 8.2).
	Reset string

	// PIN unlocks the SIM: 4 to 8 digits, or "" for none. A secret; no quirk key.
	PIN string
	// PINWait is a silence after the PIN was accepted. Key sim.pin_wait; 0 to 60 s, default 0.
	PINWait time.Duration
	// SIMWait is how long a SIM may say that it is busy. Key sim.wait; 0 to 120 s, default 20 s.
	SIMWait time.Duration

	// Identify asks the modem who it is before anything else. No key: the caller knows whether it knows.
	Identify bool

	// Require says to dial only when the modem says that it is registered. Key registration.require; default true. A
	// modem that has no such command is dialled all the same.
	Require bool
	// RegistrationWait is how long registration may take. Key registration.wait; 0 to 30 min, default 60 s.
	RegistrationWait time.Duration
	// RegistrationPoll is the pause between two questions where the modem does not report by itself. Key
	// registration.poll; 100 ms to 60 s, default 1 s.
	RegistrationPoll time.Duration
	// RadioOn lets the dialogue switch on a radio that is off (AT+CFUN=1) and ask for automatic registration where the
	// modem was told to deregister. Key registration.radio_on; default true. It is sent only when needed.
	RadioOn bool
	// Signal asks for the signal quality once the modem is registered (AT+CSQ). Key registration.signal; default true.
	Signal bool

	// CID is the PDP context to use. Key context.cid; 1 to 16, default 1.
	CID int
	// ContextType is the PDP type. Key context.type; "IP", "IPV6", "IPV4V6" or "PPP"; default "IP". It is used with APN.
	ContextType string
	// APN is the access point name; "" leaves the context as the modem has it. Key context.apn; default "".
	APN string
	// AuthCommand says by which command the modem is told the credentials. Key context.auth_command; one of
	// AuthCommands; default "none": PPP alone carries them.
	AuthCommand string
	// AuthMethod is the method named in that command. Key context.auth_method; "none", "pap" or "chap"; default "chap". Where User is
	// empty it is "none".
	AuthMethod string
	// User and Password are the credentials for AuthCommand. Password is a secret. No quirk keys.
	User, Password string

	// DialCommand goes before the number. Key dial.command; default "ATD".
	DialCommand string
	// Number is what to dial; {cid} stands for CID. Key dial.number; default "*99***{cid}#".
	Number string
	// Alternates are numbers to try in order where the modem refuses Number with an error. Key dial.alternates; default none.
	Alternates []string
	// DialTimeout is how long CONNECT may take. Key dial.timeout; 1 s to 5 min, default 60 s.
	DialTimeout time.Duration
	// ConnectDelay is a pause after CONNECT before the first frame. Key dial.connect_delay; 0 to 30 s, default 0.
	ConnectDelay time.Duration

	// HangupMethods are the ways to end a call in order of preference: "terminate" (link sends the
	// Terminate-Request; here only Recover does), "dtr", "escape". Key hangup.methods; default all three.
	HangupMethods []string
	// DTRTime is for how long DTR is dropped at most. Key hangup.dtr_time; 100 ms to 30 s, default 1 s.
	DTRTime time.Duration
	// Escape is the sequence that brings the modem from data to command state. Key hangup.escape; default "+++".
	Escape string
	// Guard is the silence before and after Escape. Key hangup.guard; 0 to 10 s, default 1 s.
	Guard time.Duration
	// HangupCommand ends the call in command state; "" sends none. Key hangup.command; default "ATH".
	HangupCommand string
}

// Defaults is the plan for a modem about which nothing is known.
func Defaults() Plan {
	return Plan{
		Timeout:          5 * time.Second,
		ReadyWait:        10 * time.Second,
		EchoOff:          true,
		Reset:            "AT+CFUN=1,1",
		SIMWait:          20 * time.Second,
		Require:          true,
		RegistrationWait: 60 * time.Second,
		RegistrationPoll: time.Second,
		RadioOn:          true,
		Signal:           true,
		CID:              1,
		ContextType:      "IP",
		AuthCommand:      AuthNone,
		AuthMethod:       "chap",
		DialCommand:      "ATD",
		Number:           "*99***{cid}#",
		DialTimeout:      60 * time.Second,
		HangupMethods:    []string{"terminate", "dtr", "escape"},
		DTRTime:          time.Second,
		Escape:           "+++",
		Guard:            time.Second,
		HangupCommand:    "ATH",
	}
}

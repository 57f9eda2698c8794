package modem

import "time"

// Plan is everything about one modem and one subscription that the dialogues of this package follow. Each field names
// the quirk key that fills it. A zero Plan is not useful: begin with Defaults.
type Plan struct {
	// Send are the profile's own commands, by when they are sent.
	Send Commands
	// AlsoBeforeDial are an adviser's steps after Send.BeforeDial. No key.
	AlsoBeforeDial []Step
	// Tries is how often a command of Send is sent while it is answered with an error, one second apart. Key at.tries;
	// 1 to 100, default 1.
	Tries int
	// Optional names commands of Send that may be answered with an error. Key at.optional; default none. ATZ, AT&F and
	// commands that only ask may be in any case.
	Optional []string
	// Never names commands that are never sent, not even for an adviser: the dialogues go on as if the modem had answered
	// ERROR. Key at.never; default none.
	Never []string
	// StartDelay is a silence before the first command. Key at.start_delay; 0 to 60 s, default 0.
	StartDelay time.Duration
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
	// ResetWait is how long a modem that was restarted is left alone. Key at.reset_wait; 0 to 5 min, default 15 s.
	ResetWait time.Duration

	// Baud is the speed at which the port was opened, and FastBaud the one that the modem is told to take before it is
	// dialled; 0: none. Where FastBaud is set a modem that does not answer is tried at both (quirks UART-01, RST-05). Keys
	// port.baud and port.fast_baud.
	Baud, FastBaud int
	// Flow is the port's flow control, and DataFlow the one from CONNECT to the hang-up; "same": no change. Keys port.flow
	// and port.flow_after_connect.
	Flow, DataFlow string
	// WatchCarrier lets the loss of DCD end a call. Key port.watch_carrier; default true.
	WatchCarrier bool

	// PIN unlocks the SIM: 4 to 8 digits, or "" for none. A secret; no quirk key.
	PIN string
	// PINQuoted sends the PIN in quotation marks, as the standard has it. Key sim.pin_quoted; default true.
	PINQuoted bool
	// PINSpent says that the PIN was sent before without showing that it is right: it is not sent again. No key.
	PINSpent bool
	// PINs remembers the outcomes of PINs in earlier runs; nil: nothing is remembered. No key.
	PINs PINMemory
	// PINAgain sends a PIN that the SIM has refused before; PINLastTry sends it even if that uses the SIM's last try. Only a
	// person may set these. No keys.
	PINAgain, PINLastTry bool
	// PINWait is a silence after the PIN was accepted. Key sim.pin_wait; 0 to 60 s, default 0.
	PINWait time.Duration
	// SIMWait is how long a SIM may say that it is busy. Key sim.wait; 0 to 120 s, default 20 s.
	SIMWait time.Duration

	// Identity is who the modem is, if the caller knows. No key.
	Identity Identity

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
	// RadioCommand switches the radio on; "": nothing does. Key registration.radio_command; default "AT+CFUN=1".
	RadioCommand string
	// RadioOffCommand switches it off, for Recovery. Key registration.radio_off_command; default "AT+CFUN=4".
	RadioOffCommand string
	// RadioWait is a silence after RadioCommand. Key registration.radio_wait; 0 to 60 s, default 0.
	RadioWait time.Duration
	// Attach says what to do about the attachment to packet service before dialling: "ignore", "wait" for it, or "request"
	// it. Key registration.attach; default "ignore": most modems attach when they dial.
	Attach string
	// Signal asks for the signal quality once the modem is registered (AT+CSQ). Key registration.signal; default true.
	Signal bool

	// CID is the PDP context to use. Key context.cid; 1 to 16, default 1.
	CID int
	// ContextType is the PDP type. Key context.type; "IP", "IPV6", "IPV4V6" or "PPP"; default "IP". It is used with APN.
	ContextType string
	// APN is the access point name; "" leaves the context as the modem has it. Key context.apn; default "".
	APN string
	// Access gives the way into the network of a SIM. It is called if APN is empty; stored is the context's APN, or "". ask
	// means that the number of digits of the network's code must be known first; then Access is called again. It must compute
	// only. No key; nil: the SIM is not asked.
	Access func(home Home, stored string) (a Access, ask bool)
	// Credentials is called before Access, also if APN is set, and its result has precedence over both. home is empty if the
	// SIM does not say. nil: there is none. No key.
	Credentials func(home Home, stored string) Access
	// Define is the command that defines the context: "+CGDCONT" or "+ZGDCONT". Key context.define; default "+CGDCONT".
	Define string
	// ReadBack reads the context again after defining it, and defines it anew where it is not what was asked for. Key
	// context.read_back; default false.
	ReadBack bool
	// AuthCommand says by which command the modem is told the credentials. Key context.auth_command, whose
	// words it may hold; default "none": PPP alone carries them.
	AuthCommand string
	// AuthMethod is the method named in that command. Key context.auth_method; "none", "pap", "chap" or "auto"; default "chap".
	// Where User is empty it is "none".
	AuthMethod string
	// User and Password are the credentials for AuthCommand. Password is a secret. No quirk keys.
	User, Password string

	// DialCommand goes before the number. Key dial.command; default "ATD".
	DialCommand string
	// Number is what to dial; {cid} stands for CID. Key dial.number; default "*99***{cid}#".
	Number string
	// Alternates are numbers to try in order where the modem refuses Number with an error; *99#, which means context 1
	// (3GPP TS 27.007 section 10.2.1), only where Number means that too. Key dial.alternates; default *99#.
	Alternates []string
	// AlternatesWhen is "error", or "refused": they are tried after NO CARRIER, BUSY and the like, too, a second apart, and the
	// context that one of them names is defined before. Key dial.alternates_when; default "error".
	AlternatesWhen string
	// DialTimeout is how long CONNECT may take. Key dial.timeout; 1 s to 5 min, default 60 s.
	DialTimeout time.Duration
	// ConnectDelay is a pause after CONNECT before the first frame. Key dial.connect_delay; 0 to 30 s, default 0.
	ConnectDelay time.Duration

	// HangupMethods are the ways to end a call in order of preference: "terminate" (link sends the
	// Terminate-Request; here only a port that is found in the data state gets one), "dtr", "escape", "break". Key hangup.methods; default the first three.
	HangupMethods []string
	// TerminateWait is how long a modem may take to leave the data state after a Terminate-Request. Key
	// hangup.terminate_wait; 0 to 60 s, default 2 s.
	TerminateWait time.Duration
	// DTRTime is for how long DTR is dropped at most. Key hangup.dtr_time; 100 ms to 30 s, default 1 s.
	DTRTime time.Duration
	// Escape is the sequence that brings the modem from data to command state. Key hangup.escape; default "+++".
	Escape string
	// Guard is the silence before and after Escape. Key hangup.guard; 0 to 10 s, default 1 s.
	Guard time.Duration
	// HangupCommand ends the call in command state; "" sends none. Key hangup.command; default "ATH".
	HangupCommand string
}

// Commands are the AT commands that a profile adds, by when they are sent; {cid} in them stands for Plan.CID. Where the
// comment does not say otherwise each must be answered OK, except ATZ, AT&F, commands that only ask, which end in "?",
// and those in Plan.Optional. All are empty by default.
type Commands struct {
	Init          []string // once the modem answers: at.init
	AfterPIN      []string // once the SIM is ready, PIN or no: at.after_pin
	BeforeContext []string // before the context is defined; errors do not matter: at.before_context
	AfterContext  []string // after that, and after the credentials: at.after_context
	BeforeDial    []string // on the port that dials, just before: at.before_dial
	BeforeHangup  []string // on the AT port, where there is one; errors do not matter: at.before_hangup
	AfterHangup   []string // once the call has ended; errors do not matter: at.after_hangup
}

// Defaults is the plan for a modem about which nothing is known.
func Defaults() Plan {
	return Plan{
		Timeout:          5 * time.Second,
		ReadyWait:        10 * time.Second,
		EchoOff:          true,
		Tries:            1,
		Reset:            "AT+CFUN=1,1",
		ResetWait:        15 * time.Second,
		Baud:             115200,
		Flow:             "rtscts",
		DataFlow:         "same",
		WatchCarrier:     true,
		PINQuoted:        true,
		SIMWait:          20 * time.Second,
		Require:          true,
		RegistrationWait: 60 * time.Second,
		RegistrationPoll: time.Second,
		RadioOn:          true,
		RadioCommand:     "AT+CFUN=1",
		RadioOffCommand:  "AT+CFUN=4",
		Attach:           "ignore",
		Signal:           true,
		CID:              1,
		ContextType:      "IP",
		Define:           "+CGDCONT",
		AuthCommand:      AuthNone,
		AuthMethod:       "chap",
		DialCommand:      "ATD",
		Number:           "*99***{cid}#",
		Alternates:       []string{packetService},
		AlternatesWhen:   "error",
		DialTimeout:      60 * time.Second,
		HangupMethods:    []string{"terminate", "dtr", "escape"},
		TerminateWait:    2 * time.Second,
		DTRTime:          time.Second,
		Escape:           "+++",
		Guard:            time.Second,
		HangupCommand:    "ATH",
	}
}

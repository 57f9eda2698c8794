package advice

import (
	"net/netip"
	"slices"
	"time"

	"github.com/knakppp/knak/core/ppp"
	"github.com/knakppp/knak/core/ppp/auth"
	"github.com/knakppp/knak/core/private"
)

// Device holds the known facts about the modem. An empty field is not known.
type Device struct {
	Port     string // for example "/dev/ttyUSB0"
	USB      string // vid:pid in lower-case hex, for example "12d1:1506"
	Vendor   string // the modem's answer to AT+CGMI
	Model    string // the modem's answer to AT+CGMM
	Firmware string // the modem's answer to AT+CGMR
	Profile  string // the id of the strongest quirk profile, or ""
}

// Identify asks for further facts about the modem, and for settings. It comes once in an attempt, right after the modem has
// identified itself. Wants gets the zero Identify.
type Identify struct {
	Link    string
	Attempt int
	Device  Device
}

// Credentials asks for the APN and the login, before the context is set and before PPP. Wants gets the zero Credentials.
type Credentials struct {
	Link    string
	Attempt int // from 1; a later attempt may get another answer
	Device  Device
	// Home is the network that issued the SIM: MCC-MNC such as "262-01"; or its first six digits without a dash, if the length of
	// the MNC is not known; or "". It is never a subscriber's number.
	Home string
	APN  string // the APN that the host would use; "": the modem's own
	// StoredAPN is the APN that the modem's context has now, or "".
	StoredAPN string
	User      string // the name that the host would use; the digits of an identity are replaced
	// A person chose these: an answer does not change them.
	APNChosen, UserChosen bool
}

// When says whether steps come before or after the dial command.
type When string

// The two sides.
const (
	Before When = "before" // before ATD, on the port that dials
	After  When = "after"  // after CONNECT, and before the first PPP packet of ours
)

// Step is one line to send to the modem, and the reply that must come.
type Step struct {
	Command string
	// Expect lists beginnings of lines, one of which must come; nil: the final result OK is enough. A final result other than OK
	// ends the dial, unless Expect names it.
	Expect    []string
	Timeout   time.Duration // 0: the time limit of all commands, at.timeout
	Sensitive bool          // the command and its reply must not be shown
}

// Steps asks for commands around the dial command. Wants gets When only.
type Steps struct {
	Link    string
	Attempt int
	Device  Device
	When    When
	Dial    string // the dial command, with the digits of a telephone number replaced
	Connect string // After: the modem's final line
	Steps   []Step // Before: the host's own steps, at.before_dial
	// Commands says that commands can be sent: Before always, After if there is an AT port besides the one that carries PPP now.
	// Without it a Plan can only abort.
	Commands bool
}

// Challenge asks for the response to a CHAP challenge, so that the host need not have the secret. Wants gets Method only. If an
// adviser answers, the host has no secret to check with: it cannot detect a wrong response, and cannot answer a challenge by
// itself; for MS-CHAPv2 see Response.Authenticator.
type Challenge struct {
	Link    string
	Attempt int
	Method  auth.Method // CHAPMD5, MSCHAP or MSCHAPv2
	ID      uint8       // the identifier; for CHAPMD5 it goes into the MD5 (RFC 1994 section 4.1)
	Value   []byte      // the challenge; for MSCHAP 8 octets, for MSCHAPv2 16
	Peer    string      // the peer's name, printable
	User    string      // the name that the host would send
}

// Decide asks what the PPP engine should do. Wants gets Decision.Point with Protocol 0 at the start of PPP, which asks
// about any protocol, and the whole question later.
type Decide struct {
	Link string
	// Generation counts the attempts: a decision of an earlier one, or one whose Decision.ID was asked before, is stale.
	Generation uint64
	ppp.Decision
}

// Prove asks whether the link is as good as IPCP says. Wants gets the zero Prove.
type Prove struct {
	Link        string
	Attempt     int
	Local, Peer netip.Addr // Peer may be one that was made up: PeerAssumed
	PeerAssumed bool
	DNS         []netip.Addr
	MTU         int
	Provisional bool // the authentication was a success only provisionally (3GPP TS 29.061)
	WillProbe   bool // the host's intention: to probe, or to trust the link without a probe
}

// Kind gives KindIdentify.
func (Identify) Kind() Kind { return KindIdentify }

// Kind gives KindCredentials.
func (Credentials) Kind() Kind { return KindCredentials }

// Kind gives KindSteps.
func (Steps) Kind() Kind { return KindSteps }

// Kind gives KindChallenge.
func (Challenge) Kind() Kind { return KindChallenge }

// Kind gives KindDecide.
func (Decide) Kind() Kind { return KindDecide }

// Kind gives KindProve.
func (Prove) Kind() Kind { return KindProve }

// Redacted gives q: there is nothing secret in it.
func (q Identify) Redacted() Question { return q }

// Redacted gives q: there is nothing secret in it.
func (q Credentials) Redacted() Question { return q }

// Redacted leaves out the text of sensitive steps.
func (q Steps) Redacted() Question {
	q.Steps = slices.Clone(q.Steps)
	for i := range q.Steps {
		if q.Steps[i].Sensitive {
			q.Steps[i].Command = "<hidden>"
		}
	}
	return q
}

// Redacted gives nil: a challenge is for those who may have secrets only.
func (Challenge) Redacted() Question { return nil }

// Redacted overwrites passwords, and the values of challenges and responses, as private.Packet does.
func (q Decide) Redacted() Question {
	q.Packet = private.Packet(q.Protocol, q.Packet)
	return q
}

// Redacted gives q: there is nothing secret in it.
func (q Prove) Redacted() Question { return q }

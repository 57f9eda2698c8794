// Package sdk is what the author of a plugin for knak imports. A plugin is a program that implements one or more of the
// interfaces here and calls Serve:
//
//	type plugin struct{}
//
//	func (plugin) Decisions() []sdk.On {
//		return []sdk.On{{Protocol: sdk.IPCP, Point: sdk.PointNak, Decide: emptyNak}}
//	}
//
//	func main() {
//		sdk.Serve(sdk.Plugin{Name: "acme", Version: "1.0.0", Implementation: plugin{}})
//	}
//
// The interfaces that Implementation implements decide what the plugin is asked. knak checks and encodes every proposal, and
// stays the owner of every state machine; after an error, a panic or a late answer knak decides by itself. docs/plugins.md is the
// guide, and package sdktest tests a plugin against simulated modems.
//
// The types are this package's own and do not depend on gRPC, go-plugin or knak's engine, so that these can change without a
// change in plugins.
package sdk

import (
	"context"
	"log/slog"
)

// Version is the version of the SDK.
const Version = "1.0.0"

// Plugin describes the plugin.
type Plugin struct {
	Name    string // as in the file's name, knak-plugin-NAME: lower-case letters, digits and "-"
	Version string // the plugin's own
	About   string // one line for people

	// Implementation implements one or more of Identifier, CredentialResolver, Challenger, DialHook, Negotiator, Prover,
	// Observer and Commander; and optionally Configurer, HealthChecker and Closer. Its methods may be called by several
	// goroutines at once.
	Implementation any

	// Schema is the JSON Schema of the plugin's configuration. "": it is made from the fields of Configurer.Config.
	Schema string

	// Grants lists the grants that the plugin can use, for people who install it: GrantSecrets, GrantControl.
	Grants []Grant

	// Log is the least level that is logged; the zero value is slog.LevelInfo.
	Log slog.Level
}

// Grant is what a user may allow a plugin.
type Grant string

// The grants.
const (
	GrantSecrets Grant = "secrets" // to see passwords, challenges and responses
	GrantControl Grant = "control" // to hang up and to redial: Commander
)

// Link is the connection that a question is about; one plugin may serve several.
type Link struct {
	Name    string // for example "default"
	Attempt int    // from 1; 0: it does not matter. After a failed attempt a plugin may answer differently
}

// Device is what is known about the modem. An empty field means: not known.
type Device struct {
	Port     string // for example "/dev/ttyUSB0"
	USB      string // vid:pid in lower-case hex, for example "12d1:1506"
	Vendor   string
	Model    string
	Firmware string
	Profile  string // the id of the quirk profile that it got
}

// Identifier may know more about a modem than the modem says. knak waits 200 ms, and at most 1 s.
type Identifier interface {
	Identify(ctx context.Context, q Identify) (Identified, error)
}

// Identify is asked once in an attempt, right after the modem has said who it is.
type Identify struct {
	Link   Link
	Device Device
}

// Identified answers Identify. The zero value is no opinion.
type Identified struct {
	// Values that are not empty replace what the modem said, so that the right profile is found.
	Vendor, Model, Firmware string
	// Settings are stronger than the profile's and weaker than the user's.
	Settings []Setting
}

// Setting is one quirk key with its value.
type Setting struct {
	Key    string // as `knak quirks keys` lists them; a "+" at its end adds to a list, a "-" removes from it
	Value  string // as --set of `knak dial` takes it
	Reason string // why; it is shown with the setting and must not be empty
}

// CredentialResolver knows logins. knak waits 1 s, and at most 10 s.
type CredentialResolver interface {
	Credentials(ctx context.Context, q Credentials) (Login, error)
}

// Credentials asks for the way into the network, before the context is set.
type Credentials struct {
	Link      Link
	Device    Device
	Home      string // the network that issued the SIM: MCC-MNC such as "262-01", or six digits where the MNC's length is not known
	APN       string // what knak would use; "": the modem's stored APN
	StoredAPN string // what the modem's context has now
	User      string // what knak would use; the digits of an identity are replaced
	// A person chose the APN, or the user: an answer does not change it.
	APNChosen, UserChosen bool
}

// Login answers Credentials. The zero value is no opinion.
type Login struct {
	APN string // "": as knak has it
	// Replace makes User and Password replace knak's, even if they are empty.
	Replace  bool
	User     string
	Password string   // a plugin that is a Challenger leaves it empty
	Allow    []string // methods to agree to, best first: "none", "pap", "chap-md5", "mschap", "mschap-v2", "eap"; nil: as knak has it
	Reason   string   // for the trace
}

// Challenger answers challenges, so that the secret stays in the plugin. It needs GrantSecrets. knak waits 20 ms, and at
// most 150 ms.
type Challenger interface {
	Challenge(ctx context.Context, q Challenge) (Response, error)
}

// Challenge is one CHAP challenge.
type Challenge struct {
	Link   Link
	Device Device
	Method string // "chap-md5", "mschap" or "mschap-v2"
	ID     uint8  // the packet's identifier (RFC 1994 section 4.1)
	Value  []byte // the challenge
	Peer   string // the peer's name
	User   string // the name that knak would send
}

// Response answers Challenge. Without Value it is no opinion. MD5Response makes the one for chap-md5.
type Response struct {
	Name  string // "": Challenge.User
	Value []byte // 16 octets for chap-md5, 49 for mschap and mschap-v2
	// Authenticator is, for mschap-v2, what must follow "S=" in the peer's Success: 20 octets (RFC 2759 section 8.7).
	Authenticator []byte
}

// DialHook may change the commands before and after the dial. knak waits 500 ms, and at most 2 s.
type DialHook interface {
	Steps(ctx context.Context, q Steps) (Plan, error)
}

// When says on which side of the dial command steps are.
type When string

// The two sides.
const (
	Before When = "before" // before ATD, on the port that dials
	After  When = "after"  // after CONNECT, and before the first PPP packet of ours
)

// Steps is what knak is about to do.
type Steps struct {
	Link    Link
	Device  Device
	When    When
	Dial    string // the command that dials, or has dialled; the digits of a telephone number are replaced
	Connect string // After: the modem's final line
	Steps   []Step // Before: what knak would send
	// Commands says whether commands can be sent: Before always, After only if there is an AT port in addition to the port
	// with PPP. If not, a Plan can only abort.
	Commands bool
}

// Step is one AT command. In place of a sensitive command, a plugin without GrantSecrets sees a word, which it may move but not
// change.
type Step struct {
	Command   string
	Expect    []string // beginnings of lines, one of which must come; nil: OK is enough
	Timeout   Duration // 0: as for any command
	Sensitive bool     // must not be shown
}

// Plan answers Steps. The zero value is no opinion.
type Plan struct {
	Replace bool // Steps replace knak's; otherwise they follow knak's
	Steps   []Step
	Abort   string // ends the attempt, for this reason
	Reason  string // for the trace
}

// Prover says how to see that a link carries packets. knak waits 1 s, and at most 5 s.
type Prover interface {
	Prove(ctx context.Context, q Prove) (Proof, error)
}

// Prove is the link as IPCP agreed on it.
type Prove struct {
	Link        Link
	Device      Device
	Local, Peer Addr // if PeerAssumed, knak made up Peer
	PeerAssumed bool
	DNS         []Addr
	MTU         int
	Provisional bool // the authentication was a success only provisionally (3GPP TS 29.061)
	WillProbe   bool // knak intends to probe; otherwise, to believe
}

// Proof answers Prove. The zero value is no opinion.
type Proof struct {
	Targets []Addr // to be probed in addition to knak's own
	Trust   string // a reason to believe the link without a probe
	Refuse  string // a reason to give it up; beats Trust
}

// Commander passes on orders from outside, for example from a fleet's broker. It needs GrantControl. Commands runs until ctx
// ends. give fails when knak has ended.
type Commander interface {
	Commands(ctx context.Context, give func(Command) error) error
}

// Command is one order.
type Command struct {
	Link   string // the link's name; "": all
	Order  Order
	Reason string // for the trace
}

// Order is what a Command says to do.
type Order string

// The orders.
const (
	Hangup Order = "hangup" // end the link, and knak dial with it
	Redial Order = "redial" // end the link and dial again
)

// Configurer takes a configuration: the table [plugins.NAME.config].
type Configurer interface {
	// Config gives a pointer to the struct that the configuration is read into. The values in it are the defaults. Keys are
	// the names in the fields' json tags; an unknown key is an error.
	Config() any
	// Configure is called after the configuration was read into the struct, even if there was none. A *KeyError names the key
	// that is wrong.
	Configure(ctx context.Context, grants []Grant) error
}

// KeyError says which key of the configuration is wrong, with dots: "servers.0.host".
type KeyError struct {
	Key string
	Err error
}

func (e *KeyError) Error() string {
	if e.Key == "" {
		return e.Err.Error()
	}
	return e.Key + ": " + e.Err.Error()
}

// Unwrap gives the cause.
func (e *KeyError) Unwrap() error { return e.Err }

// HealthChecker says whether the plugin can do its work; an error says why not. It must answer at once.
type HealthChecker interface {
	Health(ctx context.Context) error
}

// Closer is called when no more questions will come. The process is ended soon after.
type Closer interface {
	Close() error
}

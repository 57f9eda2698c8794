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
// What the plugin takes part in follows from what Implementation implements. All that is proposed is checked and encoded by
// knak, which stays the owner of every state machine; an error, a panic or a late answer means that knak goes its own way.
// docs/plugins.md is the guide, and package sdktest tests a plugin against simulated modems.
//
// The types are this package's own: neither gRPC and go-plugin nor knak's engine show through, so that each may change
// without a change in plugins.
package sdk

import (
	"context"
	"log/slog"
)

// Version is the SDK's.
const Version = "1.0.0"

// Plugin says what is served.
type Plugin struct {
	Name    string // as in the file's name, knak-plugin-NAME: lower-case letters, digits and "-"
	Version string // the plugin's own
	About   string // one line for people

	// Implementation implements one or more of Identifier, CredentialResolver, Challenger, DialHook, Negotiator, Prover,
	// Observer and Commander; and where it wants Configurer, HealthChecker and Closer. Its methods may be called by several
	// goroutines at once.
	Implementation any

	// Schema is the JSON Schema of the plugin's configuration. "": it is made from the fields of Configurer.Config.
	Schema string

	// Grants are what the plugin can make use of, for people who install it: GrantSecrets, GrantControl.
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

// Link says which connection is meant; one plugin may serve several.
type Link struct {
	Name    string // for example "default"
	Attempt int    // from 1; 0 where it does not matter. What did not work may be answered differently
}

// Device is what is known of the modem. An empty field is not known.
type Device struct {
	Port     string // for example "/dev/ttyUSB0"
	USB      string // vid:pid in lower-case hex, for example "12d1:1506"
	Vendor   string
	Model    string
	Firmware string
	Profile  string // the id of the quirk profile that it got
}

// Identifier may know more of a modem than it says of itself. knak waits 200 ms, and at most 1 s.
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
	// These take the place of what the modem said where they are not empty, so that the right profile is found.
	Vendor, Model, Firmware string
	// Settings stand above the profile's and below the user's.
	Settings []Setting
}

// Setting is one quirk key with its value.
type Setting struct {
	Key    string // as `knak quirks keys` lists them; "+" behind it adds to a list, "-" removes
	Value  string // as --set of `knak dial` takes it
	Reason string // why, shown wherever the setting is; must not be empty
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
	APN       string // what knak would use; "": what the modem has
	StoredAPN string // what the modem's context has now
	User      string // what knak would use; the digits of an identity are replaced
	// A person chose these: an answer does not change them.
	APNChosen, UserChosen bool
}

// Login answers Credentials. The zero value is no opinion.
type Login struct {
	APN string // "": as knak has it
	// Replace puts User and Password in the place of knak's, also where they are empty.
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
	Peer   string // what the peer calls itself
	User   string // the name that knak would send
}

// Response answers Challenge. Without Value it is no opinion. MD5Response makes the one for chap-md5.
type Response struct {
	Name  string // "": Challenge.User
	Value []byte // 16 octets for chap-md5, 49 for mschap and mschap-v2
	// Authenticator is, for mschap-v2, what the peer's Success must hold behind "S=": 20 octets (RFC 2759 section 8.7).
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
	// Commands says that commands can be sent: Before always, After where there is an AT port besides the one that carries
	// PPP. Where they cannot a Plan can only abort.
	Commands bool
}

// Step is one AT command. Of a sensitive one a plugin without GrantSecrets sees a word in the command's place, which it may
// move but not change.
type Step struct {
	Command   string
	Expect    []string // beginnings of lines of which one must come; nil: OK is enough
	Timeout   Duration // 0: as for any command
	Sensitive bool     // must not be shown
}

// Plan answers Steps. The zero value is no opinion.
type Plan struct {
	Replace bool // Steps take the place of knak's; otherwise they come behind them
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
	Local, Peer Addr // Peer may be one that was made up: PeerAssumed
	PeerAssumed bool
	DNS         []Addr
	MTU         int
	Provisional bool // the authentication was a success only provisionally (3GPP TS 29.061)
	WillProbe   bool // knak intends to probe; otherwise, to believe
}

// Proof answers Prove. The zero value is no opinion.
type Proof struct {
	Targets []Addr // to be probed besides knak's own
	Trust   string // a reason to believe the link without a probe
	Refuse  string // a reason to give it up; beats Trust
}

// Commander gives orders that come from outside, for example from a fleet's broker. It needs GrantControl. Commands runs
// for as long as knak wants orders: it returns when ctx ends. give fails when knak is gone.
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
	// Config gives a pointer to the struct that the configuration is read into. What it holds already are the defaults. Keys
	// are the names of the fields' json tags; one that no field has is an error, which names it.
	Config() any
	// Configure is called when the configuration has been read into the struct, also where there was none. A *KeyError names
	// the key that is wrong.
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

// Closer is told that nothing more will be asked. The process is ended soon after.
type Closer interface {
	Close() error
}

package advice

import (
	"net/netip"

	"github.com/knakppp/knak/core/ppp"
	"github.com/knakppp/knak/core/ppp/auth"
)

// Setting is one quirk setting that an adviser proposes. It goes into the layer of plugins: above the system's files, below the
// user's and the command line.
type Setting struct {
	Key    string // of quirks.Keys; "+" behind it adds to a list, "-" removes
	Value  string // in the notation of --set
	Reason string // must not be empty
	By     string // for example "plugin acme"
}

// Identified answers Identify.
type Identified struct {
	By string
	// Vendor, Model and Firmware replace the modem's own answers if they are not empty, so that the right profile is found.
	Vendor, Model, Firmware string
	// Settings may come from several advisers. If two are about the same key, the later one wins.
	Settings []Setting
}

// Login answers Credentials.
type Login struct {
	By     string
	Reason string
	APN    string // "": the host's
	// Replace replaces the host's User and Password, even by empty ones.
	Replace  bool
	User     string
	Password auth.Secret
	Allow    []auth.Method // the acceptable methods, best first; nil: the host's
}

// Plan answers Steps. The steps are checked like any other command: at.never applies to them.
type Plan struct {
	By      string
	Reason  string
	Replace bool   // Steps replace the host's; otherwise they follow them
	Steps   []Step // see Step
	Abort   string // ends the attempt, with this reason, before the next command
}

// Response answers Challenge.
type Response struct {
	By   string
	Name string // the user's name; "": the host's
	// Value is the response field: 16 octets for CHAPMD5 (RFC 1994 section 4.1), 49 for MSCHAP (RFC 2433 section 4) and for
	// MSCHAPv2 (RFC 2759 section 4). A value of another length is no answer.
	Value []byte
	// Authenticator is, for MSCHAPv2, what the peer's Success must hold behind "S=" (RFC 2759 section 8.7): 20 octets. nil: the
	// peer is not verified, and a Notice says so.
	Authenticator []byte
}

// Verdict answers Decide.
type Verdict struct{ ppp.Verdict }

// Proof answers Prove.
type Proof struct {
	By      string
	Targets []netip.Addr // addresses to probe besides the host's own; the link is then proved even if the host would not prove it
	Trust   string       // a reason to believe the link without a probe
	Refuse  string       // a reason to give it up; beats Trust
}

// To gives KindIdentify.
func (Identified) To() Kind { return KindIdentify }

// To gives KindCredentials.
func (Login) To() Kind { return KindCredentials }

// To gives KindSteps.
func (Plan) To() Kind { return KindSteps }

// To gives KindChallenge.
func (Response) To() Kind { return KindChallenge }

// To gives KindDecide.
func (Verdict) To() Kind { return KindDecide }

// To gives KindProve.
func (Proof) To() Kind { return KindProve }

// Opinion says that there is a fact or a setting.
func (a Identified) Opinion() bool {
	return a.Vendor != "" || a.Model != "" || a.Firmware != "" || len(a.Settings) > 0
}

// Opinion says that there is an APN, a login or a list of methods.
func (a Login) Opinion() bool { return a.APN != "" || a.Replace || a.Allow != nil }

// Opinion says that there are steps to add or to replace, or a reason to abort.
func (a Plan) Opinion() bool { return a.Replace || len(a.Steps) > 0 || a.Abort != "" }

// Opinion says that there is a response.
func (a Response) Opinion() bool { return a.Value != nil }

// Opinion says that the action is not Pass.
func (a Verdict) Opinion() bool { return a.Action != ppp.Pass }

// Opinion says that there is a target or a reason.
func (a Proof) Opinion() bool { return len(a.Targets) > 0 || a.Trust != "" || a.Refuse != "" }

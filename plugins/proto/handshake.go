package proto

// Host and plugin agree on these before the first call. A plugin in another language than Go prints one line to its standard
// output when it listens: "1|MAJOR|unix|PATH|grpc|CERTIFICATE". 1 is go-plugin's own protocol. CERTIFICATE is there if
// PLUGIN_CLIENT_CERT was in its environment.
const (
	// Major is the version number in knak.plugin.v1.
	Major = 1

	// CookieKey and CookieValue are in a plugin's environment if a host has started it. They are no secret.
	CookieKey   = "KNAK_PLUGIN"
	CookieValue = "5b0fc1a6-knak-plugin"

	// Name is the only name in the set of plugins of a process, in go-plugin's sense.
	Name = "knak"

	// MaxMessage is the greatest size of a message in either direction, in octets.
	MaxMessage = 64 << 10

	// Window is the greatest number of octets in flight, for a call and for a connection (RFC 9113 section 5.2). Both ends use
	// this constant: gRPC's own estimate costs a PING and its answer with every message, which wakes both ends once more each
	// time.
	Window = 2 * MaxMessage
)

// The capabilities that Describe may name. Unknown ones are ignored.
const (
	Identify    = "identify"
	Credentials = "credentials"
	Challenge   = "challenge"
	Steps       = "steps"
	Decide      = "decide"
	Prove       = "prove"
	Observe     = "observe"
	Command     = "command"
)

// The grants that a user may give a plugin.
const (
	GrantSecrets = "secrets" // to see passwords, challenges and responses
	GrantControl = "control" // to hang up and to redial: Command
)

// DefaultEvents are the events for an observer that names none.
var DefaultEvents = []string{"phase", "up", "down", "finding", "statistics"}

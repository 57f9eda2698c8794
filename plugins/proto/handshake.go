package proto

// What host and plugin agree on before the first call. A plugin in another language than Go prints one line to its
// standard output when it listens, "1|MAJOR|unix|PATH|grpc|CERTIFICATE": 1 is go-plugin's own protocol, and the certificate
// stands there where PLUGIN_CLIENT_CERT was in its environment.
const (
	// Major is the version in knak.plugin.v1.
	Major = 1

	// CookieKey and CookieValue tell a plugin by its environment that a host has started it. They are no secret.
	CookieKey   = "KNAK_PLUGIN"
	CookieValue = "5b0fc1a6-knak-plugin"

	// Name is the only name in the set of plugins of a process, in go-plugin's sense.
	Name = "knak"

	// MaxMessage is how many octets a message may have in either direction.
	MaxMessage = 64 << 10

	// Window is how many octets may be on their way, of a call and of a connection (RFC 9113 section 5.2). Both ends keep
	// to it instead of estimating: gRPC's estimate costs a PING and its answer with every message, which wakes both ends
	// once more for each.
	Window = 2 * MaxMessage
)

// The capabilities that Describe may name. Others are ignored.
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

// DefaultEvents are what an observer gets that names no events.
var DefaultEvents = []string{"phase", "up", "down", "finding", "statistics"}

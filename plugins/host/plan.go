package host

import (
	"encoding/json"
	"time"

	"github.com/knakppp/knak/core/advice"
)

// Grants that the user can give a plugin.
const (
	GrantSecrets = "secrets" // to see passwords, challenges and responses
	GrantControl = "control" // to hang up and to redial
)

// Grants lists them.
func Grants() []string { return []string{GrantSecrets, GrantControl} }

// Plugin is what the configuration says of one plugin, [plugins.NAME].
type Plugin struct {
	Name     string          `json:"name"`
	Path     string          `json:"path"`   // of its file; "": searched for in Plan.Dirs
	SHA256   string          `json:"sha256"` // the content that it must have besides being in plugins.lock; "": any that is pinned
	Grants   []string        `json:"grants"`
	Required bool            `json:"required"`         // no link without it
	Any      bool            `json:"any,omitempty"`    // start it though plugins.lock does not name it, for a person who runs a file by hand
	Plain    bool            `json:"plain"`            // no TLS on its socket, which stands in a private directory: tls = "none"
	Config   json.RawMessage `json:"config,omitempty"` // its own block, a JSON object; empty: none
}

// Plan is what the second program needs to know. The plugins stand in the order in which they are asked.
type Plan struct {
	Dirs    []string `json:"dirs"`
	Lock    string   `json:"lock"` // the path of plugins.lock
	Runtime string   `json:"runtime"`
	Version string   `json:"version"` // of knak
	Plugins []Plugin `json:"plugins"`
	// Try starts each once, to look at it.
	Try bool `json:"try,omitempty"`
}

// Word says in a word or two how it is with a plugin that is being run.
type Word string

// The words. A file that may not run has one of pin's instead.
const (
	Running      Word = "running"
	Waiting      Word = "waiting" // for its next start
	Out          Word = "out"     // after three strikes, for this run
	WrongVersion Word = "wrong version"
	WrongConfig  Word = "wrong configuration"
	NoStart      Word = "does not start"
	Refused      Word = "refused" // see State.Problem
)

// Point is a decision point that a plugin wants to be asked about.
type Point struct {
	Protocol uint16 `json:"protocol"` // 0: all
	Points   uint16 `json:"points"`   // a set of ppp.Points
}

// State is how one plugin is.
type State struct {
	Name       string        `json:"name"`
	Word       Word          `json:"state"`
	Path       string        `json:"path,omitempty"`
	Version    string        `json:"version,omitempty"`
	About      string        `json:"about,omitempty"`
	SDK        string        `json:"sdk,omitempty"`
	Major      int           `json:"protocol,omitempty"` // the major version of the protocol that it speaks
	Answers    []advice.Kind `json:"answers,omitempty"`
	Points     []Point       `json:"points,omitempty"`
	Observes   bool          `json:"observes,omitempty"`
	Events     []string      `json:"events,omitempty"`
	Commands   bool          `json:"commands,omitempty"`
	Wants      []string      `json:"wants_grants,omitempty"`
	Grants     []string      `json:"grants,omitempty"`
	Schema     string        `json:"config_schema,omitempty"`
	Required   bool          `json:"required,omitempty"`
	Problem    string        `json:"problem,omitempty"`
	Cure       string        `json:"cure,omitempty"`
	PID        int           `json:"pid,omitempty"`
	Strikes    int           `json:"strikes,omitempty"`
	Starts     int           `json:"starts,omitempty"`
	Calls      uint64        `json:"calls,omitempty"`
	Slowest    time.Duration `json:"slowest_ns,omitempty"`
	Lost       uint64        `json:"lost,omitempty"` // notifications that did not fit into its queue
	StartTime  time.Duration `json:"start_ns,omitempty"`
	Suppressed uint64        `json:"suppressed,omitempty"` // lines of standard error above the rate
}

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

// Plugin is the configuration of one plugin, [plugins.NAME].
type Plugin struct {
	Name     string          `json:"name"`
	Path     string          `json:"path"`   // the path of its file; "": it is searched for in Plan.Dirs
	SHA256   string          `json:"sha256"` // the SHA-256 that the file must have, in addition to its place in plugins.lock; "": any pinned file
	Grants   []string        `json:"grants"`
	Required bool            `json:"required"`         // no link without this plugin
	Any      bool            `json:"any,omitempty"`    // start it even if plugins.lock does not name it, because a person runs the file by hand
	Plain    bool            `json:"plain"`            // no TLS on its socket, which is in a private directory: tls = "none"
	Config   json.RawMessage `json:"config,omitempty"` // its own part of the configuration, a JSON object; empty: none
}

// Plan is what the second program must know. The plugins stand in the order in which they are asked.
type Plan struct {
	Dirs    []string `json:"dirs"`
	Lock    string   `json:"lock"` // the path of plugins.lock
	Runtime string   `json:"runtime"`
	Version string   `json:"version"` // knak's version
	Plugins []Plugin `json:"plugins"`
	// Try starts each plugin once, to read its description.
	Try bool `json:"try,omitempty"`
}

// Word describes the state of a running plugin in one or two words.
type Word string

// The words. A file that may not run has a word of package pin instead.
const (
	Running      Word = "running"
	Waiting      Word = "waiting" // until its next start
	Out          Word = "out"     // after three strikes, for this run
	WrongVersion Word = "wrong version"
	WrongConfig  Word = "wrong configuration"
	NoStart      Word = "does not start"
	Refused      Word = "refused" // see State.Problem
)

// Point is a set of decision points that a plugin wants to be asked about.
type Point struct {
	Protocol uint16 `json:"protocol"` // the protocol; 0: all
	Points   uint16 `json:"points"`   // a set of ppp.Points
}

// State is the state of one plugin.
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

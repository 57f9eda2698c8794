package vectors

import (
	"time"

	"github.com/knakppp/knak/core/event"
)

// Report is the result of testing one profile.
type Report struct {
	Profile   string           `json:"profile"`
	OK        bool             `json:"ok"`
	Scenarios []ScenarioReport `json:"scenarios"`
	Quirks    []QuirkReport    `json:"quirks"`
	Problems  []string         `json:"problems"` // what is wrong beyond the scenarios and quirks: no scenario, for example
}

// ScenarioReport is the result of one scenario, without the profile and with it.
type ScenarioReport struct {
	Name     string   `json:"name"`
	Profile  string   `json:"profile"` // what it was dialled with: the profile, or one that inherits the fragment
	OK       bool     `json:"ok"`
	Without  Run      `json:"without"`
	With     Run      `json:"with"`
	Problems []string `json:"problems"`
}

// QuirkReport says whether a quirk makes a difference.
type QuirkReport struct {
	Key    string `json:"key"`
	Value  string `json:"value"`
	Source string `json:"source"`         // file:line
	Home   string `json:"home"`           // the profile whose file it stands in
	When   string `json:"when,omitempty"` // it makes a difference only when this is so
	// Verdict is Needed, DeadWeight, Untestable for what no simulator can show, such as the speed of a line, or Idle for what
	// says when it acts and no scenario shows.
	Verdict  string `json:"verdict"`
	Scenario string `json:"scenario"` // the one that shows that it is needed
	Why      string `json:"why"`      // what gets worse without it; or why it cannot be tested

	strict bool     // it stands in the project's own files
	plain  bool     // shown by a dial with the profile alone
	idle   []string // its elements of which nothing shows yet that they make a difference
}

// The words of QuirkReport.Verdict.
const (
	Needed     = "needed"
	DeadWeight = "dead-weight"
	Untestable = "untestable"
	Idle       = "idle"
)

// Run is what came of dialling a scenario once, or of several times with different chance: the worst of them.
type Run struct {
	Up       bool     `json:"up"`
	Seconds  float64  `json:"seconds"` // of virtual time until up
	Exit     int      `json:"exit"`
	Outcome  string   `json:"outcome"`
	Findings []string `json:"findings"` // ids
	Proved   bool     `json:"proved"`
	DNS      []string `json:"dns"`
	MTU      int      `json:"mtu"`
	Packets  int      `json:"packets"` // PPP control packets sent until up
	Held     bool     `json:"held"`    // it stayed up as long as asked
	HungUp   bool     `json:"hung_up"` // the call was seen to end
	// HangupSeconds is the virtual time from the beginning of the hang-up to the end.
	HangupSeconds float64  `json:"hangup_seconds"`
	Log           []string `json:"log,omitempty"` // the last lines of the story, where the run was not as it should be

	up, hangup time.Duration
	sent       []string // commands
	records    []event.Record
}

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
	Problems  []string         `json:"problems"` // mistakes outside of the scenarios and quirks, for example that there is no scenario
}

// ScenarioReport is the result of one scenario, dialled without the profile and with it.
type ScenarioReport struct {
	Name     string   `json:"name"`
	Profile  string   `json:"profile"` // the profile it was dialled with: the profile itself, or one that inherits the fragment
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
	Home   string `json:"home"`           // the profile in whose file the quirk stands
	When   string `json:"when,omitempty"` // the condition under which the quirk applies
	// Verdict is Needed; DeadWeight; Untestable, if no simulator can show the quirk (the speed of a line, for example); or Idle, if the quirk has a
	// condition that no scenario meets.
	Verdict  string `json:"verdict"`
	Scenario string `json:"scenario"` // the scenario that shows that the quirk is needed
	Why      string `json:"why"`      // what gets worse without the quirk; or why it cannot be tested

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

// Run is the result of dialling a scenario once. If the scenario has random events, it is the worst of several dials.
type Run struct {
	Up       bool     `json:"up"`
	Seconds  float64  `json:"seconds"` // virtual seconds until the link was up
	Exit     int      `json:"exit"`
	Outcome  string   `json:"outcome"`
	Findings []string `json:"findings"` // their ids
	Proved   bool     `json:"proved"`
	DNS      []string `json:"dns"`
	MTU      int      `json:"mtu"`
	Packets  int      `json:"packets"` // PPP control packets sent until the link was up
	Held     bool     `json:"held"`    // the link stayed up as long as the scenario asks
	HungUp   bool     `json:"hung_up"` // the modem saw the end of the call
	// HangupSeconds is the virtual time from the beginning of the hang-up to its end.
	HangupSeconds float64  `json:"hangup_seconds"`
	Log           []string `json:"log,omitempty"` // the last lines of the log, if the run was not as expected

	up, hangup time.Duration
	sent       []string // commands
	records    []event.Record
}

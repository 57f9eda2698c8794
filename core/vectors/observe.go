package vectors

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/knakppp/knak/quirks"
)

// Observed is what a trace of a dial shows of a modem, as far as it helps to write a profile and a scenario.
type Observed struct {
	Facts    quirks.Facts
	Settings []Setting // those that were not the default
	Findings []string  // ids, in order
	Exit     int       // of the dial; 0 where it was up
	Up       bool

	connect  string        // the CONNECT line
	result   string        // how the dial ended otherwise: a word of dial.result
	errors   []string      // commands that were answered ERROR
	demand   string        // the authentication method that the modem asked for: a word of auth.demand
	name     string        // of its challenge
	refused  bool          // it refused the credentials
	mru      string        // that it asked for
	discard  bool          // it sent a Discard-Request
	answers  []answer      // to our IPCP Configure-Requests, in order
	ending   string        // how it ended the call during IPCP: a verb of an IPCP rule
	endDelay time.Duration // from our last request to that
	remarks  []string      // what else it did, in words
}

// Setting is a setting that the dial of a trace used.
type Setting struct {
	Key, Value string
	ByHand     bool // somebody gave it on the command line: it may be the cure
}

// answer is what the modem said to a Configure-Request.
type answer struct {
	verb    string   // nak, reject or behave
	options []string // as a scenario writes them
	delay   time.Duration
	times   int
}

// The limits of what is read.
const (
	maxTraceLine = 1 << 20
	maxTrace     = 1 << 26
	maxAnswers   = 12
	maxRemarks   = 20
)

// event is a line of a trace, with the fields of all events that matter here.
type event struct {
	T        time.Time `json:"t"`
	Event    string    `json:"event"`
	Dir      string    `json:"dir"`
	Text     string    `json:"text"`
	Proto    string    `json:"proto"`
	Code     string    `json:"code"`
	Options  []string  `json:"options"`
	Vendor   string    `json:"vendor"`
	Model    string    `json:"model"`
	Firmware string    `json:"firmware"`
	USB      string    `json:"usb"`
	Key      string    `json:"key"`
	Value    string    `json:"value"`
	Source   string    `json:"source"`
	// ID is a number of a packet and a text of a finding.
	ID       json.RawMessage `json:"id"`
	Phase    string          `json:"phase"`
	Cause    string          `json:"cause"`
	ExitCode int             `json:"exit_code"`
}

// ReadTrace reads JSON Lines as knak dial --json writes them. The error names the line that is not one. Of a trace with
// several attempts all are read; what the last one shows counts.
func ReadTrace(r io.Reader) (*Observed, error) {
	o := &observer{}
	s := bufio.NewScanner(io.LimitReader(r, maxTrace))
	s.Buffer(nil, maxTraceLine)
	n := 0
	for s.Scan() {
		n++
		if strings.TrimSpace(s.Text()) == "" {
			continue
		}
		var e event
		if err := json.Unmarshal(s.Bytes(), &e); err != nil || e.Event == "" {
			return nil, fmt.Errorf("line %d is not an event of knak dial --json", n)
		}
		o.see(&e)
	}
	if err := s.Err(); err != nil {
		return nil, fmt.Errorf("line %d: %w", n+1, err)
	}
	if n == 0 {
		return nil, fmt.Errorf("there is nothing in it")
	}
	return &o.Observed, nil
}

// observer reads one event after the other.
type observer struct {
	Observed
	phase   string
	command string    // the AT command that waits for its result
	asked   time.Time // when our last IPCP Configure-Request went out; zero: it has been answered
}

func (o *observer) see(e *event) {
	switch e.Event {
	case "device":
		o.Facts = quirks.Facts{USB: e.USB, Manufacturer: e.Vendor, Model: e.Model, Revision: e.Firmware}
	case "quirk":
		o.Settings = slices.DeleteFunc(o.Settings, func(s Setting) bool { return s.Key == e.Key }) // of an earlier attempt
		o.Settings = append(o.Settings, Setting{e.Key, e.Value, strings.HasPrefix(e.Source, quirks.CommandLine.String())})
	case "phase":
		o.phase = e.Phase
		if e.Phase == "lcp" { // a new call
			o.answers, o.ending, o.asked = nil, "", time.Time{}
		}
	case "at":
		o.line(e)
	case "packet":
		o.packet(e)
	case "finding":
		var id string
		if json.Unmarshal(e.ID, &id) == nil && id != "" {
			o.Findings = append(o.Findings, id)
		}
	case "up":
		o.Up = true
	case "down":
		o.Exit = e.ExitCode
	case "failure":
		if e.Phase == "ipcp" && !o.Up {
			o.end(e)
		}
	}
}

func (o *observer) remark(format string, args ...any) {
	if text := fmt.Sprintf(format, args...); len(o.remarks) < maxRemarks && !slices.Contains(o.remarks, text) {
		o.remarks = append(o.remarks, text)
	}
}

// line reads a line of the AT dialogue.
func (o *observer) line(e *event) {
	if e.Dir == "sent" {
		o.command = strings.ToUpper(e.Text)
		return
	}
	result := map[string]string{"NO CARRIER": "no-carrier", "BUSY": "busy", "NO DIALTONE": "no-dialtone", "NO DIAL TONE": "no-dialtone"}[e.Text]
	dialled := strings.HasPrefix(o.command, "ATD") && o.phase == "dial"
	failed := e.Text == "ERROR" || strings.HasPrefix(e.Text, "+CME ERROR")
	switch {
	case strings.HasPrefix(e.Text, "CONNECT") && dialled:
		o.connect, o.result = e.Text, ""
	case dialled && result != "":
		o.result = result
	case dialled && failed:
		o.result = "error"
	case failed && strings.HasPrefix(o.command, "AT"):
		// A command with a value may hold what is nobody's business; its name is enough.
		name, _, _ := strings.Cut(o.command, "=")
		if name != o.command {
			name += "=*"
		}
		if len(o.errors) < maxRemarks && !slices.Contains(o.errors, name) {
			o.errors = append(o.errors, name)
		}
	}
}

// packet reads a PPP control packet.
func (o *observer) packet(e *event) {
	sent := e.Dir == "sent"
	switch {
	case e.Proto == "lcp" && !sent:
		o.lcp(e)
	case (e.Proto == "chap" || e.Proto == "pap" || e.Proto == "eap") && !sent:
		switch e.Code {
		case "Challenge":
			if _, name, ok := strings.Cut(e.Text, "name = "); ok {
				o.name = strings.Trim(name, `"`)
			}
		case "Failure", "AuthNak":
			o.refused = true
		}
	case e.Proto == "ipcp" && sent && e.Code == "ConfReq":
		o.asked = e.T
	case e.Proto == "ipcp" && !sent:
		o.ipcp(e)
	case e.Proto == "ipcp" && sent && e.Code == "ConfRej":
		o.remark("we rejected of its IPCP request: %s", strings.Join(e.Options, ", "))
	}
}

func (o *observer) lcp(e *event) {
	switch e.Code {
	case "ConfReq":
		for _, text := range e.Options {
			word, value, _ := strings.Cut(text, " ")
			switch word {
			case "auth":
				o.demand = methodOf(value)
			case "mru":
				o.mru = value
			}
		}
	case "ConfNak", "ConfRej":
		o.remark("it answered our LCP request with %s of %s", e.Code, orNone(e.Options))
	case "DiscReq":
		o.discard = true
	case "EchoReq":
		o.remark("it sends LCP Echo-Requests")
	}
}

// methodOf gives a scenario's word for an authentication method as pppd writes it.
func methodOf(text string) string {
	switch {
	case text == "pap" || text == "eap":
		return text
	case text == "chap MS":
		return "mschap"
	case text == "chap MS-v2":
		return "mschap-v2"
	case strings.HasPrefix(text, "chap"):
		return "chap-md5"
	}
	return ""
}

func (o *observer) ipcp(e *event) {
	var delay time.Duration
	if !o.asked.IsZero() {
		delay = e.T.Sub(o.asked).Round(100 * time.Millisecond)
	}
	a := answer{verb: "behave", delay: max(delay, 0), times: 1}
	switch e.Code {
	case "ConfNak":
		var real bool
		a.options, real = ipcpOptions(e.Options, true)
		if !real {
			a.verb = "nak"
		}
	case "ConfRej":
		a.verb = "reject"
		a.options, _ = ipcpOptions(e.Options, false)
	case "ConfAck":
	case "TermReq":
		o.ending, o.endDelay = "terminate", a.delay
		return
	default:
		return
	}
	o.asked = time.Time{}
	if n := len(o.answers); n > 0 && o.answers[n-1].verb == a.verb && strings.Join(o.answers[n-1].options, " ") == strings.Join(a.options, " ") {
		o.answers[n-1].times++
		o.answers[n-1].delay = max(o.answers[n-1].delay, a.delay)
		return
	}
	if len(o.answers) < maxAnswers {
		o.answers = append(o.answers, a)
	}
}

// end reads how a call ended during IPCP.
func (o *observer) end(e *event) {
	if o.ending != "" {
		return
	}
	switch e.Cause {
	case "carrier-lost":
		o.ending = "hangup"
	case "terminated":
		o.ending = "terminate-lcp"
	case "protocol-rejected":
		o.ending = "protocol-reject"
	case "garbage":
		o.ending = "garbage"
	case "timeout":
		o.ending = "drop"
	}
	if !o.asked.IsZero() && e.T.After(o.asked) && o.ending != "drop" {
		o.endDelay = e.T.Sub(o.asked).Round(100 * time.Millisecond)
	}
}

// ipcpOptions gives options as a scenario writes them, and whether all their values are real ones: then a Nak is what
// every modem says. Real addresses are nobody's business; those of a scenario take their place.
func ipcpOptions(texts []string, values bool) (list []string, real bool) {
	names := map[string][]string{"addr": {"address"}, "addrs": {"addresses"}, "ms-dns1": {"dns1"}, "ms-dns2": {"dns2"},
		"ms-wins": {"nbns1", "nbns2"}, "compress": {"compression"}}
	used := map[string]int{}
	real = len(texts) > 0
	for _, text := range texts {
		word, value, _ := strings.Cut(text, " ")
		all := names[word]
		_, err := netip.ParseAddr(value)
		if len(all) == 0 || err != nil && values && word != "compress" && word != "addrs" {
			continue
		}
		name := all[min(used[word], len(all)-1)]
		used[word]++
		switch {
		case !values || word == "compress" || word == "addrs":
			list = append(list, name)
		case isPlaceholder(value):
			list, real = append(list, name+"="+value), false
		default:
			list = append(list, name+"="+standIn[name])
		}
	}
	return list, real
}

func isPlaceholder(value string) bool {
	r := Run{DNS: []string{value}}
	return r.realDNS() == 0
}

// standIn are addresses for documentation in place of a network's own (RFC 5737).
var standIn = map[string]string{"address": "192.0.2.2", "dns1": "198.51.100.53", "dns2": "198.51.100.54",
	"nbns1": "198.51.100.137", "nbns2": "198.51.100.138"}

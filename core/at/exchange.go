package at

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/knakppp/knak/core/at/v250"
	"github.com/knakppp/knak/core/event"
	"github.com/knakppp/knak/core/private"
)

// Times that the standards leave open.
const (
	defaultTimeout = 5 * time.Second
	quiet          = 200 * time.Millisecond // after this silence no late reply will come
	frameGrace     = 500 * time.Millisecond // how long an answer may still come after a PPP frame did
	connectGrace   = 3 * time.Second        // how long CONNECT may still come after a PPP frame did
	okGrace        = 5 * time.Second        // how long CONNECT may still come after an OK did
	syncTimeout    = time.Second            // for the AT that finds the way back into step
	maxCommand     = 1024                   // V.250 section 5.2.1 requires 40 characters at least; no modem accepts this many
	maxReplyLines  = 256
)

// Exchange is the modem as a dialogue function sees it. It is only valid inside that function.
type Exchange struct {
	d     *Dialogue
	talk  func(*Exchange) error
	yield func(struct{}) bool
	err   error

	now      time.Time
	lines    []string // received and not yet looked at
	state    ModemLines
	hasState bool

	running *command // the command whose answer is awaited
	echoed  bool     // its echo was seen

	behind       bool // a command timed out: its answer may still come
	synced       bool // the modem has answered OK and nothing timed out since
	ignoreFrames bool
	charDelay    time.Duration
	never        []string          // beginnings of commands that must not be sent
	known        private.Known     // the secrets that were sent, and the identities that came
	hides        *private.Dialogue // what may be shown of all that passes
	told         uint64            // how much of known the port was told
	subscribers  []subscriber
}

type subscriber struct {
	prefix string
	call   func(line string)
}

// stopped unwinds a dialogue function whose Dialogue was stopped.
type stopped struct{}

// sequence is the coroutine.
func (x *Exchange) sequence(yield func(struct{}) bool) {
	defer func() {
		if r := recover(); r != nil {
			if _, ok := r.(stopped); !ok {
				panic(r)
			}
		}
	}()
	x.yield = yield
	x.err = x.talk(x)
}

// pause suspends the function until something happens or the time has come.
func (x *Exchange) pause(until time.Time) {
	if x.d.over {
		panic(stopped{}) // a deferred call of a stopped function
	}
	x.d.deadline = until
	if !x.yield(struct{}{}) {
		panic(stopped{})
	}
}

// Now is the time.
func (x *Exchange) Now() time.Time { return x.now }

// Event sends an event. It must not hold a secret.
func (x *Exchange) Event(ev event.Event) { x.d.event(ev) }

// Secret marks a part of a command line: the modem gets it, traces and errors show <hidden>. The mark survives Quote
// and concatenation.
func (x *Exchange) Secret(s string) string {
	x.known.Add(s)
	return string(secretBegin) + s + string(secretEnd)
}

// CharDelay sets the pause after each character that is sent from now on, for modems that lose characters otherwise.
func (x *Exchange) CharDelay(d time.Duration) { x.charDelay = d }

// Never names commands that Command refuses as the modem would, with a *ResultError, and does not send. Each stands for every
// command that begins with it and continues with no letter: AT+CSQ is also AT+CSQ=?, but not AT+CSQN.
func (x *Exchange) Never(commands []string) { x.never = commands }

// IgnoreFrames says whether PPP frames in place of an answer are ignored, as while a call is being ended.
func (x *Exchange) IgnoreFrames(on bool) { x.ignoreFrames = on }

// Synced says whether the modem has answered a command with OK and has not missed one since.
func (x *Exchange) Synced() bool { return x.synced && !x.behind }

// Lines gives the state of the modem's lines; it is false if the port has none.
func (x *Exchange) Lines() (ModemLines, bool) { return x.state, x.hasState }

// SetDTR raises or drops DTR.
func (x *Exchange) SetDTR(on bool) { x.d.emit(SetDTR{On: on}) }

// Break sends a break condition of that length.
func (x *Exchange) Break(d time.Duration) { x.d.emit(Break{Duration: d}) }

// SetBaud changes the line speed in bit/s.
func (x *Exchange) SetBaud(rate int) { x.d.emit(SetBaud{Rate: rate}) }

// SetFlow changes flow control.
func (x *Exchange) SetFlow(mode string) { x.d.emit(SetFlow{Mode: mode}) }

// Discard throws away what was received up to now, here and in the port.
func (x *Exchange) Discard() {
	x.d.reader.reset()
	x.lines = x.lines[:0]
	x.d.emit(Discard{})
}

// Write sends bytes as they are: no line end, no pacing, no event. For frames and escape sequences.
func (x *Exchange) Write(p []byte) { x.d.emit(Write{Bytes: slices.Clone(p)}) }

// Subscribe makes call be called for each unsolicited line that begins with prefix.
func (x *Exchange) Subscribe(prefix string, call func(line string)) {
	x.subscribers = append(x.subscribers, subscriber{prefix, call})
}

// Wait lets time pass. Lines that come meanwhile are unsolicited.
func (x *Exchange) Wait(d time.Duration) { x.Until(d, func() bool { return false }) }

// Until waits until ready says so, which is asked again whenever a line, or a change of the modem's lines, has come. It
// gives false when that much time passed first. Lines that come meanwhile are unsolicited.
func (x *Exchange) Until(d time.Duration, ready func() bool) bool {
	until := x.now.Add(d)
	for {
		for {
			line, ok := x.take()
			if !ok {
				break
			}
			x.unsolicited(line)
		}
		if ready() {
			return true
		}
		if !x.now.Before(until) {
			return false
		}
		x.pause(until)
	}
}

// Expect waits for a line that begins with one of the prefixes and gives that line; false when that much time passed
// first. All lines that come are unsolicited to others.
func (x *Exchange) Expect(d time.Duration, prefixes ...string) (string, bool) {
	until := x.now.Add(d)
	for {
		for {
			line, ok := x.take()
			if !ok {
				break
			}
			x.unsolicited(line)
			for _, p := range prefixes {
				if strings.HasPrefix(line, p) {
					return line, true
				}
			}
		}
		if !x.now.Before(until) {
			return "", false
		}
		x.pause(until)
	}
}

// Command sends one command line and waits for its final result. Another result than OK and CONNECT is a *ResultError,
// silence a *TimeoutError, PPP frames a *DataModeError; the Reply holds what came until then. After CONNECT in answer to
// a dial command everything that the modem sends is kept for Rest. A timeout of 0 means 5 seconds.
func (x *Exchange) Command(line string, timeout time.Duration) (Reply, error) {
	c, err := x.prepare(line)
	if err != nil {
		return Reply{}, err
	}
	if Begins(c.line, x.never) {
		return Reply{}, &ResultError{Command: c.shown, Result: v250.Failed, Code: -1, Text: "not sent: at.never forbids it"}
	}
	if x.behind {
		if err := x.catchUp(); err != nil {
			return Reply{}, err
		}
	}
	return x.ask(c, timeout)
}

// Begins says whether a command line is one of the commands, or begins with one of them and goes on with a character
// that is not a letter. Case and spaces do not count. A command that is AT alone matches nothing, because every
// command line begins with it.
func Begins(line string, commands []string) bool {
	plain := func(s string) string { return strings.ToUpper(strings.ReplaceAll(s, " ", "")) }
	line = plain(line)
	for _, c := range commands {
		rest, ok := strings.CutPrefix(line, plain(c))
		if ok && len(plain(c)) > len("AT") && (rest == "" || rest[0] < 'A' || rest[0] > 'Z') {
			return true
		}
	}
	return false
}

// Dials says whether a command line, answered with CONNECT, leaves the command state.
func Dials(line string) bool { return parseCommand(line).dials }

// prepare checks a command line and takes it apart.
func (x *Exchange) prepare(line string) (*command, error) {
	sent, shown := unmark(line)
	c := parseCommand(sent)
	c.shown, c.secret = private.Command(shown), shown != sent
	switch {
	case sent == "":
		return nil, errors.New("at: an empty command line")
	case len(sent) > maxCommand:
		return nil, fmt.Errorf("at: a command line of %d characters; %d are allowed", len(sent), maxCommand)
	}
	for i := 0; i < len(sent); i++ {
		if sent[i] < ' ' || sent[i] == 0x7f {
			return nil, fmt.Errorf("at: %s: a control character in a command line", private.Command(shown))
		}
	}
	return &c, nil
}

// catchUp synchronises again after a timeout.
func (x *Exchange) catchUp() error {
	tries := 3
	if !x.synced {
		tries = 1 // the modem may not be there; the caller decides how long to try
	}
	var err error
	for range tries {
		err = x.Synchronise("AT", syncTimeout)
		var data *DataModeError
		if err == nil || errors.As(err, &data) {
			break
		}
	}
	return err
}

// Synchronise sends a harmless command line such as AT and, when it is answered, waits until late answers to commands
// before it are over too: the modem works off commands in order, so they came first, or come at once. Unlike Command
// it may be used while the modem has not yet answered at all.
func (x *Exchange) Synchronise(line string, timeout time.Duration) error {
	c, err := x.prepare(line)
	if err != nil {
		return err
	}
	late := x.behind
	_, err = x.ask(c, timeout)
	var result *ResultError
	if err != nil && !errors.As(err, &result) {
		return err
	}
	if late {
		x.settle()
	}
	if err == nil {
		x.behind, x.synced = false, true
	}
	return err
}

// settle waits until the modem has been quiet for a while.
func (x *Exchange) settle() {
	for heard := true; heard; {
		_, heard = x.Expect(quiet, "")
	}
}

// ask sends a command and reads its answer.
func (x *Exchange) ask(c *command, timeout time.Duration) (Reply, error) {
	if timeout <= 0 {
		timeout = defaultTimeout
	}
	x.Until(0, func() bool { return true }) // what came before cannot be the answer
	x.d.reader.framed, x.d.reader.frames = false, nil
	x.running, x.echoed = c, false
	defer func() { x.running = nil }()

	x.d.event(event.AT{Dir: event.Sent, Text: x.hides.Sent(c.shown)})
	x.send(c)
	return x.answer(c, timeout)
}

// send writes a command line with its CR (ITU-T V.250 section 5.2.1), paced where that is set.
func (x *Exchange) send(c *command) {
	x.tell()
	p := []byte(c.line + "\r")
	if x.charDelay <= 0 {
		x.d.emit(Write{Bytes: p})
		return
	}
	for i := range p {
		x.d.emit(Write{Bytes: p[i : i+1 : i+1]})
		for until := x.now.Add(x.charDelay); x.now.Before(until); {
			x.pause(until)
		}
	}
}

// answer collects lines up to the final result of c.
func (x *Exchange) answer(c *command, timeout time.Duration) (Reply, error) {
	var reply Reply
	until := x.now.Add(timeout)
	var grace time.Time   // when frames that came instead of an answer are believed
	var okUntil time.Time // when OK in answer to a dial command is believed
	for {
		for {
			line, ok := x.take()
			if !ok {
				break
			}
			done, err := x.answerLine(c, &reply, line)
			if done {
				return reply, err
			}
		}
		if reply.Result == v250.OK && okUntil.IsZero() {
			okUntil = x.now.Add(okGrace)
		}
		if x.d.reader.framed && !x.ignoreFrames && grace.IsZero() {
			grace = x.now.Add(frameGrace)
			if c.dials {
				grace = x.now.Add(connectGrace)
			}
		}
		next := until
		if !grace.IsZero() && grace.Before(next) {
			next = grace
		}
		if !okUntil.IsZero() && okUntil.Before(next) {
			next = okUntil
		}
		if x.now.Before(next) {
			x.pause(next)
			continue
		}
		switch {
		case grace.IsZero() && reply.Result == v250.OK:
			return reply, &ResultError{Command: c.shown, Result: v250.OK, Code: -1, Text: "OK, but no CONNECT"}
		case grace.IsZero():
			x.behind = true
			return reply, &TimeoutError{Command: c.shown, After: timeout}
		case c.dials:
			x.d.event(event.Notice{Level: "info", Text: "the modem sends PPP frames without having said CONNECT"})
			reply.Result = v250.Connect
			x.connected()
			return reply, nil
		}
		x.behind = true
		return reply, &DataModeError{Command: c.shown}
	}
}

// answerLine sorts one line that came while c was running. It reports whether the answer is complete.
func (x *Exchange) answerLine(c *command, reply *Reply, line string) (bool, error) {
	if x.isEcho(c, line) {
		x.echoed = true
		x.show(c.shown)
		return false, nil
	}
	result, code := v250.ParseFinal(line)
	if result == v250.Connect && !c.dials {
		// A call that had been given up has come through after all.
		x.showLine(line)
		x.behind = true
		return true, &DataModeError{Command: c.shown}
	}
	if result == v250.NoResult || result.OfCall() && !c.dials {
		if result != v250.NoResult || c.unsolicited(line) {
			x.unsolicited(line)
			return false, nil
		}
		if of := x.showInfo(line); of != "" && !slices.Contains(c.prefixes, of+":") {
			return false, nil // another message, not an answer
		}
		if len(reply.Lines) < maxReplyLines {
			reply.Lines = append(reply.Lines, line)
		}
		return false, nil
	}
	x.showLine(line)
	reply.Result, reply.Text = result, line
	switch result {
	case v250.OK:
		if !x.behind {
			x.synced = true
		}
		return !c.dials, nil // a port that says OK to everything does not connect
	case v250.Connect:
		x.connected()
		return true, nil
	}
	return true, &ResultError{Command: c.shown, Result: result, Code: code, Text: x.known.Text(private.Text(explain(line, result, code)))}
}

// connected hands everything that comes from now on, and the frames that came early, to PPP.
func (x *Exchange) connected() {
	x.d.data = true
	x.d.rest = append(x.d.rest, x.d.reader.takeFrames()...)
}

// CommandState says that the modem, after CONNECT, is back in command state: what it sends is read as lines again, and
// what was kept for PPP is dropped.
func (x *Exchange) CommandState() {
	x.d.data, x.d.begun = false, false
	x.d.rest = nil
	x.d.reader.reset()
}

// isEcho recognises the echo of c: the whole command, or the end of it where a modem woke up while it was being sent.
func (x *Exchange) isEcho(c *command, line string) bool {
	if x.echoed {
		return false
	}
	sent := strings.TrimSpace(c.line)
	if line == sent {
		return true
	}
	return len(line) >= 4 && len(line) < len(sent) && strings.HasSuffix(sent, line)
}

// take gives the oldest line that was not yet looked at.
func (x *Exchange) take() (string, bool) {
	if len(x.lines) == 0 {
		return "", false
	}
	line := x.lines[0]
	x.lines = x.lines[1:]
	return line, true
}

// unsolicited reports a line that is not an answer, and calls its subscribers.
func (x *Exchange) unsolicited(line string) {
	if isKnown(line) || !x.inData() {
		x.showLine(line)
	}
	for _, s := range x.subscribers {
		if strings.HasPrefix(line, s.prefix) {
			s.call(line)
		}
	}
}

// inData says whether the modem sends, or may send, packets. What looks like a line may then be a piece of a packet, and must not
// be shown.
func (x *Exchange) inData() bool { return x.ignoreFrames || x.d.reader.framed }

// showInfo traces a line of information text. of is the name of the reply whose message it is the text of, as "+CMT", or "".
func (x *Exchange) showInfo(line string) (of string) {
	if x.inData() && !isKnown(line) {
		return ""
	}
	x.showLine(line)
	return x.hides.Message()
}

func (x *Exchange) showLine(line string) {
	x.show(x.hides.Received(line))
	x.tell()
}

// tell gives new secrets to the recorder of the port.
func (x *Exchange) tell() {
	if x.told != x.known.Count() {
		x.told = x.known.Count()
		x.d.emit(Hide{Secrets: x.known.Words()})
	}
}

func (x *Exchange) show(text string) { x.d.event(event.AT{Dir: event.Rcvd, Text: text}) }

package device

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/knakppp/knak/core/cmux"
	"github.com/knakppp/knak/core/modem"
	"github.com/knakppp/knak/core/port"
)

// Speeds are those that modules on UARTs are found at, the likeliest first: what makers ship, then what people set.
var Speeds = []int{115200, 9600, 921600, 460800, 230400, 57600, 38400, 19200}

// The rhythm of finding a speed.
const (
	speedPatience = 350 * time.Millisecond // at one speed; a command channel that is awake answers within some 20 ms
	bootPatience  = 20 * time.Second       // modules need up to 14 s from power-on to their first OK
	escapeGuard   = 1100 * time.Millisecond
)

// SerialLine is an open UART as FindSpeed needs it.
type SerialLine interface {
	Line
	SetBaud(int) error
	Discard() error
	Status() (port.Status, error)
}

// OpenSerial opens a UART without flow control: what a module does with those lines is not known yet.
func OpenSerial(path string, baud int) (SerialLine, error) {
	return port.Open(path, port.Config{Baud: baud, WriteTimeout: time.Second})
}

// Serial is what was found out of a UART.
type Serial struct {
	Baud int
	Flow string     // "rtscts" where the modem shows that it is ready (CTS), else "none"; "": the port has no such lines
	Said modem.Said // what was heard
}

// NoAnswerError says that nobody answers on a UART, and what was heard in place of an answer.
type NoAnswerError struct {
	Path string
	Said modem.Said
}

func (e *NoAnswerError) Error() string {
	what := "nothing answers AT at any usual speed: is the module powered and started (PWRKEY held for a second or two), do its TX and RX lead to this port's RX and TX, crossed, and is it the right port?"
	switch e.Said {
	case modem.OnlyEchoes:
		what = "what is sent comes back and nothing else: TX and RX are joined, or there is no modem behind them"
	case modem.IsConsole:
		what = "a login prompt or a shell answers: this port is another computer's console, or its TX and RX are this one's own"
	case modem.SpeaksNMEA:
		what = "it sends positions (NMEA) and takes no commands: this is the port of a receiver"
	case modem.SaysGarbage:
		what = "it sends something at no speed that was tried: name the speed with --baud, or look at the wires and the ground between the two"
	}
	return e.Path + ": " + what
}

// FindSpeed finds the speed of a module on a UART by asking AT at one speed after another, and brings it back if it is in
// the data state or in a multiplexer. first is tried before the others; 0: none is. A module that starts is waited for. tell hears
// what is waited for.
func FindSpeed(ctx context.Context, path string, first int, open func(path string, baud int) (SerialLine, error), tell func(string)) (Serial, error) {
	speeds := slices.Clone(Speeds)
	if first > 0 {
		speeds = append([]int{first}, slices.DeleteFunc(speeds, func(n int) bool { return n == first })...)
	}
	line, err := open(path, speeds[0])
	if err != nil {
		return Serial{}, err
	}
	defer line.Close()
	stop := context.AfterFunc(ctx, func() { _ = line.SetReadDeadline(time.Unix(1, 0)) })
	defer stop()
	f := speedFinder{ctx: ctx, line: line}
	began, told := time.Now(), false
	for round := 0; ; round++ {
		for _, baud := range speeds {
			if ctx.Err() != nil {
				return Serial{}, ctx.Err()
			}
			if err := line.SetBaud(baud); err != nil {
				continue // this driver cannot make that speed
			}
			said, err := f.ask(round)
			if err != nil {
				return Serial{}, err
			}
			switch said {
			case modem.TakesAT:
				return Serial{Baud: baud, Flow: flowOf(line), Said: said}, nil
			case modem.SendsPPP: // it is in a call from a former life, and the dial ends that
				return Serial{Baud: baud, Flow: flowOf(line), Said: said}, nil
			}
			f.note(said)
		}
		if time.Since(began) > bootPatience {
			return Serial{}, &NoAnswerError{path, f.heard}
		}
		if !told {
			told = true
			tell(fmt.Sprintf("%s: nothing answers yet; trying %d speeds, and waiting up to %d s for a module that starts", path, len(speeds), int(bootPatience.Seconds())))
		}
	}
}

// speedFinder is one search.
type speedFinder struct {
	ctx   context.Context
	line  SerialLine
	heard modem.Said
}

// note keeps the most telling of what was heard.
func (f *speedFinder) note(said modem.Said) {
	rank := map[modem.Said]int{modem.SaysGarbage: 1, modem.OnlyEchoes: 2, modem.SpeaksNMEA: 3, modem.IsConsole: 4}
	if rank[said] > rank[f.heard] {
		f.heard = said
	}
}

// closeMultiplexer ends the multiplexer of 3GPP TS 27.010 by a Multiplexer Close Down on DLCI 0 (section 5.4.6.3.3), in the basic
// option and in the advanced one. To anybody else it is a line of rubbish, which the AT after it ends.
var closeMultiplexer = func() (b []byte) {
	down := []byte{cmux.CLD | 3, 1} // EA and C/R set: a command; no value
	for _, o := range []cmux.Option{cmux.Basic, cmux.Advanced} {
		b = cmux.Append(b, o, cmux.Frame{CR: true, Type: cmux.UIH, Info: down})
	}
	return b
}()

// ask asks at the speed that is set. In the first round it only asks; later it also leads a module out of a multiplexer,
// and out of the data state.
func (f *speedFinder) ask(round int) (modem.Said, error) {
	_ = f.line.Discard() // what came at the last speed
	if round > 0 && round%2 == 1 {
		if _, err := f.line.Write(closeMultiplexer); err != nil {
			return modem.SaysNothing, err
		}
	}
	if round > 0 && round%2 == 0 {
		// V.250 and makers' manuals: silence, the escape, silence.
		f.sleep(escapeGuard)
		if _, err := f.line.Write([]byte("+++")); err != nil {
			return modem.SaysNothing, err
		}
		f.sleep(escapeGuard)
		_ = f.line.Discard() // OK or NO CARRIER in answer to it
	}
	a := modem.NewAsker(time.Now())
	a.Within(speedPatience)
	return converse(f.ctx, f.line, a)
}

func (f *speedFinder) sleep(d time.Duration) {
	select {
	case <-f.ctx.Done():
	case <-time.After(d):
	}
}

// flowOf says whether the modem shows that it may be sent to (CTS). One that does not, because only three wires lead to it,
// would never be sent to with flow control by lines.
func flowOf(line SerialLine) string {
	st, err := line.Status()
	switch {
	case errors.Is(err, port.ErrNoModemLines) || err != nil:
		return ""
	case st.CTS:
		return "rtscts"
	}
	return "none"
}

// Console says whether a tty is a console of this machine: one that the kernel writes to (console= in its command line), or
// one that it reads from. The text says which.
func Console(root Root, tty string) (string, bool) {
	if b, err := fs.ReadFile(root.Sys, "class/tty/console/active"); err == nil && slices.Contains(strings.Fields(string(b)), tty) {
		return "the kernel writes its messages there (console=" + tty + " in the boot line): take that out, and start again", true
	}
	if root.Dev == "/dev" {
		if b, err := os.ReadFile("/proc/cmdline"); err == nil {
			for _, word := range strings.Fields(string(b)) {
				if name, ok := strings.CutPrefix(word, "console="); ok && strings.Split(name, ",")[0] == tty {
					return "the kernel writes its messages there (" + word + " in the boot line): take that out, and start again", true
				}
			}
		}
	}
	return "", false
}

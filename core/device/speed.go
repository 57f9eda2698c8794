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

// Speeds are the speeds, in bit/s, that modules on UARTs use, the likeliest first: first the makers' defaults, then what people
// set.
var Speeds = []int{115200, 9600, 921600, 460800, 230400, 57600, 38400, 19200}

// Times of the search for a speed.
const (
	speedPatience = 350 * time.Millisecond // wait for an answer at one speed; a command channel that is awake answers within about 20 ms
	bootPatience  = 20 * time.Second       // modules need up to 14 s from power-on to their first OK
	escapeGuard   = 1100 * time.Millisecond
)

// SerialLine is an open UART with the methods that FindSpeed needs.
type SerialLine interface {
	Line
	SetBaud(int) error
	Discard() error
	Status() (port.Status, error)
}

// OpenSerial opens a UART at baud bit/s without flow control, because it is not known yet whether the module uses RTS and CTS.
func OpenSerial(path string, baud int) (SerialLine, error) {
	return port.Open(path, port.Config{Baud: baud, WriteTimeout: time.Second})
}

// Serial is what FindSpeed found out about a UART.
type Serial struct {
	Baud int
	Flow string     // "rtscts" if the modem sets CTS, else "none"; "": the port has no such lines
	Said modem.Said // what the module said
}

// NoAnswerError means that no modem answers on a UART. It holds what was heard in place of an answer.
type NoAnswerError struct {
	Path string
	Said modem.Said
}

func (e *NoAnswerError) Error() string {
	what := "nothing answers AT at any usual speed: is the module powered and started (PWRKEY held for a second or two), do its TX and RX lead to this port's RX and TX, crossed, and is it the right port?"
	switch e.Said {
	case modem.OnlyEchoes:
		what = "only what knak sends comes back: TX and RX are joined, or no modem is connected"
	case modem.IsConsole:
		what = "a login prompt or a shell answers: this port is another computer's console, or its TX and RX are this one's own"
	case modem.SpeaksNMEA:
		what = "it sends positions (NMEA) and takes no commands: this is the port of a GPS receiver"
	case modem.SaysGarbage:
		what = "it sends something, but at none of the speeds that were tried: name the speed with --baud, or check the wires and the ground connection"
	}
	return e.Path + ": " + what
}

// FindSpeed finds the speed of a module on a UART: it sends AT at one speed after another. If the module is in the data state or
// in a multiplexer, it is brought back to the command state. first, in bit/s, is tried before the other speeds; 0: no speed is
// preferred. FindSpeed waits for a module that is starting, and says so through tell.
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
				continue // this driver cannot set that speed
			}
			said, err := f.ask(round)
			if err != nil {
				return Serial{}, err
			}
			switch said {
			case modem.TakesAT:
				return Serial{Baud: baud, Flow: flowOf(line), Said: said}, nil
			case modem.SendsPPP: // an earlier call still runs; the dial ends it
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

// speedFinder is one search for a speed.
type speedFinder struct {
	ctx   context.Context
	line  SerialLine
	heard modem.Said
}

// note keeps what was heard, if it tells more than what was heard before.
func (f *speedFinder) note(said modem.Said) {
	rank := map[modem.Said]int{modem.SaysGarbage: 1, modem.OnlyEchoes: 2, modem.SpeaksNMEA: 3, modem.IsConsole: 4}
	if rank[said] > rank[f.heard] {
		f.heard = said
	}
}

// closeMultiplexer ends the multiplexer of 3GPP TS 27.010 by a Multiplexer Close Down on DLCI 0 (section 5.4.6.3.3), in the basic
// option and in the advanced one. A modem without a multiplexer sees a line of rubbish, which the AT after it ends.
var closeMultiplexer = func() (b []byte) {
	down := []byte{cmux.CLD | 3, 1} // EA and C/R set: a command; no value
	for _, o := range []cmux.Option{cmux.Basic, cmux.Advanced} {
		b = cmux.Append(b, o, cmux.Frame{CR: true, Type: cmux.UIH, Info: down})
	}
	return b
}()

// ask sends AT at the speed that is set. In the first round it does only that; in later rounds it also ends a multiplexer, and
// the data state.
func (f *speedFinder) ask(round int) (modem.Said, error) {
	_ = f.line.Discard() // input received at the last speed
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

// flowOf says whether the modem sets CTS. If it does not, because only three wires are connected, nothing could ever be sent with
// flow control by lines.
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

// Console says whether a tty is a console of this machine: one that the kernel writes to (console= in its command line), or that
// it also reads from. The text says which.
func Console(root Root, tty string) (string, bool) {
	if b, err := fs.ReadFile(root.Sys, "class/tty/console/active"); err == nil && slices.Contains(strings.Fields(string(b)), tty) {
		return "the kernel writes its messages there (console=" + tty + " in the boot line): remove that word, and restart this machine", true
	}
	if root.Dev == "/dev" {
		if b, err := os.ReadFile("/proc/cmdline"); err == nil {
			for _, word := range strings.Fields(string(b)) {
				if name, ok := strings.CutPrefix(word, "console="); ok && strings.Split(name, ",")[0] == tty {
					return "the kernel writes its messages there (" + word + " in the boot line): remove that word, and restart this machine", true
				}
			}
		}
	}
	return "", false
}

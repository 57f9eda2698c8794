package device

import (
	"context"
	"errors"
	"os"
	"slices"
	"sync"
	"time"

	"github.com/knakppp/knak/core/at"
	"github.com/knakppp/knak/core/modem"
	"github.com/knakppp/knak/core/port"
	"github.com/knakppp/knak/quirks"
)

// patience is how long Ask waits for the other ttys once one has answered and all are open. By then the second AT has been sent
// to each, and a command channel that is awake answers it.
const patience = 900 * time.Millisecond

// Line is an open tty with the methods that Ask needs.
type Line interface {
	Read([]byte) (int, error)
	Write([]byte) (int, error)
	SetReadDeadline(time.Time) error
	Close() error
}

// Opener opens the tty at path.
type Opener func(path string) (Line, error)

// OpenLine opens a tty and takes its locks, as a dial does, so that no other program's call is disturbed.
func OpenLine(path string) (Line, error) {
	return port.Open(path, port.Config{WriteTimeout: time.Second})
}

// Ask asks all ttys of a modem at the same time whether they take commands, and judges its ports anew. It sends nothing but AT,
// and takes about two seconds at most. A device that is not known to be a modem is asked only if anyway is true, which means that
// a person named it.
func (d *Device) Ask(ctx context.Context, root Root, open Opener, anyway bool) error {
	if !d.Modem && !anyway {
		return errors.New("not asked: " + d.Why)
	}
	asking, cancel := context.WithCancel(ctx)
	defer cancel()
	answers := make([]quirks.Answer, len(d.Layout.TTYs))
	var group, opening sync.WaitGroup
	var once sync.Once
	opening.Add(len(d.Candidate.Ports))
	for i, p := range d.Candidate.Ports {
		group.Go(func() {
			said, err := askOne(asking, root.Path(p.Name), open, opening.Done)
			answers[i] = answerOf(said, err)
			if answers[i] == quirks.Commands {
				once.Do(func() { // a tty that has not answered by then is silent
					opening.Wait()
					time.AfterFunc(patience, cancel)
				})
			}
		})
	}
	group.Wait()
	for i := range answers {
		d.Layout.TTYs[i].Answer = answers[i]
	}
	d.Ports = d.db.Ports(d.Layout, d.Quirks)
	return ctx.Err()
}

// identifyLimit is how long a modem may take to say who it is.
const identifyLimit = 10 * time.Second

// Identify asks a modem for its maker, model and firmware (AT+CGMI, AT+CGMM, AT+CGMR, ATI; never for a serial number), on a tty
// that took commands when Ask was called. If no tty took commands, it asks nothing.
func (d *Device) Identify(ctx context.Context, root Root, open Opener) error {
	i := slices.IndexFunc(d.Layout.TTYs, func(t quirks.TTY) bool { return t.Answer == quirks.Commands })
	if i < 0 {
		return nil
	}
	line, err := open(root.Path(d.Candidate.Ports[i].Name))
	if err != nil {
		return err
	}
	defer line.Close()
	stop := context.AfterFunc(ctx, func() { _ = line.SetReadDeadline(time.Unix(1, 0)) })
	defer stop()
	return Talk(line, at.NewDialogue(func(x *at.Exchange) error {
		id, err := modem.Ask(x)
		d.Identity = Identity{Vendor: id.Vendor, Model: id.Model, Firmware: id.Firmware}
		return err
	}), time.Now().Add(identifyLimit))
}

// ErrTooLong means that a dialogue did not end in time.
var ErrTooLong = errors.New("the port does not answer in time")

// Talk runs a dialogue on an open port until it ends; at limit it gives up with ErrTooLong.
func Talk(line Line, d *at.Dialogue, limit time.Time) error {
	defer d.Stop()
	buf := make([]byte, 512)
	d.Advance(time.Now())
	for {
		for out, ok := d.Next(); ok; out, ok = d.Next() {
			switch o := out.(type) {
			case at.Write:
				if _, err := line.Write(o.Bytes); err != nil {
					return err
				}
			case at.Done:
				return o.Err
			}
		}
		until := d.Deadline()
		if until.IsZero() || limit.Before(until) {
			until = limit
		}
		if !time.Now().Before(limit) {
			return ErrTooLong
		}
		if err := line.SetReadDeadline(until); err != nil {
			return err
		}
		n, err := line.Read(buf)
		switch now := time.Now(); {
		case n > 0:
			d.Receive(now, buf[:n])
		case errors.Is(err, os.ErrDeadlineExceeded):
			d.Advance(now)
		case err != nil:
			return err
		}
	}
}

// askOne asks one tty. It calls opened when the tty is open, or cannot be opened.
func askOne(ctx context.Context, path string, open Opener, opened func()) (modem.Said, error) {
	line, err := open(path)
	opened()
	if err != nil {
		return modem.SaysNothing, err
	}
	defer line.Close()
	stop := context.AfterFunc(ctx, func() { _ = line.SetReadDeadline(time.Unix(1, 0)) })
	defer stop()
	return converse(ctx, line, modem.NewAsker(time.Now()))
}

// converse runs an asker on a tty until the asker has its answer.
func converse(ctx context.Context, line Line, a *modem.Asker) (modem.Said, error) {
	buf := make([]byte, 512)
	for {
		now := time.Now()
		a.Advance(now)
		for b, ok := a.Next(); ok; b, ok = a.Next() {
			if _, err := line.Write(b); err != nil {
				return modem.SaysNothing, err
			}
		}
		said, done := a.Done()
		if done || ctx.Err() != nil {
			return said, nil
		}
		if err := line.SetReadDeadline(a.Deadline()); err != nil {
			return said, err
		}
		if ctx.Err() != nil {
			return said, nil // ctx ended between the last look and the new deadline
		}
		n, err := line.Read(buf)
		a.Receive(time.Now(), buf[:n])
		if err != nil && !errors.Is(err, os.ErrDeadlineExceeded) {
			return said, err
		}
	}
}

// answerOf says what an answer means for the choice of a port. A tty that sends PPP frames is the data port.
func answerOf(said modem.Said, err error) quirks.Answer {
	switch {
	case err != nil:
		return quirks.Refused
	case said == modem.TakesAT, said == modem.SendsPPP:
		return quirks.Commands
	case said == modem.SpeaksNMEA:
		return quirks.Sentences
	case said == modem.SpeaksDiag:
		return quirks.Diagnostics
	}
	return quirks.Silent
}

package connection

import (
	"time"

	"github.com/knakppp/knak/cmd/knak/build"
	"github.com/knakppp/knak/cmd/knak/exit"
	"github.com/knakppp/knak/core/event"
	"github.com/knakppp/knak/core/recording/record"
)

// checkRecord says whether --record can be done, before anything is touched.
func (o *Options) checkRecord() error {
	if o.Record == "" {
		if o.RecordSecrets || o.RecordControl {
			return exit.Usagef("--record-secrets and --record-control say how to record: add --record FILE")
		}
		return nil
	}
	if _, err := record.ParseFormat("", o.Record); err != nil {
		return exit.Usagef("--record: %w", err)
	}
	return nil
}

// StartRecording makes the recording that was asked for, or gives nil. What goes wrong with it later is told to sink.
func (c *Connection) StartRecording(sink event.Sink) (*record.Recorder, error) {
	o, d := &c.Options, &c.Dial
	if o.Record == "" {
		return nil, nil
	}
	format, err := record.ParseFormat("", o.Record)
	if err != nil {
		return nil, exit.Usagef("--record: %w", err)
	}
	r, err := record.Create(record.FileName(o.Record, time.Now()), record.Options{
		Format: format, Secrets: o.RecordSecrets, Hidden: []string{d.Password.Reveal(), d.PIN.Reveal()}, Public: []string{d.User, d.APN},
		ControlOnly: o.RecordControl, Program: "knak " + build.Version().Version, Port: o.Port,
	}, func(n event.Notice) { sink.Record(event.Record{Time: time.Now(), Link: d.Name, Event: n}) })
	if err != nil {
		return nil, exit.Usagef("--record: %w", err)
	}
	d.Tap = r
	return r, nil
}

package connection

import (
	"context"
	"time"

	"github.com/knakppp/knak/cmd/knak/build"
	"github.com/knakppp/knak/cmd/knak/exit"
	"github.com/knakppp/knak/core/event"
	"github.com/knakppp/knak/core/link/drive"
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

// secrets are what must not be shown, in whatever event or octets it comes back.
func (j *Job) secrets() []string { return []string{j.Password.Reveal(), j.pin.Reveal()} }

// public is what may be shown even where it is the password too.
func (j *Job) public() []string { return []string{j.Options.User, j.Options.APN} }

// StartRecording makes the recording that was asked for, or gives nil. What goes wrong with it later is told to sink.
func (j *Job) StartRecording(sink event.Sink) (*record.Recorder, error) {
	o := &j.Options
	if o.Record == "" {
		return nil, nil
	}
	format, err := record.ParseFormat("", o.Record)
	if err != nil {
		return nil, exit.Usagef("--record: %w", err)
	}
	r, err := record.Create(record.FileName(o.Record, time.Now()), record.Options{
		Format: format, Secrets: o.RecordSecrets, Hidden: j.secrets(), Public: j.public(), ControlOnly: o.RecordControl, Program: "knak " + build.Version().Version, Port: o.Port,
	}, func(n event.Notice) { sink.Record(event.Record{Time: time.Now(), Link: j.Name, Event: n}) })
	if err != nil {
		return nil, exit.Usagef("--record: %w", err)
	}
	return r, nil
}

// tapped gives the opener of a port that is recorded, if it is.
func (j *Job) tapped(open func(context.Context) (drive.Port, error)) func(context.Context) (drive.Port, error) {
	if j.Recorder == nil {
		return open
	}
	return drive.Tapped(open, j.Recorder)
}

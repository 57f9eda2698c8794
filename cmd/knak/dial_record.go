package main

import (
	"context"
	"time"

	"github.com/knakppp/knak/core/event"
	"github.com/knakppp/knak/core/link/drive"
	"github.com/knakppp/knak/core/recording/record"
)

// checkRecord says whether --record can be done, before anything is touched.
func (o *dialOptions) checkRecord() error {
	if o.Record == "" {
		if o.RecordSecrets || o.RecordControl {
			return usagef("--record-secrets and --record-control say how to record: add --record FILE")
		}
		return nil
	}
	if _, err := record.ParseFormat("", o.Record); err != nil {
		return usagef("--record: %w", err)
	}
	return nil
}

// secrets are what must not be shown, in whatever event or octets it comes back.
func (j *job) secrets() []string { return []string{j.password.Reveal(), j.pin.Reveal()} }

// public is what may be shown even where it is the password too.
func (j *job) public() []string { return []string{j.options.User, j.options.APN} }

// startRecording makes the recording that was asked for, or gives nil. What goes wrong with it later is told to sink.
func (j *job) startRecording(sink event.Sink) (*record.Recorder, error) {
	o := &j.options
	if o.Record == "" {
		return nil, nil
	}
	format, err := record.ParseFormat("", o.Record)
	if err != nil {
		return nil, usagef("--record: %w", err)
	}
	r, err := record.Create(record.FileName(o.Record, time.Now()), record.Options{
		Format: format, Secrets: o.RecordSecrets, Hidden: j.secrets(), Public: j.public(), ControlOnly: o.RecordControl, Program: "knak " + readVersion().Version, Port: o.Port,
	}, func(n event.Notice) { sink.Record(event.Record{Time: time.Now(), Link: j.name, Event: n}) })
	if err != nil {
		return nil, usagef("--record: %w", err)
	}
	return r, nil
}

// tapped gives the opener of a port that is recorded, if it is.
func (j *job) tapped(open func(context.Context) (drive.Port, error)) func(context.Context) (drive.Port, error) {
	if j.recorder == nil {
		return open
	}
	return drive.Tapped(open, j.recorder)
}

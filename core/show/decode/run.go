package decode

import (
	"errors"
	"io"

	"github.com/knakppp/knak/core/event"
)

// Reader gives records one after the other: a read.Reader does.
type Reader interface {
	Next() (event.Record, error)
}

// batchLen is how many records the reading goroutine hands to the writing one at once.
const batchLen = 512

type batch struct {
	records []event.Record
	err     error // behind the records
}

// Run passes all records of r to the sink in order. It reads ahead in a goroutine of its own, which takes half the time on a long recording. It
// returns when r ends; its error is the error of r. A sink that needs no more records calls stop.
func Run(r Reader, sink event.Sink, stop func() bool) error {
	full, empty := make(chan batch, 2), make(chan batch, 3)
	for range cap(empty) {
		empty <- batch{records: make([]event.Record, 0, batchLen)}
	}
	go func() {
		defer close(full)
		for b := range empty {
			for len(b.records) < batchLen && b.err == nil {
				rec, err := r.Next()
				if err != nil {
					b.err = err
					break
				}
				b.records = append(b.records, rec)
			}
			full <- b
			if b.err != nil {
				return
			}
		}
	}()
	var failed error
	for b := range full {
		for i := range b.records {
			sink.Record(b.records[i])
		}
		if b.err != nil {
			failed = b.err
			break
		}
		if stop() {
			break
		}
		clear(b.records)
		empty <- batch{records: b.records[:0]}
	}
	close(empty)
	for range full { // until the goroutine has ended: nobody may read from r any more
	}
	if errors.Is(failed, io.EOF) {
		return nil
	}
	return failed
}

// Each passes each record of r to the sink as it arrives. It is for a recording that still grows.
func Each(r Reader, sink event.Sink, stop func() bool) error {
	for !stop() {
		rec, err := r.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		sink.Record(rec)
	}
	return nil
}

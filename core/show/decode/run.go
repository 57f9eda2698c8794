package decode

import (
	"errors"
	"io"

	"github.com/knakppp/knak/core/event"
)

// Reader is what records come from: a read.Reader.
type Reader interface {
	Next() (event.Record, error)
}

// batchLen is how many records go from the goroutine that reads to the one that writes at once.
const batchLen = 512

type batch struct {
	records []event.Record
	err     error // behind the records
}

// Run gives all records of r to the sink, in order, reading ahead in a goroutine of its own: a long recording takes half the
// time. It returns when r ends; what is wrong with r is its error. A sink that need not go on says so with stop.
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

// Each gives all records of r to the sink as they come: for a recording that still grows.
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

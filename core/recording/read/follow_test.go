package read

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/knakppp/knak/core/event"
)

// next waits for one record, but not for ever.
func next(t *testing.T, records <-chan event.Record) event.Record {
	t.Helper()
	select {
	case r, ok := <-records:
		if !ok {
			t.Fatal("the records ended")
		}
		return r
	case <-time.After(5 * time.Second):
		t.Fatal("no record came")
	}
	return event.Record{}
}

// A file that grows is read as it grows: a line as soon as it is whole, and from the beginning when it was made shorter. It ends
// when it is removed.
func TestFollow(t *testing.T) {
	name := filepath.Join(t.TempDir(), "ppp.log")
	w, err := os.Create(name)
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	write := func(s string) {
		if _, err := w.WriteString(s); err != nil {
			t.Fatal(err)
		}
	}
	write("sent [LCP ConfReq id=0x1]\nrcvd [LCP Con")
	f, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	grown, err := Follow(context.Background(), f)
	if err != nil {
		t.Fatal(err)
	}
	defer grown.Close()
	r, err := Open(grown, Options{Follow: true})
	if err != nil {
		t.Fatal(err)
	}
	records, ended := make(chan event.Record), make(chan error, 1)
	go func() {
		defer close(records)
		for {
			rec, err := r.Next()
			if err != nil {
				ended <- err
				return
			}
			records <- rec
		}
	}()
	next(t, records) // the phase
	if p, ok := next(t, records).Event.(event.Packet); !ok || p.Line() != "sent [LCP ConfReq id=0x1]" {
		t.Error(p)
	}
	write("fAck id=0x1]\n")
	if p, ok := next(t, records).Event.(event.Packet); !ok || p.Line() != "rcvd [LCP ConfAck id=0x1]" {
		t.Error(p)
	}
	if err := os.Truncate(name, 0); err != nil {
		t.Fatal(err)
	}
	if _, err := w.Seek(0, io.SeekStart); err != nil {
		t.Fatal(err)
	}
	write("Modem hangup\n")
	if l, ok := next(t, records).Event.(event.Log); !ok || l.Text != "Modem hangup" {
		t.Error(l)
	}
	if err := os.Remove(name); err != nil {
		t.Fatal(err)
	}
	select {
	case err := <-ended:
		if !errors.Is(err, io.EOF) {
			t.Error(err)
		}
	case <-time.After(5 * time.Second):
		t.Fatal("it does not end")
	}
}

// It ends when it is told to.
func TestFollowEnds(t *testing.T) {
	name := filepath.Join(t.TempDir(), "ppp.log")
	if err := os.WriteFile(name, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	ctx, cancel := context.WithCancel(context.Background())
	grown, err := Follow(ctx, f)
	if err != nil {
		t.Fatal(err)
	}
	defer grown.Close()
	cancel()
	if n, err := grown.Read(make([]byte, 10)); n != 0 || !errors.Is(err, io.EOF) {
		t.Error(n, err)
	}
}

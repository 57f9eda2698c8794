package decode

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/knakppp/knak/core/event"
	"github.com/knakppp/knak/core/golden"
	"github.com/knakppp/knak/core/ppp/packet"
	"github.com/knakppp/knak/core/recording/read"
)

var fileTime = time.Date(2019, 1, 2, 12, 0, 0, 0, time.UTC)

func decoded(t *testing.T, name string, o Options) (string, Counts) {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("..", "..", "recording", "read", "testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	r, err := read.Open(bytes.NewReader(b), read.Options{Date: fileTime})
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	d := New(&out, o)
	if err := errors.Join(Run(r, d, func() bool { return false }), d.Err()); err != nil {
		t.Fatal(err)
	}
	return out.String(), d.Counts()
}

// What a person reads: the whole, and with each of the options.
func TestLines(t *testing.T) {
	for name, c := range map[string]struct {
		log string
		o   Options
	}{
		"plain": {"plain.log", Options{}}, "syslog": {"syslog.log", Options{}}, "absolute": {"syslog.log", Options{Absolute: true}}, "hex": {"plain.log", Options{Hex: true, Proto: []string{"chap", "0x8021"}}},
		"at": {"wvdial.log", Options{Proto: []string{"at", "text"}}}, "phase": {"plain.log", Options{Phase: []string{"ipcp"}, NoLog: true}}, "nodata": {"plain.log", Options{NoData: true, Phase: []string{"up"}}},
		"wrong": {"transcribed.log", Options{Wrong: true}}, "color": {"transcribed.log", Options{Color: true}}, "json": {"transcribed.log", Options{Wrong: true, JSON: true}},
	} {
		got, _ := decoded(t, c.log, c.o)
		golden.Same(t, filepath.Join("testdata", name+".golden"), []byte(got), "")
	}
}

// Every event has a line of its own and nothing in it that a terminal would obey.
func TestEveryEvent(t *testing.T) {
	evil := "x\x1b[2J\r\ny"
	for _, e := range []event.Event{
		event.Device{Port: evil}, event.AT{Text: evil}, event.Phase{Phase: evil}, event.Quirk{Key: evil}, event.Up{Interface: evil, DNS: []string{evil}, IPv6: evil}, event.Finding{Title: evil},
		event.Down{Reason: evil}, event.State{Cause: evil}, event.Decision{By: evil}, event.Data{}, event.Log{Program: evil, Text: evil}, event.Unread{Text: evil}, event.Text{Text: evil},
		event.Registration{State: evil}, event.Probe{Result: evil}, event.Attempt{Reason: evil}, event.Notice{Text: evil}, event.Failure{Detail: evil},
		event.Packet{Protocol: packet.LCP, Data: append([]byte{5, 1, 0, byte(4 + len(evil))}, evil...)}, event.Packet{Protocol: 0x8281},
	} {
		var out bytes.Buffer
		d := New(&out, Options{})
		d.Record(event.Record{Event: e})
		got := out.String()
		if strings.Count(got, "\n") != 1 || strings.ContainsAny(got, "\x1b\r") || len(strings.TrimSpace(got)) < 3 {
			t.Errorf("%T: %q", e, got)
		}
	}
}

func TestCounts(t *testing.T) {
	_, c := decoded(t, "transcribed.log", Options{Proto: []string{"at"}})
	if c.Packets != 15 || c.Faulty != 1 || c.Remarks != 0 || c.Records < 20 {
		t.Errorf("%+v", c)
	}
	d := New(io.Discard, Options{})
	d.Record(event.Record{Event: event.Packet{Protocol: packet.IPCP, Data: []byte{1, 1, 0, 4}}})
	d.Record(event.Record{Event: event.Packet{Dir: event.Rcvd, Protocol: packet.IPCP, Data: []byte{3, 1, 0, 10, 3, 6, 10, 0, 0, 1}}})
	if c := d.Counts(); c.Remarks != 1 || c.Faulty != 0 { // what was not asked may be Nak'd, as a hint
		t.Errorf("%+v", c)
	}
}

type failing struct{ n int }

func (f *failing) Write(p []byte) (int, error) {
	if f.n--; f.n < 0 {
		return 0, errors.New("full")
	}
	return len(p), nil
}

// endless gives the same record for ever, so that only stop can end it.
type endless struct{}

func (endless) Next() (event.Record, error) {
	return event.Record{Event: event.Text{Text: "x"}}, nil
}

func TestAFullDiskEndsIt(t *testing.T) {
	d := New(&failing{n: 3}, Options{})
	if err := Run(endless{}, d, func() bool { return d.Err() != nil }); err != nil {
		t.Error(err)
	}
	if err := Each(endless{}, d, func() bool { return d.Err() != nil }); err != nil || d.Err() == nil {
		t.Error(err, d.Err())
	}
}

type broken struct{ n int }

func (b *broken) Next() (event.Record, error) {
	if b.n--; b.n < 0 {
		return event.Record{}, io.ErrUnexpectedEOF
	}
	return event.Record{Event: event.Text{Text: "x"}}, nil
}

func TestWhatCameBeforeAnErrorIsShown(t *testing.T) {
	for _, n := range []int{0, 1, batchLen - 1, batchLen, batchLen + 1, 5 * batchLen} {
		d := New(io.Discard, Options{})
		if err := Run(&broken{n: n}, d, func() bool { return false }); !errors.Is(err, io.ErrUnexpectedEOF) || d.Counts().Records != int64(n) {
			t.Errorf("%d: %v, %d records", n, err, d.Counts().Records)
		}
	}
}

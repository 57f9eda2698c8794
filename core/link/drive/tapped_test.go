package drive

import (
	"context"
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/knakppp/knak/core/at"
	"github.com/knakppp/knak/core/event"
)

// heardPort gives "rcvd" once, takes what is written, and notes whether the tap had heard it by then.
type heardPort struct {
	ear  *heardBytes
	late bool
	done bool
}

func (p *heardPort) Read(b []byte) (int, error) {
	if p.done {
		return 0, io.EOF
	}
	p.done = true
	return copy(b, "rcvd"), nil
}

func (p *heardPort) Write(b []byte) (int, error) {
	p.late = p.late || !strings.HasSuffix(p.ear.text, "sent "+string(b)+";")
	return len(b), nil
}
func (p *heardPort) Apply(at.Output) error                  { return nil }
func (p *heardPort) WatchLines(func(changed at.ModemLines)) {}
func (p *heardPort) Close() error                           { return nil }

type gatheringPort struct{ *heardPort }

func (gatheringPort) OnIdle(func()) {}

type heardBytes struct{ text string }

func (h *heardBytes) Hide(secrets []string) { h.text += "hide " + strings.Join(secrets, ",") + ";" }

func (h *heardBytes) Bytes(_ time.Time, dir event.Dir, p []byte) {
	h.text += dir.String() + " " + string(p) + ";"
}

// A tap hears both directions, what is written before the port has it, and hides nothing of what the port can do.
func TestTapped(t *testing.T) {
	for _, gathers := range []bool{false, true} {
		ear := &heardBytes{}
		inner := &heardPort{ear: ear}
		p, err := Tapped(func(context.Context) (Port, error) {
			if gathers {
				return gatheringPort{inner}, nil
			}
			return inner, nil
		}, ear)(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if _, is := p.(Gatherer); is != gathers {
			t.Errorf("a Gatherer: %v, want %v", is, gathers)
		}
		buf := make([]byte, 10)
		_ = p.Apply(at.Hide{Secrets: []string{"s3cret"}})
		_, _ = p.Write([]byte("ATZ"))
		_, _ = p.Read(buf)
		if _, err := p.Read(buf); !errors.Is(err, io.EOF) {
			t.Errorf("at the end: %v", err)
		}
		if ear.text != "hide s3cret;sent ATZ;rcvd rcvd;" || inner.late {
			t.Errorf("heard %q, late %v", ear.text, inner.late)
		}
	}
	want := errors.New("no port")
	if _, err := Tapped(func(context.Context) (Port, error) { return nil, want }, nil)(t.Context()); !errors.Is(err, want) {
		t.Errorf("%v", err)
	}
}

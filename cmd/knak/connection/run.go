package connection

import (
	"context"
	"errors"
	"os/signal"
	"time"

	"github.com/knakppp/knak/cmd/knak/terminal"
	"github.com/knakppp/knak/core/advice"
	"github.com/knakppp/knak/core/dialer"
	"github.com/knakppp/knak/core/event"
	"github.com/knakppp/knak/core/link"
	"github.com/knakppp/knak/core/plane/resolv"
	"github.com/knakppp/knak/core/rights"
	"github.com/knakppp/knak/plugins/join"
)

// Run dials, and holds the link until it ends or a signal comes.
func (c *Connection) Run(ctx context.Context, sink event.Sink) link.Outcome {
	ctx, stop := signal.NotifyContext(ctx, terminal.EndSignals...)
	defer stop()
	resolv.Host{}.PutRight(ctx, func(level, text string) {
		sink.Record(event.Record{Time: time.Now(), Link: c.Dial.Name, Event: event.Notice{Level: level, Text: text}})
	})
	o := c.Dial
	o.Events = sink.Record
	l, err := dialer.Prepare(ctx, o)
	var failed *dialer.Error
	switch {
	case errors.As(err, &failed):
		return failed.Outcome
	case err != nil: // Read has looked for that
		return link.Outcome{Kind: link.KindUsage, Err: err}
	}
	defer l.Close()
	if len(c.Plugins.Plugins) > 0 {
		plugins, err := join.Start(ctx, l, c.Plugins)
		var required *advice.RequiredError
		switch {
		case errors.As(err, &required):
			o := link.Outcome{Kind: link.KindPlugin, Phase: event.PhaseDial, Detail: err.Error()}
			_ = l.Fail(o) // it is o
			return o
		case err != nil:
			l.Record(event.Record{Time: time.Now(), Link: l.Name(), Event: event.Notice{Level: "warning", Text: err.Error() + "; the dial goes on without plugins"}})
		default:
			defer plugins.Close()
		}
	}
	l.Watch(event.SinkFunc(func(r event.Record) {
		if _, up := r.Event.(event.Up); up {
			go rights.GiveMemoryBack()
		}
	}))
	// If the system does not have the function, the dial goes on without it.
	_ = rights.Drop()
	if len(c.Plugins.Plugins) == 0 && !o.StartsPrograms() {
		_ = rights.Filter()
	}
	outcome := l.Run(ctx)
	stop() // a second signal ends the clean-up
	return outcome
}

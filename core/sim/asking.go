package sim

import (
	"bytes"
	"time"
)

// Asking gives a simulated modem, from the text of a scenario, for AT commands that are sent one after the other: each command is
// sent at a time, and the result is the modem's output until then, with its echo. The modem is switched on at begin.
func Asking(scenario string, begin time.Time) (ask func(now time.Time, command string) []byte, err error) {
	s, err := Parse("scenario", []byte(scenario))
	if err != nil {
		return nil, err
	}
	m := New(s, 1)
	m.Advance(begin)
	m.written()
	return func(now time.Time, command string) []byte {
		m.Advance(now)
		m.written()
		m.Receive(now, []byte(command+"\r"))
		return m.written()
	}, nil
}

// written takes what the modem has to say now.
func (m *Modem) written() []byte {
	var b bytes.Buffer
	for {
		o, ok := m.Next()
		if !ok {
			return b.Bytes()
		}
		if o.Kind == OutputWrite {
			b.Write(o.Data)
		}
	}
}

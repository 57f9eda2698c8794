package event

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// UnmarshalText reads what MarshalText gives.
func (d *Dir) UnmarshalText(b []byte) error {
	switch string(b) {
	case "sent":
		*d = Sent
	case "rcvd":
		*d = Rcvd
	default:
		return fmt.Errorf("%q is not a direction: sent or rcvd", b)
	}
	return nil
}

// ErrPacketText means that the record is a packet and ParseJSON was given no function to read its text.
var ErrPacketText = errors.New("a packet in pppd's notation")

// ParseJSON reads a record as AppendJSON writes it. A packet is written as text in pppd's notation, which read turns into octets;
// if read is nil, a packet is the error ErrPacketText. Unknown fields are ignored, because a later version may have more of them.
// An unknown event is an error.
func ParseJSON(line []byte, read func(text string) (protocol uint16, data []byte, err error)) (Record, error) {
	var head struct {
		T     time.Time `json:"t"`
		Link  string    `json:"link"`
		Event string    `json:"event"`
		Pos   string    `json:"pos"`
	}
	if err := json.Unmarshal(line, &head); err != nil {
		return Record{}, err
	}
	r := Record{Time: head.T, Link: head.Link, Pos: parsePos(head.Pos)}
	var err error
	switch head.Event {
	case (Packet{}).Kind():
		r.Event, err = parsePacket(line, read)
	case (Described{}).Kind():
		r.Event, err = parseDescribed(line, read)
	default:
		r.Event, err = parseEvent(head.Event, line)
	}
	return r, err
}

func parsePacket(line []byte, read func(string) (uint16, []byte, error)) (Event, error) {
	var v struct {
		Dir     Dir    `json:"dir"`
		Text    string `json:"text"`
		Guessed bool   `json:"guessed"`
		Hidden  int    `json:"hidden"`
	}
	if err := json.Unmarshal(line, &v); err != nil {
		return nil, err
	}
	if read == nil {
		return nil, ErrPacketText
	}
	protocol, data, err := read(v.Text)
	return Packet{Dir: v.Dir, Protocol: protocol, Data: data, Guessed: v.Guessed}.WithHidden(v.Hidden), err
}

func parseEvent(kind string, line []byte) (Event, error) {
	switch kind {
	case (Device{}).Kind():
		return as[Device](line)
	case (AT{}).Kind():
		return as[AT](line)
	case (Phase{}).Kind():
		return as[Phase](line)
	case (Quirk{}).Kind():
		return as[Quirk](line)
	case (Up{}).Kind():
		return as[Up](line)
	case (Finding{}).Kind():
		return as[Finding](line)
	case (Down{}).Kind():
		return as[Down](line)
	case (State{}).Kind():
		return as[State](line)
	case (Decision{}).Kind():
		return as[Decision](line)
	case (Data{}).Kind():
		return as[Data](line)
	case (Log{}).Kind():
		return as[Log](line)
	case (Unread{}).Kind():
		return as[Unread](line)
	case (Text{}).Kind():
		return as[Text](line)
	case (Registration{}).Kind():
		return as[Registration](line)
	case (Probe{}).Kind():
		return as[Probe](line)
	case (Attempt{}).Kind():
		var a Attempt
		err := json.Unmarshal(line, &a)
		a.Wait = time.Duration(a.WaitMS) * time.Millisecond
		return a, err
	case (Notice{}).Kind():
		return as[Notice](line)
	case (Failure{}).Kind():
		return as[Failure](line)
	}
	return nil, fmt.Errorf("event %q is not known", kind)
}

func as[E Event](line []byte) (Event, error) {
	var e E
	err := json.Unmarshal(line, &e)
	return e, err
}

func parsePos(s string) Pos {
	word, number, _ := strings.Cut(s, " ")
	n, err := strconv.ParseInt(number, 10, 64)
	switch {
	case err != nil:
	case word == "line":
		return Pos{Line: n}
	case word == "packet":
		return Pos{Packet: n}
	}
	return Pos{}
}

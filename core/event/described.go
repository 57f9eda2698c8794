package event

import (
	"encoding/json"
	"strconv"
	"strings"

	"github.com/knakppp/knak/core/notation"
	"github.com/knakppp/knak/core/ppp/packet"
)

// Described is a PPP control packet that a log mentions without showing all of it, for example "received Configure-Nak, 3
// options". Its octets hold as much as the log says: the header, and the options that are named. An option whose value is not in
// the log has no data (a length of 2): only its type is known.
//
// Code that depends on what is absent from a packet, or on all of its octets, must ignore a Described. Code that depends on what
// is present may use its Packet.
type Described struct {
	Packet
	NoID    bool // the log does not show the identifier; its octet is 0
	Unnamed int  // how many options the log counts but does not name; -1: the log does not say whether there are more
}

// Whole says whether the log names all of the packet's options.
func (d Described) Whole() bool { return d.Unnamed == 0 }

// Kind is "described".
func (Described) Kind() string { return "described" }

// Line gives the known part of the packet in pppd's notation, with a remark that it is only a description.
func (d Described) Line() string {
	s := d.Packet.Line()
	if d.NoID {
		s = strings.Replace(s, " id=0x0", "", 1)
	}
	switch {
	case d.Unnamed > 0:
		s = strings.TrimSuffix(s, "]") + " and " + strconv.Itoa(d.Unnamed) + " more options]"
	case d.Unnamed < 0 && len(d.Options()) == 0:
		s = strings.TrimSuffix(s, "]") + " …]"
	}
	return s + " (described)"
}

// MarshalJSON gives the keys of a packet, and unnamed. id is -1 if the log does not show the identifier.
func (d Described) MarshalJSON() ([]byte, error) {
	v := struct {
		Dir     Dir      `json:"dir"`
		Proto   string   `json:"proto"`
		Code    string   `json:"code"`
		ID      int      `json:"id"`
		Options []string `json:"options"`
		Unnamed int      `json:"unnamed"`
		Text    string   `json:"text"`
	}{Dir: d.Dir, Proto: strings.ToLower(packet.ProtocolName(d.Protocol)), ID: -1, Options: []string{}, Unnamed: d.Unnamed, Text: d.Text()}
	if c, ok := d.Control(); ok {
		v.Code = packet.CodeName(d.Protocol, c.Code)
		if !d.NoID {
			v.ID = int(c.ID)
		}
		for _, o := range d.Options() {
			v.Options = append(v.Options, notation.OptionText(d.Protocol, o))
		}
	}
	return marshal(v)
}

func parseDescribed(line []byte, read func(string) (uint16, []byte, error)) (Event, error) {
	var v struct {
		Dir     Dir    `json:"dir"`
		ID      int    `json:"id"`
		Unnamed int    `json:"unnamed"`
		Text    string `json:"text"`
	}
	if err := json.Unmarshal(line, &v); err != nil {
		return nil, err
	}
	if read == nil {
		return nil, ErrPacketText
	}
	protocol, data, err := read(v.Text)
	return Described{Packet: Packet{Dir: v.Dir, Protocol: protocol, Data: data}, NoID: v.ID < 0, Unnamed: v.Unnamed}, err
}

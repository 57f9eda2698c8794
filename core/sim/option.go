package sim

import (
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"github.com/knakppp/knak/core/ppp/auth"
	"github.com/knakppp/knak/core/ppp/packet"
)

// optionName is the name of an option in scenario files, and the form of its value.
type optionName struct {
	protocol uint16
	name     string
	typ      uint8
	value    valueKind
}

type valueKind uint8

const (
	noValue valueKind = iota
	addressValue
	numberValue // two octets, decimal
	maskValue   // four octets, hex
	methodValue // the name of an auth.Method
	hexValue    // any octets
)

// optionValues says how the values of the options are written that have a word.
var optionValues = map[uint16]map[uint8]valueKind{
	packet.LCP: {packet.LCPMRU: numberValue, packet.LCPACCM: maskValue, packet.LCPAuth: methodValue, packet.LCPMagic: maskValue,
		packet.LCPPFC: noValue, packet.LCPACFC: noValue},
	packet.IPCP: {packet.IPCPAddresses: hexValue, packet.IPCPCompression: hexValue, packet.IPCPAddress: addressValue,
		packet.IPCPDNS1: addressValue, packet.IPCPDNS2: addressValue, packet.IPCPNBNS1: addressValue, packet.IPCPNBNS2: addressValue},
	packet.IPV6CP: {packet.IPV6CPInterfaceID: hexValue},
}

// optionNames are the options that scenarios name, in the order of packet.OptionNames.
func optionNames() []optionName {
	var list []optionName
	for _, n := range packet.OptionNames {
		if kind, ok := optionValues[n.Protocol][n.Type]; ok {
			list = append(list, optionName{n.Protocol, n.Word, n.Type, kind})
		}
	}
	return list
}

// optionSpec is one entry of a rule's options.
type optionSpec struct {
	typ     uint8
	data    []byte
	same    bool // the host's own value
	random  bool // data with every octet by chance
	ifAsked bool // only when the host's packet has this option
}

// parseOption reads "name=value" (always there), "name?=value" (only if the host has it) or "name" (the host's own
// option, if it has it). A name is a word or 0xNN with a value in hex; the value "random" changes each time.
func parseOption(protocol uint16, text string) (optionSpec, error) {
	name, value, given := strings.Cut(text, "=")
	name, optional := strings.CutSuffix(name, "?")
	o, err := findOption(protocol, name)
	if err != nil {
		return optionSpec{}, err
	}
	spec := optionSpec{typ: o.typ, ifAsked: optional || !given, same: !given}
	if !given {
		return spec, nil
	}
	if value == "random" {
		spec.random = true
		spec.data = make([]byte, map[valueKind]int{addressValue: 4, numberValue: 2, maskValue: 4, hexValue: 8}[o.value])
		return spec, nil
	}
	spec.data, err = optionValue(o, value)
	return spec, err
}

func findOption(protocol uint16, name string) (optionName, error) {
	if digits, ok := strings.CutPrefix(name, "0x"); ok {
		n, err := strconv.ParseUint(digits, 16, 8)
		if err != nil {
			return optionName{}, fmt.Errorf("%q is not an option type; write 0x01 to 0xff", name)
		}
		return optionName{protocol, name, uint8(n), hexValue}, nil
	}
	var known []string
	for _, o := range optionNames() {
		if o.protocol == protocol && o.name == name {
			return o, nil
		}
		if o.protocol == protocol {
			known = append(known, o.name)
		}
	}
	return optionName{}, fmt.Errorf("option %q is not known; allowed: %s, or 0xNN=hex", name, strings.Join(known, ", "))
}

func optionValue(o optionName, value string) ([]byte, error) {
	switch o.value {
	case addressValue:
		a, err := netip.ParseAddr(value)
		if err != nil || !a.Is4() {
			return nil, fmt.Errorf("%s: %q is not an IPv4 address", o.name, value)
		}
		return a.AsSlice(), nil
	case numberValue:
		n, err := strconv.ParseUint(value, 10, 16)
		if err != nil {
			return nil, fmt.Errorf("%s: %q is not a number from 0 to 65535", o.name, value)
		}
		return binary.BigEndian.AppendUint16(nil, uint16(n)), nil
	case maskValue:
		n, err := strconv.ParseUint(strings.TrimPrefix(value, "0x"), 16, 32)
		if err != nil {
			return nil, fmt.Errorf("%s: %q is not hex of at most 8 digits", o.name, value)
		}
		return binary.BigEndian.AppendUint32(nil, uint32(n)), nil
	case methodValue:
		var m auth.Method
		if err := m.UnmarshalText([]byte(value)); err != nil {
			return nil, fmt.Errorf("%s: %w", o.name, err)
		}
		return m.AppendOption(nil), nil
	case hexValue:
		b, err := hex.DecodeString(value)
		if err != nil || len(b) > packet.MaxOptionData {
			return nil, fmt.Errorf("%s: %q is not hex of at most %d octets", o.name, value, packet.MaxOptionData)
		}
		return b, nil
	default:
		return nil, fmt.Errorf("%s takes no value", o.name)
	}
}

// build makes the options of an answer to a packet that holds asked.
func build(specs []optionSpec, asked []packet.Option, rng *rand.Rand) []packet.Option {
	var out []packet.Option
	for _, s := range specs {
		theirs, has := packet.Find(asked, s.typ)
		if s.ifAsked && !has {
			continue
		}
		o := packet.Option{Type: s.typ, Data: s.data}
		if s.same {
			o.Data = theirs.Data
		}
		if s.random {
			o.Data = slices.Clone(s.data)
			fill(o.Data, rng)
		}
		out = append(out, o)
	}
	return out
}

// fill overwrites b with octets by chance.
func fill(b []byte, rng *rand.Rand) {
	for i := range b {
		b[i] = byte(rng.Uint32())
	}
}

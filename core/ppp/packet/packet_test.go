package packet

import (
	"bytes"
	"errors"
	"net/netip"
	"testing"
)

// RFC 1661 section 5: the length field counts the header; octets beyond it are padding; a packet with a length that
// cannot be is discarded.
func TestParseLengthField(t *testing.T) {
	for _, tt := range []struct {
		name string
		in   []byte
		want Packet
		err  string
	}{
		{"whole", []byte{1, 7, 0, 6, 0xaa, 0xbb}, Packet{1, 7, []byte{0xaa, 0xbb}}, ""},
		{"header only", []byte{5, 9, 0, 4}, Packet{5, 9, []byte{}}, ""},
		{"padding is dropped", []byte{1, 7, 0, 5, 0xaa, 0, 0, 0}, Packet{1, 7, []byte{0xaa}}, ""},
		{"nothing", nil, Packet{}, "packet is shorter than its 4-octet header"},
		{"three octets", []byte{1, 2, 0}, Packet{}, "packet is shorter than its 4-octet header"},
		{"length 3", []byte{1, 2, 0, 3}, Packet{}, "packet at offset 0 says length 3, must be at least 4"},
		{"length 0", []byte{1, 2, 0, 0, 5}, Packet{}, "packet at offset 0 says length 0, must be at least 4"},
		{"beyond what came", []byte{1, 2, 0, 6, 5}, Packet{}, "packet at offset 0 says length 6, but only 5 octets are left"},
		{"largest length", []byte{1, 2, 0xff, 0xff, 5}, Packet{}, "packet at offset 0 says length 65535, but only 5 octets are left"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, err := Parse(tt.in)
			if tt.err != "" {
				if err == nil || err.Error() != tt.err {
					t.Fatalf("error %v, want %s", err, tt.err)
				}
				return
			}
			if err != nil || got.Code != tt.want.Code || got.ID != tt.want.ID || !bytes.Equal(got.Data, tt.want.Data) {
				t.Errorf("got %+v, %v", got, err)
			}
		})
	}
	_, err := Parse([]byte{1, 2, 0, 9})
	var le *LengthError
	if !errors.As(err, &le) || le.Length != 9 || le.Available != 4 {
		t.Errorf("not a LengthError with its numbers: %v", err)
	}
}

// RFC 1661 section 6: an option's length counts type and length, so it is 2 at least.
func TestParseOptionLengths(t *testing.T) {
	for _, tt := range []struct {
		name string
		in   []byte
		want int
		err  string
	}{
		{"none", nil, 0, ""},
		{"two, one without data", []byte{7, 2, 3, 6, 10, 0, 0, 1}, 2, ""},
		{"length 0", []byte{7, 2, 3, 0, 1, 1}, 1, "option at offset 2 says length 0, must be at least 2"},
		{"length 1", []byte{3, 1}, 0, "option at offset 0 says length 1, must be at least 2"},
		{"beyond the packet", []byte{7, 2, 8, 2, 3, 6, 10, 0, 0}, 2, "option at offset 4 says length 6, but only 5 octets are left"},
		{"one octet left", []byte{7, 2, 3}, 1, "option at offset 2 says length 2, but only 1 octets are left"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, err := ParseOptions(nil, tt.in)
			if len(got) != tt.want {
				t.Errorf("%d options, want %d", len(got), tt.want)
			}
			if (err == nil) != (tt.err == "") || err != nil && err.Error() != tt.err {
				t.Errorf("error %v, want %q", err, tt.err)
			}
		})
	}
}

func TestParsingDoesNotAllocate(t *testing.T) {
	in := []byte{1, 1, 0, 16, 3, 6, 0, 0, 0, 0, 129, 6, 0, 0, 0, 0}
	options, out := make([]Option, 0, 8), make([]byte, 0, 64)
	n := testing.AllocsPerRun(100, func() {
		p, _ := Parse(in)
		options, _ = ParseOptions(options[:0], p.Data)
		out = AppendOptions(p.AppendTo(out[:0]), options)
	})
	if n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func TestOptionValues(t *testing.T) {
	a := netip.MustParseAddr("10.1.2.3")
	if got, ok := AddressOption(IPCPAddress, a).Address(); !ok || got != a {
		t.Error("address", got, ok)
	}
	if got, ok := AddressOption(IPCPAddress, netip.Addr{}).Address(); !ok || !got.IsUnspecified() {
		t.Error("the zero address must ask for one", got, ok)
	}
	if _, ok := (Option{IPCPAddress, []byte{1, 2, 3}}).Address(); ok {
		t.Error("an address of 3 octets")
	}
	if got, ok := Uint16Option(LCPMRU, 1500).Uint16(); !ok || got != 1500 {
		t.Error("MRU", got, ok)
	}
	if got, ok := Uint32Option(LCPMagic, 0xdeadbeef).Uint32(); !ok || got != 0xdeadbeef {
		t.Error("magic", got, ok)
	}
	if p, alg, ok := AuthOption(CHAP, AlgorithmMSCHAPv2).Auth(); !ok || p != CHAP || alg != AlgorithmMSCHAPv2 {
		t.Error("auth chap", p, alg, ok)
	}
	if o := AuthOption(PAP, AlgorithmMD5); len(o.Data) != 2 {
		t.Error("PAP has no algorithm", o)
	}
	if _, ok := (Option{1, make([]byte, 7)}).InterfaceID(); ok {
		t.Error("an interface identifier of 7 octets")
	}
	long := Option{Type: 200, Data: make([]byte, 300)}.AppendTo(nil)
	if len(long) != 255 || long[1] != 255 {
		t.Error("an option that is too long must be cut where its length can say so", len(long))
	}
	if b := (Packet{Code: 9, Data: make([]byte, 70000)}).AppendTo(nil); len(b) != 65535 || b[2] != 0xff {
		t.Error("a packet that is too long must be cut", len(b))
	}
}

// RFC 1661 section 5.2: the order counts.
func TestEqualOptionsKeepsOrder(t *testing.T) {
	a := []Option{Uint16Option(LCPMRU, 1500), {Type: LCPPFC}}
	if !EqualOptions(a, []Option{Uint16Option(LCPMRU, 1500), {Type: LCPPFC}}) {
		t.Error("the same lists differ")
	}
	if EqualOptions(a, []Option{{Type: LCPPFC}, Uint16Option(LCPMRU, 1500)}) || EqualOptions(a, a[:1]) {
		t.Error("another order or a shorter list is equal")
	}
	if o, ok := Find(a, LCPPFC); !ok || o.Type != LCPPFC {
		t.Error("Find", o, ok)
	}
	if _, ok := Find(a, LCPMagic); ok {
		t.Error("Find found what is not there")
	}
}

func TestNames(t *testing.T) {
	for _, tt := range []struct{ got, want string }{
		{ProtocolName(IPCP), "IPCP"}, {ProtocolName(0x8029), "0x8029"},
		{CodeName(LCP, TimeRemaining), "TimeRem"}, {CodeName(IPCP, EchoRequest), "code=0x9"}, {CodeName(CCP, ResetAck), "ResetAck"},
		{CodeName(0x1234, 1), "code=0x1"}, {CodeName(PAP, 0), "code=0x0"},
	} {
		if tt.got != tt.want {
			t.Errorf("got %q, want %q", tt.got, tt.want)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte{1, 1, 0, 10, 3, 6, 0, 0, 0, 0})
	f.Add([]byte{1, 1, 0, 8, 3, 0, 7, 1, 9, 9})
	f.Fuzz(func(t *testing.T, b []byte) {
		p, err := Parse(b)
		if err != nil {
			return
		}
		if out := p.AppendTo(nil); !bytes.Equal(out, b[:len(out)]) {
			t.Fatalf("packet %x became %x", b, out)
		}
		options, err := ParseOptions(nil, p.Data)
		out := AppendOptions(nil, options)
		if !bytes.HasPrefix(p.Data, out) || err == nil && len(out) != len(p.Data) {
			t.Fatalf("options %x became %x (%v)", p.Data, out, err)
		}
		var le *LengthError
		if err != nil && (!errors.As(err, &le) || le.Offset != len(out)) {
			t.Fatalf("the error does not name the offset %d: %v", len(out), err)
		}
	})
}

// RFC 1334 section 2.2.1: a field of up to 255 octets behind an octet that counts them.
func TestCounted(t *testing.T) {
	long := append([]byte{255}, make([]byte, 256)...)
	for _, tt := range []struct {
		in          []byte
		field, rest int
		ok          bool
	}{
		{nil, 0, 0, false}, {[]byte{0}, 0, 0, true}, {[]byte{1}, 0, 0, false}, {[]byte{1, 7}, 1, 0, true}, {[]byte{1, 7, 8}, 1, 1, true},
		{long[:255], 0, 0, false}, {long[:256], 255, 0, true}, {long, 255, 1, true},
	} {
		field, rest, ok := Counted(tt.in)
		if len(field) != tt.field || len(rest) != tt.rest || ok != tt.ok {
			t.Errorf("%d octets: %d, %d, %v", len(tt.in), len(field), len(rest), ok)
		}
	}
}

// The name in a packet that authenticates (RFC 1334 section 2.2.1, RFC 1994 section 4.1, RFC 3748 section 5.1).
func TestAuthName(t *testing.T) {
	for _, tt := range []struct {
		protocol uint16
		code     uint8
		data     string
		want     string
		ok       bool
	}{
		{PAP, PAPRequest, "\x02me\x01x", "me", true}, {PAP, PAPRequest, "\x00\x00", "", true}, {PAP, PAPRequest, "\x05me", "", false}, {PAP, PAPAck, "\x02ok", "", false},
		{CHAP, CHAPResponse, "\x02xyme", "me", true}, {CHAP, CHAPResponse, "", "", false}, {CHAP, CHAPChallenge, "\x02xySRVR", "", false},
		{EAP, EAPResponse, "\x01me", "me", true}, {EAP, EAPResponse, "\x01", "", true}, {EAP, EAPRequest, "\x01me", "", false}, {EAP, EAPResponse, "\x04\x01xme", "", false},
		{LCP, 1, "\x02me", "", false},
	} {
		if name, ok := AuthName(tt.protocol, tt.code, []byte(tt.data)); string(name) != tt.want || ok != tt.ok {
			t.Errorf("%x %d %q: %q %v", tt.protocol, tt.code, tt.data, name, ok)
		}
	}
}

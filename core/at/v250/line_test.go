package v250

import (
	"slices"
	"testing"
)

func TestV250Section5_2Split(t *testing.T) {
	for _, c := range []struct {
		line string
		want []string
	}{
		{"ATZ", []string{"Z"}},
		{"at e0 v1", []string{"E0", "V1"}},
		{"ATQ0V1E1S0=0&C1&D2+FCLASS=0", []string{"Q0", "V1", "E1", "S0=0", "&C1", "&D2", "+FCLASS=0"}},
		{`AT+CGDCONT=1,"IP","My.Apn";+CFUN=1`, []string{`+CGDCONT=1,"IP","My.Apn"`, "+CFUN=1"}},
		{`AT+CGDCONT=1,"IP","a;b"`, []string{`+CGDCONT=1,"IP","a;b"`}},
		{"ATX3DT*99***1#", []string{"X3", "DT*99***1#"}},
		{"ATS7=60L0M1", []string{"S7=60", "L0", "M1"}},
		{`AT\Q3%C0`, []string{`\Q3`, "%C0"}},
		{"AT^SYSCFG=2,2,3FFFFFFF,1,2", []string{"^SYSCFG=2,2,3FFFFFFF,1,2"}},
		{"AT%IPSYS=0", []string{"%IPSYS=0"}},
		{"AT", nil},
		{"+++", nil},
		{"", nil},
		{"AT&", []string{"&"}},
	} {
		if got := Split(c.line); !slices.Equal(got, c.want) {
			t.Errorf("%q: %q, want %q", c.line, got, c.want)
		}
	}
}

func TestTS27007Section10Context(t *testing.T) {
	for _, c := range []struct {
		part string
		want Context
		ok   bool
	}{
		{`+CGDCONT=1,"IP","internet"`, Context{CID: "1", Type: "IP", APN: "internet"}, true},
		{`+CGDCONT=2,"IPV4V6","a","",0,0`, Context{CID: "2", Type: "IPV4V6", APN: "a"}, true},
		{`+CGDCONT=3`, Context{CID: "3"}, true},
		{`+CGDCONT=,"IP"`, Context{}, false},
		{`+CGDCONT=?`, Context{}, false},
		{`+CGDCONT?`, Context{}, false},
		{`+ZGDCONT=1,"IP","z"`, Context{CID: "1", Type: "IP", APN: "z"}, true},
	} {
		got, ok := ParseContext(c.part)
		if ok != c.ok || ok && got != c.want {
			t.Errorf("%s: %+v %v", c.part, got, ok)
		}
	}
}

func TestDials(t *testing.T) {
	for line, want := range map[string]bool{
		"ATD*99#": true, "atdt 1234": true, "ATE0DT*99***1#": true, `AT+CGDATA="PPP",1`: true, "AT+CGDATA?": false,
		"AT+CGDCONT?": false, "AT&D2": false, "ATO": false, "ATA": false, "D": false, "": false, "AT": false,
	} {
		if Dials(line) != want {
			t.Errorf("%q: %v", line, !want)
		}
	}
}

// What leaves the command state where it is answered with CONNECT (V.250 sections 6.3.1, 6.3.5, 6.3.7).
func TestLeaves(t *testing.T) {
	for part, want := range map[string]bool{"D*99#": true, "A": true, "O": true, `+CGDATA="PPP"`: true, "&D2": false, "+CGDCONT=1": false, "": false, "Z": false} {
		if Leaves(part) != want {
			t.Errorf("%q: %v", part, !want)
		}
	}
}

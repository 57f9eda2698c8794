package auth

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"
)

func TestASecretDoesNotPrint(t *testing.T) {
	type holder struct {
		Shown  Secret
		hidden Secret
		deep   *ClientConfig
	}
	const text = "hunter2"
	h := holder{NewSecret(text), NewSecret(text), &ClientConfig{Secret: NewSecret(text)}}
	var out bytes.Buffer
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%p", "%10.3s", "%T"} {
		fmt.Fprintf(&out, verb, h.Shown)
		fmt.Fprintf(&out, verb, &h.Shown)
		fmt.Fprintf(&out, verb, h)
		fmt.Fprintf(&out, verb, *h.deep)
	}
	slog.New(slog.NewJSONHandler(&out, nil)).Info("x", "secret", h.Shown, "holder", h)
	slog.New(slog.NewTextHandler(&out, nil)).Info("x", "secret", h.Shown, "holder", h)
	if err := json.NewEncoder(&out).Encode(h); err != nil {
		t.Fatal(err)
	}
	out.WriteString(h.Shown.String())
	for _, s := range []string{text, fmt.Sprintf("%x", text), fmt.Sprintf("%X", text), "hun"} {
		if strings.Contains(out.String(), s) {
			t.Errorf("%q is in %s", s, out.String())
		}
	}
	if h.hidden.Reveal() != text || h.hidden.Empty() || !(Secret{}).Empty() || !NewSecret("").Empty() {
		t.Error("the text itself is lost")
	}
	var read struct{ S Secret }
	if err := json.Unmarshal([]byte(`{"S":"x"}`), &read); err != nil || read.S.Reveal() != "x" {
		t.Errorf("read %q, %v", read.S.Reveal(), err)
	}
}

func TestRFC1661Section6_2MethodOf(t *testing.T) {
	for _, c := range []struct {
		data string
		m    Method
		ok   bool
	}{
		{"\xc0\x23", PAP, true},
		{"\xc2\x23\x05", CHAPMD5, true},
		{"\xc2\x23\x80", MSCHAP, true},
		{"\xc2\x23\x81", MSCHAPv2, true},
		{"\xc2\x27", EAP, true},
		{"\xc0\x23\x01", PAP, true},
		{"\xc2\x23", None, false},
		{"\xc2\x23\x06", None, false},
		{"\xc2\x23\x05\x05", None, false},
		{"\xc0", None, false},
		{"", None, false},
		{"\xc0\x25", None, false},
	} {
		if m, ok := MethodOf([]byte(c.data)); m != c.m || ok != c.ok {
			t.Errorf("%x: got %v %v, want %v %v", c.data, m, ok, c.m, c.ok)
		}
	}
	for m := None; m <= EAP; m++ {
		var back Method
		text, _ := m.MarshalText()
		if err := back.UnmarshalText(text); err != nil || back != m {
			t.Errorf("%v reads as %v, %v", m, back, err)
		}
		if got, ok := MethodOf(m.AppendOption(nil)); m != None && (got != m || !ok) {
			t.Errorf("%v is asked for as %v", m, got)
		}
	}
	if err := new(Method).UnmarshalText([]byte("chap")); err == nil {
		t.Error("chap alone must not be a method")
	}
}

func TestWhatDoesNotFitIsAnErrorAtOnce(t *testing.T) {
	long := strings.Repeat("x", 256)
	for _, c := range []struct {
		name   string
		m      Method
		client ClientConfig
	}{
		{"name of 256 octets", PAP, ClientConfig{Name: long}},
		{"name of 256 octets", CHAPMD5, ClientConfig{Name: long}},
		{"name of 256 octets", EAP, ClientConfig{Name: long}},
		{"PAP password of 256 octets", PAP, ClientConfig{Secret: NewSecret(long)}},
		{"no method", None, ClientConfig{}},
		{"unknown method", Method(99), ClientConfig{}},
		{"PAP inside EAP", EAP, ClientConfig{Inner: []Method{PAP}}},
		{"MD5 twice inside EAP", EAP, ClientConfig{Inner: []Method{CHAPMD5, CHAPMD5}}},
	} {
		if m, err := NewClient(c.m, c.client); err == nil || m != nil || strings.Contains(err.Error(), long) {
			t.Errorf("%v, %s: got %v", c.m, c.name, err)
		}
	}
	for _, c := range []struct {
		name   string
		m      Method
		server ServerConfig
	}{
		{"name of 256 octets", CHAPMD5, ServerConfig{Name: long}},
		{"message of 256 octets", PAP, ServerConfig{Message: long}},
		{"message of 256 octets", MSCHAP, ServerConfig{FailureMessage: long}},
		{"no method", None, ServerConfig{}},
		{"nothing to offer", EAP, ServerConfig{Inner: []Method{}}},
		{"PAP inside EAP", EAP, ServerConfig{Inner: []Method{PAP}}},
	} {
		if m, err := NewServer(c.m, c.server); err == nil || m != nil {
			t.Errorf("%v, %s: no error", c.m, c.name)
		}
	}
	if _, err := NewClient(CHAPMD5, ClientConfig{Secret: NewSecret(strings.Repeat("x", 5000))}); err != nil {
		t.Errorf("RFC 1994 bounds no secret: %v", err)
	}
}

func TestPeersTextIsMadePrintable(t *testing.T) {
	for in, want := range map[string]string{
		"Greetings!!":            "Greetings!!",
		"grüß dich":              "grüß dich",
		"\x1b[2J\r\n":            `\x1b[2J\x0d\x0a`,
		"\xff\x00":               `\xff\x00`,
		"\u202e":                 `\xe2\x80\xae`,
		"\ufffd":                 "\ufffd",
		strings.Repeat("a", 300): strings.Repeat("a", 256) + "...",
	} {
		if got := printable(in); got != want {
			t.Errorf("%q: got %q, want %q", in, got, want)
		}
	}
}

func TestNonsenseIsToldOfABoundedNumberOfTimes(t *testing.T) {
	for _, s := range suites {
		for _, m := range []Machine{newClient(t, s.m, ClientConfig{}), newServer(t, s.m, ServerConfig{})} {
			started(m)
			told := 0
			for range 1000 {
				_, others := after(m, []byte{99, 0, 0, 4})
				told += len(others)
			}
			if told == 0 || told > maxNotes {
				t.Errorf("%v: told %d times", s.m, told)
			}
		}
	}
}

package auth

import (
	"encoding/hex"
	"strings"
	"testing"
)

func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.ReplaceAll(s, " ", ""))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func wantHex(t *testing.T, what string, got []byte, want string) {
	t.Helper()
	if g := hex.EncodeToString(got); !strings.EqualFold(g, want) {
		t.Errorf("%s: got %s, want %s", what, g, want)
	}
}

// The values are those of RFC 2759 section 9.2.
func TestRFC2759Section9_2(t *testing.T) {
	secret := NewSecret("clientPass")
	x := mschapv2{
		authChallenge: [16]byte(unhex(t, "5B5D7C7D7B3F2F3E3C2C602132262628")),
		peerChallenge: [16]byte(unhex(t, "21402324255E262A28295F2B3A337C7E")),
	}
	for _, name := range []string{"User", `DOMAIN\User`} {
		challenge := challengeHash(x.peerChallenge, x.authChallenge, name)
		wantHex(t, "challenge", challenge[:], "D02E4386BCE91226")
		hash := ntPasswordHash(secret)
		wantHex(t, "password hash", hash[:], "44EBBA8D5312B8D611474411F56989AE")
		x.compute(name, secret)
		wantHex(t, "NT response", x.ntResponse[:], "82309ECD8D708B5EA08FAA3981CD83544233114A3D85D6DF")
		digest := x.authenticator(name, secret)
		if got, want := string(digest[:]), "407A5589115FD0D6209F510FE9C04566932CDA56"; got != want {
			t.Errorf("authenticator response: got %s, want %s", got, want)
		}
	}
}

// The values are those of RFC 2433 appendix B.
func TestRFC2433AppendixB(t *testing.T) {
	secret := NewSecret("MyPw")
	hash := ntPasswordHash(secret)
	wantHex(t, "password hash", hash[:], "FC156AF7EDCD6C0EDDE3337D427F4EAC")
	value := appendMSCHAPResponse(nil, [8]byte(unhex(t, "102DB5DF085D3041")), secret)
	wantHex(t, "response", value, strings.Repeat("00", 24)+"4E9D3C8F9CFD385D5BF4D3246791956CA4C351AB409A3D61"+"01")
}

func TestPasswordsBecomeUTF16(t *testing.T) {
	for _, c := range []struct {
		name, password, utf16 string
		fits                  bool
	}{
		{"ASCII", "Aa", "41006100", true},
		{"Latin", "é", "e900", true},
		{"beyond the basic plane", "😀", "3dd800de", true},
		{"256 characters", strings.Repeat("x", 256), strings.Repeat("7800", 256), true},
		{"257 characters", strings.Repeat("x", 257), strings.Repeat("7800", 257), false},
		{"129 pairs are 258 units", strings.Repeat("😀", 129), strings.Repeat("3dd800de", 129), false},
		{"not UTF-8", "\xff", "fdff", false},
		{"empty", "", "", true},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, want := ntPasswordHash(NewSecret(c.password)), md4Sum(unhex(t, c.utf16))
			if got != want {
				t.Errorf("hash is %x, of the UTF-16 it is %x", got, want)
			}
			for _, m := range []Method{MSCHAP, MSCHAPv2, EAP} {
				_, err := NewClient(m, ClientConfig{Secret: NewSecret(c.password)})
				if (err == nil) != c.fits {
					t.Errorf("%v: error %v, but fits is %v", m, err, c.fits)
				}
				if err != nil && c.password != "" && strings.Contains(err.Error(), c.password) {
					t.Errorf("the error tells the password")
				}
			}
		})
	}
}

func TestRFC2433Section5AndRFC2759Section6FailureText(t *testing.T) {
	for _, c := range []struct {
		in, text string
		code     int
	}{
		{"E=691 R=0 C=0123456789ABCDEF0123456789ABCDEF V=3 M=Access denied, E=1", "Access denied, E=1", 691},
		{"E=691 R=1 C=0123456789ABCDEF V=2", "wrong user name or password", 691},
		{"e=0000000649 r=0", "no permission to dial in", 649},
		{"  E=647  R=0", "the account is disabled", 647},
		{"E=12345 R=0", "", 12345},
		{"E=691 R=0 M=", "", 691},
		{"E=99999999999999999999999 R=0 M=x", "x", 0},
		{"E=-4 M=x", "x", 0},
		{"E=", "E=", 0},
		{"=", "=", 0},
		{"No E here", "No E here", 0},
		{"", "", 0},
		{"M=only", "only", 0},
		{"E=691 then text", "wrong user name or password", 691},
	} {
		if text, code := failureText([]byte(c.in)); text != c.text || code != c.code {
			t.Errorf("%q: got %q and %d, want %q and %d", c.in, text, code, c.text, c.code)
		}
	}
}

func TestRFC2759Section5SuccessText(t *testing.T) {
	const digest = "407A5589115FD0D6209F510FE9C04566932CDA56"
	for _, c := range []struct {
		in, text string
		proved   bool
	}{
		{"S=" + digest + " M=Welcome", "Welcome", true},
		{"S=" + digest, "", true},
		{"s=" + strings.ToLower(digest) + " m=Hi", "Hi", true},
		{"S=" + digest + "M=glued", "glued", true},
		{"S=" + digest[:39] + " M=short", "M=short", false},
		{"S=" + strings.Repeat("0", 40) + " M=Welcome", "Welcome", false},
		{"S=", "", false},
		{"S", "S", false},
		{"Welcome", "Welcome", false},
		{"", "", false},
	} {
		text, proved := successText([]byte(c.in), [40]byte([]byte(digest)))
		if proved != c.proved || (c.proved && text != c.text) {
			t.Errorf("%q: got %q and %v, want %q and %v", c.in, text, proved, c.text, c.proved)
		}
	}
}

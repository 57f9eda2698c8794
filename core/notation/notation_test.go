package notation

import (
	"bytes"
	"errors"
	"testing"
)

// What AppendText writes is read back to the same octets, secrets aside: for every line of all kinds.
func TestReadBack(t *testing.T) {
	for _, line := range []string{
		`LCP ConfReq id=0x1 <mru 1500> <asyncmap 0x0> <auth chap MD5> <quality lqr> <magic 0x1a2b3c4> <pcomp> <accomp> <mrru 1614> <ssnhf>]`,
		`LCP ConfAck id=0xff <auth pap>]`, `LCP ConfNak id=0x0 <auth chap MS-v2> <auth chap MS> <auth eap>]`,
		`LCP ConfRej id=0x1 <callback CBCP> <endpoint [local:06.d2.ad.41]> <endpoint [MAC:00:11:22:33:44:55]> < 17 04 00 53>]`,
		`LCP ConfReq id=0x1]`, `LCP ConfNak id=0x1 <auth chap 07>]`, `LCP ConfReq id=0x1 <endpoint [null]> <endpoint [IP:192.0.2.7]>]`,
		`LCP TermReq id=0x2 "User request"]`, `LCP TermReq id=0x2 "<\315t\000\000\002\346\177"]`, `LCP TermAck id=0x2]`, `LCP TermReq id=0x2 00 01 02]`, `LCP CodeRej id=0x3 0f 01 00 04]`,
		`LCP ProtRej id=0xf 80 fd 01 01 00 0f 1a 04 78 00 18 04 78 00 15 03 2f]`, `LCP EchoReq id=0x0 magic=0xa0b0c0d]`,
		`LCP EchoRep id=0x0 magic=0x1020304 0a 0b 0c 0d]`, `LCP DiscReq id=0xe magic=0x1020304]`, `LCP Ident id=0x1 magic=0x1 "MSRASV5.20"]`,
		`LCP TimeRem id=0x1 magic=0x1 seconds=30 "bye"]`, `LCP code=0x10 id=0x1 01 02]`,
		`IPCP ConfReq id=0x1 <compress VJ 0f 01> <addr 0.0.0.0> <ms-dns1 0.0.0.0> <ms-dns2 0.0.0.0> <ms-wins 0.0.0.0> <ms-wins 1.2.3.4>]`,
		`IPCP ConfNak id=0x1]`, `IPCP ConfReq id=0x1 <addrs 10.0.0.1 10.0.0.2> <compress old-VJ>]`, `IPCP ConfReq id=0x1 <compress 0x61> < 03 03 00>]`,
		`IPV6CP ConfReq id=0x1 <addr fe80::3d17:0512:2b44:658b> <compress 0x4f>]`,
		`CCP ConfReq id=0x1 <deflate 15> <deflate(old#) 15> <bsd v1 15> <predictor 1> <mppe +H -M +S -L -D -C>]`, `CCP TermReq id=0x2"Lost compression sync"]`,
		`CCP ResetReq id=0x3]`, `PAP AuthAck id=0x1 "PAP access OK"]`, `PAP AuthNak id=0x1 ""]`, `PAP AuthAck id=0x1]`,
		`CHAP Challenge id=0x1 <000102030405060708090a0b0c0d0e0f>, name = "UMTS_CHAP_SRVR"]`, `CHAP Success id=0x1 ""]`,
		`CHAP Failure id=0x1 "E=691 R=0 V=3 M=Invalid!\000 \" \\ \n"]`, `EAP Request id=0x1 Identity <Message "who?">]`, `EAP Request id=0x1 Identity <No message>]`,
		`EAP Response id=0x1 Identity <Name "me">]`, `EAP Response id=0x2 Nak <Suggested-type 04 (MD5-Challenge)>]`,
		`EAP Request id=0x2 MD5-Challenge <Value 01 02 03> <Name "x">]`, `EAP Request id=0x2 MSCHAPv2 Challenge id=0x2 <Value 01 02> <Name "x">]`, `EAP Success id=0x3]`,
		`proto=0x8281] 01 02 03`, `IPCP] 01 02`, `LCP ConfReq id=0x1 <pcomp>] 00 00`,
	} {
		p, err := Parse(nil, []byte(line))
		if err != nil {
			t.Errorf("%s: %v", line, err)
			continue
		}
		if p.Used != len(line) || p.Hidden || p.Cut {
			t.Errorf("%s: %+v", line, p)
		}
		if got, want := Line("sent", p.Protocol, p.Info), "sent ["+line; got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
	}
}

// Words of other releases and other hands mean the same octets.
func TestOtherWords(t *testing.T) {
	for _, c := range []struct{ name, line, same string }{
		{"second name server before 2.4.5", `IPCP ConfReq id=0x1 <ms-dns1 1.1.1.1> <ms-dns3 2.2.2.2>]`, `IPCP ConfReq id=0x1 <ms-dns1 1.1.1.1> <ms-dns2 2.2.2.2>]`},
		{"MS-CHAP before 2.4.2", `LCP ConfReq id=0x1 <auth chap m$oft>]`, `LCP ConfReq id=0x1 <auth chap MS>]`},
		{"MS-CHAPv2 before 2.4.2", `LCP ConfReq id=0x1 <auth chap m$oft-v2>]`, `LCP ConfReq id=0x1 <auth chap MS-v2>]`},
		{"pppd 2.2", `LCP ConfReq id=1 <auth upap> <magic 1f>]`, `LCP ConfReq id=0x1 <auth pap> <magic 0x1f>]`},
		{"long names", `LCP Configure-Request id=0x1 <mru 1500>]`, `LCP ConfReq id=0x1 <mru 1500>]`},
		{"short interface identifier", `IPV6CP ConfReq id=0x1 <addr fe80::1>]`, `IPV6CP ConfReq id=0x1 <addr fe80::0000:0000:0000:0001>]`},
		{"spaces before the end of an option", `LCP ConfReq id=0x1 <mru 1500 >]`, `LCP ConfReq id=0x1 <mru 1500>]`},
	} {
		a, err := Parse(nil, []byte(c.line))
		b, err2 := Parse(nil, []byte(c.same))
		if err != nil || err2 != nil || a.Protocol != b.Protocol || !bytes.Equal(a.Info, b.Info) {
			t.Errorf("%s: %v %v\n% x\n% x", c.name, err, err2, a.Info, b.Info)
		}
	}
}

func TestHidden(t *testing.T) {
	for _, c := range []struct{ line, want string }{
		{`PAP AuthReq id=0x1 user="<user>" password=<hidden>]`, `PAP AuthReq id=0x1 user="<user>" password=<hidden>`},
		{`PAP AuthReq id=0x1 user=<user> password=<password>]`, `PAP AuthReq id=0x1 user="user" password=<hidden>`},
		{`CHAP Challenge id=0x1 <................................>, name = "x"]`, `CHAP Challenge id=0x1 <2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a>, name = "x"`},
		{`CHAP Response id=0x1 <hidden>, name = "x"]`, `CHAP Response id=0x1 <hidden>, name = "x"`},
		{`LCP ConfReq id=0x1 <callback 0x1 <hidden>>]`, `LCP ConfReq id=0x1 <callback 0x1 <hidden>>`},
	} {
		p, err := Parse(nil, []byte(c.line))
		if got := Text(p.Protocol, p.Info); err != nil || got != c.want || !p.Hidden {
			t.Errorf("%s: %v %+v\n%s", c.line, err, p, got)
		}
	}
	// The same mask is the same address, another mask another one, and none is 0.0.0.0.
	p, err := Parse(nil, []byte(`IPCP ConfNak id=0x1 <addr ..............> <ms-dns1 ...........> <ms-dns2 90.xxx.xxx.xxx>]`))
	q, err2 := Parse(nil, []byte(`IPCP ConfAck id=0x2 <addr ..............> <ms-dns1 ...........> <ms-dns2 90.xxx.xxx.xxx>]`))
	if err != nil || err2 != nil || !p.Hidden || !bytes.Equal(p.Info[4:], q.Info[4:]) || bytes.Equal(p.Info[6:10], p.Info[12:16]) || p.Info[6] != 192 {
		t.Errorf("%v %v % x % x", err, err2, p.Info, q.Info)
	}
	// An empty password is known to be empty.
	p, err = Parse(nil, []byte(`PAP AuthReq id=0x1 user="a" password=""]`))
	if err != nil || p.Hidden || !bytes.Equal(p.Info, []byte{1, 1, 0, 7, 1, 'a', 0}) {
		t.Errorf("%v %+v", err, p)
	}
}

func TestBroken(t *testing.T) {
	whole := `IPCP ConfNak id=0x1 <compress VJ 0f 01> <addr 10.0.0.1> <ms-dns1 10.11.12.13>]`
	for i := range len(whole) {
		if _, err := Parse(nil, []byte(whole[:i])); !errors.Is(err, ErrCut) {
			t.Errorf("%q: %v", whole[:i], err)
		}
	}
	for _, c := range []struct {
		line string
		want error
	}{
		{`IPCP ConfReq id=0x1 ]`, ErrStripped}, {`LCP ConfReq id=0x1    ]`, ErrStripped}, {`LCP ConfReq id=0x1 <mru 1500> ]`, nil}, {`LCP ConfFoo id=0x1]`, ErrNotation}, {`LCP ConfReq id=0x1 <mru x>]`, ErrNotation},
		{`LCP ConfReq id=0x100]`, ErrNotation}, {`LCP ConfReq id=0x1 <asynrcvd [LCP ConfAck id=0x1]`, ErrNotation}, {`XYZ`, ErrCut}, {`FOO bar]`, ErrNotation},
		{`LCP ConfReq id=0x1 < 03>]`, ErrNotation}, {`IPCP ConfReq id=0x1 <addr 1.2.3>]`, ErrNotation},
	} {
		if _, err := Parse(nil, []byte(c.line)); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", c.line, err, c.want)
		}
	}
}

func TestParseTakesNoMemory(t *testing.T) {
	buf := make([]byte, 0, 512)
	line := []byte(`IPCP ConfReq id=0x1 <compress VJ 0f 01> <addr 0.0.0.0> <ms-dns1 0.0.0.0> <ms-dns2 0.0.0.0>]`)
	if n := testing.AllocsPerRun(100, func() { _, _ = Parse(buf, line) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// Whatever text is taken for a packet: written and read again it is the same packet.
func FuzzParse(f *testing.F) {
	for _, line := range []string{`LCP ConfReq id=0x1 <mru 1500> < 17 04 00 53>]`, `IPCP ConfNak id=0x1 <addr 1.2.3.4>] 00`, `EAP Request id=0x1 MSCHAPv2 Success id=0x2 <Message "S=1">]`,
		`CHAP Challenge id=0x1 <00ff>, name = "\\\001"]`, `proto=0x8281] 01 02`, `PAP AuthReq id=0x1 user="a" password="b"]`} {
		f.Add([]byte(line))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		p, err := Parse(nil, text)
		if p.Used > len(text) {
			t.Fatalf("used %d of %d", p.Used, len(text))
		}
		if err != nil || p.Cut || p.Hidden || len(p.Info) > 30 {
			return
		}
		line := Line("", p.Protocol, p.Info)
		q, err := Parse(nil, []byte(line[len(" ["):]))
		if err != nil {
			t.Fatalf("%q of % x: %v", line, p.Info, err)
		}
		if !q.Hidden && !q.Cut && !bytes.Equal(q.Info, p.Info) {
			t.Fatalf("%q: % x, then % x", line, p.Info, q.Info)
		}
	})
}

func BenchmarkParse(b *testing.B) {
	buf := make([]byte, 0, 512)
	line := []byte(`LCP ConfReq id=0x1 <asyncmap 0x0> <auth chap MD5> <magic 0x5c6d7e8f> <pcomp> <accomp>]`)
	b.SetBytes(int64(len(line)))
	for b.Loop() {
		if _, err := Parse(buf, line); err != nil {
			b.Fatal(err)
		}
	}
}

// An octet that cannot be printed, and the same from releases that took a char for a signed number.
func TestOctal(t *testing.T) {
	for _, c := range []struct {
		text string
		want []byte
	}{
		{`\002\346`, []byte{0x02, 0xe6}}, {`\377`, []byte{0xff}}, {`\37777777715t`, []byte{0xcd, 't'}}, {`\3777777`, []byte("\xff7777")},
	} {
		p, err := Parse(nil, []byte(`LCP TermReq id=0x2 "`+c.text+`"]`))
		if err != nil || !bytes.Equal(p.Info[4:], c.want) {
			t.Errorf("%s: % x, %v", c.text, p.Info, err)
		}
	}
}

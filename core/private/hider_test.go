package private

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/knakppp/knak/core/event"
	"github.com/knakppp/knak/core/ppp/packet"
)

// A secret is found in every form in which a modem or a peer may repeat it, and by its length where it may not be.
func TestKnown(t *testing.T) {
	var k Known
	k.Public("internet")
	k.Add("Hunter-22", "7351", "abc", "262019876543210", "internet", "<hidden>", "****", "")
	for _, c := range []struct{ in, want string }{
		{"it is Hunter-22.", "it is <hidden>."}, {"HUNTER-22", "<hidden>"}, {"xHunter-22y", "x<hidden>y"},
		{"48756E7465722D3232", "<hidden>"}, {"got 48 75 6e 74 65 72 2d 32 32 back", "got <hidden> back"}, {"0x48:0x75", "0x48:0x75"},
		{`\x48\x75\x6e\x74\x65\x72\x2d\x32\x32`, `\x<hidden>`}, {"0x48, 0x75, 0x6e, 0x74, 0x65, 0x72, 0x2d, 0x32, 0x32", "0x<hidden>"},
		{"00480075006E007400650072002D00320032", "<hidden>"}, {"480075006e007400650072002d0032003200", "<hidden>"},
		{"F48756E7465722D3232", "<hidden>"}, // behind half an octet
		{base64.StdEncoding.EncodeToString([]byte("Hunter-22")), "<hidden>"}, {base64.StdEncoding.EncodeToString([]byte("joe:Hunter-22")), "am9lOk<hidden>g=="},
		{"user%3DHunter%2D22&x", "user%3D<hidden>&x"}, {"%48%75%6e%74%65%72%2d%32%32", "<hidden>"},
		{"7351", "<hidden>"}, {"pin7351x", "pin<hidden>x"}, {"27351", "27351"}, {"73519", "73519"}, {"3715", "3715"}, {"99373135", "99373135"}, {"37333531", "<hidden>"}, {"0a3715ff", "<hidden>"},
		{"62029178563412F0", "<hidden>"}, {"2926107856341200", "2926107856341200"}, {"082926108967452301", "<hidden>"},
		{"622610897856432301", "622610897856432301"}, {"6202918967452301", "6202918967452301"},
		{`"abc"`, `"<hidden>"`}, {"abc", "<hidden>"}, {"abcd abc", "abcd abc"}, {`'abc',1`, `'<hidden>',1`}, // three characters
		{"the internet", "the internet"}, {"and it ends in Hunter", "and it ends in <hidden>"}, {"er-22 goes on", "<hidden> goes on"}, {"Hun", "Hun"},
		{"<hidden> Hunter-22", "<hidden> <hidden>"}, {"", ""},
	} {
		got := k.Text(c.in)
		if got != c.want {
			t.Errorf("%q is shown as %q, want %q", c.in, got, c.want)
		}
		if again := k.Text(got); again != got {
			t.Errorf("%q again is %q", got, again)
		}
	}
	for _, digits := range []string{"262019876543210"} {
		for _, form := range []string{swap(digits + "F"), swap("9" + digits), "08" + swap("9"+digits), swap("0" + digits)} {
			if got := k.Text("x " + form); got != "x "+Hidden {
				t.Errorf("%s: %s", form, got)
			}
		}
	}
	for _, b := range [][]byte{[]byte("\x01Hunter-22\x02"), []byte("\x00H\x00u\x00n\x00t\x00e\x00r\x00-\x002\x002"), packed("ab Hunter-22"), packed("Hunter-22"), []byte("48756e7465722d3232"), []byte("SHVudGVyLTIy")} {
		in := bytes.Clone(b)
		if !k.Octets(b) || bytes.Equal(in, b) || len(in) != len(b) {
			t.Errorf("%q became %q", in, b)
		}
	}
}

func swap(digits string) string {
	b := []byte(digits)
	for i := 0; i+1 < len(b); i += 2 {
		b[i], b[i+1] = b[i+1], b[i]
	}
	return string(b)
}

// packed packs characters of seven bits (3GPP TS 23.038 section 6.1.2.1).
func packed(s string) []byte {
	var out []byte
	bits, n := 0, 0
	for _, c := range []byte(s) {
		bits |= int(c&0x7f) << n
		for n += 7; n >= 8; n -= 8 {
			out = append(out, byte(bits))
			bits >>= 8
		}
	}
	return append(out, byte(bits))
}

// What is shown of a dialogue: a line that begins with > is sent.
func TestDialogue(t *testing.T) {
	for _, c := range []struct{ name, in, want string }{
		{"who the modem is", ">AT+CGMM|E3372|OK", ">AT+CGMM|E3372|OK"},
		{"who the subscriber is", ">AT+CIMI|262019876543210|OK", ">AT+CIMI|<hidden>|OK"},
		{"two SIMs stay two", ">AT+CIMI|262019876543210|OK|>AT+CIMI|262019876543211|OK|>AT+CIMI|262019876543210|OK", ">AT+CIMI|<hidden>|OK|>AT+CIMI|<hidden 2>|OK|>AT+CIMI|<hidden>|OK"},
		{"an IMEI with dots", ">AT+CGSN|35.209900.176148.1|OK", ">AT+CGSN|<hidden>|OK"},
		{"the same, labelled", ">ATI|IMEI: 35.209900.176148.1|Revision: 11.126.15.00.1456|OK", ">ATI|IMEI: <hidden>|Revision: 11.126.15.00.1456|OK"},
		{"27.007 10.1.20: area and cell", `>AT+CREG?|+CREG: 2,1,"18D8","01A2D003",7|OK|+CREG: 1,"18D8","01A2D003"`, `>AT+CREG?|+CREG: 2,1,"<hidden>","<hidden>",7|OK|+CREG: 1,"<hidden>","<hidden>"`},
		{"27.005 3.4.1: a message while something else is asked", `>AT+CSQ|+CMT: "+491701234567",,"26/11/28"|Your code is 482913|and AT+CPIN=1234|+CSQ: 17,99|OK|RING`, `>AT+CSQ|+CMT: <hidden>|<hidden>|<hidden>|+CSQ: 17,99|OK|RING`},
		{"the same, as octets", `>AT+CGMM|+CMT: ,24|07911356131313F3|E3372|OK`, `>AT+CGMM|+CMT: <hidden>|<hidden>|E3372|OK`},
		{"a reply that nobody knows", `+XYZ: 1,"a"|the rest of it|OK`, `+XYZ: <hidden>|<hidden>|OK`},
		{"an empty one", `+XYZ:|OK`, `+XYZ:|OK`},
		{"a command that nobody knows", `>AT+XYZ=1,"Fred",7351,0,,""|OK`, `>AT+XYZ=1,"<hidden>",<hidden>,0,,""|OK`},
		{"one that sounds secret", `>AT+XPINCODE=1|OK`, `>AT+XPINCODE=<hidden>|OK`},
		{"27.007 7.5 and others: numbers", `+CCFC: 1,1,"+49176"|%CALL: 1|*ECAV: 1,"49176"|^SLCC: 1|+ZCPI: 1|+XCALLSTAT: 1|+CSSU: 1|+CPOS: 1|+CLIP: "49"|+CNAP: "Jo"|+CUSD: 0,"17 EUR"`,
			`+CCFC: <hidden>|%CALL: <hidden>|*ECAV: <hidden>|^SLCC: <hidden>|+ZCPI: <hidden>|+XCALLSTAT: <hidden>|+CSSU: <hidden>|+CPOS: <hidden>|+CLIP: <hidden>|+CNAP: <hidden>|+CUSD: <hidden>`},
		{"NMEA 0183", "$GPGGA,101010,5230.5210,N,01323.4550,E", "$GPGGA<hidden>"},
		{"words", "NO CARRIER|CONNECT 460800/V42BIS|+CME ERROR: 11|+CPIN: SIM PIN|RING|^SYSSTART|ERROR", "NO CARRIER|CONNECT 460800/V42BIS|+CME ERROR: 11|+CPIN: SIM PIN|RING|^SYSSTART|ERROR"},
		{"an unasked number", "Own number is 01701234567", "Own number is <hidden>"},
		{"a short number", ">ATD112;|>ATD*99***1#|>ATDT#777|>ATD+49170;|>ATD>Erna", ">ATD112;|>ATD*99***1#|>ATDT#777|>ATD<hidden>;|>ATD><hidden>"},
		{"27.005 3.5.1: a message that is sent", `>AT+CMGS="+4917012345"|>hello Bob|OK`, `>AT+CMGS="<hidden>"|>hello Bob|OK`},
		{"the same with its prompt", `>AT+CMGS="+4917012345"|> |>hello Bob|>call me|+CMGS: 7|OK|>ATI`, `>AT+CMGS="<hidden>"|> |><hidden>|><hidden>|+CMGS: 7|OK|>ATI`},
		{"a terminal server", "login: |>fred|Password: |>made-up|made-up|welcome", "login: |>fred|Password: |><hidden>|<hidden>|welcome"},
		{"a secret that comes back", `>AT+CPIN="7351"|OK|>AT+COPS?|+COPS: 0,0,"pin7351",7|OK`, `>AT+CPIN="<hidden>"|OK|>AT+COPS?|+COPS: 0,0,"pin<hidden>",7|OK`},
		{"a password that is the APN is none", `>AT+CGDCONT=1,"IP","internet"|OK|>AT+CGAUTH=1,1,"internet","internet"|OK|>AT+CGDCONT?|+CGDCONT: 1,"IP","internet"|OK`,
			`>AT+CGDCONT=1,"IP","internet"|OK|>AT+CGAUTH=1,1,"internet","<hidden>"|OK|>AT+CGDCONT?|+CGDCONT: 1,"IP","internet"|OK`},
		{"no password is told from one", `>AT+CGAUTH=1,1,"",""|OK`, `>AT+CGAUTH=1,1,"",""|OK`},
	} {
		t.Run(c.name, func(t *testing.T) {
			once := play(NewHider(), c.in)
			if once != c.want {
				t.Errorf("\n got %s\nwant %s", once, c.want)
			}
			if again := play(NewHider(), once); again != once && c.name != "the same, as octets" { // how long the message was is not known any more: more is hidden
				t.Errorf("again\n got %s\nwant %s", again, once)
			}
		})
	}
}

func play(h *Hider, lines string) string {
	var out []string
	for _, l := range strings.Split(lines, "|") {
		e := event.AT{Dir: event.Rcvd, Text: l}
		if l != ">" && l != "> " && strings.HasPrefix(l, ">") {
			e = event.AT{Dir: event.Sent, Text: l[1:]}
		}
		e, _ = h.Record(event.Record{Event: e}).Event.(event.AT)
		if e.Dir == event.Sent {
			e.Text = ">" + e.Text
		}
		out = append(out, e.Text)
	}
	return strings.Join(out, "|")
}

// A Mask shows in no field what its class does not allow, for anybody.
func TestMaskEveryField(t *testing.T) {
	plants := []string{"jane.roe@isp.example", "84.23.7.200", "+4915112345678", "00:a0:c6:11:22:33", "/home/jane.roe/x"}
	for _, p := range prototypes {
		classes, _ := classesOf(p.Kind())
		for _, name := range texts(reflect.TypeOf(p), "") {
			for _, s := range append(slices.Clone(plants), "Zephyr") {
				if s == "Zephyr" && classes.of(name) != Word && classes.of(name) != Place && classes.of(name) != Code && classes.of(name) != Payload {
					continue // a word that is no secret as far as anybody knows, in a sentence
				}
				v := reflect.New(reflect.TypeOf(p)).Elem()
				f := v.FieldByName(strings.TrimPrefix(name, "Packet."))
				switch {
				case f.Kind() == reflect.String:
					f.SetString(s)
				case f.Type().Elem().Kind() == reflect.String:
					f.Set(reflect.ValueOf([]string{s}))
				default:
					f.SetBytes(packet.Packet{Code: packet.TerminateRequest, Data: []byte(s)}.AppendTo(nil))
					v.FieldByName("Protocol").SetUint(uint64(packet.LCP))
					if s == plants[3] || s == plants[4] {
						continue
					}
				}
				line, err := NewMask().Record(event.Record{Link: s, Event: v.Interface().(event.Event)}).AppendJSON(nil)
				if err != nil {
					t.Fatal(err)
				}
				for _, part := range []string{"jane.roe", "84.23.7.200", "4915112345678", "c6:11:22", "Zephyr"} {
					if strings.Contains(string(line), part) {
						t.Errorf("%T.%s: %s", p, name, line)
					}
				}
			}
		}
	}
}

var escapes = regexp.MustCompile(`\\\\[0-3][0-7]{2}|\\u[0-9a-f]{4}|\\.`)

// Whatever comes, hiding neither panics nor shows what is known, and a packet keeps its length. FuzzTwice hides again.
func FuzzHider(f *testing.F) {
	f.Add("Hunter-22", "AT+CPIN=\"1234\"|+CMT: x|body", []byte("no Hunter-22"), uint8(0))
	f.Add("7351", ">AT+CGAUTH=1,1,\"a\",\"7351\"|+X: 37333531", []byte{0x37, 0x15}, uint8(3))
	f.Add("äöü-Straße", "%C3%A4%C3%B6%C3%BC-Stra%C3%9Fe", []byte("\x00\xe4"), uint8(1))
	f.Fuzz(func(t *testing.T, secret, lines string, data []byte, form uint8) {
		if len(secret) < shortWord || len(secret) > 64 || strings.Trim(secret, "*") == "" || strings.Contains(secret, hiddenMark) {
			return
		}
		shown := secret
		switch form % 4 {
		case 1:
			shown = hex.EncodeToString([]byte(secret))
		case 2:
			shown = strings.ToUpper(hex.EncodeToString([]byte(secret)))
		case 3:
			shown = base64.StdEncoding.EncodeToString([]byte(secret))
		}
		if isDigits(secret) || strings.Contains(shown, "|") || strings.ContainsAny(secret, "\r\n") || strings.TrimSpace(secret) != secret || !isPlain(secret) {
			shown = "" // beside other digits, and cut in lines, it may be something else
		}
		events := []event.Event{event.Packet{Protocol: packet.LCP, Data: packet.Packet{Code: packet.Identification, Data: append([]byte("\x01\x02\x03\x04"+shown), data...)}.AppendTo(nil)},
			event.Packet{Protocol: packet.PAP, Data: data}, event.Log{Program: "pppd", Text: lines + " " + shown}, event.Text{Text: lines}, event.Notice{Text: shown + " " + lines}, event.Unread{Text: lines}}
		for _, l := range strings.Split(lines, "|") {
			events = append(events, event.AT{Dir: event.Dir(len(l) % 2), Text: l}, event.AT{Dir: event.Rcvd, Text: "+CEER: " + shown})
		}
		h := NewHider()
		h.Learn(secret)
		for _, e := range events {
			once := h.Record(event.Record{Event: e})
			b, err := once.AppendJSON(nil)
			if err != nil {
				continue
			}
			b = escapes.ReplaceAll(b, []byte{'\\'}) // one and the text around it may look like a secret: \2000 is no 000, and V\022V no VV
			if shown != "" && strings.Contains(string(b), shown) && !strings.Contains(hiddenMark+`{"t":"0001-01-01T00:00:00.000000Z","link":"","event":"notice","level":"","text":" pppd program unread bytes reason packet dir proto code id options rcvd sent lcp pap Ident magic at log LCP 0x1020304 CEER`, shown) {
				t.Fatalf("%q is in %s", shown, b)
			}
			if p, ok := e.(event.Packet); ok {
				if q := once.Event.(event.Packet); len(q.Data) != len(p.Data) {
					t.Fatalf("%x became %x", p.Data, q.Data)
				}
			}
		}
	})
}

func isPlain(s string) bool {
	for i := range len(s) {
		if !isLetter(s[i]) && !isDigit(s[i]) && s[i] != '-' && s[i] != '_' {
			return false
		}
	}
	return true
}

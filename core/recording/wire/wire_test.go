package wire_test

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/knakppp/knak/core/cmux"
	"github.com/knakppp/knak/core/event"
	"github.com/knakppp/knak/core/hdlc"
	"github.com/knakppp/knak/core/ppp/packet"
	"github.com/knakppp/knak/core/recording/wire"
)

// frame is one frame on the line.
func frame(cfg hdlc.Config, protocol uint16, info []byte) string {
	return string(hdlc.NewEncoder(cfg).Append(nil, protocol, info))
}

var (
	plain = hdlc.Config{ACCM: 0, ACFC: true, PFC: true}
	echo  = frame(hdlc.DefaultConfig(), packet.LCP, []byte{9, 1, 0, 8, 1, 2, 3, 4})
	data  = frame(plain, packet.IP, append([]byte{0x45, 0x00, 0x0d, 0x0a}, bytes.Repeat([]byte{0x11, 0x7e, 0x7d, 0x0d}, 9)...))
	long  = frame(plain, packet.IP, append([]byte{0x45, 0, 1}, bytes.Repeat([]byte("payload\r\nOK\r\n"), 100)...))
)

const (
	echoed  = "rcvd [LCP EchoReq id=0x1 magic=0x1020304]\n"
	packetd = "event.Data{Dir:rcvd Protocol:33 Length:40}\n"
)

func TestLine(t *testing.T) {
	pap := []byte{1, 1, 0, 14, 4, 'f', 'r', 'e', 'd', 4, 's', '3', 'c', 'r'}
	for _, tt := range []struct {
		name string
		in   string // > begins what is sent, < what is received; | is a pause of two seconds
		want string
	}{
		{"V.250 6.3.1: CONNECT, then frames", ">ATD*99#\r<\r\nCONNECT 7200000\r\n" + echo, "event.AT{Dir:sent Text:ATD*99#}\nevent.AT{Dir:rcvd Text:CONNECT 7200000}\n" + echoed},
		{"CONNECT without a line end", "<CONNECT" + echo, "event.AT{Dir:rcvd Text:CONNECT}\n" + echoed},
		{"CONNECT with a carriage return only", "<CONNECT\r" + echo, "event.AT{Dir:rcvd Text:CONNECT}\n" + echoed},
		{"NUL octets around CONNECT without a line end", "<\x00CONNECT\x00" + echo, "event.Unread{Text:rcvd 00 00 Bytes:2 Reason:NUL octets}\nevent.AT{Dir:rcvd Text:CONNECT}\n" + echoed},
		{"spaces around CONNECT, and a damaged frame", "< CONNECT ~\x81\x82" + echo,
			"event.AT{Dir:rcvd Text: CONNECT }\nevent.Unread{Text:rcvd 81 82 Bytes:2 Reason:too short for a frame}\n" + echoed},
		{"NUL octets before CONNECT while the host has begun with PPP", ">" + echo[:9] + "<\x00CONNECT~\x01\x02\x03~" + echo,
			"event.Unread{Text:rcvd 00 Bytes:1 Reason:NUL octets}\nevent.AT{Dir:rcvd Text:CONNECT}\nevent.Unread{Text:rcvd 01 02 03 Bytes:3 Reason:too short for a frame}\n" +
				echoed + "event.Unread{Text:sent ff 7d 23 c0 21 7d 29 7d Bytes:8 Reason:a frame whose end is missing}\n"},
		{"no dialogue", "<" + echo + data, echoed + packetd},
		{"a call that is going on", "<\x21\x45\x00\x7d\x5e\x99\x88" + data + data,
			"event.Unread{Text:rcvd 21 45 00 7d 5e 99 88 Bytes:7 Reason:not text: the speed is wrong, or this is not a modem's command channel}\n" + packetd + packetd},
		{"RFC 1662 4.2: XON and XOFF put in by equipment on the way", "<" + echo[:9] + "\x11" + echo[9:12] + "\x13" + echo[12:], echoed},
		{"RFC 1570 2.1: FCS-32", "<" + echo + frame(hdlc.Config{FCS: hdlc.FCS32}, packet.IP, make([]byte, 40)), echoed + packetd},
		{"text in data that looks like result codes", "<" + echo + long + data, echoed + "event.Data{Dir:rcvd Protocol:33 Length:1303}\n" + packetd},
		{"NO CARRIER behind a frame", "<" + echo + "\r\nNO CARRIER\r\n>AT\r", echoed + "event.Text{Text:NO CARRIER}\nevent.AT{Dir:sent Text:AT}\n"},
		{"NO CARRIER in the middle of a frame, and the next command", "<" + echo + data[:20] + "\r\nNO CARRIER\r\n>ATZ\r<ATZ\r\r\nOK\r\n",
			echoed + "event.Unread{Text:rcvd 21 45 00 0d 0a 11 7d 5e … Bytes:19 Reason:a frame that was cut off}\nevent.Text{Text:NO CARRIER}\n" +
				"event.AT{Dir:sent Text:ATZ}\nevent.AT{Dir:rcvd Text:ATZ}\nevent.AT{Dir:rcvd Text:OK}\n"},
		{"V.250 annex B.1.3: +++, OK, and ATH", "<CONNECT\r\n" + echo + "|>+++|<\r\nOK\r\n>ATH\r<\r\nOK\r\n",
			"event.AT{Dir:rcvd Text:CONNECT}\n" + echoed + "event.AT{Dir:sent Text:+++}\nevent.Text{Text:OK}\nevent.AT{Dir:sent Text:ATH}\nevent.AT{Dir:rcvd Text:OK}\n"},
		{"two calls", ">ATD1\r<CONNECT\r\n" + echo + "\r\nNO CARRIER\r\n>ATD1\r<CONNECT\r\n" + echo,
			strings.TrimSuffix(strings.Repeat("event.AT{Dir:sent Text:ATD1}\nevent.AT{Dir:rcvd Text:CONNECT}\n"+echoed+"event.Text{Text:NO CARRIER}\n", 2), "event.Text{Text:NO CARRIER}\n")},
		{"tildes in text", ">AT+CGDCONT=1,\"IP\",\"a~b~c\"\r<\r\nOK\r\n", "event.AT{Dir:sent Text:AT+CGDCONT=1,\"IP\",\"a~b~c\"}\nevent.AT{Dir:rcvd Text:OK}\n"},
		{"echo by single characters", ">A<A>T<T>\r<\r\r\nOK\r\n", "event.AT{Dir:sent Text:AT}\nevent.AT{Dir:rcvd Text:AT}\nevent.AT{Dir:rcvd Text:OK}\n"},
		{"RFC 1662 4.3: aborted", "<" + echo + data[:10] + "\x7d\x7e" + data, echoed + "event.Unread{Text:rcvd 21 45 00 0d 0a 11 7d 5e … Bytes:10 Reason:a frame that its sender aborted (7d 7e)}\n" + packetd},
		{"a wrong FCS", "<" + echo + data[:7] + "\x55" + data[8:], echoed + "event.Unread{Text:rcvd 21 45 00 0d 0a 11 55 5e … Bytes:61 Reason:a frame with a wrong FCS}\n"},
		{"a line that strips the eighth bit", "<CONNECT\r\n~\x7f}#@!}!}!} }4}\"}&} } } } }%}&}#\x05\x06\x07}'}\"}(}\"\x31\x32~",
			"event.AT{Dir:rcvd Text:CONNECT}\nevent.Unread{Text:rcvd 7f 7d 23 40 21 7d 21 7d … Bytes:44 Reason:a frame that lost its eighth bits: the line is not 8-bit clean}\n"},
		{"a prompt for a password", "<CONNECT\r\n\r\nlogin: |>fred\r<fred\r\nPassword: |>s3cret\r<\r\n" + echo,
			"event.AT{Dir:rcvd Text:CONNECT}\nevent.Text{Text:login: }\nevent.AT{Dir:sent Text:fred}\nevent.Text{Text:fred}\nevent.Text{Text:Password: }\nevent.AT{Dir:sent Text:<hidden>}\n" + echoed},
		{"3GPP TS 27.005 3.5.1: the text of a message", ">AT+CMGS=\"+15550123456\"\r<\r\n> >hello Bob\x1a<\r\n+CMGS: 1\r\n",
			"event.AT{Dir:sent Text:AT+CMGS=\"<hidden>\"}\nevent.AT{Dir:rcvd Text:> }\nevent.AT{Dir:sent Text:<hidden>}\nevent.AT{Dir:rcvd Text:+CMGS: 1}\n"},
		{"secrets", ">AT+CPIN=\"1234\";+CGAUTH=1,1,\"fred\",\"s3cret\"\r<\r\n460001234567890\r\n" + frame(hdlc.DefaultConfig(), packet.PAP, pap),
			"event.AT{Dir:sent Text:AT+CPIN=\"<hidden>\";+CGAUTH=1,1,\"fred\",\"<hidden>\"}\nevent.AT{Dir:rcvd Text:<hidden>}\nrcvd [PAP AuthReq id=0x1 user=\"fred\" password=<hidden>]\n"},
		{"a wrong speed", "<\xfe\x80\x13\xf8\x9c\r\n\r\nOK\r\n", "event.Unread{Text:rcvd fe 80 13 f8 9c Bytes:5 Reason:not text: the speed is wrong, or this is not a modem's command channel}\nevent.AT{Dir:rcvd Text:OK}\n"},
		{"NUL octets of a modem that starts", "<\x00\x00\r\n^SYSSTART\r\n", "event.Unread{Text:rcvd 00 00 Bytes:2 Reason:NUL octets}\nevent.AT{Dir:rcvd Text:^SYSSTART}\n"},
		{"27.010: AT on one channel, PPP on another", ">AT+CMUX=0\r<\r\nOK\r\n>" + open1 + channel(1, "ATD*99#\r") + "<" + agree1 + channel(1, "\r\nCONNECT\r\n") + channel(1, echo) + channel(2, "\r\n+CREG: 1\r\n"),
			"event.AT{Dir:sent Text:AT+CMUX=0}\nevent.AT{Dir:rcvd Text:OK}\n" + muxed + "event.Log{Program:27.010 Text:sent SABM of DLCI 1 Means:[] Value:}\nevent.AT{Dir:sent Text:ATD*99#}\n" +
				"event.Log{Program:27.010 Text:rcvd UA of DLCI 1 Means:[] Value:}\nevent.AT{Dir:rcvd Text:CONNECT}\n" + echoed + "event.AT{Dir:rcvd Text:+CREG: 1}\n"},
		{"27.010 5.4.6.3.3: the multiplexer is closed down", "<" + channel(1, "\r\nOK\r\n") + ">" + channel(0, "\xc3\x01") + "AT\r<\r\nOK\r\n",
			muxed + "event.AT{Dir:rcvd Text:OK}\nevent.Log{Program:27.010 Text:sent CLD of the control channel Means:[] Value:}\nevent.AT{Dir:sent Text:AT}\nevent.AT{Dir:rcvd Text:OK}\n"},
		{"27.010: text before it, noise in it", "<RDY\r\n" + channel(1, "\r\nOK\r\n") + "\x01\x02\x03\x04" + channel(1, "\r\nOK\r\n"),
			"event.AT{Dir:rcvd Text:RDY}\n" + muxed + "event.AT{Dir:rcvd Text:OK}\nevent.Unread{Text:rcvd f9 01 02 03 04 Bytes:5 Reason:not a frame of the multiplexer}\nevent.AT{Dir:rcvd Text:OK}\n"},
		{"what begins as a frame of it and is none", "<\xf9\x05\xef\x09OK\r\n\r\nOK\r\n",
			"event.Unread{Text:rcvd f9 05 ef 09 4f 4b Bytes:6 Reason:not text: the speed is wrong, or this is not a modem's command channel}\nevent.AT{Dir:rcvd Text:OK}\n"},
		{"the end of a recording", "<" + echo + data[:12], echoed + "event.Unread{Text:rcvd 21 45 00 0d 0a 11 7d 5e … Bytes:11 Reason:a frame whose end is missing}\n"},
		{"a password in a damaged frame", "<" + echo + frame(plain, packet.PAP, pap)[:15] + "x~", echoed + "event.Unread{Text:rcvd c0 23 01 01 00 0e 04 66 … Bytes:15 Reason:a frame with a wrong FCS}\n"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			pieces := script(tt.in)
			got := read(wire.New(wire.Options{}), pieces)
			if s := show(got); s != tt.want {
				t.Errorf("got\n%swant\n%s", s, tt.want)
			}
			checkCuts(t, wire.Options{}, pieces, got)
		})
	}
}

// channel is a frame of the multiplexer.
func channel(dlci uint8, data string) string {
	return string(cmux.Append(nil, cmux.Basic, cmux.Frame{DLCI: dlci, Type: cmux.UIH, Info: []byte(data)}))
}

var (
	open1  = string(cmux.Append(nil, cmux.Basic, cmux.Frame{DLCI: 1, CR: true, Type: cmux.SABM, PF: true}))
	agree1 = string(cmux.Append(nil, cmux.Basic, cmux.Frame{DLCI: 1, CR: true, Type: cmux.UA, PF: true}))
)

const muxed = "event.Log{Program:27.010 Text:the line is multiplexed, basic option Means:[] Value:}\n"

// The advanced option has the flag of PPP: frames of either are told apart.
func TestAdvancedMux(t *testing.T) {
	l := wire.New(wire.Options{})
	var got []event.Record
	for _, f := range []cmux.Frame{
		{DLCI: 1, Type: cmux.UIH, Info: []byte("\r\nCONNECT\r\n")}, {DLCI: 1, Type: cmux.UIH, Info: []byte(echo)},
	} {
		l.Receive(epoch, event.Rcvd, cmux.Append(nil, cmux.Advanced, f))
		for r, ok := l.Next(); ok; r, ok = l.Next() {
			got = append(got, r)
		}
	}
	if s, want := show(got), strings.Replace(muxed, "basic", "advanced", 1)+"event.AT{Dir:rcvd Text:CONNECT}\n"+echoed; s != want {
		t.Errorf("got\n%swant\n%s", s, want)
	}
}

// script makes pieces of a line of the table: the marks of a direction count where a frame has no octet like them.
func script(s string) []piece {
	var pieces []piece
	now, dir := epoch, event.Sent
	for i := 0; i < len(s); {
		switch {
		case s[i] == '|':
			now = now.Add(2 * time.Second)
			i++
			continue
		case s[i] == '>' && (i+1 == len(s) || s[i+1] != ' '):
			dir = event.Sent
			i++
			continue
		case s[i] == '<':
			dir = event.Rcvd
			i++
			continue
		}
		pieces = append(pieces, piece{now, dir, []byte(s[i : i+1])})
		i++
	}
	return pieces
}

// What never ends does not grow.
func TestBounds(t *testing.T) {
	for name, octet := range map[string]byte{"text": 'x', "not text": 0x80, "escapes": 0x7d} {
		for _, begin := range []string{"", "CONNECT\r\n", "~"} {
			l := wire.New(wire.Options{})
			l.Receive(epoch, event.Rcvd, []byte(begin))
			const n = 1 << 20
			unread := 0
			for range n / 1024 {
				l.Receive(epoch, event.Rcvd, bytes.Repeat([]byte{octet}, 1024))
				for r, ok := l.Next(); ok; r, ok = l.Next() {
					if u, ok := r.Event.(event.Unread); ok {
						unread += u.Bytes
					}
				}
			}
			if unread < n-64<<10 || unread > n {
				t.Errorf("%s after %q: %d of %d octets are unread", name, begin, unread, n)
			}
		}
	}
}

// A data frame costs no allocation, wherever the stream is cut.
func TestNoAllocations(t *testing.T) {
	l := wire.New(wire.Options{})
	stream := []byte(strings.Repeat(data+long, 50))
	pass := func() {
		for rest := stream; len(rest) > 0; {
			n := min(len(rest), 4000)
			l.Receive(epoch, event.Rcvd, rest[:n])
			rest = rest[n:]
			for _, ok := l.Next(); ok; _, ok = l.Next() {
			}
		}
	}
	pass()
	if n := testing.AllocsPerRun(10, pass); n > 0 {
		t.Errorf("%v allocations in a hundred frames", n)
	}
}

func FuzzLine(f *testing.F) {
	f.Add([]byte(">ATD*99#\r<CONNECT\r\n"+echo+data+"\r\nNO CARRIER\r\n"), false)
	f.Add([]byte("<"+echo+data[:9]+"|+++|>ATH\r"), true)
	f.Add([]byte("<~\x7f}#@!~~x~\r"), false)
	f.Add([]byte("<\x00CONNECT~\x01\x02~"+echo), false)
	f.Add([]byte(">"+echo[:9]+"<\x00CONNECT~\x01\x02~"+echo), false)
	f.Add([]byte("<RDY\r\n"+channel(1, "\r\nOK\r\n")+">"+open1+channel(2, echo)+"AT\r<OK\r\n"), false)
	f.Fuzz(func(t *testing.T, in []byte, raw bool) {
		pieces := script(string(in))
		l := wire.New(wire.Options{Raw: raw})
		got := read(l, pieces)
		unread := 0
		for _, r := range got {
			if u, ok := r.Event.(event.Unread); ok {
				unread += u.Bytes
			}
		}
		s := l.Stats()
		if s.Bytes[0]+s.Bytes[1] != uint64(len(join(pieces))) || s.UnreadBytes != uint64(unread) || unread > len(in) {
			t.Errorf("%+v, %d unread of %d", s, unread, len(in))
		}
		checkCuts(t, wire.Options{Raw: raw}, pieces, got)
	})
}

func join(pieces []piece) (all []byte) {
	for _, p := range pieces {
		all = append(all, p.data...)
	}
	return all
}

package modem

import (
	"strings"
	"testing"
	"time"

	"github.com/knakppp/knak/core/at"
)

// TestTerminateFrame: the frame is what it says (RFC 1662 sections 3 and 4, RFC 1661 section 5.5).
func TestTerminateFrame(t *testing.T) {
	p := terminateFrame
	if p[0] != 0x7e || p[len(p)-1] != 0x7e {
		t.Fatal("no flags")
	}
	var data []byte
	for i := 1; i < len(p)-1; i++ {
		c := p[i]
		if c == 0x7d {
			i++
			c = p[i] ^ 0x20
		}
		data = append(data, c)
	}
	if got := string(data[:len(data)-2]); got != "\xff\x03\xc0\x21\x05\x01\x00\x04" {
		t.Errorf("the frame holds %x", got)
	}
	fcs := uint16(0xffff) // RFC 1662 appendix C.2: the check runs over the FCS too
	for _, c := range data {
		fcs ^= uint16(c)
		for range 8 {
			if fcs&1 != 0 {
				fcs = fcs>>1 ^ 0x8408
			} else {
				fcs >>= 1
			}
		}
	}
	if fcs != 0xf0b8 {
		t.Errorf("FCS gives %#04x", fcs)
	}
}

// modemInData is a modem in the data state: command lines are not answered until the state has changed.
type modemInData struct {
	data      bool
	onFrame   bool // a Terminate-Request ends the call
	onDTR     bool // so does DTR
	onEscape  bool // the escape leads to command state
	noCarrier string
	send      string // what it sends in answer to anything while in data state
	heard     string
}

func (m *modemInData) raw(p string) string {
	switch {
	case p == string(terminateFrame) && m.data && m.onFrame:
		m.data = false
		return m.noCarrier
	case p == "+++" && m.data && m.onEscape:
		m.data = false
		return "\r\nOK\r\n"
	case strings.HasSuffix(p, "\r"):
		line := strings.TrimSuffix(p, "\r")
		if m.data {
			return m.send
		}
		m.heard += line + "|"
		if line == "ATH" {
			return m.noCarrier + "\r\nOK\r\n"
		}
		if list := good()[line]; list != nil {
			return list[0]
		}
		return "\r\nERROR\r\n"
	}
	return ""
}

// TestHangup: each method, how its success is seen, and the next one where it has none (quirks HUP-01 to HUP-16).
func TestHangup(t *testing.T) {
	up, down := at.ModemLines{DCD: true}, at.ModemLines{}
	for _, tt := range []struct {
		name         string
		modem        modemInData
		lines        *at.ModemLines
		dcd          bool // DCD follows the call
		change       func(*Plan)
		inData       bool
		method, seen string
		elapsed      time.Duration
		sent         string
		later        []later
	}{
		{name: "no call any more", method: "none", seen: "OK", sent: "AT"},
		{
			name: "DTR, DCD drops", modem: modemInData{data: true, onDTR: true}, lines: &up, dcd: true, inData: true,
			method: "dtr", seen: "DCD", elapsed: 100 * time.Millisecond, sent: "DTR false|DTR true",
		},
		{
			name: "DTR, NO CARRIER", modem: modemInData{data: true, onDTR: true, noCarrier: "\r\nNO CARRIER\r\n"}, lines: &down, inData: true,
			method: "dtr", seen: "NO CARRIER", elapsed: 100 * time.Millisecond, sent: "DTR false|DTR true",
		},
		{
			name: "DTR, nothing said", modem: modemInData{data: true, onDTR: true}, lines: &down, inData: true,
			method: "dtr", seen: "OK", elapsed: time.Second, sent: "DTR false|DTR true|AT|ATH",
		},
		{
			name: "DTR without effect (USB-16), then escape", modem: modemInData{data: true, onEscape: true}, lines: &up, inData: true,
			method: "escape", seen: "OK", elapsed: 3500 * time.Millisecond, sent: "DTR false|DTR true|AT|AT|+++|AT|ATH",
		},
		{
			name: "no lines: escape, NO CARRIER", modem: modemInData{data: true, onEscape: true, noCarrier: "\r\nNO CARRIER\r\n"}, inData: true,
			method: "escape", seen: "NO CARRIER", elapsed: 1100 * time.Millisecond, sent: "+++|ATH",
		},
		{
			name: "NO CARRIER follows PPP's end (HUP-14)", modem: modemInData{data: true}, inData: true, later: []later{{after: 800 * time.Millisecond, send: "\r\nNO CARRIER\r\n"}},
			method: "none", seen: "NO CARRIER", elapsed: 800 * time.Millisecond, sent: "",
		},
		{
			name: "never ATH (HUP-04)", modem: modemInData{data: true, onEscape: true}, inData: true, change: func(p *Plan) { p.HangupCommand = "" },
			method: "escape", seen: "OK", elapsed: 1100 * time.Millisecond, sent: "+++",
		},
		{
			name: "the plan's order", modem: modemInData{data: true, onEscape: true, onDTR: true}, lines: &up, inData: true,
			change: func(p *Plan) { p.HangupMethods = []string{"escape", "dtr"} },
			method: "escape", seen: "OK", elapsed: 1100 * time.Millisecond, sent: "+++|ATH",
		},
		{name: "nothing helps", modem: modemInData{data: true, send: "~\xff\x03\x00\x21HTTP secret\r\n"}, lines: &up, inData: true, elapsed: 6 * time.Second},
		{name: "only by LCP", modem: modemInData{data: true}, inData: true, elapsed: 3400 * time.Millisecond, change: func(p *Plan) { p.HangupMethods = []string{"terminate"} }},
		{
			name: "only by LCP, and it takes its time (HUP-02, HUP-14)", modem: modemInData{data: true}, inData: true,
			later:  []later{{after: 3 * time.Second, send: "\r\nNO CARRIER\r\n"}},
			change: func(p *Plan) { p.HangupMethods, p.TerminateWait = []string{"terminate"}, 4*time.Second },
			method: "terminate", seen: "NO CARRIER", elapsed: 3 * time.Second,
		},
		{
			name: "a carrier that means nothing", modem: modemInData{data: true, onEscape: true}, lines: &up, inData: true,
			later:  []later{{after: 100 * time.Millisecond, lines: &down}},
			change: func(p *Plan) { p.HangupMethods, p.WatchCarrier = []string{"escape"}, false },
			method: "escape", seen: "OK", elapsed: 1100 * time.Millisecond, sent: "+++|ATH",
		},
		{
			name: "commands afterwards (HUP-11)", modem: modemInData{data: true, onEscape: true}, inData: true,
			change: func(p *Plan) { p.Send.AfterHangup = []string{"ATZ", "AT+CGACT=0,{cid}"} },
			method: "escape", seen: "OK", elapsed: 1100 * time.Millisecond, sent: "+++|ATH|ATZ|AT+CGACT=0,1",
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			m := tt.modem
			f := fake{lines: tt.lines, later: tt.later, raw: m.raw, dtr: func(on bool) []later {
				if on || !m.onDTR || !m.data {
					return nil
				}
				m.data = false
				l := later{after: 100 * time.Millisecond, send: m.noCarrier}
				if tt.dcd {
					l.lines = &down
				}
				return []later{l}
			}}
			p := Defaults()
			if tt.change != nil {
				tt.change(&p)
			}
			var r HangupResult
			o := f.run(t, Hangup(p, tt.inData, &r))
			if r.Method != tt.method || r.Seen != tt.seen || (o.err == nil) != (tt.method != "") {
				t.Errorf("%+v, error %v; sent %q", r, o.err, o.sent)
			}
			if tt.method == "" && KindOf(o.err) != DataMode {
				t.Errorf("kind %q", KindOf(o.err))
			}
			if tt.method != "" && strings.Join(o.sent, "|") != tt.sent {
				t.Errorf("sent %q", o.sent)
			}
			if o.elapsed < tt.elapsed || o.elapsed > tt.elapsed+tt.elapsed/10 {
				t.Errorf("took %v, want %v", o.elapsed, tt.elapsed)
			}
			if strings.Contains(o.shown(), "secret") {
				t.Errorf("payload is shown:\n%s", o.shown())
			}
		})
	}
}

// TestRecover: a port that is in the data state when it is opened (quirk USB-14) is brought out of it while dialling.
func TestRecover(t *testing.T) {
	const stuck = "~\xff}#\xc0!})}\"} }(\x01\x02\x03\x04xx~"
	for _, tt := range []struct {
		name    string
		modem   modemInData
		kind    Kind
		elapsed time.Duration
	}{
		{"by a Terminate-Request", modemInData{data: true, onFrame: true, noCarrier: "\r\nNO CARRIER\r\n", send: stuck}, "", time.Second},
		{"by a Terminate-Request, silent", modemInData{data: true, onFrame: true, send: stuck}, "", 3 * time.Second},
		{"a silent call", modemInData{data: true, onFrame: true}, "", 6 * time.Second},
		{"by escape", modemInData{data: true, onEscape: true, send: stuck}, "", 6 * time.Second},
		{"not at all", modemInData{data: true, send: stuck}, DataMode, 12 * time.Second},
	} {
		m := tt.modem
		f := fake{raw: m.raw}
		o := f.run(t, Dial(Defaults(), nil))
		if KindOf(o.err) != tt.kind || o.elapsed > tt.elapsed {
			t.Errorf("%s: error %v after %v; sent %q", tt.name, o.err, o.elapsed, o.sent)
		}
		if tt.kind == "" && !strings.HasSuffix(m.heard, "ATD*99***1#|") {
			t.Errorf("%s: the modem heard %s", tt.name, m.heard)
		}
	}
}

package main

import (
	"archive/zip"
	"bufio"
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode/utf16"

	"golang.org/x/sys/unix"

	"github.com/knakppp/knak/core/event"
	"github.com/knakppp/knak/core/hdlc"
	"github.com/knakppp/knak/core/port"
	"github.com/knakppp/knak/core/ppp/packet"
	"github.com/knakppp/knak/core/recording/record"
)

// What is planted. None of it may be in anything that any command writes.
const (
	plantedPIN      = "73514286"
	plantedNewPIN   = "84627391"
	plantedPassword = "Zephyr-Quartz9"
	plantedContext  = "Mistral_Onyx3"
	plantedIMSI     = "262019876543210"
	plantedIMEI     = "490154203237518"
	plantedDotted   = "35.209900.176148.1"
	plantedICCID    = "8949020000012345678"
	plantedOwn      = "4915112345678"
	plantedCode     = "482913"
)

var planted = []string{
	plantedPIN, plantedNewPIN, plantedPassword, plantedContext, plantedIMSI, plantedIMEI, plantedDotted, plantedICCID, plantedOwn, plantedCode,
	"4915299988877", "4917612312312", "491722270333", "4915733344455", "493012345678", "4917188866655", "4917344433322", "4916099911122", "015208887776", "4917577711100", // who calls, is called, is in the telephone book
	"Dorfstrasse", "Johanna", "Erna", "17.23", // messages, names, an account
	"5230.5210", "01323.4550", "52.520008", "13.404954", // positions
	"01A2D003", "18D8", "5F10", // area and cell
	"Tramontana", "hvsAbcdEfgh12", "Levante-Topas4", "Poniente77", // prompts, logs, configurations
}

func inSeptets(s string) []byte {
	var out []byte
	bits, n := 0, 0
	for _, c := range []byte(s) {
		bits |= int(c&0x7f) << n
		for n += 7; n >= 8; n -= 8 {
			out = append(out, byte(bits))
			bits >>= 8
		}
	}
	if n > 0 {
		out = append(out, byte(bits))
	}
	return out
}

func swapped(digits string) string {
	if len(digits)%2 != 0 {
		digits += "F"
	}
	b := []byte(digits)
	for i := 0; i+1 < len(b); i += 2 {
		b[i], b[i+1] = b[i+1], b[i]
	}
	return string(b)
}

func ucs2(s string) string {
	var b []byte
	for _, u := range utf16.Encode([]rune(s)) {
		b = append(b, byte(u>>8), byte(u))
	}
	return strings.ToUpper(hex.EncodeToString(b))
}

// disguises are the forms in which a secret may be repeated.
func disguises(s string) []string {
	list := []string{s, hex.EncodeToString([]byte(s)), ucs2(s), base64.StdEncoding.EncodeToString([]byte(s)), hex.EncodeToString(inSeptets(s)), percent(s), fmt.Sprintf("% x", s)}
	if strings.Trim(s, "0123456789") == "" {
		list = append(list, swapped(s))
	}
	return list
}

func percent(s string) string {
	var b strings.Builder
	for _, c := range []byte(s) {
		fmt.Fprintf(&b, "%%%02X", c)
	}
	return b.String()
}

// said is a dialogue with a modem that gives away all that it can, and a peer that repeats all that it learns.
func plantedCall() (pieces []plantedPiece) {
	encoder := hdlc.NewEncoder(hdlc.DefaultConfig())
	at := func(command string, answer ...string) {
		pieces = append(pieces, plantedPiece{event.Sent, []byte(command + "\r"), command},
			plantedPiece{event.Rcvd, []byte(command + "\r\r\n"), command})
		for _, a := range answer {
			pieces = append(pieces, plantedPiece{event.Rcvd, []byte("\r\n" + a + "\r\n"), a})
		}
	}
	ppp := func(dir event.Dir, protocol uint16, code uint8, data string) {
		info := packet.Packet{Code: code, ID: 1, Data: []byte(data)}.AppendTo(nil)
		pieces = append(pieces, plantedPiece{dir, encoder.Append(nil, protocol, info), ""})
	}
	counted := func(s string) string { return string([]byte{byte(len(s))}) + s }
	at("ATZ", "OK")
	at(`AT+CPIN="`+plantedPIN+`"`, "OK")
	at(`AT+CPWD="SC","`+plantedPIN+`","`+plantedNewPIN+`"`, "OK")
	at("AT+CGMM", "E3372", "OK")
	at("ATI", "Manufacturer: huawei", "IMEI: "+plantedIMEI, "IMEI: "+plantedDotted, "+GCAP: +CGSM", "OK")
	at("AT+CIMI", plantedIMSI, "OK")
	at("AT+CGSN", plantedDotted, "OK")
	at("AT^ICCID?", "^ICCID: "+swapped(plantedICCID), "OK")
	at("AT+CRSM=176,12258,0,0,10", `+CRSM: 144,0,"`+swapped(plantedICCID)+`"`, "OK")
	at("AT+CRSM=176,28423,0,0,9", `+CRSM: 144,0,"08`+swapped("9"+plantedIMSI)+`"`, "OK")
	at("AT+CNUM", `+CNUM: "me","+`+plantedOwn+`",145`, "OK")
	at("AT+CREG?", `+CREG: 2,1,"18D8","01A2D003",7`, "OK")
	at("AT+CGREG?", `+CGREG: 2,1,5F10,01A2D003`, "OK")
	at("AT+CSQ", `+CMT: "+4915299988877",,"26/11/28,10:00:00+04"`, "Your code is "+plantedCode, "for Dorfstrasse 5", "+CSQ: 17,99", "OK")
	at("AT+CMGL=4", `+CMGL: 1,1,,24`, "07911356131313F3040C91"+swapped("491722270333")+"0000"+strings.ToUpper(hex.EncodeToString(inSeptets("code "+plantedCode))), "OK")
	at("AT+CMGR=1", `+CMGR: "REC READ","4915733344455",,"26/11/28"`, ucs2("Dorfstrasse"), "OK")
	at("AT+CUSD=1,\"*100*"+plantedPIN+"#\",15", `+CUSD: 0,"balance 17.23 EUR",15`, "OK")
	at("AT+CCFC=0,2", `+CCFC: 1,1,"+4917612312312",145`, "OK")
	at("AT+CSCA?", `+CSCA: "+491722270333",145`, "OK")
	at("AT+CPBR=1,2", `+CPBR: 1,"+493012345678",145,"Erna"`, "OK")
	at(`AT+CPBF="Erna"`, `+CPBF: 1,"493012345678",145,"Erna"`, "OK")
	at("AT+CGPSINFO", "+CGPSINFO: 5230.5210,N,01323.4550,E", "$GPGGA,101010,5230.5210,N,01323.4550,E,1", "OK")
	at("AT+QGPSLOC=2", "+QGPSLOC: 101010.0,52.520008,13.404954,1.0", "+CPOS: <lat>52.520008</lat>", "OK")
	at(`AT+VENDORLOGIN="`+plantedContext+`",`+plantedNewPIN, "+VENDORLOGIN: "+plantedContext, "OK")
	at(`AT+CGAUTH=1,2,"joe","`+plantedContext+`"`, "OK")
	at("AT+CGAUTH?", `+CGAUTH: 1,2,"joe","`+plantedContext+`"`, "OK")
	at("AT^SLCC", `^SLCC: 1,1,4,0,0,1,"4917188866655",145`, "OK")
	at("AT+CLCC", `+CLCC: 1,1,4,0,0,"4917188866655",145`, `*ECAV: 1,1,0,0,0,"4917344433322"`, `+ZCPI: 1,"4917344433322"`, "+XCALLSTAT: 1,4916099911122", "%CALL: 4916099911122", `+CSSU: 1,,"4916099911122"`, "OK")
	at("AT+COPS?", `+CLIP: "015208887776",129`, `+CNAP: "Johanna",0`, "+COPS: 0,0,\"Net\",7", "OK")
	for _, s := range []string{plantedPIN, plantedContext, plantedIMSI} {
		for _, f := range disguises(s) {
			at("AT+CEER", "+CEER: cause "+f, "OK")
		}
	}
	at("AT+CEER", "Own number is "+plantedOwn, "OK")
	at(`AT+CGDCONT=1,"IP","internet"`, "OK")
	at("ATD+4917577711100", "BUSY")
	at("ATD*99#", "CONNECT 115200")
	pieces = append(pieces, plantedPiece{event.Rcvd, []byte("\r\nlogin: "), ""}, plantedPiece{event.Sent, []byte("ppp\r"), ""},
		plantedPiece{event.Rcvd, []byte("ppp\r\nPassword: "), ""}, plantedPiece{event.Sent, []byte("Tramontana\r"), ""}, plantedPiece{event.Rcvd, []byte("\r\n"), ""})
	ppp(event.Sent, packet.LCP, packet.ConfigureRequest, "\x01\x04\x05\xdc")
	ppp(event.Rcvd, packet.LCP, packet.ConfigureAck, "\x01\x04\x05\xdc")
	ppp(event.Rcvd, packet.LCP, packet.ConfigureRequest, "\x03\x04\xc0\x23")
	ppp(event.Sent, packet.LCP, packet.ConfigureAck, "\x03\x04\xc0\x23")
	ppp(event.Sent, packet.PAP, packet.PAPRequest, counted("joe")+counted(plantedPassword))
	for _, s := range []string{plantedPassword, plantedPIN, plantedIMSI, plantedOwn} {
		for _, f := range disguises(s) {
			ppp(event.Rcvd, packet.LCP, packet.Identification, "\x01\x02\x03\x04it is "+f)
			ppp(event.Rcvd, packet.CHAP, packet.CHAPFailure, "E=691 R=0 M=no "+f)
			ppp(event.Rcvd, packet.PAP, packet.PAPNak, counted("bad: "+f))
		}
		ppp(event.Rcvd, packet.LCP, packet.Identification, "\x01\x02\x03\x04"+string(inSeptets("no "+s)))
		ppp(event.Rcvd, packet.EAP, packet.EAPRequest, "\x02try "+s)
		ppp(event.Rcvd, packet.CHAP, packet.CHAPChallenge, counted("0123456789abcdef")+s)
		ppp(event.Rcvd, packet.IPCP, packet.TerminateRequest, "of "+s)
		ppp(event.Rcvd, packet.LCP, packet.TerminateRequest, "for "+s)
	}
	pieces = append(pieces, plantedPiece{event.Rcvd, []byte("\r\nNO CARRIER\r\n"), ""})
	return pieces
}

type plantedPiece struct {
	dir  event.Dir
	data []byte
	line string // of the AT dialogue
}

// plantedFiles writes recordings of all kinds as somebody would who hides nothing.
func plantedFiles(t *testing.T, dir string) (names []string) {
	t.Helper()
	write := func(name string, b []byte) {
		name = filepath.Join(dir, name)
		if err := os.WriteFile(name, b, 0o600); err != nil {
			t.Fatal(err)
		}
		names = append(names, name)
	}
	start := time.Date(2026, 11, 28, 10, 0, 0, 0, time.UTC)
	pieces := plantedCall()
	for name, o := range map[string]record.Options{"raw.record": {Format: record.PPPD, Secrets: true}, "raw.pcapng": {Format: record.Pcapng, Secrets: true, Lines: true}} {
		e := record.NewEncoder(o)
		file := e.AppendRecord(nil, event.Record{})
		for i, p := range pieces {
			file = e.AppendBytes(file, start.Add(time.Duration(i)*time.Second), p.dir, p.data)
		}
		write(name, e.AppendEnd(file, start.Add(time.Hour)))
	}
	var chat, lines, screen, hexed bytes.Buffer
	for i, p := range pieces {
		stamp := start.Add(time.Duration(i) * time.Second)
		var e event.Event = event.AT{Dir: p.dir, Text: p.line}
		fmt.Fprintf(&hexed, "%s: %x\n", map[event.Dir]string{event.Sent: "TX", event.Rcvd: "RX"}[p.dir], p.data)
		switch {
		case p.line == "":
			continue
		case p.dir == event.Sent:
			fmt.Fprintf(&chat, "%s box chat[7]: send (%s^M)\n", stamp.Format("Jan _2 15:04:05"), p.line)
			fmt.Fprintf(&screen, "--> Sending: %s\n", p.line)
		default:
			fmt.Fprintf(&chat, "%s box chat[7]: %s^M\n", stamp.Format("Jan _2 15:04:05"), p.line)
			fmt.Fprintln(&screen, p.line)
		}
		b, err := event.Record{Time: stamp, Link: "home", Event: e}.AppendJSON(nil)
		if err != nil {
			t.Fatal(err)
		}
		lines.Write(append(b, '\n'))
	}
	for _, s := range []string{plantedPIN, plantedContext, plantedPassword} { // the last is known by what stands before it
		for _, e := range []event.Event{
			event.Log{Program: "pppd", Text: "password=" + s}, event.Notice{Level: "info", Text: "it says " + s}, event.Failure{Phase: s, Cause: s, Detail: "no " + s}, event.Text{Text: s},
			event.State{Protocol: s, From: s, To: s, Cause: s}, event.Decision{Protocol: s, Point: s, Intent: s, Verdict: s, By: s}, event.Phase{Phase: s}, event.Probe{Target: s, How: s, Result: s},
			event.Device{Port: s, Vendor: s, Model: s, Firmware: s, USB: s, Profile: s}, event.Up{Interface: s, Plane: s, Local: s, Peer: s, DNS: []string{s}, WINS: []string{s}, IPv6: s},
			event.Finding{ID: s, Category: s, Confidence: s, Title: s, Evidence: []string{s}, Meaning: s, Cure: []string{s}}, event.Quirk{Key: s, Value: s, Source: s, Reason: s},
			event.Registration{State: s, Signal: s}, event.Unread{Text: s, Reason: s}, event.Attempt{Reason: s}, event.Down{Reason: s},
		} {
			b, err := event.Record{Time: start.Add(time.Hour), Event: e}.AppendJSON(nil)
			if err != nil {
				t.Fatal(err)
			}
			lines.Write(append(b, '\n'))
		}
	}
	fmt.Fprintf(&chat, "Nov 28 11:00:00 box pppd[8]: password=hvsAbcdEfgh12\nNov 28 11:00:01 box pppd[8]: PAP authentication failed: hvsAbcdEfgh12\n")
	fmt.Fprintf(&chat, "Nov 28 11:00:02 box NetworkManager[9]: secret: \"Levante-Topas4\"\nNov 28 11:00:02 box wvdial[9]: Password = Poniente77\n")
	write("chat.log", chat.Bytes())
	write("wvdial.log", screen.Bytes())
	write("events.jsonl", lines.Bytes())
	write("frames.log", hexed.Bytes())
	return names
}

// leaks looks for what is planted in something that a command wrote.
func leaks(t *testing.T, what string, b []byte) {
	t.Helper()
	if z, err := zip.NewReader(bytes.NewReader(b), int64(len(b))); err == nil {
		for _, f := range z.File {
			r, err := f.Open()
			if err != nil {
				t.Fatal(err)
			}
			inside, err := io.ReadAll(r)
			if err != nil {
				t.Fatal(err)
			}
			leaks(t, what+": "+f.Name, inside)
		}
		return
	}
	low := strings.ToLower(string(b))
	for _, s := range planted {
		for _, form := range disguises(s) {
			if len(form) < 5 && form != s {
				continue
			}
			if i := place(low, strings.ToLower(form)); i >= 0 {
				t.Errorf("%s: %s as %s in …%q…", what, s, form, b[max(0, i-60):min(len(b), i+len(form)+20)])
				break
			}
		}
	}
}

// place says where form stands in text, -1 if nowhere. Four digits stand by chance among the many of a challenge, a magic number
// or a time, which are new in every call: with such beside them they are not what was planted.
func place(text, form string) int {
	const digits = "0123456789abcdef"
	beside := func(i int) bool { return i >= 0 && i < len(text) && strings.IndexByte(digits, text[i]) >= 0 }
	for from := 0; ; {
		i := strings.Index(text[from:], form)
		if i < 0 {
			return -1
		}
		if i += from; len(form) > 5 || strings.Trim(form, digits+".") != "" || !beside(i-1) && !beside(i+len(form)) {
			return i
		}
		from = i + 1
	}
}

func TestPlace(t *testing.T) {
	for _, c := range []struct {
		text, form string
		want       int
	}{
		{`+creg: 2,1,"18d8"`, "18d8", 12}, {"18d8", "18d8", 0}, {"lac:18d8, cell 1", "18d8", 4}, {"x18d8y", "18d8", 1}, {"f18d8 18d8", "18d8", 6},
		{"<9a5dec98d0af227318d8da372a3d86a6>", "18d8", -1}, {"magic 0x118d8", "18d8", -1},
		{"17.23 eur", "17.23", 0}, {"10:05:17.231234z", "17.23", -1}, {"9a482913f", "482913", 2},
	} {
		if got := place(c.text, c.form); got != c.want {
			t.Errorf("%s in %s: %d, want %d", c.form, c.text, got, c.want)
		}
	}
}

// No command shows or writes what a recording holds of secrets and identities, whoever made the recording, and in whatever
// form they stand in it.
func TestNothingPlantedIsShown(t *testing.T) {
	if testing.Short() {
		t.Skip("it runs every command that reads recordings on every kind of recording")
	}
	t.Setenv("HOME", t.TempDir())
	in, out := t.TempDir(), t.TempDir()
	files := plantedFiles(t, in)
	for i, name := range files {
		base := filepath.Join(out, fmt.Sprint(i))
		for _, args := range [][]string{
			{"decode", name}, {"decode", "--json", name}, {"decode", "--hex", name}, {"decode", "--ladder", name}, {"diagnose", name}, {"diagnose", "--json", name}, {"diagnose", "-v", name},
			{"report", name, "-o", base + ".html"}, {"report", name, "--bundle", base + ".zip"}, {"compare", name, files[(i+1)%len(files)], "--all"}, {"compare", name, name, "--json"},
			{"mimic", name, "--call", "1", "-o", base + ".toml"}, {"mimic", "--modem", name, "-o", base + ".sim.toml"},
			{"quirks", "new", "acme/m1", "--from-trace", name, "--out", base + "-new"},
		} {
			var stdout, stderr bytes.Buffer
			status := run(t.Context(), args, strings.NewReader(""), &stdout, &stderr)
			if status == 2 {
				t.Errorf("%v: %s", args, stderr.String())
			}
			what := strings.Join(args, " ")
			leaks(t, what, stdout.Bytes())
			leaks(t, what+" (standard error)", stderr.Bytes())
		}
	}
	for _, args := range [][]string{{"diagnose", "--summary", in}, {"diagnose", "--json", in}} {
		var both bytes.Buffer
		if status := run(t.Context(), args, strings.NewReader(""), &both, &both); status == 2 {
			t.Errorf("%v: %s", args, both.String())
		}
		leaks(t, strings.Join(args, " "), both.Bytes())
	}
	count := 0
	err := filepath.WalkDir(out, func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		count++
		b, err := os.ReadFile(name)
		leaks(t, filepath.Base(name), b)
		return err
	})
	if err != nil || count < len(files)*2 {
		t.Errorf("%d files were written: %v", count, err)
	}
}

// The same of knak's own dial: a modem and a peer that repeat what they are told in every form, and tell what nobody asked.
func TestNothingPlantedIsShownOfADial(t *testing.T) {
	t.Setenv("HOME", t.TempDir())
	dir := t.TempDir()
	file := func(name, text string) string {
		name = filepath.Join(dir, name)
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return name
	}
	program, err := os.Executable() // which is knak by that name (testscript.Main): a dial gives up rights of its process
	if err != nil {
		t.Fatal(err)
	}
	pin, password := file("pin", plantedPIN+"\n"), file("password", plantedPassword+"\n")
	for _, demand := range []string{"pap", "chap-md5", "mschap-v2"} {
		var s strings.Builder
		fmt.Fprintf(&s, "schema = 1\nsummary = \"A modem that repeats everything\"\n[sim]\nstate = \"pin\"\npin = %q\n[[at.reply]]\ncommand = \"AT+CIMI\"\nlines = [%q]\n", plantedPIN, plantedIMSI)
		for _, urc := range []string{`+CMT: "+4915299988877",,"26/11/28,10:00:00+04"`, "Your code is " + plantedCode, `+CLIP: "015208887776",129`, `+CREG: 1,"18D8","01A2D003"`, "+CPOS: 52.520008", "IMEI: " + plantedDotted} {
			fmt.Fprintf(&s, "[[at.urc]]\ntext = %q\nafter = \"50ms\"\n", urc)
		}
		var echoes []string
		for _, form := range disguises(plantedPIN) {
			echoes = append(echoes, fmt.Sprintf("%q", "+CEER: was "+form), fmt.Sprintf("%q", "+CSQ: 17,99"))
		}
		fmt.Fprintf(&s, "[[at.reply]]\ncommand = \"AT+CSQ*\"\nlines = [%s]\n[[at.reply]]\ncommand = \"AT+CGMR*\"\nlines = [%q]\n", strings.Join(echoes, ", "), "11."+plantedPIN)
		fmt.Fprintf(&s, "[auth]\ndemand = %q\naccept = \"none\"\nname = %q\nmessage = %q\n", demand, "at "+plantedPassword, strings.Join(disguises(plantedPassword), " "))
		scenario := file(demand+".sim.toml", s.String())
		for _, args := range [][]string{
			{"--json", "--record", filepath.Join(dir, demand+".pcapng")}, {"-v", "--record", filepath.Join(dir, demand+".record")},
			{"--record", filepath.Join(dir, demand+"-again.record")}, {"--log-format", "journal", "-vv"}, {"--log-format", "json"},
		} {
			var stdout, stderr bytes.Buffer
			cmd := exec.CommandContext(t.Context(), program)
			cmd.Args = append([]string{"knak", "dial", "--sim", scenario, "--plane", "none", "--once", "--user", "joe", "--password-file", password, "--pin-file", pin, "--max-attempts", "1"}, args...)
			cmd.Stdout, cmd.Stderr = &stdout, &stderr
			_ = cmd.Run() // the peer refuses the password
			status := cmd.ProcessState.ExitCode()
			if status == 2 || stdout.Len()+stderr.Len() < 200 {
				t.Fatalf("%s: status %d: %s%s", demand, status, stdout.String(), stderr.String())
			}
			leaks(t, "dial "+strings.Join(args, " "), stdout.Bytes())
			leaks(t, "dial (standard error) "+strings.Join(args, " "), stderr.Bytes())
		}
	}
	recordings, err := filepath.Glob(filepath.Join(dir, "*.[pr]*"))
	if err != nil || len(recordings) < 6 {
		t.Fatalf("%v, %v", recordings, err)
	}
	for _, name := range recordings {
		b, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		leaks(t, filepath.Base(name), b)
	}
}

// The same of what passes between another dialer and the modem: shown while it passes, and recorded.
func TestNothingPlantedIsShownOfATap(t *testing.T) {
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ file, flag string }{{"tapped.pcapng", "-v"}, {"tapped.record", "--json"}} {
		t.Run(c.file, func(t *testing.T) {
			dir := t.TempDir()
			modem, path, err := port.OpenPTY()
			if err != nil {
				t.Fatal(err)
			}
			defer modem.Close()
			through, file := filepath.Join(dir, "terminal"), filepath.Join(dir, c.file)
			cmd := exec.CommandContext(t.Context(), program)
			cmd.Args = []string{"knak", "record", path, "--through", through, "-o", file, c.flag}
			var stderr bytes.Buffer
			cmd.Stderr = &stderr
			stdout, err := cmd.StdoutPipe()
			if err != nil {
				t.Fatal(err)
			}
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			out := bufio.NewReader(stdout)
			first, err := out.ReadString('\n')
			if err != nil {
				t.Fatalf("%v: %s", err, stderr.String())
			}
			dialer, err := os.OpenFile(through, os.O_RDWR|unix.O_NOCTTY, 0)
			if err != nil {
				t.Fatal(err)
			}
			defer dialer.Close()
			for _, p := range plantedCall() { // each is through before the next comes, so that they keep their order
				from, to := io.ReadWriter(modem), io.ReadWriter(dialer)
				if p.dir == event.Sent {
					from, to = to, from
				}
				if _, err := from.Write(p.data); err != nil {
					t.Fatal(err)
				}
				if _, err := io.ReadFull(to, make([]byte, len(p.data))); err != nil {
					t.Fatal(err)
				}
			}
			if err := cmd.Process.Signal(os.Interrupt); err != nil {
				t.Fatal(err)
			}
			rest, err := io.ReadAll(out)
			if err != nil {
				t.Fatal(err)
			}
			if err := cmd.Wait(); err != nil {
				t.Fatalf("%v: %s", err, stderr.String())
			}
			recorded, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if shown := len(rest) + stderr.Len(); shown < 10_000 || len(recorded) < 10_000 {
				t.Errorf("%d octets shown and %d recorded of a call of %d pieces", shown, len(recorded), len(plantedCall()))
			}
			leaks(t, "standard output", append([]byte(first), rest...))
			leaks(t, "standard error", stderr.Bytes())
			leaks(t, c.file, recorded)
		})
	}
}

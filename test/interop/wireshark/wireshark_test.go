// Package wireshark holds knak's recordings against Wireshark: tshark reads the file and must see in each frame what knak
// itself reads back.
package wireshark

import (
	"bytes"
	"encoding/hex"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/knakppp/knak"
	"github.com/knakppp/knak/core/event"
	"github.com/knakppp/knak/core/link"
	"github.com/knakppp/knak/core/link/simulate"
	"github.com/knakppp/knak/core/notation"
	"github.com/knakppp/knak/core/ppp/auth"
	"github.com/knakppp/knak/core/ppp/packet"
	"github.com/knakppp/knak/core/recording/read"
	"github.com/knakppp/knak/core/recording/record"
	"github.com/knakppp/knak/core/sim"
	"github.com/knakppp/knak/quirks"
)

// recording dials every scenario and records all of the calls into one file.
func recording(t *testing.T) []byte {
	t.Helper()
	db, problems := quirks.Open(quirks.Sources{Builtin: knak.Files})
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	e := record.NewEncoder(record.Options{Program: "knak", Port: "sim"})
	var file []byte
	now := time.Date(2026, 3, 1, 12, 0, 0, 123456789, time.UTC)
	for _, name := range sim.Names(knak.Files) {
		s, err := sim.Load(knak.Files, name)
		if err != nil {
			t.Fatal(err)
		}
		r, err := db.Resolve(quirks.Facts{}, "", nil)
		if err != nil {
			t.Fatal(err)
		}
		done := simulate.World{Tap: func(now time.Time, dir event.Dir, p []byte) { file = e.AppendBytes(file, now, dir, p) }}.Run(link.Config{
			Name: "test", Once: true, Timeout: time.Minute, Password: auth.NewSecret("hidden-word"),
			Resolve: func(link.Facts) (link.Selection, error) { return link.Selection{Policy: r}, nil },
			Random:  rand.NewChaCha8([32]byte{}),
		}, sim.New(s, 1), now, 2*time.Minute)
		for _, r := range done.Records {
			file = e.AppendRecord(file, r)
		}
		now = now.Add(time.Hour)
	}
	return e.AppendEnd(file, now)
}

// seen is what a reader makes of one frame, and the words that it has for the numbers.
type seen struct {
	dir      event.Dir
	protocol uint16
	code, id int   // -1: a packet of no control protocol
	options  []int // of a Configure packet that is sound
	words    map[string]string
}

func (s seen) String() string {
	return fmt.Sprintf("%v %04x code %d id %d options %v", s.dir, s.protocol, s.code, s.id, s.options)
}

// knakSees reads the file with knak.
func knakSees(t *testing.T, file []byte) (frames []seen, dialogue []string, notes int) {
	t.Helper()
	r, err := read.Open(bytes.NewReader(file), read.Options{Raw: true})
	if err != nil {
		t.Fatal(err)
	}
	for rec, err := range read.All(r) {
		if err != nil {
			t.Fatal(err)
		}
		switch e := rec.Event.(type) {
		case event.AT:
			dialogue = append(dialogue, e.Text)
		case event.Data:
			frames = append(frames, seen{dir: e.Dir, protocol: e.Protocol, code: -1, id: -1})
		case event.Packet:
			s := seen{dir: e.Dir, protocol: e.Protocol, code: -1, id: -1}
			if c, ok := e.Control(); ok {
				s.code, s.id = int(c.Code), int(c.ID)
				s.words = map[string]string{"code": packet.CodeName(e.Protocol, c.Code), "protocol": packet.ProtocolName(e.Protocol)}
				for _, o := range e.Options() {
					s.options = append(s.options, int(o.Type))
					word, _, _ := strings.Cut(notation.OptionText(e.Protocol, o), " ")
					s.words["option "+strconv.Itoa(int(o.Type))] = word
				}
			}
			frames = append(frames, s)
		default:
			notes++
		}
	}
	return frames, dialogue, notes
}

// named is Wireshark's way to show a number: its name, and the number in brackets.
var named = regexp.MustCompile(`^[A-Za-z]+: (.*) \((?:0x[0-9a-f]+|[0-9]+)\)$`)

// tsharkSees reads the file with tshark, as PDML.
func tsharkSees(t *testing.T, name string) (frames []seen, dialogue []string, notes int) {
	t.Helper()
	cmd := exec.Command("tshark", "-r", name, "-n", "-T", "pdml")
	var errs bytes.Buffer
	cmd.Stderr = &errs
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var s seen
	var exported, at bool
	var payload string
	d := xml.NewDecoder(out)
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		switch e := token.(type) {
		case xml.StartElement:
			a := map[string]string{}
			for _, v := range e.Attr {
				a[v.Name.Local] = v.Value
			}
			name := a["name"]
			number, word := -1, ""
			if n, err := strconv.ParseInt(a["value"], 16, 64); err == nil {
				number = int(n)
			}
			if m := named.FindStringSubmatch(a["showname"]); m != nil {
				word = m[1]
			}
			switch {
			case e.Name.Local == "packet":
				s, exported, at = seen{code: -1, id: -1, words: map[string]string{}}, false, false
			case name == "exported_pdu":
				exported = true
			case name == "at" && e.Name.Local == "proto":
				at = true
			case name == "exported_pdu.exported_pdu":
				payload = a["value"]
			case name == "ppp.direction" && a["show"] == "1":
				s.dir = event.Rcvd
			case name == "ppp.protocol" && s.protocol == 0:
				s.protocol, s.words["protocol"] = uint16(number), word
			case s.code < 0 && (name == "ppp.code" || name == "chap.code" || name == "pap.code" || name == "eap.code"):
				s.code, s.words["code"] = number, word
			case (strings.HasSuffix(name, ".identifier") || name == "eap.id") && s.id < 0 && s.code >= 0:
				s.id = number
			case strings.HasSuffix(name, ".opt.type") && s.code >= 1 && s.code <= 4 && (s.protocol&0xc000 == 0x8000 || s.protocol == packet.LCP):
				s.options = append(s.options, number)
				s.words["option "+strconv.Itoa(number)] = word
			}
		case xml.EndElement:
			switch {
			case e.Name.Local != "packet":
			case at:
				text, err := hex.DecodeString(payload)
				if err != nil {
					t.Fatal(err)
				}
				dialogue = append(dialogue, string(text))
			case exported:
				notes++
			default:
				frames = append(frames, s)
			}
		}
	}
	if err := cmd.Wait(); err != nil {
		t.Fatalf("tshark: %v\n%s", err, errs.Bytes())
	}
	return frames, dialogue, notes
}

// wiresharkWords are Wireshark's names for pppd's words. What it has none for, as for the option 144 that a scenario makes
// up, is not here.
var wiresharkWords = map[string]string{
	"LCP": "Link Control Protocol", "IPCP": "Internet Protocol Control Protocol", "IPV6CP": "IPv6 Control Protocol",
	"PAP": "Password Authentication Protocol", "CHAP": "Challenge Handshake Authentication Protocol", "EAP": "Extensible Authentication Protocol",
	"ConfReq": "Configuration Request", "ConfAck": "Configuration Ack", "ConfNak": "Configuration Nak", "ConfRej": "Configuration Reject",
	"TermReq": "Termination Request", "TermAck": "Termination Ack", "ProtRej": "Protocol Reject", "EchoReq": "Echo Request", "EchoRep": "Echo Reply",
	"DiscReq": "Discard Request", "AuthReq": "Authenticate-Request", "AuthAck": "Authenticate-Ack", "AuthNak": "Authenticate-Nak",
	"Challenge": "Challenge", "Response": "Response", "Success": "Success", "Failure": "Failure", "Request": "Request",
	"mru": "Maximum Receive Unit", "asyncmap": "Async Control Character Map", "auth": "Authentication Protocol", "magic": "Magic Number",
	"pcomp": "Protocol Field Compression", "accomp": "Address and Control Field Compression",
	"addr": "IP Address", "addrs": "IP Addresses (deprecated)", "ms-dns1": "Primary DNS Server IP Address", "ms-dns2": "Secondary DNS Server IP Address",
	"8021 ms-wins 130": "Primary NBNS Server IP Address", "8021 ms-wins 132": "Secondary NBNS Server IP Address", "8057 addr 1": "Interface Identifier",
}

// wiresharkWord is Wireshark's name for a word of knak's, "" where it has none.
func wiresharkWord(protocol uint16, what, word string) string {
	option := strings.TrimPrefix(what, "option ")
	if name := wiresharkWords[fmt.Sprintf("%04x %s %s", protocol, word, option)]; name != "" {
		return name
	}
	return wiresharkWords[word]
}

// TestWiresharkReadsARecording: all scenarios' calls in one file. Frame by frame Wireshark sees the same direction, protocol,
// code, identifier and options as knak, and has the same names for them; the AT dialogue and the events stand between.
func TestWiresharkReadsARecording(t *testing.T) {
	if _, err := exec.LookPath("tshark"); err != nil {
		t.Skip("SKIPPED: Wireshark on knak's recordings: there is no tshark. Get it with: apt-get install --no-install-recommends tshark")
	}
	file := recording(t)
	name := filepath.Join(t.TempDir(), "all.pcapng")
	if err := os.WriteFile(name, file, 0o600); err != nil {
		t.Fatal(err)
	}
	want, wantDialogue, wantNotes := knakSees(t, file)
	got, dialogue, notes := tsharkSees(t, name)
	t.Logf("%d octets: %d frames, %d lines of the AT dialogue, %d other events", len(file), len(want), len(wantDialogue), wantNotes)
	if len(want) < 1000 || len(got) != len(want) || len(dialogue) != len(wantDialogue) || notes != wantNotes {
		t.Fatalf("tshark sees %d frames, %d lines and %d events; knak %d, %d and %d", len(got), len(dialogue), notes, len(want), len(wantDialogue), wantNotes)
	}
	if a, b := strings.Join(dialogue, "\n"), strings.Join(wantDialogue, "\n"); a != b {
		t.Errorf("tshark's AT dialogue:\n%s\nknak's:\n%s", a, b)
	}
	for i, w := range want {
		g := got[i]
		known := w.options[:0]
		for _, o := range w.options {
			what := "option " + strconv.Itoa(o)
			if wiresharkWord(w.protocol, what, w.words[what]) != "" {
				known = append(known, o)
			} else {
				delete(w.words, what)
			}
		}
		if w.options == nil {
			g.options = nil // knak gives none of a packet that is not sound
		}
		w.options = known
		if g.String() != w.String() {
			t.Errorf("frame %d: tshark sees %v, knak %v", i, g, w)
			continue
		}
		for what, word := range w.words {
			if name := wiresharkWord(w.protocol, what, word); name != g.words[what] {
				t.Errorf("frame %d: %s %q is %q for tshark, want %q", i, what, word, g.words[what], name)
			}
		}
	}
}

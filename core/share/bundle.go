package share

import (
	"archive/zip"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/knakppp/knak/core/event"
	"github.com/knakppp/knak/core/private"
	"github.com/knakppp/knak/core/show/report"
)

// Facts describe the program, the system and the recording of an archive. They hold no name of the machine or of a person.
type Facts struct {
	Knak    string `json:"knak"`    // knak's version
	System  string `json:"system"`  // operating system and architecture
	Kernel  string `json:"kernel"`  // the kernel's release, for example "6.1.0"
	Format  string `json:"format"`  // the format of the recording
	Bytes   int64  `json:"bytes"`   // the size of the recording, in octets
	Unread  int64  `json:"unread"`  // octets of the recording that were not understood
	Records int64  `json:"records"` // events in the recording
}

// Writer writes an archive: Record adds a record, Close writes the rest.
type Writer struct {
	zip       *zip.Writer
	events    io.Writer
	json      []byte
	mask      *private.Mask
	collector *report.Collector
	device    *event.Device
	capture   *captureFile
	made      time.Time
	err       error
}

// NewWriter begins a ZIP archive. made becomes the time of the files in it. words are those of private.NewMask: words that need no mask because they
// are the same for everybody.
func NewWriter(w io.Writer, made time.Time, words ...string) *Writer {
	b := &Writer{zip: zip.NewWriter(w), mask: private.NewMask(words...), collector: report.NewCollector(0), made: made}
	b.capture, b.err = newCaptureFile()
	b.events = b.create("events.jsonl")
	return b
}

func (b *Writer) create(name string) io.Writer {
	if b.err != nil {
		return io.Discard
	}
	w, err := b.zip.CreateHeader(&zip.FileHeader{Name: name, Method: zip.Deflate, Modified: b.made})
	if err != nil {
		b.err = err
		return io.Discard
	}
	return w
}

// Record masks a record as it was read, and adds it. Close returns the first error.
func (b *Writer) Record(r event.Record) {
	if b.err != nil {
		return
	}
	r = b.mask.Record(r)
	if d, ok := r.Event.(event.Device); ok {
		b.device = &d
	}
	b.collector.Record(r)
	b.capture.Record(r)
	if b.json, b.err = r.AppendJSON(b.json[:0]); b.err == nil {
		_, b.err = b.events.Write(append(b.json, '\n'))
	}
}

// Close writes the findings, the verdict, the facts, the page and the other files of the archive.
func (b *Writer) Close(findings []event.Finding, j report.Judgement, facts Facts) error {
	if b.capture != nil {
		defer b.capture.file.Close()
	}
	masked := make([]event.Finding, len(findings))
	for i, f := range findings {
		masked[i] = b.mask.Finding(f)
	}
	if len(masked) > 0 {
		j.Sentence = masked[0].Title // it may say whose answer it was
	}
	b.writeJSON("findings.json", masked)
	b.writeJSON("facts.json", struct {
		Facts
		Device   *event.Device  `json:"device"`
		Replaced map[string]int `json:"replaced"`
	}{facts, b.device, b.mask.Replaced()})
	if w := b.create("recording.pcapng"); b.err == nil {
		b.err = b.capture.copyTo(w)
	}
	page := report.Page{
		Calls: []report.Call{{Title: "shared recording", Source: facts.Format, Judgement: j, Ladder: b.collector.Ladder(masked)}}, Version: facts.Knak, Made: b.made,
	}
	if w := b.create("report.html"); b.err == nil {
		b.err = page.HTML(w)
	}
	if w := b.create("README.txt"); b.err == nil {
		_, b.err = io.WriteString(w, b.readme())
	}
	if b.err != nil {
		return b.err
	}
	return b.zip.Close()
}

func (b *Writer) writeJSON(name string, v any) {
	w := b.create(name)
	if b.err != nil {
		return
	}
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	e.SetEscapeHTML(false)
	b.err = e.Encode(v)
}

func (b *Writer) readme() string {
	var s strings.Builder
	s.WriteString(`A recording of a PPP call, made to be shared.

report.html       the call as a picture: open it in a browser
events.jsonl      every event, one JSON object a line: knak decode, knak diagnose and knak compare read it
findings.json     what knak makes of it
facts.json        versions, the modem, how much was read and replaced
recording.pcapng  the packets: Wireshark opens it, and so does every command of knak's that reads recordings

Replaced, the same by the same: addresses (private ones by private ones), telephone and other long numbers, user names and
what the other side calls itself, hardware addresses, unusual ports, words that knak does not know. Hidden: passwords,
responses, IMSI, IMEI, ICCID, messages, positions, and what of the AT dialogue is not known to be harmless. Left out: lines
that were not understood, the name of the link, the file that was read. Shown: the modem's names and firmware, the APN, the
names of networks, and logins that are the same for everybody, such as guest.

`)
	kinds := make([]string, 0, len(b.mask.Replaced()))
	for k, n := range b.mask.Replaced() {
		kinds = append(kinds, fmt.Sprintf("%d %s", n, k))
	}
	slices.Sort(kinds)
	if len(kinds) > 0 {
		s.WriteString("Replaced in this recording: " + strings.Join(kinds, ", ") + ".\n")
	}
	return s.String()
}

// Kernel gives the release of the running kernel, or "" if it cannot be read.
func Kernel() string {
	b, err := os.ReadFile("/proc/sys/kernel/osrelease")
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(b))
}

package browser

import (
	"archive/zip"
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/knakppp/knak/core/event"
	"github.com/knakppp/knak/core/link/linktest"
	"github.com/knakppp/knak/core/survey"
)

// most is how large the page may be when it is sent, in octets.
const most = 2_500_000

// webPage makes the page and gives its path.
func webPage(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "index.html")
	out, err := exec.Command("go", "run", "../../core/show/web/build", "-o", path).CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return path
}

// pppdLog is pppd's log of a call to a modem that answers every request for an address with the same Configure-Nak, and so for
// about size octets.
func pppdLog(size int) []byte {
	var b bytes.Buffer
	at := time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)
	line := func(format string, args ...any) {
		fmt.Fprintf(&b, "%s gw pppd[812]: %s\n", at.Format(time.Stamp), fmt.Sprintf(format, args...))
	}
	line("Serial connection established.")
	line("Using interface ppp0")
	line("Connect: ppp0 <--> /dev/ttyUSB0")
	line("sent [LCP ConfReq id=0x1 <asyncmap 0x0> <magic 0x1a2b3c4d> <pcomp> <accomp>]")
	line("rcvd [LCP ConfReq id=0x1 <asyncmap 0x0> <auth pap> <magic 0x5e6f7a8b> <pcomp> <accomp>]")
	line("sent [LCP ConfAck id=0x1 <asyncmap 0x0> <auth pap> <magic 0x5e6f7a8b> <pcomp> <accomp>]")
	line("rcvd [LCP ConfAck id=0x1 <asyncmap 0x0> <magic 0x1a2b3c4d> <pcomp> <accomp>]")
	line(`sent [PAP AuthReq id=0x1 user="subscriber-7" password=<hidden>]`)
	line(`rcvd [PAP AuthAck id=0x1 ""]`)
	line("PAP authentication succeeded")
	for id := 1; b.Len() < size; id++ {
		at = at.Add(time.Second)
		line("sent [IPCP ConfReq id=0x%x <addr 0.0.0.0> <ms-dns1 0.0.0.0> <ms-dns2 0.0.0.0>]", id%256)
		line("rcvd [IPCP ConfNak id=0x%x <ms-dns1 10.11.12.13> <ms-dns2 10.11.12.14>]", id%256)
	}
	line("IPCP: timeout sending Config-Requests")
	line("Connection terminated.")
	return b.Bytes()
}

// recording is a simulated call as knak records it.
func recording(t *testing.T, profile string, set ...string) []byte {
	t.Helper()
	var b bytes.Buffer
	w := event.NewJSONWriter(&b)
	for _, r := range (linktest.Call{Scenario: "huawei/e398", Profile: profile, Set: set}).Records(t) {
		w.Record(r)
	}
	return b.Bytes()
}

func write(t *testing.T, dir, name string, content []byte) string {
	t.Helper()
	path := filepath.Join(dir, name)
	if err := os.WriteFile(path, content, 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

// zipped puts a file into a zip.
func zipped(t *testing.T, name string, content []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	w, err := z.Create(name)
	if err == nil {
		_, err = w.Write(content)
	}
	if err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// acme is a format of one's own.
const acme = `name = "acme"
title = "log of Acme"
marks = ["ACME:"]
[[line]]
is = ["ACME: got {protocol} {code} nr {id}: {reason}"]
kind = "packet"
dir = "rcvd"
[[example]]
log = "ACME: got PAP AuthNak nr 7: no"
gives = ["rcvd [PAP AuthNak id=0x7 \"no\"]"]
`

// drop drops files on an element, as a hand does.
func (b *browser) drop(selector string, paths ...string) {
	b.t.Helper()
	var at []float64
	b.call("POST", "/execute/sync", map[string]any{"args": []any{}, "script": `const e = document.querySelector("` + selector + `");
		e.scrollIntoView({ block: "center" }); const r = e.getBoundingClientRect(); return [r.x + r.width / 2, r.y + r.height / 2]`}, &at)
	for _, kind := range []string{"dragEnter", "dragOver", "drop"} {
		b.devtools("Input.dispatchDragEvent", map[string]any{"type": kind, "x": at[0], "y": at[1],
			"data": map[string]any{"items": []any{}, "files": paths, "dragOperationsMask": 1}})
	}
}

func (b *browser) status() string {
	b.t.Helper()
	return b.text(`return document.getElementById("status").textContent`)
}

// says waits until the page says something.
func (b *browser) says(text string) {
	b.t.Helper()
	limit := time.Now().Add(3 * time.Minute)
	for !strings.Contains(b.status(), text) {
		if time.Now().After(limit) {
			b.t.Fatalf("the page says %q, not %q", b.status(), text)
		}
		time.Sleep(10 * time.Millisecond)
	}
}

// list is what the page lists of what was read, one a line.
func (b *browser) list() string {
	b.t.Helper()
	return b.text(`return [...document.querySelectorAll("#list label")].map((e) => e.textContent).join("\n")`)
}

func (b *browser) forget() {
	b.t.Helper()
	b.click("#forget")
	b.says("All is forgotten.")
}

// TestWeb gives the page for browsers what people have, and what nobody should.
func TestWeb(t *testing.T) {
	b := open(t, 1200, 1000)
	path, dir, saved := webPage(t), t.TempDir(), t.TempDir()
	page, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var packed bytes.Buffer
	z, _ := gzip.NewWriterLevel(&packed, gzip.BestCompression) // it is a level
	_, err = z.Write(page)
	if err != nil || z.Close() != nil || packed.Len() > most {
		t.Errorf("the page has %d octets when it is packed, want at most %d (%v)", packed.Len(), most, err)
	}
	t.Logf("the page has %d octets, %d packed", len(page), packed.Len())
	b.devtools("Browser.setDownloadBehavior", map[string]any{"behavior": "allow", "downloadPath": saved})
	bad, good := write(t, dir, "bad.jsonl", recording(t, "", "auth.user=hans-7", "auth.try_blank=false")), write(t, dir, "good.jsonl", recording(t, "huawei/e398"))
	title := call(t, "bad", "", "auth.user=hans-7", "auth.try_blank=false").Sentence
	b.visit(path)
	run := func(name string, f func(t *testing.T)) {
		t.Run(name, func(t *testing.T) {
			b.t = t
			f(t)
		})
		b.t = t
	}

	run("a verdict, soon", func(t *testing.T) {
		log := write(t, dir, "pppd.log", pppdLog(100_000))
		b.text(`window.dropped = 0; addEventListener("drop", () => { dropped = performance.now(); }, true);
			new MutationObserver((_, o) => { if (document.getElementById("status").textContent.startsWith("pppd.log: ")) { window.took = performance.now() - dropped; o.disconnect(); } })
				.observe(document.getElementById("status"), { childList: true })`)
		b.drop("#drop", log)
		b.says("pppd.log: ")
		took, err := strconv.ParseFloat(b.text(`return window.took`), 64)
		t.Logf("%.0f ms after the drop: %s", took, b.status())
		if err != nil || took > 5000 { // 1500 is what is wanted of a machine that does nothing else
			t.Errorf("the verdict came after %v ms (%v)", took, err)
		}
		until(t, "the report", func() bool { return b.shown("#report svg .row") > 100 })
		if s := b.text(`return document.querySelector("#report .verdict").textContent`); !strings.HasSuffix(b.status(), s) || s == "" {
			t.Errorf("the page says %q, the report %q", b.status(), s)
		}
		b.click("#report svg .row.g-ipcp")
		if s := b.text(`return document.querySelector("#report #detail").textContent`); !strings.Contains(s, "IPCP Conf") {
			t.Errorf("a packet tells of itself %q", s)
		}
		b.click("#report #detail button")
		b.text("scrollTo(0, 0)")
		b.screenshot("web-desk.png")
		b.forget()
		if b.shown("#report *") != 0 || b.shown("#read") != 0 {
			t.Error("something is left")
		}
	})

	run("two are compared", func(t *testing.T) {
		b.drop("#drop", bad, good)
		until(t, "two ladders", func() bool { return b.shown("#report svg") == 2 })
		if s := b.text(`return document.querySelector("#report h2").textContent`); s != "What differs" {
			t.Errorf("on top stands %q", s)
		}
		if s := b.list(); !strings.Contains(s, "bad.jsonl: "+title) || !strings.Contains(s, "good.jsonl: Nothing is wrong") {
			t.Errorf("listed is %q", s)
		}
		b.click("#list li:nth-child(2) input") // the good one goes
		until(t, "one ladder", func() bool { return b.shown("#report svg") == 1 })
		b.says("bad.jsonl: " + title)
	})

	run("what is saved", func(t *testing.T) {
		b.click("#save")
		b.says("Saved as bad-report.html")
		b.click("#list li:nth-child(1) button")
		b.says("Saved as bad-masked.zip")
		for _, name := range []string{"bad-report.html", "bad-masked.zip"} {
			until(t, name, func() bool { _, err := os.Stat(filepath.Join(saved, name)); return err == nil })
		}
		html, err := os.ReadFile(filepath.Join(saved, "bad-report.html"))
		if err != nil || !bytes.Contains(html, []byte(title)) || !bytes.Contains(html, []byte("Content-Security-Policy")) {
			t.Errorf("the report has %d octets (%v)", len(html), err)
		}
		z, err := zip.OpenReader(filepath.Join(saved, "bad-masked.zip"))
		if err != nil {
			t.Fatal(err)
		}
		defer z.Close()
		var names []string
		for _, f := range z.File {
			names = append(names, f.Name)
			r, err := f.Open()
			if err != nil {
				t.Fatal(err)
			}
			content, err := io.ReadAll(r)
			if err != nil || bytes.Contains(content, []byte("hans-7")) || bytes.Contains(content, []byte("bad.jsonl")) {
				t.Errorf("%s shows a name (%v)", f.Name, err)
			}
		}
		if want := []string{"events.jsonl", "findings.json", "facts.json", "recording.pcapng", "report.html", "README.txt"}; !slices.Equal(names, want) {
			t.Errorf("the bundle has %q", names)
		}
		b.forget()
	})

	run("chosen, pasted, packed", func(t *testing.T) {
		b.write("#file", good)
		b.says("good.jsonl: Nothing is wrong")
		b.forget()
		b.write("#text", "ATD*99#\nNO CARRIER\n")
		b.click("#paste button")
		b.says("pasted text: The call was not connected")
		b.drop("#drop", write(t, dir, "sent.zip", zipped(t, "logs/bad.jsonl", recording(t, "", "auth.user=hans-7", "auth.try_blank=false"))))
		until(t, "two ladders", func() bool { return b.shown("#report svg") == 2 })
		if s := b.list(); !strings.Contains(s, "sent.zip:logs/bad.jsonl: "+title) {
			t.Errorf("listed is %q", s)
		}
		b.forget()
	})

	run("one verdict, here and at a prompt", func(t *testing.T) {
		logs, err := filepath.Glob("../../core/survey/testdata/*.log")
		if err != nil || len(logs) < 40 {
			t.Fatalf("%d logs (%v)", len(logs), err)
		}
		var b2 bytes.Buffer
		z := zip.NewWriter(&b2)
		for _, name := range logs[:40] {
			content, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			w, err := z.Create(filepath.Base(name))
			if err == nil {
				_, err = w.Write(content)
			}
			if err != nil {
				t.Fatal(err)
			}
		}
		if err := z.Close(); err != nil {
			t.Fatal(err)
		}
		path := write(t, dir, "many.zip", b2.Bytes())
		var want []string
		err = survey.Run(t.Context(), []string{path}, nil, survey.Options{}, func(r survey.Result) error {
			want = append(want, "many.zip"+strings.TrimPrefix(r.Name, path)+": "+r.Verdict.Sentence())
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		b.drop("#drop", path)
		until(t, "the list", func() bool { return b.shown("#list li") == len(want) })
		for i, line := range strings.Split(b.list(), "\n") {
			if !strings.HasPrefix(line, want[i]) {
				t.Errorf("the page says %q, diagnose %q", line, want[i])
			}
		}
		until(t, "the report", func() bool { return b.shown("#report svg") == 1 })
		b.forget()
	})

	run("what is nothing", func(t *testing.T) {
		bomb := zipped(t, "zeros", make([]byte, 8<<20))
		for range 6 {
			bomb = zipped(t, "more.zip", bomb)
		}
		large := filepath.Join(dir, "large.log")
		f, err := os.Create(large)
		if err != nil {
			t.Fatal(err)
		}
		if err := f.Truncate(300_000_000); err != nil {
			t.Fatal(err)
		}
		f.Close()
		noise := make([]byte, 50_000)
		for i := range noise {
			noise[i] = byte(i*i>>3 ^ i)
		}
		for i, c := range []struct{ path, want string }{
			{write(t, dir, "empty.log", nil), "It is empty."},
			{write(t, dir, "noise.bin", noise), "call"},
			{write(t, dir, "novel.txt", []byte("It was a dark night.\nNobody dialled.\n")), "Nothing in it tells of a call."},
			{write(t, dir, "bomb.zip", bomb), "is packed more than 4 times"},
			{write(t, dir, "torn.zip", bomb[:100]), "the archive is damaged"},
			{write(t, dir, "log.zst", []byte("\x28\xb5\x2f\xfd\x04\x00\x01\x00\x00")), "zstd"},
			{large, "It has 300 MB, and this page reads up to 250 MB."},
			{write(t, dir, "mine.toml", []byte("name = 7\n")), "mine.toml:1:8: "},
			{write(t, dir, "acme.toml", []byte(acme)), "It is a format (log of Acme)"},
		} {
			b.drop("#drop", c.path)
			until(t, c.path, func() bool { return b.shown("#list li.none") == i+1 })
			if s := b.text(`return document.querySelector("#list li:last-child").textContent`); !strings.HasPrefix(s, filepath.Base(c.path)) || !strings.Contains(s, c.want) {
				t.Errorf("%s: %q", c.path, s)
			}
		}
		b.drop("#drop", write(t, dir, "acme.log", []byte("ACME: got PAP AuthNak nr 7: no\n")))
		b.says("acme.log: ") // by the format that was given before it
		if s := b.list(); !strings.Contains(s, "acme.log: The user name or the password was refused") {
			t.Errorf("listed is %q", s)
		}
		b.forget()
		folder := filepath.Join(dir, "folder", "below")
		if err := os.MkdirAll(folder, 0o755); err != nil {
			t.Fatal(err)
		}
		write(t, folder, "deep.jsonl", recording(t, "huawei/e398"))
		b.drop("#drop", filepath.Dir(folder))
		b.says("does not give this page a folder")
		b.text(`document.getElementById("kind").value = "pppd-record"`)
		b.drop("#drop", good)
		b.says("good.jsonl: ")
		if strings.Contains(b.list(), "Nothing is wrong") {
			t.Error("what it is was found out though it was said")
		}
		b.text(`document.getElementById("kind").value = ""`)
		b.forget()
	})

	run("a long one, stopped", func(t *testing.T) {
		b.drop("#drop", write(t, dir, "long.log", bytes.Repeat(pppdLog(1_000_000), 200)))
		until(t, "Stop", func() bool {
			return b.shown("#stop") == 1 && b.text(`return document.getElementById("progress").value > 0`) == "true"
		})
		ticks := b.text(`return new Promise((done) => { let n = 0; const f = () => { if (++n === 5) done(n); else setTimeout(f, 20); }; f(); })`) // the page lives
		b.screenshot("web-long.png")
		b.click("#stop")
		b.says("long.log: It was stopped.")
		b.drop("#drop", good)
		b.says("good.jsonl: Nothing is wrong")
		if ticks != "5" {
			t.Errorf("%s ticks", ticks)
		}
		b.forget()
	})

	run("nothing a log holds is markup", func(t *testing.T) {
		evil := `<img src=x onerror=window.pwned=1><script>window.pwned=1</script><svg onload=window.pwned=1></script>"'><b>`
		var log bytes.Buffer
		for _, e := range []event.Event{
			event.Device{Port: evil, Vendor: evil, Model: evil, Firmware: evil}, event.AT{Dir: event.Rcvd, Text: evil}, event.Log{Program: evil, Text: evil},
			event.AT{Text: "ATD*99#" + evil}, event.AT{Dir: event.Rcvd, Text: "NO CARRIER"}, event.Down{Reason: evil}, event.Notice{Text: evil},
			event.Finding{ID: evil, Title: evil, Meaning: evil, Cure: []string{evil}, Evidence: []string{evil}, Confidence: evil},
		} {
			line, err := event.Record{Time: time.Unix(1, 0), Event: e}.AppendJSON(nil)
			if err != nil {
				t.Fatal(err)
			}
			log.Write(append(line, '\n'))
		}
		b.drop("#drop", write(t, dir, "sent.zip", zipped(t, `x<img src=y onerror=window.pwned=1>.jsonl`, log.Bytes())), good)
		until(t, "the report", func() bool { return b.shown("#report svg") == 2 })
		if s := b.text(`return [window.pwned === undefined, document.querySelectorAll("main img, main script, main b b, main svg svg, main [onerror]").length].join(" ")`); s != "true 0" {
			t.Errorf("a log became markup: %s", s)
		}
		if s := b.text(`return document.body.textContent.includes("<img src=y onerror=window.pwned=1>.jsonl")`); s != "true" {
			t.Error("the name is not shown as text")
		}
		b.forget()
	})

	run("it can reach nobody", func(t *testing.T) {
		var came atomic.Int64
		server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { came.Add(1) }))
		defer server.Close()
		if s := b.text(`const u = "` + server.URL + `/"; new Image().src = u; navigator.sendBeacon(u, "x");
			return Promise.allSettled([fetch(u, { mode: "no-cors" }), new Promise((y, n) => { const w = new WebSocket(u.replace("http", "ws")); w.onerror = n; w.onopen = y; })]).then((l) => l.map((r) => r.status).join(" "))`); s != "rejected rejected" {
			t.Errorf("connections: %s", s)
		}
		if came.Load() > 0 {
			t.Errorf("%d connections came", came.Load())
		}
		b.errors() // these were wanted
	})

	run("by keyboard and ear", func(t *testing.T) {
		b.drop("#drop", bad)
		until(t, "the report", func() bool { return b.shown("#report table") == 1 })
		var tree struct {
			Nodes []struct {
				Ignored    bool
				Role, Name struct{ Value any }
			}
		}
		b.call("POST", "/goog/cdp/execute", map[string]any{"cmd": "Accessibility.getFullAXTree", "params": map[string]any{}}, &tree)
		roles := map[string]int{}
		for _, n := range tree.Nodes {
			role, name := fmt.Sprint(n.Role.Value), fmt.Sprint(n.Name.Value)
			roles[role]++
			if slices.Contains([]string{"button", "checkbox", "textbox", "searchbox", "progressbar", "region"}, role) && !n.Ignored && (name == "" || name == "<nil>") {
				t.Errorf("a %s has no name", role)
			}
		}
		for _, role := range []string{"main", "banner", "contentinfo", "status", "region", "heading", "table", "checkbox", "button"} {
			if roles[role] == 0 {
				t.Errorf("there is no %s: %v", role, roles)
			}
		}
		b.text(`document.getElementById("file").focus()`)
		var passed []string
		for range 8 {
			b.press("\uE004") // Tab
			passed = append(passed, b.text(`const e = document.activeElement; return e.id || e.textContent || e.type`))
		}
		if got := strings.Join(passed, " "); !strings.HasPrefix(got, "kind Or paste it checkbox Save a masked bundle save forget") {
			t.Errorf("Tab goes by %q", got)
		}
		b.forget()
	})

	run("from a server, on a phone in the dark", func(t *testing.T) {
		server := httptest.NewServer(http.FileServer(http.Dir(filepath.Dir(path))))
		defer server.Close()
		b.devtools("Emulation.setDeviceMetricsOverride", map[string]any{"width": 360, "height": 780, "deviceScaleFactor": 2, "mobile": true})
		b.devtools("Emulation.setEmulatedMedia", map[string]any{"features": []map[string]string{{"name": "prefers-color-scheme", "value": "dark"}}})
		b.visitURL(server.URL + "/")
		b.screenshot("web-phone-dark-empty.png")
		b.drop("#drop", filepath.Join(dir, "folder"))
		b.says("deep.jsonl: Nothing is wrong")
		b.forget()
		b.drop("#drop", bad, good)
		until(t, "two ladders", func() bool { return b.shown("#report svg") == 2 })
		if s := b.text(`return [document.documentElement.scrollWidth, innerWidth].join(" ")`); s != "360 360" {
			t.Errorf("the page and the phone are %s wide", s)
		}
		b.text("scrollTo(0, 0)")
		b.screenshot("web-phone-dark.png")
		b.text(`document.getElementById("status").scrollIntoView()`)
		b.screenshot("web-phone-dark-report.png")
		// Nothing can be pressed with a thumb that is smaller than 24 by 24 (WCAG 2.2, 2.5.8).
		if s := b.text(`return [...document.querySelectorAll("#read button, #paste button, #file")].filter((e) => e.getClientRects().length).every((e) => { const r = e.getBoundingClientRect(); return r.width >= 24 && r.height >= 24; })`); s != "true" {
			t.Error("a button is too small for a thumb")
		}
	})
	if list := b.errors(); len(list) > 0 {
		t.Errorf("the browser complains: %q", list)
	}
}

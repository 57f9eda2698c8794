package inspect_test

import (
	"archive/zip"
	"bytes"
	"encoding/json"
	"fmt"
	"html"
	"io"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	xhtml "golang.org/x/net/html"

	"github.com/knakppp/knak/core/event"
	"github.com/knakppp/knak/core/inspect"
	"github.com/knakppp/knak/core/link/linktest"
	"github.com/knakppp/knak/core/recording/read"
	"github.com/knakppp/knak/core/share"
)

var made = time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)

// jsonl is a simulated call as knak records it, without those events that drop names.
func jsonl(t *testing.T, c linktest.Call, drop ...string) string {
	t.Helper()
	var b bytes.Buffer
	w := event.NewJSONWriter(&b)
	c.Begin = made
	for _, r := range c.Records(t) {
		dropped := false
		for _, kind := range drop {
			dropped = dropped || r.Event.Kind() == kind
		}
		if !dropped {
			w.Record(r)
		}
	}
	return b.String()
}

func open(t *testing.T, text string) *read.Reader {
	t.Helper()
	r, err := read.Open(strings.NewReader(text), read.Options{Name: "call"})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func inspected(t *testing.T, text, title string) *inspect.Recording {
	t.Helper()
	r, err := inspect.Read(open(t, text), title)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

var onTop = regexp.MustCompile(`<p class="(verdict[^"]*)">([^<]*)</p>`)

// top gives what stands at the top of a page: the class and the sentence.
func top(t *testing.T, page string) string {
	t.Helper()
	m := onTop.FindStringSubmatch(page)
	if m == nil {
		t.Fatal("the page has no verdict")
	}
	return m[1] + ": " + html.UnescapeString(m[2])
}

const fine = "Nothing is wrong: the link came up, and nothing after that contradicts it."

// One verdict: what a page and an archive say at the top is what diagnosis says, whatever else stands in the recording.
func TestOneVerdict(t *testing.T) {
	bad := jsonl(t, linktest.Call{Scenario: "huawei/e398", Set: []string{"auth.user=wap", "auth.try_blank=false"}})
	good := jsonl(t, linktest.Call{Scenario: "huawei/e398", Profile: "huawei/e398"})
	for _, c := range []struct{ name, text, want string }{
		{"failed", bad, "verdict: "},
		{"worked", good, "verdict good: " + fine},
		{"worked, and only packets and AT lines tell of it", jsonl(t, linktest.Call{Scenario: "huawei/e398", Profile: "huawei/e398"}, "up", "down", "probe", "phase", "state"), "verdict good: " + fine},
		{"a finding that was made of an attempt before the one that worked", bad + good, "verdict good: " + fine},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := inspected(t, c.text, "call")
			var page bytes.Buffer
			if err := inspect.Page([]*inspect.Recording{r}, "test", made).HTML(&page); err != nil {
				t.Fatal(err)
			}
			got := top(t, page.String())
			if !strings.HasPrefix(got, c.want) || !strings.HasSuffix(got, ": "+r.Verdict.Sentence()) {
				t.Errorf("the page says %q, diagnosis %q", got, r.Verdict.Sentence())
			}
			if never := strings.Contains(page.String(), "<dd>never</dd>"); never == r.Verdict.Up {
				t.Errorf("the page says that the link was never up: %v, and diagnosis that it was: %v", never, r.Verdict.Up)
			}
			if of := len(r.Drawn.Ladder.Findings) - len(r.Verdict.Findings); strings.Count(page.String(), "said while it was recorded") != of {
				t.Errorf("%d findings are of the recording alone, and the page does not say so", of)
			}

			var archive bytes.Buffer
			if _, err := inspect.Bundle(&archive, open(t, c.text), made, share.Facts{Knak: "test"}); err != nil {
				t.Fatal(err)
			}
			z, err := zip.NewReader(bytes.NewReader(archive.Bytes()), int64(archive.Len()))
			if err != nil {
				t.Fatal(err)
			}
			f, err := z.Open("report.html")
			if err != nil {
				t.Fatal(err)
			}
			shared, err := io.ReadAll(f)
			if err != nil {
				t.Fatal(err)
			}
			if in := top(t, string(shared)); in != got {
				t.Errorf("the archive says %q, the page %q", in, got)
			}
		})
	}
}

// Two recordings are held side by side, the one that works first, and what differs is said.
func TestTwo(t *testing.T) {
	bad := inspected(t, jsonl(t, linktest.Call{Scenario: "huawei/e398", Set: []string{"auth.user=wap", "auth.try_blank=false"}}), "bad.log")
	good := inspected(t, jsonl(t, linktest.Call{Scenario: "huawei/e398", Profile: "huawei/e398"}), "good.log")
	p := inspect.Page([]*inspect.Recording{bad, good}, "test", made)
	if p.Calls[0].Title != "good.log" || len(p.Differences) == 0 || !strings.HasPrefix(p.Command, "knak dial") {
		t.Errorf("first %s, %d differences, %q", p.Calls[0].Title, len(p.Differences), p.Verdict)
	}
	if got := fmt.Sprint(p.Differences[0].What); !strings.Contains(got, "name") {
		t.Errorf("the most telling difference is %q", got)
	}
}

// What tells of no call is no verdict and no archive.
func TestNothing(t *testing.T) {
	if r := inspected(t, "It was a dark night.\nNobody dialled.\n", "novel.txt"); r.Verdict.Told != 0 || r.Drawn.Good {
		t.Errorf("a novel is judged: %+v", r.Verdict)
	}
	var b bytes.Buffer
	if v, err := inspect.Bundle(&b, open(t, "It was a dark night.\nNobody dialled.\n"), made, share.Facts{}); v.Told != 0 || err != nil {
		t.Errorf("a novel is packed: %+v, %v", v, err)
	}
}

// markup is what a page may be made of: its elements, with the attributes that they may have. None of them can load, run or send.
var markup = map[string]string{
	"p": "class data-count", "h1": "", "h2": "", "h3": "", "dl": "class", "dt": "", "dd": "", "section": "class id", "ol": "", "ul": "", "li": "",
	"code": "", "button": "class data-goto", "div": "class role aria-label id hidden aria-live", "label": "class",
	"input": "type checked data-group id placeholder aria-label", "svg": "class data-call viewbox height role aria-label",
	"line": "class x1 x2 y1 y2", "text": "class x y fill text-anchor", "g": "class data-i transform", "rect": "class width height",
	"path": "d", "title": "", "table": "class data-call", "thead": "", "tbody": "", "tr": "class data-i", "th": "data-kind", "td": "class data-head",
}

// Whatever is read, nothing of it is markup on a page, and the page's data are JSON.
func FuzzFragment(f *testing.F) {
	const evil = `<script>alert(1)</script>"'><img src=x onerror=alert(1)>&lt;`
	for _, seed := range []string{
		"pppd[1]: rcvd [PAP AuthNak id=0x1 \"" + evil + "\"]\nchat[2]: " + evil + "\n",
		"AT+CGMI\n" + evil + "\nOK\nATD*99#\nNO CARRIER\n",
		`{"t":"2026-11-22T10:00:00Z","event":"at","dir":"rcvd","text":"` + strings.ReplaceAll(evil, `"`, `\"`) + `"}` + "\n",
		"I (1) pppos: " + evil + "\nW (2) lwip: LCP ConfReq\n",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		r, err := read.Open(bytes.NewReader(data), read.Options{})
		if err != nil {
			return
		}
		name := string(data[:min(len(data), 40)])
		rec, err := inspect.Read(r, name)
		if err != nil {
			return
		}
		text, rows, err := inspect.Page([]*inspect.Recording{rec, rec}, "test", made).Fragment()
		if err != nil || !json.Valid(rows) {
			t.Fatalf("%v: %q", err, rows)
		}
		for z := xhtml.NewTokenizer(strings.NewReader(text)); ; {
			switch z.Next() {
			case xhtml.ErrorToken:
				if z.Err() != io.EOF {
					t.Fatal(z.Err())
				}
				return
			case xhtml.StartTagToken, xhtml.SelfClosingTagToken:
				tag := z.Token()
				may, known := markup[tag.Data]
				if !known {
					t.Fatalf("<%s> is on the page", tag.Data)
				}
				for _, a := range tag.Attr {
					if !slices.Contains(strings.Fields(may), a.Key) {
						t.Fatalf("<%s> has the attribute %s", tag.Data, a.Key)
					}
				}
			case xhtml.CommentToken, xhtml.DoctypeToken:
				t.Fatalf("%q is on the page", z.Token())
			}
		}
	})
}

// A recording of a search, or of a dial that adapted, shows which settings each attempt had, and how far it came.
func TestExperiments(t *testing.T) {
	var text bytes.Buffer
	lines, now := event.NewJSONWriter(&text), made
	say := func(events ...event.Event) {
		for _, e := range events {
			now = now.Add(time.Second)
			lines.Record(event.Record{Time: now, Link: "odd", Event: e})
		}
	}
	call := []event.Event{event.Phase{Phase: "dial"}, event.AT{Dir: event.Sent, Text: "ATD*99#"}, event.AT{Dir: event.Rcvd, Text: "CONNECT"}}
	say(append(call, event.Phase{Phase: "ipcp"}, event.Failure{Phase: "ipcp", Cause: event.FailedCarrierLost}, event.Phase{Phase: "down"})...)
	say(event.Phase{Phase: "dial"}, event.AT{Dir: event.Sent, Text: "ATE0"}, event.AT{Dir: event.Rcvd, Text: "OK"},
		event.Quirk{Key: "lcp.max_configure", Value: "6", Source: "learned knak learn", Reason: "An experiment is short."},
		event.Quirk{Key: "auth.user", Source: "learned knak learn", Reason: "Found."})
	say(append(call[1:], event.Phase{Phase: "up"}, event.Up{Local: "192.0.2.2"}, event.Phase{Phase: "down"}, event.Down{})...)
	r, err := read.Open(&text, read.Options{})
	if err != nil {
		t.Fatal(err)
	}
	got, err := inspect.Read(r, "odd.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	list := got.Drawn.Experiments
	if len(list) != 2 || len(list[0].Settings) != 0 || list[0].Came != "ipcp carrier-lost" || fmt.Sprint(list[1].Settings) != "[auth.user=]" || !list[1].Up {
		t.Errorf("%+v", list)
	}
	var page bytes.Buffer
	if err := inspect.Page([]*inspect.Recording{got}, "1", made).HTML(&page); err != nil || !strings.Contains(page.String(), "<code>auth.user=</code>") {
		t.Errorf("%v: the matrix is not on the page", err)
	}
}

package report

import (
	"bytes"
	"encoding/json"
	"fmt"
	"html"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/knakppp/knak/core/diagnose"
	"github.com/knakppp/knak/core/event"
	"github.com/knakppp/knak/core/golden"
	"github.com/knakppp/knak/core/link/linktest"
	"github.com/knakppp/knak/core/ppp/packet"
)

var begin = time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)

// story gives the records of a simulated call, in virtual time and with no chance in it.
func story(t *testing.T, scenario, profile string, set ...string) []event.Record {
	t.Helper()
	return linktest.Call{Scenario: scenario, Profile: profile, Set: set, Begin: begin}.Records(t)
}

func ladder(t *testing.T, records []event.Record, rows int) Ladder {
	t.Helper()
	c, w := NewCollector(rows), diagnose.New()
	for _, r := range records {
		c.Record(r)
		w.Record(r)
	}
	return c.Ladder(w.Findings())
}

func TestText(t *testing.T) {
	for _, c := range []struct {
		name, scenario, profile string
		set                     []string
		o                       TextOptions
	}{
		{"e398-solved.txt", "huawei/e398", "huawei/e398", nil, TextOptions{}},
		{"e398-failed.txt", "huawei/e398", "", []string{"auth.user=wap", "auth.try_blank=false"}, TextOptions{Width: 72, ASCII: true}},
		{"e398-colour.txt", "huawei/e398", "huawei/e398", nil, TextOptions{Width: 100, Color: true}},
		{"e398-narrow.txt", "huawei/e398", "huawei/e398", nil, TextOptions{Width: 40}},
	} {
		t.Run(c.name, func(t *testing.T) {
			l := ladder(t, story(t, c.scenario, c.profile, c.set...), 60)
			var b bytes.Buffer
			if err := l.Text(&b, c.o); err != nil {
				t.Fatal(err)
			}
			width := c.o.Width
			if width == 0 {
				width = 80
			}
			for line := range strings.Lines(b.String()) {
				if n := utf8.RuneCountInString(strings.TrimSuffix(line, "\n")); n > width && !c.o.Color {
					t.Errorf("%d columns, not %d: %s", n, width, line)
				}
			}
			golden.Same(t, filepath.Join("testdata", c.name), b.Bytes(), "")
		})
	}
}

// The page refers to nothing outside of it, and what a modem said cannot become markup or end the script's data.
func TestPageIsClosed(t *testing.T) {
	evil := `</script><script>alert(1)</script><img src=x onerror=alert(2)> " ' & \u2028`
	c := NewCollector(0)
	for _, e := range []event.Event{
		event.Device{Port: evil, Vendor: evil}, event.AT{Dir: event.Rcvd, Text: evil}, event.Log{Program: evil, Text: evil},
		event.Packet{Protocol: packet.LCP, Data: append([]byte{5, 1, 0, byte(4 + len(evil))}, evil...)},
		event.Down{Reason: evil}, event.Finding{ID: evil, Title: evil, Meaning: evil, Cure: []string{evil}, Evidence: []string{evil}, Confidence: evil},
	} {
		c.Record(event.Record{Time: begin, Event: e})
	}
	p := Page{
		Calls: []Call{{Title: evil, Source: evil, Ladder: c.Ladder(nil)}}, Verdict: evil, Command: evil, Differences: []Difference{{evil, evil, evil, evil}}, Version: evil, Made: begin,
	}
	var b bytes.Buffer
	if err := p.HTML(&b); err != nil {
		t.Fatal(err)
	}
	page := b.String()
	if n := strings.Count(page, "<script"); n != 2 {
		t.Errorf("%d scripts, want the data and the page's own", n)
	}
	if strings.Contains(page, "<img") || strings.Contains(page, "<script>alert") {
		t.Error("text of a modem became markup")
	}
	for _, outside := range []string{"http://", "https://", "url(", "@import", "href="} {
		if i := strings.Index(strings.ReplaceAll(page, html.EscapeString(evil), ""), outside); i >= 0 {
			t.Errorf("the page refers to something outside: %q", page[i:min(i+80, len(page))])
		}
	}
	var rows [][]map[string]any
	data := page[strings.Index(page, `id="rows">`)+len(`id="rows">`):]
	if err := json.Unmarshal([]byte(data[:strings.Index(data, "</script>")]), &rows); err != nil || len(rows) != 1 || len(rows[0]) != 6 {
		t.Errorf("the script's data: %d rows, %v", len(rows), err)
	}
}

// A long call is drawn in bounded memory: its first and its last rows, and how many are left out.
func TestLongCall(t *testing.T) {
	c := NewCollector(10)
	for i := range 1000 {
		c.Record(event.Record{Time: begin, Pos: event.Pos{Line: int64(i + 1)}, Event: event.AT{Text: "AT"}})
	}
	for range 500 {
		c.Record(event.Record{Time: begin, Event: event.Data{Dir: event.Rcvd, Protocol: packet.IP, Length: 1500}})
	}
	l := c.Ladder(nil)
	if len(l.Rows) != 10 || l.Left != 991 || l.Rows[0].Pos.Line != 1 || l.Rows[8].Pos.Line != 1000 {
		t.Fatalf("%d rows, %d left out: %+v", len(l.Rows), l.Left, l.Rows)
	}
	if got := l.Rows[9].Label; got != "500 data packets, 750 kB" {
		t.Errorf("the data packets are drawn as %q", got)
	}
}

// A finding is pinned to the packet that its evidence names by its place or quotes.
func TestPins(t *testing.T) {
	c := NewCollector(0)
	for i, text := range []string{"ATZ", "OK", "ATD*99#", "NO CARRIER"} {
		c.Record(event.Record{Time: begin, Pos: event.Pos{Line: int64(10*i + 1)}, Event: event.AT{Dir: event.Dir(i % 2), Text: text}})
	}
	l := c.Ladder([]event.Finding{{ID: "a", Evidence: []string{"line 1: sent ATZ"}}, {ID: "b", Evidence: []string{"the modem said NO CARRIER", "line 112 is not there"}}})
	var got []string
	for _, r := range l.Rows {
		got = append(got, fmt.Sprint(r.Pins))
	}
	if want := "[0] [] [] [1]"; strings.Join(got, " ") != want {
		t.Errorf("pins %v, want %s", got, want)
	}
}

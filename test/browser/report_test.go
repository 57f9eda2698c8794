package browser

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/knakppp/knak/core/diagnose"
	"github.com/knakppp/knak/core/link/linktest"
	"github.com/knakppp/knak/core/show/report"
)

// call draws a dial of the simulated E398.
func call(t *testing.T, title, profile string, set ...string) report.Call {
	t.Helper()
	records := linktest.Call{Scenario: "huawei/e398", Profile: profile, Set: set}.Records(t)
	rows, judge := report.NewCollector(0), diagnose.NewCase()
	for _, rec := range records {
		rows.Record(rec)
		judge.Record(rec)
	}
	v := judge.Verdict()
	return report.Call{Title: title, Source: "a simulated call", Judgement: report.Judgement{Sentence: v.Sentence(), Good: len(v.Findings) == 0, Up: v.Up}, Ladder: rows.Ladder(v.Findings)}
}

func page(t *testing.T, p report.Page) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "report.html")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := p.HTML(f); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	return path
}

// shown counts what is seen of a selector.
func (b *browser) shown(selector string) int {
	b.t.Helper()
	n, err := strconv.Atoi(b.text(`return [...document.querySelectorAll("` + selector + `")].filter((e) => e.getClientRects().length && getComputedStyle(e).display !== "none").length`))
	if err != nil {
		b.t.Fatal(err)
	}
	return n
}

// TestReport clicks, filters and sorts the page of a call that fails, as a person would, on a desk, in the dark on a
// phone, and with two calls beside each other.
func TestReport(t *testing.T) {
	failed, worked := call(t, "bad.log", "", "auth.user=wap", "auth.try_blank=false"), call(t, "good.log", "huawei/e398")
	bad := failed.Ladder
	b := open(t, 1200, 1000)
	b.visit(page(t, report.Page{Calls: []report.Call{failed}, Version: "test", Made: time.Now()}))

	all := b.shown("svg .row")
	if all != len(bad.Rows) || b.shown("table[data-call] tbody tr") != all {
		t.Fatalf("%d rows in the picture, want %d", all, len(bad.Rows))
	}
	t.Run("the verdict stands on top, cures are steps", func(t *testing.T) {
		if s := b.text(`return document.querySelector("main").firstElementChild.textContent`); s != bad.Findings[0].Title {
			t.Errorf("on top stands %q", s)
		}
		if b.shown(".finding ol li") == 0 || b.shown(".finding ol code") == 0 {
			t.Error("cures are not numbered, or their commands no code")
		}
	})
	t.Run("a packet tells about itself", func(t *testing.T) {
		if b.shown("#detail") != 0 {
			t.Fatal("the detail is open before anything was clicked")
		}
		b.click(`svg .row.g-chap`)
		if s := b.text(`return document.getElementById("detail").textContent`); b.shown("#detail") != 1 || !strings.Contains(s, "CHAP Challenge") || !strings.Contains(s, "UMTS_CHAP_SRVR") {
			t.Errorf("the detail says %q", s)
		}
		if b.shown("svg .row.on") != 1 {
			t.Error("the row is not marked")
		}
		b.click("#detail button")
		if b.shown("#detail") != 0 {
			t.Error("the detail does not close")
		}
	})
	t.Run("by keyboard", func(t *testing.T) {
		b.text(`document.querySelector("svg .row").focus()`)
		b.press("\uE015", "\uE015", "\uE015", "\uE007") // down three times, Enter
		if s := b.text(`return [document.activeElement.dataset.i, document.querySelector("svg .row.on").dataset.i, document.querySelectorAll('svg .row[tabindex="0"]').length].join(" ")`); s != "3 3 1" {
			t.Errorf("the keyboard is at %s", s)
		}
		b.press("\uE010") // End
		if s := b.text(`return document.activeElement.dataset.i`); s != strconv.Itoa(all-1) {
			t.Errorf("the end is at %s", s)
		}
		b.press("\uE00C") // Escape
		if b.shown("#detail") != 0 || b.text(`return document.activeElement.dataset.i`) != "3" {
			t.Error("the detail does not close, or the way back is lost")
		}
	})
	t.Run("a finding leads to its packet", func(t *testing.T) {
		b.click(".finding li:last-of-type [data-goto], .finding [data-goto]")
		if s := b.text(`return document.getElementById("detail").textContent`); !strings.Contains(s, "Finding: [1] The modem answers") {
			t.Errorf("the detail says %q", s)
		}
		b.click("#detail button")
	})
	t.Run("filters", func(t *testing.T) {
		b.click(`.bar label:has([data-group="ipcp"])`)
		if n := b.shown("svg .row.g-ipcp"); n != 0 || b.shown("svg .row") >= all {
			t.Errorf("%d rows of IPCP are left", n)
		}
		b.click(`.bar label:has([data-group="ipcp"])`)
		b.write("#search", "confnak")
		if n, naks := b.shown("svg .row"), b.shown("table[data-call] tbody tr.refusal"); n == 0 || n >= all || n != naks {
			t.Errorf("the search shows %d rows, %d of them refusals", n, naks)
		}
		if n := b.shown(`svg .row[tabindex='0']`); n != 1 {
			t.Errorf("the ladder has %d stops for the Tab key", n)
		}
		b.text(`document.getElementById("search").value = ""; document.getElementById("search").oninput()`)
		b.click(`.bar label:has(#only)`)
		if n := b.shown("svg .row"); n == 0 || n >= all {
			t.Errorf("trouble only shows %d of %d rows", n, all)
		}
		b.click(`.bar label:has(#only)`)
		if b.shown("svg .row") != all {
			t.Error("not all rows came back")
		}
	})
	t.Run("sorting", func(t *testing.T) {
		first := func() string {
			return b.text(`return document.querySelector("table[data-call] tbody tr").cells[3].textContent`)
		}
		before := first()
		b.click(`table[data-call] th:nth-child(4) button`)
		if got := first(); got != "at" {
			t.Errorf("sorted by what: %q comes first", got)
		}
		b.click(`table[data-call] th:nth-child(4) button`)
		if got := first(); got == "at" || got == "" {
			t.Errorf("sorted the other way: %q comes first", got)
		}
		b.click(`table[data-call] th:nth-child(1) button`)
		if got := first(); got != before {
			t.Errorf("in order again: %q comes first, it was %q", got, before)
		}
	})
	b.text("scrollTo(0, 0)")
	b.screenshot("report-desk.png")

	t.Run("two calls on a phone in the dark", func(t *testing.T) {
		b.devtools("Emulation.setDeviceMetricsOverride", map[string]any{"width": 360, "height": 780, "deviceScaleFactor": 2, "mobile": true})
		b.devtools("Emulation.setEmulatedMedia", map[string]any{"features": []map[string]string{{"name": "prefers-color-scheme", "value": "dark"}}})
		b.visit(page(t, report.Page{
			Calls:   []report.Call{worked, failed},
			Verdict: "The working one sends an empty name.", Differences: []report.Difference{{What: "name", First: "empty", Second: "wap", Why: "it matters"}}, Version: "test", Made: time.Now(),
		}))
		if s := b.text(`return [document.documentElement.scrollWidth, innerWidth].join(" ")`); s != "360 360" {
			t.Errorf("the page and the phone are %s wide", s)
		}
		if s := b.text(`return getComputedStyle(document.body).backgroundColor`); s != "rgb(20, 23, 28)" {
			t.Errorf("in the dark the page is %s", s)
		}
		if n := b.shown("svg"); n != 2 {
			t.Errorf("%d ladders", n)
		}
		// The columns of tables stand below each other: words stay whole, and nothing is beside the page.
		if s := b.text(`return [...document.querySelectorAll(".differs td,.rows td.text")].every((e) => e.getBoundingClientRect().width >= 300)`); s != "true" {
			t.Error("the tables are shattered")
		}
		if s := b.text(`return [...document.querySelectorAll(".scroll")].every((e) => e.scrollWidth <= e.clientWidth)`); s != "true" {
			t.Error("a table is wider than the phone")
		}
		if s := b.text(`return getComputedStyle(document.querySelector(".differs td:nth-child(2)"), "::before").content`); s != `"good.log: "` {
			t.Errorf("what stands in a column is said to be of %s", s)
		}
		// No label is cut smaller than a person can read: the picture is not scaled.
		if s := b.text(`const r = document.querySelector("svg .row text.l").getBoundingClientRect(); return r.height >= 10`); s != "true" {
			t.Error("the labels are too small to read")
		}
		b.text(`document.querySelector("svg").scrollIntoView()`)
		b.screenshot("report-phone-dark.png")
		b.text(`document.querySelector("table.rows").scrollIntoView()`)
		b.screenshot("report-phone-dark-table.png")
		b.text(`document.querySelector("table.differs").scrollIntoView()`)
		b.screenshot("report-phone-dark-differs.png")
	})
	if list := b.errors(); len(list) > 0 {
		t.Errorf("the browser complains: %q", list)
	}
}

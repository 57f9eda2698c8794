package report

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"html"
	"io"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"
)

// Style is the CSS of a page. Script sizes, filters and sorts its table of rows: the function knakReport takes the element that holds a fragment (or
// the document) and the rows of that fragment.
var (
	//go:embed page/style.css
	Style string
	//go:embed page/script.js
	Script string
)

// Call is one recording on the page.
type Call struct {
	Title  string // the title on the page, for example the file's name
	Source string // the input: "pppd's debug log, 214 lines, 3 not understood"
	Judgement
	Ladder      Ladder
	Experiments []Experiment // the attempts of a search, or of a dial that tried settings; empty if all attempts had the same settings
}

// Experiment is one attempt of several that were dialled with different settings.
type Experiment struct {
	Call     int
	Settings []string // the settings that it tried, KEY=VALUE
	Came     string   // the last phase that it reached, and why it ended
	Up       bool
}

// Judgement is the verdict of diagnosis on a whole call. The zero value means that nobody has judged the call.
type Judgement struct {
	Sentence string // the verdict
	Good     bool   // nothing is wrong
	Up       bool   // the attempt that is judged came up
	Which    string // which attempt is judged, if there are several: "the last of 3 attempts"
}

// Difference is one line of a comparison of two calls.
type Difference struct {
	What, First, Second, Why string
}

// Page is the content of an HTML page.
type Page struct {
	Calls       []Call // one call, or two that are compared: the working one first
	Verdict     string // the result of the comparison, in one or two sentences
	Command     string // the knak command that dials as the working call did; "" if there is none
	Differences []Difference
	Version     string // of knak
	Made        time.Time
}

// policy is the page's Content-Security-Policy: no network, and no script but its own.
const policy = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src data:"

// HTML writes the page: one file without a reference to any other.
func (p Page) HTML(w io.Writer) error {
	b := &builder{}
	title := "knak report"
	if len(p.Calls) > 0 {
		title = p.Calls[0].Title + " - knak report"
	}
	b.raw(`<!DOCTYPE html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">` +
		`<meta http-equiv="Content-Security-Policy" content="` + policy + `"><meta name="color-scheme" content="light dark"><title>`)
	b.text(title)
	b.raw("</title><style>" + Style + "</style></head><body><main>")
	b.content(p)
	b.raw("<footer>")
	b.text(fmt.Sprintf("Made by knak %s on %s. The host is left, the modem right. Passwords, responses and the identities of subscribers are left out.",
		p.Version, p.Made.Format("2006-01-02 15:04")))
	b.raw(`</footer></main><script type="application/json" id="rows">`)
	if err := b.data(p.Calls); err != nil {
		return err
	}
	b.raw("</script><script>" + Script + "\n" + start + "</script></body></html>\n")
	_, err := io.WriteString(w, b.String())
	return err
}

// start runs Script on a page that stands alone.
const start = `knakReport(document, JSON.parse(document.getElementById("rows").textContent)); document.documentElement.dataset.ready = "yes";`

// Fragment gives the content of the page without its frame, and the rows for Script in JSON, so that another page can show it. All text from a
// recording is escaped.
func (p Page) Fragment() (markup string, rows []byte, err error) {
	b, data := &builder{}, &builder{}
	b.content(p)
	err = data.data(p.Calls)
	return b.String(), []byte(data.String()), err
}

func (b *builder) content(p Page) {
	for _, c := range p.Calls {
		b.verdict(c, len(p.Calls) > 1)
	}
	if len(p.Differences) > 0 || p.Verdict != "" {
		b.comparison(p) // who gives two recordings asks for it
	}
	for i, c := range p.Calls {
		b.summary(i, c)
	}
	for _, c := range p.Calls {
		b.experiments(c.Experiments)
	}
	b.filters(p.Calls)
	columns := "columns"
	if len(p.Calls) > 1 {
		columns = "columns two"
	}
	b.raw(`<div class="` + columns + `">`)
	for i, c := range p.Calls {
		b.ladder(i, c, len(p.Calls) > 1)
	}
	b.raw(`</div><div id="detail" hidden aria-live="polite"></div>`)
	for i, c := range p.Calls {
		b.table(i, c)
	}
}

// builder writes HTML. text and attr escape; raw does not and takes only what is written here.
type builder struct{ strings.Builder }

func (b *builder) raw(s string)  { b.WriteString(s) }
func (b *builder) text(s string) { b.WriteString(html.EscapeString(s)) }

func (b *builder) element(tag, class, text string) {
	b.raw("<" + tag)
	if class != "" {
		b.raw(` class="` + class + `"`)
	}
	b.raw(">")
	b.text(text)
	b.raw("</" + tag + ">")
}

func (b *builder) fact(name, value string) {
	if value != "" {
		b.element("dt", "", name)
		b.element("dd", "", value)
	}
}

// verdict says in one line at the top what the page is about.
func (b *builder) verdict(c Call, named bool) {
	if c.Sentence == "" {
		return
	}
	class, text := "verdict", c.Sentence
	if c.Good {
		class = "verdict good"
	}
	if named {
		text = c.Title + ": " + text
	}
	b.element("p", class, text)
}

// command matches a command (of knak, or an AT command) in the text of a cure, up to the point where the sentence goes on.
var command = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`\bknak [a-z]+(?: --?[a-z][a-z-]*(?:[ =](?:""|[A-Z][A-Z|]*))?)*|\bAT[+&^$%][A-Z][A-Z0-9]*(?:\?|=[0-9A-Z?",.+*#]*[0-9A-Z?"#])?`)
})

// steps writes what to try as numbered steps, the commands in them as code.
func (b *builder) steps(cures []string) {
	if len(cures) == 0 {
		return
	}
	b.element("p", "soft", "What to try")
	b.raw("<ol>")
	for _, c := range cures {
		b.raw("<li>")
		at := 0
		for _, m := range command().FindAllStringIndex(c, -1) {
			b.text(c[at:m[0]])
			b.element("code", "", c[m[0]:m[1]])
			at = m[1]
		}
		b.text(c[at:])
		b.raw("</li>")
	}
	b.raw("</ol>")
}

func (b *builder) summary(n int, c Call) {
	l := &c.Ladder
	b.element("h1", "", c.Title)
	b.raw(`<dl class="facts">`)
	b.fact("Source", c.Source)
	b.fact("Judged", c.Which)
	if d := l.Device; d != nil {
		b.fact("Modem", strings.Join(strings.Fields(d.Vendor+" "+d.Model+" "+d.Firmware), " "))
		b.fact("Port", d.Port)
		b.fact("Profile", d.Profile)
	}
	if !l.Begin.IsZero() {
		if l.Begin.Year() > 1970 { // a recording without dates counts from the epoch
			b.fact("Begin", l.Begin.Format("2006-01-02 15:04:05.000 MST"))
		}
		b.fact("Length", l.End.Sub(l.Begin).Round(time.Millisecond).String())
	}
	if u := l.Up; u != nil {
		up := u.Local + " " + u.Interface
		if len(u.DNS) > 0 {
			up += " DNS " + strings.Join(u.DNS, " ")
		}
		b.fact("Up", strings.Join(strings.Fields(up), " "))
	} else if c.Up {
		b.fact("Up", "yes")
	} else {
		b.fact("Up", "never")
	}
	if l.Down != nil {
		b.fact("End", l.Down.Reason)
	}
	b.raw("</dl>")
	for i, f := range l.Findings {
		class := "finding"
		if f.Confidence == "certain" {
			class += " certain"
		}
		b.raw(fmt.Sprintf(`<section class="%s" id="finding-%d-%d">`, class, n, i))
		b.element("h3", "", fmt.Sprintf("[%d] %s", i+1, f.Title))
		b.element("p", "soft", f.Confidence+" · "+f.ID+l.said(i))
		if f.Meaning != "" {
			b.element("p", "", f.Meaning)
		}
		b.steps(f.Cure)
		b.list("Seen", f.Evidence, func(evidence string) string {
			at := l.place(evidence)
			if at < 0 {
				return ""
			}
			return fmt.Sprintf("%d:%d", n, at)
		})
		b.raw("</section>")
	}
}

// list writes a list; what there is a row for leads to it.
func (b *builder) list(title string, items []string, row func(string) string) {
	if len(items) == 0 {
		return
	}
	b.element("p", "soft", title)
	b.raw("<ul>")
	for _, i := range items {
		at := ""
		if row != nil {
			at = row(i)
		}
		if at == "" {
			b.element("li", "", i)
			continue
		}
		b.raw(`<li><button class="go" data-goto="` + at + `">`)
		b.text(i)
		b.raw("</button></li>")
	}
	b.raw("</ul>")
}

func (b *builder) comparison(p Page) {
	b.element("h2", "", "What differs")
	b.element("p", "", p.Verdict)
	if p.Command != "" {
		b.raw("<p>")
		b.element("code", "", p.Command)
		b.raw("</p>")
	}
	if len(p.Differences) == 0 {
		return
	}
	b.raw(`<div class="scroll"><table class="differs"><thead><tr><th>What</th><th>`)
	b.text(p.Calls[0].Title)
	b.raw("</th><th>")
	b.text(p.Calls[len(p.Calls)-1].Title)
	b.raw("</th><th>Why it matters</th></tr></thead><tbody>")
	for _, d := range p.Differences {
		b.raw("<tr>")
		for i, s := range []string{d.What, d.First, d.Second, d.Why} {
			b.raw(`<td data-head="`)
			if i == 1 || i == 2 { // on a narrow page the columns stand below each other, and each says whose it is
				b.text(p.Calls[(i-1)*(len(p.Calls)-1)].Title + ": ")
			}
			b.raw(`">`)
			b.text(s)
			b.raw("</td>")
		}
		b.raw("</tr>")
	}
	b.raw("</tbody></table></div>")
}

// boxes are the groups that a reader can hide, in order; a protocol that is not among them is "other".
var boxes = []string{"at", "lcp", "pap", "chap", "eap", "ipcp", "ipv6cp", "other", "data", "phase", "note", "unread"}

func boxOf(group string) string {
	switch {
	case group == "finding":
		return "note"
	case slices.Contains(boxes, group):
		return group
	}
	return "other"
}

func (b *builder) filters(calls []Call) {
	b.element("h2", "", "The call")
	b.raw(`<div class="bar" role="group" aria-label="Filter">`)
	for _, box := range boxes {
		used := slices.ContainsFunc(calls, func(c Call) bool {
			return slices.ContainsFunc(c.Ladder.Rows, func(r Row) bool { return boxOf(r.Group) == box })
		})
		if used {
			b.raw(`<label class="g-` + box + `"><input type="checkbox" checked data-group="` + box + `">` + box + `</label>`)
		}
	}
	b.raw(`<label><input type="checkbox" id="only">trouble only</label><input type="search" id="search" placeholder="search" aria-label="Search"></div>`)
}

// rowHeight is the distance of two arrows; the script has the same number.
const rowHeight = 24

// classes are a row's, in the picture and in the table.
func (r *Row) classes() string {
	group := r.Group
	if boxOf(group) == "other" {
		group = "other"
	}
	s := "g-" + group
	if r.Again > 0 {
		s += " again"
	}
	if r.Refusal {
		s += " refusal"
	}
	if len(r.Wrong) > 0 {
		s += " wrong"
	}
	return s
}

// ladder draws the picture for a width of 720; the script fits it to the window.
func (b *builder) ladder(n int, c Call, titled bool) {
	const left, right = 92, 706
	l := &c.Ladder
	height := 42 + rowHeight*len(l.Rows)
	b.raw(`<section>`)
	if titled || l.Left > 0 {
		b.element("p", "soft", c.Title)
	}
	if l.Left > 0 {
		b.element("p", "soft", fmt.Sprintf("The call is long: %d rows between the first %d and the last %d are left out.", l.Left, len(l.Rows)/2, len(l.Rows)-len(l.Rows)/2))
	}
	b.raw(fmt.Sprintf(`<svg class="ladder" data-call="%d" viewBox="0 0 720 %d" height="%d" role="group" aria-label="ladder of the call: the arrow keys go from row to row">`, n, height, height))
	for _, x := range []int{left, right} {
		b.raw(fmt.Sprintf(`<line class="life" x1="%d" x2="%d" y1="28" y2="%d"/>`, x, x, height-8))
	}
	b.raw(fmt.Sprintf(`<text class="host" x="%d" y="18" fill="currentColor" text-anchor="start">host</text>`, left))
	b.raw(fmt.Sprintf(`<text class="modem" x="%d" y="18" fill="currentColor" text-anchor="end">modem</text>`, right))
	for i := range l.Rows {
		r := &l.Rows[i]
		b.raw(fmt.Sprintf(`<g class="row %s" data-i="%d" transform="translate(0,%d)"><rect class="hit" width="720" height="%d"/>`,
			r.classes(), i, 34+rowHeight*i, rowHeight))
		if clock := l.clock(r.Time); clock != "" {
			b.raw(`<text class="t" x="4" y="16">`)
			b.text(clock)
			b.raw("</text>")
		}
		switch {
		case r.Arrow:
			head := fmt.Sprintf("M%d 19l-9 -4v8z", right)
			if r.Dir != 0 {
				head = fmt.Sprintf("M%d 19l9 -4v8z", left)
			}
			b.raw(fmt.Sprintf(`<line x1="%d" x2="%d" y1="19" y2="19"/><path d="%s"/><text class="l" x="%d" y="14" text-anchor="middle">`, left, right, head, (left+right)/2))
			b.text(shortened(r.label(), 80))
		default:
			b.raw(fmt.Sprintf(`<text class="across" x="%d" y="16" text-anchor="middle">`, (left+right)/2))
			b.text(shortened(r.label(), 80))
		}
		b.raw("</text>")
		if len(r.Pins) > 0 {
			b.raw(fmt.Sprintf(`<text class="pin" x="%d" y="14" text-anchor="end">`, right-4))
			b.text(pinText(r.Pins))
			b.raw("</text>")
		}
		b.raw("<title>")
		b.text(r.Text)
		b.raw("</title></g>")
	}
	b.raw("</svg></section>")
}

// label is what stands on the arrow.
func (r *Row) label() string {
	label := r.Label
	if r.Arrow && r.Group != "at" && r.Group != "data" {
		label = strings.ToUpper(r.Group) + " " + label
	}
	if r.Again > 0 {
		label += fmt.Sprintf(" (again, %d)", r.Again)
	}
	return label
}

func pinText(pins []int) string {
	var b strings.Builder
	for _, n := range pins {
		fmt.Fprintf(&b, "[%d]", n+1)
	}
	return b.String()
}

func shortened(s string, most int) string {
	if r := []rune(s); len(r) > most {
		return string(r[:most-1]) + "…"
	}
	return s
}

// clock gives the seconds since the call began.
func (l *Ladder) clock(t time.Time) string {
	if t.IsZero() || l.Begin.IsZero() {
		return ""
	}
	return fmt.Sprintf("%.3f", t.Sub(l.Begin).Seconds())
}

func (b *builder) table(n int, c Call) {
	l := &c.Ladder
	b.element("h2", "", "All rows of "+c.Title)
	b.raw(fmt.Sprintf(`<p class="soft" data-count="%d">%d rows</p><div class="scroll"><table class="rows" data-call="%d"><thead><tr>`, n, len(l.Rows), n))
	for i, head := range []string{"#", "seconds", "from", "what", "text", "bytes", "wrong"} {
		kind := ""
		if i == 0 || head == "seconds" || head == "bytes" {
			kind = ` data-kind="number"`
		}
		b.raw("<th" + kind + "><button>" + head + "</button></th>")
	}
	b.raw("</tr></thead><tbody>")
	for i := range l.Rows {
		r := &l.Rows[i]
		b.raw(fmt.Sprintf(`<tr class="%s" data-i="%d">`, r.classes(), i))
		place := r.Pos.String()
		if place == "" {
			place = fmt.Sprint(i + 1)
		}
		b.element("td", "num", place)
		b.element("td", "num", l.clock(r.Time))
		b.element("td", "", r.from())
		b.element("td", "", r.Group)
		b.element("td", "mono text", r.Text)
		size := ""
		if r.Bytes > 0 {
			size = fmt.Sprint(r.Bytes)
		} else if r.Hex != "" {
			size = fmt.Sprint(len(r.Hex) / 2)
		}
		b.element("td", "num", size)
		b.element("td", "", strings.Join(r.Wrong, "; "))
		b.raw("</tr>")
	}
	b.raw("</tbody></table></div>")
}

func (r *Row) from() string {
	switch {
	case !r.Arrow:
		return ""
	case r.Dir == 0:
		return "host"
	}
	return "modem"
}

// rowData is what the script knows of a row.
type rowData struct {
	Label   string   `json:"label"`
	Text    string   `json:"text"`
	Group   string   `json:"group"`
	Box     string   `json:"box"`
	Time    string   `json:"time,omitempty"`
	Pos     string   `json:"pos,omitempty"`
	Dir     string   `json:"dir,omitempty"`
	Sent    bool     `json:"sent,omitempty"`
	Hex     string   `json:"hex,omitempty"`
	Again   int      `json:"again,omitempty"`
	Refusal bool     `json:"refusal,omitempty"`
	Wrong   []string `json:"wrong,omitempty"`
	Pins    []int    `json:"pins,omitempty"`
}

// data writes the rows for the script. encoding/json escapes <, > and &, so that nothing in it can end the element.
func (b *builder) data(calls []Call) error {
	all := make([][]rowData, len(calls))
	for n, c := range calls {
		all[n] = []rowData{}
		for i := range c.Ladder.Rows {
			r := &c.Ladder.Rows[i]
			d := rowData{
				Label: r.label(), Text: r.Text, Group: r.Group, Box: boxOf(r.Group), Pos: r.Pos.String(), Sent: r.Arrow && r.Dir == 0,
				Hex: r.Hex, Again: r.Again, Refusal: r.Refusal, Wrong: r.Wrong, Pins: r.Pins,
			}
			if clock := c.Ladder.clock(r.Time); clock != "" {
				d.Time = clock + " s"
			}
			if r.Arrow {
				d.Dir = "from the " + r.from()
			}
			all[n] = append(all[n], d)
		}
	}
	out, err := json.Marshal(all)
	if err != nil {
		return err
	}
	b.Write(out)
	return nil
}

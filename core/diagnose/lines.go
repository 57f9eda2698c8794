package diagnose

import (
	"embed"
	"fmt"
	"path"
	"strings"
	"sync"

	"github.com/pelletier/go-toml/v2"
)

// A rule over lines of a log is data: one file in the directory rules, named by the rule's id. A line that matches names
// the cause by itself; what needs more than lines is a rule in Go.
//
//go:embed rules/*.toml
var lineFiles embed.FS

// lineRule is one file of the directory rules.
type lineRule struct {
	ID         string   `toml:"-"`
	Category   string   `toml:"category"` // of the corpus's categories, "" where none fits
	Stage      string   `toml:"stage"`    // where it ranks among causes that are as sure: port, dial, lcp, auth, ipcp or data
	Confidence string   `toml:"confidence"`
	When       string   `toml:"when"` // "failed": only where no link came up; "first": nor in an attempt before; "silent": nor did anything answer PPP; "refused": as "failed", and only possible where the authentication succeeded; "up": only where one did; "" or "always"
	Title      string   `toml:"title"`
	Meaning    string   `toml:"meaning"`
	Cure       []string `toml:"cure"`
	Page       string   `toml:"page"` // more for its page in docs/findings
	Lines      []struct {
		Text    string `toml:"text"`    // matched without case, one blank between words; * is any text
		Program string `toml:"program"` // where the text alone could be anybody's: the program that must have written it
		Except  string `toml:"except"`  // a line that looks alike and means something else
		Meaning string `toml:"meaning"` // what this line says beyond the rule's meaning
	} `toml:"line"`
	Example  []string `toml:"example"`   // lines of a log that it must judge
	NearMiss []string `toml:"near_miss"` // lines that look alike and that it must not judge
}

// stages are the values of Stage in the order of a call.
var stages = []string{"port", "dial", "lcp", "auth", "ipcp", "data"}

// lineRules reads the rules when the first line of a log comes: a live link never needs them.
var lineRules = sync.OnceValue(func() []lineRule {
	all, err := readLineRules()
	if err != nil {
		panic("diagnose: " + err.Error()) // the files are compiled in; a test reads them all
	}
	return all
})

func readLineRules() ([]lineRule, error) {
	entries, err := lineFiles.ReadDir("rules")
	if err != nil {
		return nil, fmt.Errorf("rules: %w", err)
	}
	var all []lineRule
	for _, e := range entries {
		text, err := lineFiles.ReadFile(path.Join("rules", e.Name()))
		if err != nil {
			return nil, fmt.Errorf("rules: %w", err)
		}
		r := lineRule{ID: strings.TrimSuffix(e.Name(), ".toml")}
		d := toml.NewDecoder(strings.NewReader(string(text))).DisallowUnknownFields()
		if err := d.Decode(&r); err != nil {
			return nil, fmt.Errorf("rules/%s: %w", e.Name(), err)
		}
		for i := range r.Lines {
			r.Lines[i].Text = strings.ToLower(r.Lines[i].Text)
			r.Lines[i].Except = strings.ToLower(r.Lines[i].Except)
		}
		all = append(all, r)
	}
	return all, nil
}

// maxHitLines is how many lines a data rule keeps as evidence.
const maxHitLines = 3

// matchLines lets the data rules alone see a line. s is the line as words gives it.
func (h *history) matchLines(s, line string) {
	allWatches().seen(s, func(w *watch) {
		if w.fact == nil {
			h.hit(w, "", line)
		}
	})
}

// hit files a line that a data rule knows.
func (h *history) hit(w *watch, program, line string) {
	l := &lineRules()[w.rule].Lines[w.line]
	if l.Program != "" && program != "" && !strings.EqualFold(l.Program, program) {
		return
	}
	h.log.known++
	if h.log.hits == nil {
		h.log.hits = map[int]*lineHit{}
	}
	hit := h.log.hits[w.rule]
	if hit == nil {
		hit = &lineHit{meaning: l.Meaning}
		h.log.hits[w.rule] = hit
	}
	if n := len(hit.evidence); n < maxHitLines && (n == 0 || hit.evidence[n-1] != line) {
		hit.evidence = append(hit.evidence, line)
	}
}

// lineFindings gives what the data rules of a stage say.
func (h *history) lineFindings(stage string) []judged {
	if len(h.log.hits) == 0 {
		return nil
	}
	var out []judged
	for i, r := range lineRules() {
		hit := h.log.hits[i]
		if hit == nil || r.Stage != stage || (r.When == "failed" || r.When == "refused") && h.up != nil || r.When == "first" && (h.up != nil || h.log.wasUp) || r.When == "silent" && (h.up != nil || h.lcp.rcvd > 0 || h.auth.started()) || r.When == "up" && h.up == nil {
			continue
		}
		c := confidenceOf(r.Confidence)
		if r.When == "refused" && h.auth.success != "" && h.lcp.terminated == "" {
			c = possible
		}
		f := is(c, hit.evidence...)
		f.meaning = hit.meaning
		out = append(out, finding(rule{id: r.ID, category: r.Category, title: r.Title, meaning: r.Meaning, cure: r.Cure}, f))
	}
	return out
}

func confidenceOf(word string) confidence {
	for c := possible; c <= certain; c++ {
		if c.String() == word {
			return c
		}
	}
	return 0
}
